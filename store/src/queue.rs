//! What waits for a shard's writer.
//!
//! An async caller is never blocked: it awaits its [`Pending`], and there are only so many sessions. A thread that puts
//! in verbs without awaiting them (an import) is held back when too much waits.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::batch::Batch;
use crate::registry::lock;
use crate::*;

/// Verbs in one commit, at most.
const BATCH_VERBS: usize = 512;
/// Octets of bodies in one commit, about.
const BATCH_OCTETS: u64 = 32 << 20;
/// Verbs that may wait before a thread is held back.
const WAITING: usize = 4 * BATCH_VERBS;

/// A verb with someone who waits for its answer.
pub(crate) trait Job: Send {
    /// Runs the verb. `Err` means that the batch may be half changed and must be thrown away. A refusal is an answer, if
    /// it came before the first change as it should.
    /// May be called again, for another batch.
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<()>;
    /// What it did is durable.
    fn answer(self: Box<Self>);
    fn fail(self: Box<Self>, error: Error);
    /// Octets that it appends, about.
    fn octets(&self) -> u64;
}

struct Verb<T, F> {
    run: F,
    octets: u64,
    answer: Option<Result<T>>,
    sender: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: FnMut(&mut Batch<'_>) -> Result<T> + Send> Job for Verb<T, F> {
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        let before = batch.changes();
        match (self.run)(batch) {
            Err(error) if !error.is_refusal() || batch.changes() != before => Err(error),
            answer => {
                self.answer = Some(answer);
                Ok(())
            }
        }
    }

    fn answer(self: Box<Self>) {
        if let Some(answer) = self.answer {
            // Nobody waits any more: the verb is done all the same.
            let _ = self.sender.send(answer);
        }
    }

    fn fail(self: Box<Self>, error: Error) {
        let _ = self.sender.send(Err(error));
    }

    fn octets(&self) -> u64 {
        self.octets
    }
}

#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    came: Condvar,
    went: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Box<dyn Job>>,
    closed: bool,
}

/// What the writer finds.
pub(crate) enum Next {
    Jobs(Vec<Box<dyn Job>>),
    /// Nothing came in this time.
    Idle,
    /// Closed, and nothing is left.
    Closed,
}

impl Queue {
    pub fn push<T, F>(&self, octets: u64, run: F) -> Pending<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job = Box::new(Verb { run, octets, answer: None, sender });
        let mut state = lock(&self.state);
        if tokio::runtime::Handle::try_current().is_err() {
            let waited = self.went.wait_while(state, |state| state.jobs.len() >= WAITING && !state.closed);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return Pending::ready(Err(Error::ShuttingDown));
        }
        state.jobs.push_back(job);
        self.came.notify_one();
        Pending::new(receiver)
    }

    /// Waits for verbs and takes as many as go into one commit.
    pub fn take(&self, patience: Duration) -> Next {
        let state = lock(&self.state);
        let empty = |state: &mut State| state.jobs.is_empty() && !state.closed;
        let waited = self.came.wait_timeout_while(state, patience, empty);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let mut jobs = Vec::new();
        let mut octets = 0;
        while jobs.len() < BATCH_VERBS
            && octets < BATCH_OCTETS
            && let Some(job) = state.jobs.pop_front()
        {
            octets += job.octets();
            jobs.push(job);
        }
        self.went.notify_all();
        match (jobs.is_empty(), state.closed) {
            (false, _) => Next::Jobs(jobs),
            (true, true) => Next::Closed,
            (true, false) => Next::Idle,
        }
    }

    /// How many verbs wait.
    pub fn len(&self) -> usize {
        lock(&self.state).jobs.len()
    }

    /// What comes from now on is refused; what waits is still done.
    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.came.notify_all();
        self.went.notify_all();
    }
}
