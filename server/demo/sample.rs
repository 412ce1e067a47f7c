//! The demo's accounts and their mail.

use anyhow::Result;
use store::{Account, AccountName, DateTime, Flags, Keyword, MailboxName, NewMessage, Store};

use super::{PASSWORD, thread};
use common::time;

pub const ACCOUNTS: [&str; 3] = [ALICE, BOB, PUBLIC];

const ALICE: &str = "alice@example.test";
const BOB: &str = "bob@example.test";
const PUBLIC: &str = "public";

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

const NEW: Flags = Flags(0);
const SEEN: Flags = Flags::SEEN;
const ANSWERED: Flags = Flags(Flags::SEEN.0 | Flags::ANSWERED.0);
const FLAGGED: Flags = Flags(Flags::SEEN.0 | Flags::FLAGGED.0);
const DRAFT: Flags = Flags(Flags::SEEN.0 | Flags::DRAFT.0);

/// A message and where it goes.
pub struct Sample {
    pub account: &'static str,
    pub mailbox: &'static str,
    /// How old it is, in seconds.
    pub age: i64,
    pub flags: Flags,
    pub keywords: &'static [&'static str],
    /// `@DATE@` in it becomes its date.
    pub octets: Vec<u8>,
}

macro_rules! mail {
    ($account:expr, $mailbox:expr, $age:expr, $flags:expr, $file:literal) => {
        mail!($account, $mailbox, $age, $flags, $file, [])
    };
    ($account:expr, $mailbox:expr, $age:expr, $flags:expr, $file:literal, $keywords:expr) => {
        Sample {
            account: $account,
            mailbox: $mailbox,
            age: $age,
            flags: $flags,
            keywords: &$keywords,
            octets: include_bytes!(concat!("mail/", $file, ".eml")).to_vec(),
        }
    };
}

fn samples() -> Vec<Sample> {
    let mut samples = vec![
        mail!(ALICE, "Archive", 39 * DAY, SEEN, "chinese"),
        mail!(ALICE, "Archive", 33 * DAY, FLAGGED, "russian", ["$Important"]),
        mail!(ALICE, "INBOX", 27 * DAY, SEEN, "bounce"),
        mail!(ALICE, "INBOX", 21 * DAY, ANSWERED, "invoice", ["$Label1"]),
        mail!(ALICE, "INBOX", 19 * DAY, SEEN, "japanese"),
        mail!(ALICE, "INBOX", 16 * DAY, SEEN, "arabic"),
        mail!(ALICE, "INBOX", 15 * DAY, SEEN, "hebrew"),
        mail!(ALICE, "INBOX", 12 * DAY, FLAGGED, "picture"),
        mail!(ALICE, "INBOX", 9 * DAY, ANSWERED, "flowed"),
        mail!(ALICE, "INBOX", 6 * DAY, SEEN, "forwarded", ["$Forwarded"]),
        mail!(ALICE, "INBOX", 5 * DAY, SEEN, "invitation"),
        mail!(ALICE, "INBOX", 2 * DAY, NEW, "newsletter"),
        mail!(ALICE, "INBOX", 30 * HOUR, NEW, "digest"),
        mail!(ALICE, "INBOX", 5 * HOUR, NEW, "emoji"),
        mail!(ALICE, "INBOX", 60, NEW, "welcome"),
        mail!(ALICE, "Drafts", 8 * DAY, DRAFT, "draft"),
        mail!(ALICE, "Junk", 3 * DAY, NEW, "spam", ["$Junk"]),
        mail!(ALICE, "Trash", 17 * DAY, SEEN, "newsletter"),
        mail!(BOB, "INBOX", 21 * DAY, SEEN, "invoice"),
        mail!(BOB, "INBOX", 5 * HOUR, NEW, "emoji"),
        mail!(BOB, "Sent", 6 * DAY, SEEN, "forwarded"),
        mail!(BOB, "Sent", 5 * DAY, SEEN, "invitation"),
        mail!(PUBLIC, "INBOX", 40 * DAY, SEEN, "announcement"),
        mail!(PUBLIC, "Announcements", 40 * DAY, SEEN, "announcement"),
        mail!(PUBLIC, "Announcements", 4 * DAY, NEW, "maintenance"),
        mail!(PUBLIC, "Projects/Harbour", 4 * DAY, NEW, "minutes"),
    ];
    samples.extend(thread::messages(ALICE, "Lists/Boats"));
    samples.push(thread::large(ALICE, "INBOX"));
    samples
}

/// Makes the accounts and their mail. Blocks.
pub fn fill(store: &Store) -> Result<()> {
    let hash = common::password::hash(PASSWORD);
    let mut accounts = vec![];
    for name in ACCOUNTS {
        accounts.push((AccountName::new(name)?, Some(hash.clone())));
    }
    for (added, name) in store.directory().add(accounts)?.into_iter().zip(ACCOUNTS) {
        match added {
            // The account of the public mailboxes is made when the server starts.
            Err(store::Error::AccountExists(_)) => {
                let password = &mut |record: &mut store::AccountRecord| record.password = Some(hash.clone());
                store.directory().update(&AccountName::new(name)?, password)?;
            }
            other => drop(other?),
        }
    }
    // Somebody has to see the web page.
    store.directory().update(&AccountName::new(ACCOUNTS[0])?, &mut |record| record.administrator = true)?;
    let mut samples = samples();
    // Mail arrives in the order of its dates, and UIDs follow that order.
    samples.sort_by_key(|sample| -sample.age);
    for sample in samples {
        let account = store.account(&AccountName::new(sample.account)?)?;
        append(store, &account, sample)?;
    }
    Ok(())
}

fn append(store: &Store, account: &Account, sample: Sample) -> Result<()> {
    let name = MailboxName::new(sample.mailbox)?;
    if let Err(store::Error::NoSuchMailbox(_)) = account.mailbox(&name) {
        account.create(&name, None).wait()?;
        account.subscribe(&name, true).wait()?;
    }
    let seconds = time::now() - sample.age;
    let message = NewMessage {
        staged: {
            let mut spool = store.spool();
            spool.write(&dated(&sample.octets, &time::rfc5322(seconds)))?;
            store.stage(spool)?
        },
        trace: trace(&sample, seconds).into(),
        flags: sample.flags,
        keywords: sample.keywords.iter().map(|keyword| Keyword((*keyword).into())).collect(),
        internal_date: Some(DateTime { seconds, offset: 0 }),
    };
    account.mailbox(&name)?.append(vec![message]).wait()?;
    Ok(())
}

/// As delivery writes it; nothing for what a user stored there.
fn trace(sample: &Sample, seconds: i64) -> String {
    if matches!(sample.mailbox, "Drafts" | "Sent") {
        return String::new();
    }
    let (account, date) = (sample.account, time::rfc5322(seconds));
    format!(
        "Delivered-To: {account}\r\nReceived: from mx.example.test (mx.example.test [192.0.2.25])\r\n\tby mail.example.test with LMTP\r\n\tfor <{account}>; {date}\r\n"
    )
}

fn dated(octets: &[u8], date: &str) -> Vec<u8> {
    const MARK: &[u8] = b"@DATE@";
    match octets.windows(MARK.len()).position(|window| window == MARK) {
        Some(at) => [&octets[..at], date.as_bytes(), &octets[at + MARK.len()..]].concat(),
        None => octets.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_has_a_date_to_fill_in() {
        for sample in samples() {
            let text = String::from_utf8_lossy(&sample.octets).into_owned();
            let subject =
                text.lines().find(|line| line.starts_with("Subject:")).unwrap_or_default().to_owned();
            assert!(text.contains("\nDate: @DATE@\n"), "{subject}");
            assert!(!dated(&sample.octets, "x").windows(6).any(|window| window == b"@DATE@"), "{subject}");
        }
    }

    #[test]
    fn the_mail_is_as_varied_as_promised() {
        let samples = samples();
        let all: Vec<String> =
            samples.iter().map(|sample| String::from_utf8_lossy(&sample.octets).into_owned()).collect();
        for shape in [
            "format=flowed",
            "multipart/alternative",
            "multipart/related",
            "multipart/digest",
            "multipart/report",
            "message/rfc822",
            "image/png",
            "application/pdf",
            "ISO-2022-JP",
            "charset=GBK",
            "koi8-r",
            "List-Id:",
            "References:",
        ] {
            assert!(all.iter().any(|text| text.contains(shape)), "no {shape}");
        }
        assert!(samples.iter().any(|sample| sample.octets.len() > 2 << 20));
    }
}
