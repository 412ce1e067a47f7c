//! What became of it all.

use serde::{Deserialize, Serialize};

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Nothing was changed.
    pub dry_run: bool,
    pub mailboxes: Vec<MailboxReport>,
    /// Mailboxes that were left out.
    pub refused: Vec<Refused>,
}

/// The same for one mailbox. `messages` is `imported` + `present` + `gone` + `vanished` + those in `refused`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxReport {
    pub name: String,
    /// In the source.
    pub messages: u64,
    pub imported: u64,
    /// Octets of those.
    pub bytes: u64,
    /// Were here before.
    pub present: u64,
    /// Were here once, and have been expunged here; `--again` brings them again.
    pub gone: u64,
    /// Went from the source while it was read.
    pub vanished: u64,
    /// Had octets 0, which became 0x80.
    pub altered: u64,
    /// UIDVALIDITY and UIDs are those that clients know.
    pub uids_kept: bool,
    /// Were read back and are what the source has.
    pub verified: u64,
    /// Messages that did not come over, and unique-ids that RFC 1939 does not allow.
    pub refused: Vec<Refused>,
    /// Messages that should be here and are not, or differ: a fault.
    pub wrong: Vec<String>,
}

/// What did not come over, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub what: String,
    pub reason: String,
}

impl Report {
    /// Everything that is in the source is here.
    pub fn is_whole(&self) -> bool {
        let whole = |one: &MailboxReport| one.refused.is_empty() && one.wrong.is_empty();
        self.refused.is_empty() && self.mailboxes.iter().all(whole)
    }
}
