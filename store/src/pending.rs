//! The answer of a verb that waits for its commit.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

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

    /// Blocks the thread. Async code awaits it instead; a store may be closed by a drop anywhere, so it works there, too.
    pub fn wait(self) -> Result<T> {
        // A task that has used up what it may do in one go would get no answer before it yields, which it does not here.
        let mut answer = tokio::task::unconstrained(self);
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut answer).poll(&mut context) {
                Poll::Ready(answer) => return answer,
                Poll::Pending => std::thread::park(),
            }
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Unpark>) {
        self.0.unpark();
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(Error::ShuttingDown)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_waits_for_the_answer() {
        let (sender, receiver) = oneshot::channel();
        let answer = std::thread::spawn(|| Pending::new(receiver).wait());
        std::thread::yield_now();
        sender.send(Ok(7)).unwrap();
        assert_eq!(answer.join().unwrap().unwrap(), 7);
        assert_eq!(Pending::ready(Ok(8)).wait().unwrap(), 8);
    }

    #[test]
    fn a_writer_that_is_gone_answers_for_itself() {
        let (sender, receiver) = oneshot::channel::<Result<()>>();
        drop(sender);
        assert!(matches!(Pending::new(receiver).wait(), Err(Error::ShuttingDown)));
    }

    #[tokio::test]
    async fn waiting_within_a_runtime_is_no_panic() {
        let (sender, receiver) = oneshot::channel();
        let thread = std::thread::spawn(move || sender.send(Ok(9)));
        assert_eq!(Pending::new(receiver).wait().unwrap(), 9);
        thread.join().unwrap().unwrap();
    }
}
