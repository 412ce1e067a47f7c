//! `[lmtp]`

use std::path::Path;
use std::time::Duration;

use super::{AUTO, banner, show_list};
use crate::Listen;
use crate::profile::Profile;
use crate::reader::Reader;

/// Where mail comes in and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lmtp {
    pub listen: Vec<Listen>,
    pub banner: String,
    /// Characters that part user and mailbox.
    pub separators: String,
    pub missing_mailbox: MissingMailbox,
    pub over_quota: OverQuota,
    /// Of one message.
    pub recipients: usize,
    pub idle_timeout: Duration,
}

/// What happens to mail for `user+nosuch`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MissingMailbox {
    #[default]
    Inbox,
    Create,
    Refuse,
}

/// What the MTA hears when the recipient is over quota.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OverQuota {
    #[default]
    Refuse,
    Defer,
}

const OVER_QUOTA: [(&str, OverQuota); 2] = [("refuse", OverQuota::Refuse), ("defer", OverQuota::Defer)];

const MISSING_MAILBOX: [(&str, MissingMailbox); 3] = [
    ("inbox", MissingMailbox::Inbox),
    ("create", MissingMailbox::Create),
    ("refuse", MissingMailbox::Refuse),
];

impl Lmtp {
    pub(super) fn read(reader: &mut Reader, runtime_dir: &Path, profile: Profile) -> Lmtp {
        Lmtp {
            listen: listen(reader, runtime_dir, profile),
            banner: banner(reader, "lmtp.banner"),
            separators: separators(reader),
            missing_mailbox: reader.word("lmtp.missing_mailbox", &MISSING_MAILBOX),
            over_quota: reader.word("lmtp.over_quota", &OVER_QUOTA),
            recipients: usize::try_from(reader.number("lmtp.recipients", 1, 100_000)).unwrap_or(100),
            idle_timeout: reader.duration("lmtp.idle_timeout", 1),
        }
    }
}

fn listen(reader: &mut Reader, runtime_dir: &Path, profile: Profile) -> Vec<Listen> {
    let key = "lmtp.listen";
    let parse = |text: &str| match (text, profile) {
        (AUTO, Profile::System) => Listen::tcp_or_unix("unix:lmtp.sock mode=0666", runtime_dir),
        (AUTO, Profile::User) => Ok(Listen::Localhost { port: 2424 }),
        _ => Listen::tcp_or_unix(text, runtime_dir),
    };
    let listen = reader.list(key, parse);
    show_list(reader, key, &listen);
    listen
}

/// Any printable ASCII that an address's local part has without quoting (RFC 5321 `atext`) and no letter or digit.
fn separators(reader: &mut Reader) -> String {
    let key = "lmtp.separators";
    let separators = reader.text(key);
    let fits = |c: char| "!#$%&'*+-/=?^_`{|}~.".contains(c);
    if let Some(wrong) = separators.chars().find(|c| !fits(*c)) {
        reader.problem(
            key,
            format!("{wrong:?} cannot part user and mailbox; use characters such as + - _ = #"),
        );
    }
    separators
}
