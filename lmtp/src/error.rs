//! Why a command was refused or a session ended, and the one place where a store error is given its reply.

use common::session::End;
use common::stream::StreamError;

use crate::reply::Reply;

pub(crate) type Result<T> = std::result::Result<T, Error>;

#[derive(Debug)]
pub(crate) enum Error {
    /// The session goes on.
    Refused(Reply),
    /// No command, or a broken one: the session goes on, and counts.
    Syntax(Reply),
    /// The reply, then the connection is closed.
    Close(Reply),
    /// The connection is gone.
    Stream(StreamError),
}

impl Error {
    /// RFC 5321 section 4.1.4
    pub fn sequence(text: &'static str) -> Error {
        Error::Refused(Reply::new(503, "5.5.1", text))
    }
}

impl From<Reply> for Error {
    fn from(reply: Reply) -> Error {
        Error::Refused(reply)
    }
}

impl From<StreamError> for Error {
    fn from(error: StreamError) -> Error {
        Error::Stream(error)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        Error::Refused(error.into())
    }
}

impl From<End> for Error {
    fn from(end: End) -> Error {
        // RFC 5321 section 3.8
        Error::Close(match end {
            End::Shutdown => Reply::new(421, "4.3.2", "the server is shutting down, try again later"),
            End::Kicked => Reply::new(421, "4.3.2", "session ended by the administrator, try again later"),
        })
    }
}

/// Faults are the administrator's to read: they go to the log, and the MTA is asked to try again.
impl From<store::Error> for Reply {
    fn from(error: store::Error) -> Reply {
        use store::Error as E;
        match error {
            E::NoSuchAccount(_) => Reply::new(550, "5.1.1", "no such user here"),
            E::NoSuchMailbox(_) | E::InvalidName(_) => Reply::new(550, "5.1.1", "no such mailbox here"),
            E::OverQuota(text) => Reply::new(552, "5.2.2", text),
            E::TooLarge { limit, .. } => {
                Reply::new(552, "5.3.4", format!("message is larger than the limit of {limit} octets"))
            }
            E::InvalidMessage(text) => Reply::new(554, "5.6.0", text),
            E::Limit(text) => Reply::new(452, "4.2.0", text),
            E::DiskFull(text) => {
                tracing::error!(error = %text, "disk full");
                Reply::new(452, "4.3.1", "no space left on the server, try again later")
            }
            E::ShuttingDown => Reply::new(451, "4.3.2", "the server is shutting down, try again later"),
            fault @ (E::AccountExists(_)
            | E::MailboxExists(_)
            | E::Expunged
            | E::NewerFormat(_)
            | E::Damaged(_)
            | E::Unavailable(_)) => {
                tracing::error!(error = %fault, "store");
                Reply::new(451, "4.3.0", "temporary failure, try again later")
            }
        }
    }
}
