//! Why a session ended.

use common::session::End;
use common::stream::StreamError;

pub(crate) type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Shut down, or kicked.
    #[error("ended by the server")]
    Ended(End),
    /// What came is not the protocol of this socket.
    #[error("{0}")]
    Malformed(&'static str),
}

impl From<End> for Error {
    fn from(end: End) -> Error {
        Error::Ended(end)
    }
}
