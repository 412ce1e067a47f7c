//! POP3 (RFC 1939) with CAPA, STLS, SASL, PIPELINING, RESP-CODES, UTF8 and LANG, on the INBOX of an account.
//!
//! Rules that hold everywhere:
//! - The session alone writes status lines; commands return a [`reply::Reply`] or an [`error::Error`].
//! - Message numbers, sizes and unique-ids are those of the login and never change within a session.
//! - Nothing is deleted unless QUIT came: a connection that breaks, times out or is ended deletes nothing.
//! - A fault of the store is `[SYS/TEMP]`, never "wrong password".
//!
//! RETR, from socket to store: `Session::run` -> row of `COMMANDS` -> `transaction::retr` -> `Maildrop::message` ->
//! `Message::body` -> `download::send`.

mod authorization;
mod command;
mod delay;
mod dot;
mod download;
mod error;
mod maildrop;
mod moved;
mod reply;
mod session;
mod surrogate;
#[cfg(test)]
mod tests;
mod text;
mod transaction;

use std::time::Duration;

use common::session::Shared;
use store::{Pop3Delete, Store};

pub use delay::LoginDelay;
pub use session::serve;
pub use text::Language;

/// Settings of the POP3 service.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the greeting says after `+OK`; a site may hide product and version here.
    pub greeting: String,
    /// The text of the IMPLEMENTATION capability (RFC 2449 section 6.9); `None` hides it.
    pub implementation: Option<String>,
    /// The language of texts until LANG chooses another, and what `LANG *` means (RFC 6856 section 3).
    pub language: Language,
    /// How long a client may wait before it has logged in.
    pub login_timeout: Duration,
    /// The autologout timer. RFC 1939 section 3 wants at least 10 minutes; less is raised to that.
    pub idle_timeout: Duration,
    /// The least time between two logins of an account; `None`: no such limit.
    pub login_delay: Option<LoginDelay>,
    /// What EXPIRE announces about messages that are left on the server.
    pub expire: Expire,
    /// What becomes of messages that DELE marked, at QUIT, where the account has nothing else.
    pub delete: Pop3Delete,
    /// Whether RETR sets \Seen, so that IMAP sessions show the message as read, where the account has nothing else.
    pub retr_sets_seen: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            greeting: "Restante POP3 server ready".to_owned(),
            implementation: Some(concat!("Restante-", env!("CARGO_PKG_VERSION")).to_owned()),
            language: Language::English,
            login_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(600),
            login_delay: None,
            expire: Expire::Never,
            delete: Pop3Delete::Expunge,
            retr_sets_seen: false,
        }
    }
}

/// RFC 2449 section 6.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expire {
    Never,
    /// The site removes messages so many days after they were retrieved or delivered; 0: at once.
    Days(u32),
}

/// Everything that a session needs.
pub struct Service {
    pub shared: Shared,
    pub store: Store,
    pub options: Options,
}
