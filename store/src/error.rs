//! What can go wrong in the store. Protocol crates match it without a wildcard, so a new error must be given an answer.

/// The result of everything in the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// `Clone`, because one failed commit answers every verb of its batch.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("no account {0}")]
    NoSuchAccount(String),
    #[error("account {0} exists already")]
    AccountExists(String),
    #[error("no mailbox {0}")]
    NoSuchMailbox(String),
    #[error("mailbox {0} exists already")]
    MailboxExists(String),
    /// A name that no mailbox or account may have, or INBOX where it may not stand; the text says why.
    #[error("{0}")]
    InvalidName(String),
    /// Over the account's limit of bytes or messages.
    #[error("over quota: {0}")]
    OverQuota(String),
    /// Larger than a message may be.
    #[error("message of {size} octets is larger than the limit of {limit}")]
    TooLarge { size: u64, limit: u64 },
    /// The content cannot be stored as mail: it contains NUL.
    #[error("{0}")]
    InvalidMessage(String),
    /// A mailbox has 128 keywords already; mailboxes per account; or another fixed limit.
    #[error("limit reached: {0}")]
    Limit(String),
    /// The message was expunged meanwhile.
    #[error("message has been expunged")]
    Expunged,
    /// No space left on the device: nothing was stored.
    #[error("disk full: {0}")]
    DiskFull(String),
    /// The data directory was written by a newer version.
    #[error("{0}")]
    NewerFormat(String),
    /// Stored data fails its checksum or cannot be read; `restante check` tells more.
    #[error("damaged: {0}")]
    Damaged(String),
    /// Anything else that is wrong with the disk or the database.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// The store is closing.
    #[error("store is shutting down")]
    ShuttingDown,
}

impl Error {
    /// The verb was refused after it looked and before it changed anything.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Error::NoSuchAccount(_)
            | Error::AccountExists(_)
            | Error::NoSuchMailbox(_)
            | Error::MailboxExists(_)
            | Error::InvalidName(_)
            | Error::OverQuota(_)
            | Error::TooLarge { .. }
            | Error::InvalidMessage(_)
            | Error::Limit(_)
            | Error::Expunged => true,
            Error::DiskFull(_)
            | Error::NewerFormat(_)
            | Error::Damaged(_)
            | Error::Unavailable(_)
            | Error::ShuttingDown => false,
        }
    }
}
