//! The answer of a verb that waits for its commit.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::{Error, Result};

/// Resolves when the verb is durable or refused. Await it in async code, [`Pending::wait`] elsewhere.
/// Dropping it does not take the verb back.
#[must_use = "the verb is done, but its answer is not known until it is awaited"]
pub struct Pending<T>(oneshot::Receiver<Result<T>>);

impl<T> Pending<T> {
    pub(crate) fn new(receiver: oneshot::Receiver<Result<T>>) -> Pending<T> {
        Pending(receiver)
    }

    /// An answer that is known at once.
    pub(crate) fn ready(result: Result<T>) -> Pending<T> {
        let (sender, receiver) = oneshot::channel();
        // The receiver is held here, so the send cannot fail.
        let _ = sender.send(result);
        Pending(receiver)
    }

    /// Blocks the thread. Not for async code.
    pub fn wait(self) -> Result<T> {
        self.0.blocking_recv().unwrap_or(Err(Error::ShuttingDown))
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(Error::ShuttingDown)))
    }
}
