//! IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) server, and the extensions.
//!
//! - [`serve`] runs one connection from the greeting to its end; it returns when the connection is closed.
//! - `command::COMMANDS` is the one table of commands, `capability::EXTENSIONS` the one of extensions.
//! - Handlers return a `Reply` or an `Error`; only the session writes tagged lines.
//! - `view` alone knows message sequence numbers.
//! - Blocking store calls go through [`common::block`]; verbs are awaited.

mod capability;
mod collation;
mod command;
mod date;
mod error;
mod fetch;
mod filters;
mod hierarchy;
mod identifier;
mod incoming;
mod input;
mod language;
mod limit;
mod metadata;
mod name;
mod notify;
mod pattern;
mod place;
mod progress;
mod quota;
mod response;
mod search;
mod seqset;
mod session;
mod sharing;
mod sort;
mod syntax;
mod thread;
mod translation;
mod updates;
mod view;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use common::stream::Stream;

pub use sharing::Sharing;

/// What all IMAP sessions of a server share.
pub struct Service {
    pub shared: common::session::Shared,
    pub store: store::Store,
    pub options: Options,
}

/// Settings of the IMAP service.
#[derive(Debug, Clone)]
pub struct Options {
    /// Text of the greeting, after the capabilities.
    pub banner: String,
    /// How long a client may be silent once it is logged in. RFC 9051 section 5.4: at least 30 minutes; less is raised to it.
    pub idle_timeout: Duration,
    /// How long a client may take, all in all, to log in.
    pub login_timeout: Duration,
    /// Octets of a command with its literals before login.
    pub command_limit_before_login: usize,
    /// Octets of a command with its literals after login; the messages of APPEND do not count.
    pub command_limit: usize,
    /// Which literals a client may send without waiting.
    pub literals: Literals,
    /// Octets of a message in APPEND: the store's message limit.
    pub append_limit: u64,
    /// Octets of one annotation's value; at least 1,024 (RFC 5464 section 4.1).
    pub metadata_value_limit: u64,
    /// What one user may keep in annotations.
    pub metadata_limits: store::MetadataLimits,
    /// How to reach the administrator: a URI; empty: not told. RFC 5464 section 3.2.1.1
    pub admin_contact: String,
    /// Where the same mail is over JMAP, printable ASCII without quotes; empty: nowhere. RFC 9698
    pub jmap_url: String,
    /// How deep parentheses (and NOT, OR in SEARCH) may nest.
    pub nesting_limit: usize,
    /// Keywords in one command.
    pub keyword_limit: usize,
    /// Commands answered BAD after which the connection is closed before login.
    pub bad_limit_before_login: u32,
    /// The same after login, where only those in a row count.
    pub bad_limit: u32,
    /// Messages that one command may be about (RFC 9738); 0: any number, and no capability that speaks of it.
    pub message_limit: u32,
    /// Messages that one COPY or APPEND may save; 0 the same.
    pub save_limit: u32,
    /// Public and shared mailboxes.
    pub sharing: Sharing,
    /// How often the client of a long command is told that it goes on. RFC 9585
    pub progress_interval: Duration,
}

/// Non-synchronizing literals. RFC 7888
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Literals {
    /// Of any size: LITERAL+.
    Plus,
    /// Up to 4096 octets: LITERAL-.
    Minus,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            banner: "Restante ready.".into(),
            idle_timeout: Duration::from_secs(31 * 60),
            login_timeout: Duration::from_secs(60),
            command_limit_before_login: 8 * 1024,
            command_limit: 64 * 1024,
            literals: Literals::Plus,
            append_limit: 64 * 1024 * 1024,
            metadata_value_limit: 16 * 1024,
            metadata_limits: store::MetadataLimits { entries: 2000, octets: 4 << 20 },
            admin_contact: String::new(),
            jmap_url: String::new(),
            nesting_limit: 20,
            keyword_limit: 128,
            bad_limit_before_login: 30,
            bad_limit: 100,
            message_limit: 0,
            save_limit: 0,
            sharing: Sharing::default(),
            progress_interval: Duration::from_secs(10),
        }
    }
}

/// Runs one connection, greeting to close. Whatever goes wrong is answered to the client and logged; nothing comes back.
pub async fn serve(stream: Stream, service: Arc<Service>) {
    session::Session::new(stream, service).run().await;
}
