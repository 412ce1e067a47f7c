//! The operation's answer as an HTTP body: one JSON object a line, sent as they come.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use tokio::sync::mpsc;

use crate::outcome::Line;

/// Lines that another thread makes.
pub(crate) struct Lines(mpsc::Receiver<Bytes>);

/// Where that thread puts them.
#[derive(Clone)]
pub(crate) struct Sender(mpsc::Sender<Bytes>);

/// A few lines fit between; a client that does not read makes the operation's thread wait with its last line only,
/// since progress is dropped rather than waited for.
pub(crate) fn lines() -> (Sender, Lines) {
    let (sender, receiver) = mpsc::channel(16);
    (Sender(sender), Lines(receiver))
}

impl Sender {
    /// Progress: dropped when the client is slow.
    pub(crate) fn offer(&self, line: &Line) {
        if let Some(octets) = encode(line) {
            // A full or closed channel means that nobody wants to see the progress now.
            let _ = self.0.try_send(octets);
        }
    }

    /// One of many lines: waits for the client. False: it left.
    pub(crate) async fn pass(&self, line: &impl serde::Serialize) -> bool {
        match encode(line) {
            Some(octets) => self.0.send(octets).await.is_ok(),
            None => true,
        }
    }

    /// Resolves when the client has left.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }

    /// The answer: waits for the client. Blocks the thread.
    pub(crate) fn send(&self, line: &Line) {
        let answer = encode(line).unwrap_or_else(|| Bytes::from_static(b"{}\n"));
        if self.0.blocking_send(answer).is_err() {
            tracing::debug!(target: "admin", "the client left before its answer came");
        }
    }
}

fn encode(line: &impl serde::Serialize) -> Option<Bytes> {
    let mut octets = match serde_json::to_vec(line) {
        Ok(octets) => octets,
        Err(error) => {
            tracing::error!(target: "admin", "an answer cannot be written as JSON: {error}");
            return None;
        }
    };
    octets.push(b'\n');
    Some(octets.into())
}

impl Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|octets| octets.map(|octets| Ok(Frame::data(octets))))
    }
}
