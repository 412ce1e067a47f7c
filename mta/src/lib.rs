//! Answers to the questions of the site's MTA, in the protocols that Postfix and Exim already speak: does this
//! recipient exist (socketmap), is there room for the message (policy delegation), is this password right (Dovecot's
//! protocol for authentication clients).
//!
//! Rules that hold everywhere:
//! - What is answered is what delivery would do: recipients and room are asked of the functions that LMTP asks.
//! - A fault of the store is "try again later", never "no such user".
//! - The MTA is trusted to say from where its client comes; all else that it passes on is the client's, and hostile:
//!   every line, number and list has a limit.

mod address;
mod error;
mod fields;
mod netstring;
mod policy;
mod sasl;
mod session;
mod socketmap;
#[cfg(test)]
mod tests;

use std::time::Duration;

use common::session::Shared;
use store::{MissingMailbox, Store};

pub use session::{refusal, serve};

/// Settings. What they have in common with LMTP's must be the same as there.
#[derive(Debug, Clone)]
pub struct Options {
    /// What separates user and sub-mailbox in a local part; the last one splits.
    pub separators: Vec<char>,
    pub missing_mailbox: MissingMailbox,
    /// 452 instead of 552 where there is no room.
    pub defer_over_quota: bool,
    /// The largest message, in octets; the same as the store's. 0: any.
    pub message_limit: u64,
    /// A domain that is ours although no account names it.
    pub default_domain: Option<String>,
    /// How long a connection may rest. MTAs keep theirs open and open another when they need it.
    pub timeout: Duration,
}

/// Everything that a session needs.
pub struct Service {
    pub shared: Shared,
    pub store: Store,
    pub options: Options,
}

/// What is spoken at a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// Postfix's socketmap_table(5).
    Socketmap,
    /// Postfix's SMTPD_POLICY_README.
    Policy,
    /// Dovecot's protocol for authentication clients, version 1.
    Sasl,
}

impl Interface {
    /// `socketmap`, `policy`, `sasl`
    pub fn name(self) -> &'static str {
        match self {
            Interface::Socketmap => "socketmap",
            Interface::Policy => "policy",
            Interface::Sasl => "sasl",
        }
    }
}
