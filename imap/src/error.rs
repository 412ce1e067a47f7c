//! Why a command was not done, by blame, and what the client is told.
//!
//! The mapping of the store's and of authentication's errors to response codes (RFC 5530) is here and nowhere else,
//! without wildcard arms: a new error must be given an answer.

use std::borrow::Cow;

use common::auth::AuthError;
use common::limits::Refused;
use common::stream::StreamError;

use crate::response::Code;

/// Text for the client.
pub type Text = Cow<'static, str>;

#[derive(Debug)]
pub enum Error {
    /// The client's fault: syntax, or a command that its state does not allow. `BAD`.
    Bad(Text),
    /// Understood and refused. `NO`.
    No { code: Option<Code>, text: Text },
    /// The session cannot go on. `BYE`, and the connection is closed.
    Bye { code: Option<Code>, text: Text },
    /// Our fault or the disk's. The client gets `NO` with `code` and `text`, the log gets `source`.
    Internal { code: Code, text: Text, source: String },
    /// The connection is gone: there is nobody to answer.
    Closed(StreamError),
}

impl Error {
    pub fn bad(text: impl Into<Text>) -> Error {
        Error::Bad(text.into())
    }

    pub fn no(code: Code, text: impl Into<Text>) -> Error {
        Error::No { code: Some(code), text: text.into() }
    }

    pub fn bye(text: impl Into<Text>) -> Error {
        Error::Bye { code: None, text: text.into() }
    }

    /// An invariant of ours does not hold.
    pub fn bug(source: impl Into<String>) -> Error {
        Error::Internal { code: Code::ServerBug, text: "Internal error".into(), source: source.into() }
    }

    /// COPY, MOVE and APPEND tell that CREATE would help (RFC 9051 section 6.3.12).
    pub fn or_try_create(self) -> Error {
        match self {
            Error::No { code: Some(Code::NonExistent), text } => Error::no(Code::TryCreate, text),
            other => other,
        }
    }

    /// The word for the log.
    pub fn result(&self) -> &'static str {
        match self {
            Error::Bad(_) => "BAD",
            Error::No { .. } | Error::Internal { .. } => "NO",
            Error::Bye { .. } => "BYE",
            Error::Closed(_) => "closed",
        }
    }
}

impl From<store::Error> for Error {
    // RFC 5530 section 3
    fn from(error: store::Error) -> Error {
        use store::Error as Store;
        let text = error.to_string();
        match error {
            Store::NoSuchMailbox(_) => Error::no(Code::NonExistent, text),
            Store::MailboxExists(_) => Error::no(Code::AlreadyExists, text),
            Store::InvalidName(_) | Store::InvalidMessage(_) => Error::no(Code::Cannot, text),
            Store::OverQuota(_) => Error::no(Code::OverQuota, text),
            // RFC 4469 section 4.2
            Store::TooLarge { .. } => Error::no(Code::TooBig, text),
            Store::Limit(_) => Error::no(Code::Limit, text),
            Store::Expunged => Error::no(Code::ExpungeIssued, text),
            Store::NoSuchAccount(_) => Error::bye("This account no longer exists; ask the administrator"),
            Store::ShuttingDown => {
                Error::Bye { code: Some(Code::Unavailable), text: "Server is shutting down".into() }
            }
            Store::DiskFull(_) => {
                fault(Code::Unavailable, "Disk full, nothing was stored; try again later", text)
            }
            Store::Damaged(_) => {
                fault(Code::Corruption, "Stored data is damaged; ask the administrator", text)
            }
            Store::Unavailable(_) => fault(Code::Unavailable, "Store unavailable, try again later", text),
            Store::AccountExists(_) | Store::NewerFormat(_) => fault(Code::ServerBug, "Internal error", text),
        }
    }
}

fn fault(code: Code, text: &'static str, source: String) -> Error {
    Error::Internal { code, text: text.into(), source }
}

impl From<AuthError> for Error {
    // RFC 5530 section 3
    fn from(error: AuthError) -> Error {
        let text = error.to_string();
        match error {
            AuthError::Failed => Error::no(Code::AuthenticationFailed, text),
            AuthError::Expired => Error::no(Code::Expired, text),
            AuthError::Disabled(_) => Error::no(Code::ContactAdmin, text),
            AuthError::EncryptionNeeded => Error::no(Code::PrivacyRequired, text),
            AuthError::UnknownMechanism => Error::no(Code::Cannot, text),
            // RFC 9051 section 6.2.2: a BAD for a cancelled exchange and for what is no response
            AuthError::Malformed(_) | AuthError::Cancelled => Error::bad(text),
            AuthError::LockedOut { .. } => Error::no(Code::Limit, text),
            AuthError::Unavailable => Error::no(Code::Unavailable, text),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        Error::no(Code::Limit, refused.to_string())
    }
}

impl From<StreamError> for Error {
    fn from(error: StreamError) -> Error {
        match error {
            StreamError::LineTooLong => Error::bad("Line too long"),
            StreamError::Endless => Error::bye("Endless line"),
            StreamError::Timeout => Error::bye("Timed out waiting for the client"),
            other => Error::Closed(other),
        }
    }
}
