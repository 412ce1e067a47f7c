//! `[store]`

use std::time::Duration;

use crate::nearest::nearest;
use crate::reader::Reader;

/// How mail is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    pub shards: u16,
    pub retain_expunged: Duration,
    /// zstd level; 0: none.
    pub compression: i32,
    pub new_account_mailboxes: Vec<NewMailbox>,
}

/// A mailbox of a new account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMailbox {
    pub name: String,
    pub special_use: Option<SpecialUse>,
}

/// RFC 6154 section 2, RFC 8457 section 3, RFC 9979.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialUse {
    All,
    Archive,
    Drafts,
    Flagged,
    Important,
    Junk,
    Memos,
    Scheduled,
    Sent,
    Snoozed,
    Trash,
}

const SPECIAL_USES: [(&str, SpecialUse); 11] = [
    ("All", SpecialUse::All),
    ("Archive", SpecialUse::Archive),
    ("Drafts", SpecialUse::Drafts),
    ("Flagged", SpecialUse::Flagged),
    ("Important", SpecialUse::Important),
    ("Junk", SpecialUse::Junk),
    ("Memos", SpecialUse::Memos),
    ("Scheduled", SpecialUse::Scheduled),
    ("Sent", SpecialUse::Sent),
    ("Snoozed", SpecialUse::Snoozed),
    ("Trash", SpecialUse::Trash),
];

impl Store {
    pub(super) fn read(reader: &mut Reader) -> Store {
        Store {
            shards: u16::try_from(reader.number("store.shards", 1, 256)).unwrap_or(1),
            retain_expunged: reader.duration("store.retain_expunged", 0),
            compression: i32::try_from(reader.number("store.compression", 0, 19)).unwrap_or(1),
            new_account_mailboxes: mailboxes(reader),
        }
    }
}

fn mailboxes(reader: &mut Reader) -> Vec<NewMailbox> {
    let key = "store.new_account_mailboxes";
    let mailboxes = reader.list(key, mailbox);
    for (index, mailbox) in mailboxes.iter().enumerate() {
        let before = &mailboxes[..index];
        if before.iter().any(|other| other.name == mailbox.name) {
            reader.problem(key, format!("{:?} is there twice", mailbox.name));
        }
        if mailbox.special_use.is_some()
            && before.iter().any(|other| other.special_use == mailbox.special_use)
        {
            reader.problem(
                key,
                format!("the special use of {:?} is given to another mailbox too", mailbox.name),
            );
        }
    }
    mailboxes
}

/// `name` or `name:SpecialUse`.
fn mailbox(text: &str) -> Result<NewMailbox, String> {
    let (name, word) = text.rsplit_once(':').unwrap_or((text, ""));
    let fits =
        |level: &str| !level.is_empty() && !level.contains(|c: char| c.is_control() || "%*".contains(c));
    if name.eq_ignore_ascii_case("INBOX") || !name.split('/').all(fits) || name.len() > 1000 {
        return Err(format!(
            "{name:?} cannot be a new account's mailbox; INBOX is there anyhow, and levels are parted by /"
        ));
    }
    let special_use = (!word.is_empty()).then(|| special_use(word)).transpose()?;
    Ok(NewMailbox { name: name.to_owned(), special_use })
}

fn special_use(word: &str) -> Result<SpecialUse, String> {
    let found = SPECIAL_USES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    found.map(|(_, special_use)| *special_use).ok_or_else(|| {
        let names = SPECIAL_USES.map(|(name, _)| name);
        let known = nearest(word, names).map(|near| format!("did you mean {near}?"));
        format!(
            "{word:?} is no special use; {}",
            known.unwrap_or_else(|| format!("known are {}", names.join(", ")))
        )
    })
}
