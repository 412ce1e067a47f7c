//! Why a command was refused or a session ended, and the one place where a store error is given its answer.

use common::auth::AuthError;
use common::limits::Refused;
use common::session::End;
use common::stream::StreamError;

use crate::text::Text;

pub(crate) type Result<T> = std::result::Result<T, Error>;

#[derive(Debug)]
pub(crate) enum Error {
    /// `-ERR`; the session goes on.
    Refused { code: Option<Code>, text: Text },
    /// As [`Error::Refused`], for what the administrator must know: the source goes to the log, not to the client.
    Store { code: Code, text: Text, source: store::Error },
    /// No command, or a broken one: `-ERR`, and counted.
    Syntax(Text),
    /// `-ERR`, then the connection is closed.
    Close { code: Option<Code>, text: Text },
    /// The connection is gone, or is to be closed without a word.
    Stream(StreamError),
    /// The message could not be read to its end after part of it was sent: only closing tells the client.
    Truncated(store::Error),
}

/// RFC 2449 section 8, RFC 3206 section 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Auth,
    LoginDelay,
    SysTemp,
    SysPerm,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Auth => "[AUTH]",
            Code::LoginDelay => "[LOGIN-DELAY]",
            Code::SysTemp => "[SYS/TEMP]",
            Code::SysPerm => "[SYS/PERM]",
        }
    }
}

impl Error {
    pub fn refused(text: Text) -> Error {
        Error::Refused { code: None, text }
    }

    pub fn coded(code: Code, text: Text) -> Error {
        Error::Refused { code: Some(code), text }
    }
}

impl From<StreamError> for Error {
    fn from(error: StreamError) -> Error {
        Error::Stream(error)
    }
}

impl From<End> for Error {
    /// The server goes down, or an administrator ends the session.
    fn from(end: End) -> Error {
        let text = match end {
            End::Shutdown => Text::ShuttingDown,
            End::Kicked => Text::Kicked,
        };
        Error::Close { code: Some(Code::SysTemp), text }
    }
}

impl From<store::Error> for Error {
    fn from(source: store::Error) -> Error {
        use store::Error as E;
        let (code, text) = match &source {
            E::Expunged => return Error::refused(Text::Expunged),
            E::NoSuchAccount(_) | E::NoSuchMailbox(_) => (Code::SysPerm, Text::NoMaildrop),
            E::AccountExists(_)
            | E::MailboxExists(_)
            | E::InvalidName(_)
            | E::OverQuota(_)
            | E::TooLarge { .. }
            | E::InvalidMessage(_)
            | E::Limit(_) => (Code::SysPerm, Text::Fault),
            E::DiskFull(_) | E::NewerFormat(_) | E::Damaged(_) | E::Unavailable(_) => {
                (Code::SysTemp, Text::StoreUnavailable)
            }
            E::ShuttingDown => (Code::SysTemp, Text::ShuttingDown),
        };
        Error::Store { code, text, source }
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Error {
        match error {
            // RFC 3206 section 4: AUTH is for credentials that are wrong, expired or used in violation of policy.
            AuthError::Failed | AuthError::NotAuthorized => {
                Error::coded(Code::Auth, Text::AuthenticationFailed)
            }
            AuthError::Expired => Error::coded(Code::Auth, Text::CredentialsExpired),
            AuthError::EncryptionNeeded => Error::coded(Code::Auth, Text::EncryptionNeeded),
            // The password is right: a client that asked for another one would mislead its user.
            AuthError::Disabled(_) => Error::coded(Code::SysPerm, Text::AccountDisabled),
            AuthError::LockedOut { .. } => Error::coded(Code::SysTemp, Text::LockedOut),
            AuthError::Unavailable => Error::coded(Code::SysTemp, Text::StoreUnavailable),
            AuthError::UnknownMechanism => Error::refused(Text::UnknownMechanism),
            AuthError::Malformed(_) => Error::refused(Text::MalformedResponse),
            AuthError::Cancelled => Error::refused(Text::AuthenticationCancelled),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        let text = match refused {
            Refused::Account => Text::TooManySessions,
            Refused::Server | Refused::Address | Refused::Rate => Text::TooManyConnections,
        };
        Error::coded(Code::SysTemp, text)
    }
}
