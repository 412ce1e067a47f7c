//! A message from a pipe on its way to the running server: the envelope in a header, the octets as the body.
//!
//! What arrives is whole or an error, never a message that was cut off: the sender says explicitly that it is at the end,
//! and chunked transfer carries that through.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body as RequestBody, Bytes};
use hyper::body::{Body, Frame};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

use crate::Failure;
use crate::outcome::Delivered;

/// The header that carries the [`Envelope`] as JSON.
pub(crate) const HEADER: &str = "restante-envelope";

/// Who sends to whom, as the MTA wrote it on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Empty: the null reverse-path.
    pub reverse_path: String,
    pub recipients: Vec<String>,
}

/// The message's octets.
pub type Octets = Pin<Box<dyn AsyncRead + Send>>;

/// The octets of a blocking reader, which another thread reads.
pub fn octets(reader: impl io::Read + Send + 'static) -> Octets {
    Box::pin(Incoming::new(RequestBody::new(Outgoing::new(reader))))
}

/// What the server does with a message; given from above, since this crate knows no protocol.
pub type Deliver = Arc<
    dyn Fn(Envelope, Octets) -> Pin<Box<dyn Future<Output = Result<Vec<Delivered>, Failure>> + Send>>
        + Send
        + Sync,
>;

/// A request's body as a stream of octets.
pub(crate) struct Incoming {
    body: RequestBody,
    rest: Bytes,
}

impl Incoming {
    pub(crate) fn new(body: RequestBody) -> Incoming {
        Incoming { body, rest: Bytes::new() }
    }
}

impl AsyncRead for Incoming {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => return Poll::Ready(Ok(())),
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
            }
        }
        let count = self.rest.len().min(buffer.remaining());
        buffer.put_slice(&self.rest.split_to(count));
        Poll::Ready(Ok(()))
    }
}

/// A request's body from a blocking reader, which another thread reads.
pub(crate) struct Outgoing(mpsc::Receiver<Piece>);

enum Piece {
    Octets(Bytes),
    End,
    Failed(io::Error),
}

impl Outgoing {
    /// Reads to the end in a thread of its own.
    pub(crate) fn new(mut reader: impl io::Read + Send + 'static) -> Outgoing {
        let (sender, receiver) = mpsc::channel(8);
        std::thread::spawn(move || {
            let mut octets = vec![0; 64 * 1024];
            loop {
                let piece = match reader.read(&mut octets) {
                    Ok(0) => Piece::End,
                    Ok(count) => Piece::Octets(Bytes::copy_from_slice(&octets[..count])),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Piece::Failed(error),
                };
                let last = !matches!(piece, Piece::Octets(_));
                // When the other side is gone, its error is the one that counts.
                if sender.blocking_send(piece).is_err() || last {
                    return;
                }
            }
        });
        Outgoing(receiver)
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match ready!(self.0.poll_recv(context)) {
            Some(Piece::Octets(octets)) => Some(Ok(Frame::data(octets))),
            Some(Piece::End) => None,
            Some(Piece::Failed(error)) => Some(Err(error)),
            None => Some(Err(io::Error::other("the reader of the message stopped before its end"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use tokio::io::AsyncReadExt;

    use super::*;

    struct Failing(bool);

    impl io::Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.0, true) {
                return Err(io::Error::other("cut off"));
            }
            buffer[..4].copy_from_slice(b"half");
            Ok(4)
        }
    }

    #[tokio::test]
    async fn a_message_goes_through_whole() {
        let message = vec![b'x'; 300_000];
        let body = RequestBody::new(Outgoing::new(io::Cursor::new(message.clone())));
        let mut got = vec![];
        Incoming::new(body).read_to_end(&mut got).await.unwrap();
        assert_eq!(got, message);
    }

    #[tokio::test]
    async fn a_message_that_cannot_be_read_to_its_end_is_an_error() {
        assert!(Outgoing::new(Failing(false)).collect().await.is_err());
        let body = RequestBody::new(Outgoing::new(Failing(false)));
        let mut got = vec![];
        assert!(Incoming::new(body).read_to_end(&mut got).await.is_err());
    }
}
