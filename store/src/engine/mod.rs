//! The ordered key-value interface under the verbs: get, scan, put and delete of bytes in a transaction.
//!
//! Rules:
//! - One writer at a time; any number of readers, each on the state that was committed when it began.
//! - A commit that returned `Ok` is on the disk. One that failed may or may not be: [`Engine::reopen`] and look.
//! - Keys and values are bytes; what is in them is said in `schema` alone.
//! - No type of a particular engine leaves its file.

pub(crate) mod faults;
pub(crate) mod redb;

use std::ops::ControlFlow;

use crate::{Error, Result};

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// The tables. What their keys and values are is in `schema`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Table { $($(#[$doc])* $name,)* }

        impl Table {
            pub const ALL: &[Table] = &[$(Table::$name,)*];

            pub fn name(self) -> &'static str {
                match self { $(Table::$name => $text,)* }
            }
        }
    };
}

tables! {
    Meta = "meta",
    Mailbox = "mailbox",
    MailboxName = "mailbox_name",
    DeletedMailbox = "deleted_mailbox",
    Subscription = "subscription",
    Shared = "shared",
    Message = "message",
    Flags = "flags",
    Vanished = "vanished",
    UniqueId = "uidl",
    Body = "body",
    BodyHash = "body_hash",
    BodyLocation = "body_location",
    Summary = "summary",
    Sort = "sort",
    Segment = "segment",
    Retained = "retained",
    RetainedUid = "retained_uid",
    Thread = "thread",
    Usage = "usage",
    DeletedAccount = "deleted_account",
    GramRun = "gram_run",
    GramPosting = "gram_posting",
    Metadata = "metadata",
    History = "history",
    /// In the directory's own file: what it says of itself.
    Directory = "directory",
    /// In the directory's own file: account id to its record.
    Account = "account",
    /// In the directory's own file: account name to account id.
    AccountName = "account_name",
    /// In the directory's own file: group name to its record.
    Group = "group",
    /// In the directory's own file: alias to its record.
    Alias = "alias",
    /// In the directory's own file: entry name to the value that the whole site shares (RFC 5464).
    ServerMetadata = "server_metadata",
}

/// The tables of a shard's index.
pub(crate) const SHARD: &[Table] = &[
    Table::Meta,
    Table::Mailbox,
    Table::MailboxName,
    Table::DeletedMailbox,
    Table::Subscription,
    Table::Shared,
    Table::Message,
    Table::Flags,
    Table::Vanished,
    Table::UniqueId,
    Table::Body,
    Table::BodyHash,
    Table::BodyLocation,
    Table::Summary,
    Table::Sort,
    Table::Segment,
    Table::Retained,
    Table::RetainedUid,
    Table::Thread,
    Table::Usage,
    Table::DeletedAccount,
    Table::GramRun,
    Table::GramPosting,
    Table::Metadata,
    Table::History,
];

/// Keys from `start` (with it) to `end` (without it; `None`: to the last key).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub start: Vec<u8>,
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    pub fn all() -> KeyRange {
        KeyRange { start: Vec::new(), end: None }
    }

    /// Every key that begins so.
    pub fn prefix(prefix: &[u8]) -> KeyRange {
        KeyRange { start: prefix.to_vec(), end: after_prefix(prefix) }
    }

    /// Both ends included.
    pub fn inclusive(first: &[u8], last: &[u8]) -> KeyRange {
        let mut end = last.to_vec();
        end.push(0);
        KeyRange { start: first.to_vec(), end: Some(end) }
    }

    /// Keys with this prefix that come after `key`.
    pub fn prefix_after(prefix: &[u8], key: &[u8]) -> KeyRange {
        let mut start = key.to_vec();
        start.push(0);
        KeyRange { start, end: after_prefix(prefix) }
    }

    fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }
}

/// The first key that is greater than every key with the prefix; `None` if there is none.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|octet| *octet != 0xff)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// What a scan calls with each key and value, until it breaks.
pub(crate) type Each<'a> = dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>> + 'a;

/// Reads in a transaction.
pub(crate) trait Read {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// In the order of keys.
    fn scan(&self, table: Table, range: KeyRange, each: &mut Each<'_>) -> Result<()>;
}

/// Reads and writes in a transaction, which sees its own writes.
pub(crate) trait Write: Read {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()>;
    /// A key that is not there is no error.
    fn delete(&mut self, table: Table, key: &[u8]) -> Result<()>;
}

/// What the closure of [`Engine::write`] wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Commit,
    /// Nothing was changed, or nothing of it is wanted.
    Abort,
}

/// Why [`Engine::write`] failed.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The closure returned this error; the transaction was rolled back.
    Refused(Error),
    /// The transaction did not begin: nothing was changed.
    NotBegun(Error),
    /// The commit failed, and whether it is on the disk is not known until [`Engine::reopen`].
    Unknown(Error),
}

impl WriteError {
    pub fn into_error(self) -> Error {
        match self {
            WriteError::Refused(error) | WriteError::NotBegun(error) | WriteError::Unknown(error) => error,
        }
    }
}

/// An ordered key-value store.
pub(crate) trait Engine: Send + Sync {
    fn read(&self) -> Result<Box<dyn Snapshot>>;
    /// Runs the closure in the one write transaction there is, then does what it says.
    fn write(&self, run: &mut dyn FnMut(&mut dyn Write) -> Result<Outcome>) -> Result<(), WriteError>;
    /// Called when nothing has been written for a moment: the time to make opening after a crash quick.
    fn rest(&self) -> Result<()>;
    /// Opens the files anew after an error of the disk. Readers that were made before may fail from then on.
    fn reopen(&self) -> Result<()>;
    /// Octets on the disk.
    fn size(&self) -> Result<u64>;
    /// Closes the files; everything fails afterwards.
    fn close(&self) -> Result<()>;
}

/// A read transaction.
pub(crate) trait Snapshot: Read + Send + Sync {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_one() {
        assert_eq!(KeyRange::prefix(&[1, 2]).end, Some(vec![1, 3]));
        assert_eq!(KeyRange::prefix(&[1, 0xff]).end, Some(vec![2]));
        assert_eq!(KeyRange::prefix(&[0xff, 0xff]).end, None);
        assert_eq!(KeyRange::prefix(&[]).end, None);
    }

    #[test]
    fn an_inclusive_range_has_its_last_key() {
        let range = KeyRange::inclusive(&[1], &[2]);
        assert_eq!(range.end, Some(vec![2, 0]));
        assert!(!range.is_empty());
        assert!(KeyRange::inclusive(&[3], &[2]).is_empty());
    }
}
