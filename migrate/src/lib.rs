//! Bringing mail over from other servers, with all that clients have noted of it: UIDVALIDITY, UIDs, flags, keywords,
//! dates, POP3 unique-ids, subscriptions. No client downloads anything twice.
//!
//! [`Source`] -> [`transfer`] -> [`Sink`] -> [`receive`] -> store. The source is read by whoever runs the command; the
//! sink is the store itself or the running server.
//!
//! Rules that hold everywhere:
//! - The old server's files are read, never changed.
//! - It may stop at any moment and be run again: what is there already is not brought again.
//! - Nothing is left out silently: the report names every message that was refused and why, and what was written is read
//!   back and compared.

mod item;
mod maildir;
mod mbox;
mod octets;
pub mod receive;
mod report;
mod sink;
mod source;
mod transfer;

pub use item::{Batch, Held, Item, Meta, Numbers, Opened, Opening, Put};
pub use maildir::{Maildir, UidlFormat};
pub use mbox::Mbox;
pub use report::{MailboxReport, Refused, Report};
pub use sink::{Direct, Sink};
pub use source::{Listed, Mailbox, Message, Source};
pub use transfer::{PARCEL_LIMIT, Progress, Wishes, transfer};

/// Names the thing, the reason and the remedy.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// What the old server left cannot be read.
    #[error("{0}")]
    Source(String),
    /// What is to be written cannot be written.
    #[error("{0}")]
    Sink(String),
}

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        Error::Sink(error.to_string())
    }
}
