//! LMTP (RFC 2033) with PIPELINING, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES, SIZE, CHUNKING and STARTTLS, and delivery from
//! a pipe. Mail comes from the site's MTA; nothing is relayed.
//!
//! Rules that hold everywhere:
//! - A positive reply to a message is given only when it is durable in that recipient's mailbox.
//! - A message is spooled, normalized and hashed once, however many recipients it has; what differs between them is the
//!   trace, which the store keeps beside the shared octets.
//! - The end of DATA is CRLF `.` CRLF and nothing else, so that two servers never see two different messages.
//! - The session alone writes replies; commands return an [`reply::Answer`] or an [`error::Error`].
//!
//! Delivery, from socket to store: `Session::run` -> `envelope::rcpt` (account, sub-mailbox and quota resolved here) ->
//! `data::data` (spooled once) -> `delivery::to_all` -> `Mailbox::append` -> one reply a recipient.

mod address;
mod command;
mod content;
mod data;
mod deliver;
mod delivery;
mod envelope;
mod error;
mod parameters;
mod recipient;
mod reply;
mod session;
#[cfg(test)]
mod tests;
mod trace;

use std::time::Duration;

use common::session::Shared;
use store::{MissingMailbox, Store};

pub use address::{Address, BadAddress};
pub use deliver::{Envelope, Outcome, deliver};
pub use reply::Reply;
pub use session::serve;

/// Settings of LMTP and of delivery from a pipe.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the greeting says after the host name.
    pub greeting: String,
    /// What separates user and sub-mailbox in a local part; the last one splits.
    pub separators: Vec<char>,
    /// The largest message, in octets, for SIZE; the same as the store's.
    pub message_limit: u64,
    /// How many recipients a message may have. RFC 5321 section 4.5.3.1.8 wants at least 100.
    pub recipients_limit: usize,
    /// How long to wait for the MTA. RFC 5321 section 4.5.3.2.7 wants at least 5 minutes.
    pub timeout: Duration,
    pub over_quota: OverQuota,
    pub missing_mailbox: MissingMailbox,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            greeting: "Restante LMTP server ready".to_owned(),
            separators: vec!['+'],
            message_limit: 100 << 20,
            recipients_limit: 1000,
            timeout: Duration::from_secs(300),
            over_quota: OverQuota::Refuse,
            missing_mailbox: MissingMailbox::Inbox,
        }
    }
}

/// What the MTA is told when the recipient is over quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverQuota {
    /// 552 5.2.2: the sender learns it at once.
    Refuse,
    /// 452 4.2.2: the MTA tries again for as long as it keeps mail.
    Defer,
}

/// Everything that a session needs.
pub struct Service {
    pub shared: Shared,
    pub store: Store,
    pub options: Options,
}
