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
    /// The same with a response code.
    BadCode { code: Code, text: Text },
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

    /// A message sequence number after ENABLE UIDONLY. RFC 9586 section 3.2
    pub fn uid_required() -> Error {
        Error::BadCode { code: Code::UidRequired, text: "Message numbers are off: UIDONLY is enabled".into() }
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

    /// What the client is told, or the end of the connection, for the log.
    pub fn text(&self) -> Text {
        match self {
            Error::Bad(text)
            | Error::BadCode { text, .. }
            | Error::No { text, .. }
            | Error::Bye { text, .. } => text.clone(),
            Error::Internal { source, .. } => source.clone().into(),
            Error::Closed(why) => why.to_string().into(),
        }
    }

    /// The word for the log.
    pub fn result(&self) -> &'static str {
        match self {
            Error::Bad(_) | Error::BadCode { .. } => "BAD",
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
            AuthError::NotAuthorized => Error::no(Code::AuthorizationFailed, text),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn code(error: impl Into<Error>) -> Option<Code> {
        match error.into() {
            Error::No { code, .. } | Error::Bye { code, .. } => code,
            Error::Internal { code, .. } => Some(code),
            Error::BadCode { code, .. } => Some(code),
            Error::Bad(_) | Error::Closed(_) => None,
        }
    }

    #[test]
    fn store_errors_have_the_codes_of_rfc_5530() {
        use store::Error as Store;
        let text = || String::from("x");
        for (error, expected) in [
            (Store::NoSuchMailbox(text()), Code::NonExistent),
            (Store::MailboxExists(text()), Code::AlreadyExists),
            (Store::InvalidName(text()), Code::Cannot),
            (Store::OverQuota(text()), Code::OverQuota),
            (Store::TooLarge { size: 2, limit: 1 }, Code::TooBig),
            (Store::Limit(text()), Code::Limit),
            (Store::Expunged, Code::ExpungeIssued),
            (Store::DiskFull(text()), Code::Unavailable),
            (Store::Damaged(text()), Code::Corruption),
            (Store::Unavailable(text()), Code::Unavailable),
            (Store::ShuttingDown, Code::Unavailable),
        ] {
            assert_eq!(code(error.clone()), Some(expected), "{error}");
        }
    }

    #[test]
    fn a_fault_of_the_directory_is_no_wrong_password() {
        assert_eq!(code(AuthError::Unavailable), Some(Code::Unavailable));
        assert_eq!(code(AuthError::Failed), Some(Code::AuthenticationFailed));
        assert_eq!(code(AuthError::NotAuthorized), Some(Code::AuthorizationFailed));
        assert_eq!(code(AuthError::EncryptionNeeded), Some(Code::PrivacyRequired));
        assert_eq!(code(AuthError::Expired), Some(Code::Expired));
        assert!(matches!(Error::from(AuthError::Cancelled), Error::Bad(_)));
    }

    #[test]
    fn what_the_log_gets_the_client_does_not() {
        let Error::Internal { text, source, .. } = Error::from(store::Error::Damaged("segment 7".into()))
        else {
            panic!("damage is our fault")
        };
        assert!(source.contains("segment 7") && !text.contains("segment"));
    }

    #[test]
    fn only_missing_targets_ask_for_create() {
        let missing = Error::from(store::Error::NoSuchMailbox("x".into())).or_try_create();
        assert_eq!(code(missing), Some(Code::TryCreate));
        let full = Error::from(store::Error::OverQuota("x".into())).or_try_create();
        assert_eq!(code(full), Some(Code::OverQuota));
    }
}
