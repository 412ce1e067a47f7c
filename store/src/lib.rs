//! The one message store and the directory of accounts.
//!
//! Rules that hold everywhere:
//! - A verb's [`Pending`] answers only when its effect is durable (body log and database synced).
//! - A verb validates before it changes anything; a refused one leaves no trace.
//! - Changes are published in the order of commits, after the commit.
//! - No engine type shows in this API; protocol crates see the data model, never wire syntax and no sequence numbers.
//! - Calls that read block on the disk: async callers go through `common::block`.

mod account;
mod bodies;
mod body;
mod directory;
mod disk;
mod error;
mod live;
mod mailbox;
mod message;
mod normalize;
mod pending;
mod spool;
mod staged;
mod types;

use std::path::PathBuf;
use std::time::Duration;

pub use body::Body;
pub use account::{Account, Change, MailboxInfo, Usage};
pub use directory::{AccountRecord, AppPassword, Directory, LastLogin, Limits, Switches};
pub use error::{Error, Result};
pub use live::{Difference, Live, Row, State};
pub use mailbox::{Appended, Copied, Expunged, FlagsOperation, Mailbox, NewMessage, StoreFlags, Stored};
pub use message::{Message, Snapshot};
pub use pending::Pending;
pub use spool::Spool;
pub use staged::Staged;
pub use types::*;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    pub path: PathBuf,
    /// For a new store; an existing one keeps its number.
    pub shards: u16,
    /// How long expunged messages can be restored. Zero: not at all.
    pub retain_expunged: Duration,
    /// The largest message, in octets.
    pub message_limit: u64,
    /// Default limits for accounts that have none; 0 = unlimited.
    pub limits: Limits,
    /// zstd level; 0 stores bodies as they are.
    pub compression: i32,
    /// Mailboxes made with every new account beside INBOX, subscribed.
    pub new_account_mailboxes: Vec<(MailboxName, Option<SpecialUse>)>,
}

/// The store. Cheap to clone; the last clone to go closes it.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Opens or makes a store; locks its directory against a second process.
    pub fn open(options: Options) -> Result<Store> {
        let _ = options;
        unimplemented!()
    }
    pub fn directory(&self) -> &Directory {
        unimplemented!()
    }
    pub fn account(&self, name: &AccountName) -> Result<Account> {
        let _ = name;
        unimplemented!()
    }
    /// An empty spool that refuses more than the message limit.
    pub fn spool(&self) -> Spool {
        unimplemented!()
    }
    /// Normalizes, hashes, compresses and summarizes. Blocks and computes: call it through `common::block`.
    pub fn stage(&self, spool: Spool) -> Result<Staged> {
        let _ = spool;
        unimplemented!()
    }
    /// Finishes what is queued, commits for the last time, refuses what comes later.
    pub fn close(&self) -> Result<()> {
        unimplemented!()
    }
}
