//! What a command answers. The session writes it.

use bytes::BytesMut;

use crate::download::Download;
use crate::text::Text;

/// The answer of a command that succeeded.
pub(crate) enum Reply {
    /// One line.
    Status(Status),
    /// A multi-line response whose lines (each with its CRLF, none beginning with a dot) are few and known.
    Lines(Status, BytesMut),
    /// A multi-line response with a line for each message of the maildrop.
    Listing(Status, Listing),
    /// A message, dot-stuffed.
    Message(Status, Box<Download>),
    /// The line, then a TLS handshake (RFC 2595 section 4).
    Tls(Status),
    /// The line, then the connection is closed.
    Quit(Status),
}

/// What a line of a [`Reply::Listing`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listing {
    /// RFC 1939 section 5, "scan listing".
    Sizes,
    /// RFC 1939 section 7, "unique-id listing".
    UniqueIds,
}

/// What stands after `+OK`: data for the program, then a text for people.
#[derive(Debug, Default)]
pub(crate) struct Status {
    pub data: String,
    pub text: Option<Text>,
}

impl Status {
    pub fn data(data: String) -> Status {
        Status { data, text: None }
    }

    pub fn with(self, text: Text) -> Status {
        Status { text: Some(text), ..self }
    }
}

impl From<Text> for Status {
    fn from(text: Text) -> Status {
        Status { data: String::new(), text: Some(text) }
    }
}

impl From<Text> for Reply {
    fn from(text: Text) -> Reply {
        Reply::Status(text.into())
    }
}
