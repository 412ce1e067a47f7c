//! The one message store and the directory of accounts.
//!
//! Rules that hold everywhere:
//! - A verb's [`Pending`] answers only when its effect is durable (body log and database synced).
//! - A verb validates before it changes anything; a refused one leaves no trace.
//! - Changes are published in the order of commits, after the commit.
//! - No engine type shows in this API; protocol crates see the data model, never wire syntax and no sequence numbers.
//! - Calls that read block on the disk: async callers go through `common::block`.

mod account;
mod batch;
mod bodies;
mod body;
mod budget;
mod check;
mod claims;
mod destination;
mod directory;
mod disk;
mod engine;
mod error;
mod fuzzy;
mod history;
mod index;
mod layout;
mod live;
mod lock;
mod mailbox;
mod maintenance;
mod metadata;
mod normalize;
mod pending;
mod queue;
mod registry;
mod retained;
mod schema;
mod shard;
mod shelf;
mod snapshot;
mod spool;
mod staged;
mod statistics;
mod store;
#[doc(hidden)]
pub mod testing;
mod transfer;
mod types;
mod upgrade;
mod verbs;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

pub use account::{Account, Change, MailboxInfo, Usage};
pub use body::Body;
pub use budget::{Budget, Turn};
pub use check::{CheckReport, Finding, Progress};
pub use destination::{Addressing, Destination, MissingMailbox, Target};
pub use directory::{
    AccountRecord, AliasRecord, AppPassword, Directory, GroupRecord, LastLogin, Limits, Pop3Delete,
    Pop3Policy, Switches,
};
pub use error::{Error, Result};
pub use fuzzy::{Fuzzy, FuzzyField, FuzzyHits, FuzzyQuery};
pub use history::{History, HistoryPoint};
pub use index::Query;
pub use live::{Difference, Live, Row, State};
pub use mailbox::{
    Appended, Copied, Expunged, FlagsOperation, Held, Imported, Mailbox, NewMessage, Numbers, Replaced,
    StoreFlags, Stored,
};
pub use metadata::{Metadata, MetadataLimits};
pub use normalize::content_hash;
pub use pending::Pending;
pub use retained::{RetainedId, RetainedMessage};
pub use schema::SortKeys;
pub use shelf::Shelf;
pub use snapshot::{Message, Snapshot};
pub use spool::Spool;
pub use staged::Staged;
pub use statistics::Statistics;
pub use store::Store;
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
    /// Whether there is a search index; without it a search reads every message.
    pub index: bool,
    /// Mailboxes made with every new account beside INBOX, subscribed.
    pub new_account_mailboxes: Vec<(MailboxName, Option<SpecialUse>)>,
}
