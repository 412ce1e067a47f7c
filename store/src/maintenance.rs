//! What is done when nobody asks: finishing deletions, letting retained messages go, compacting the body log.
//!
//! Rules:
//! - Everything goes through the writer in verbs of bounded size, so that delivery never waits long for it.
//! - It may stop at any point; the next round goes on. Errors are logged and tried again in the next round.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::batch::now;
use crate::engine::{KeyRange, Table};
use crate::registry::lock;
use crate::schema::{self, SegmentRow};
use crate::shard::Shard;
use crate::verbs::{account, compact, drop, history, retained, vanished};
use crate::*;

/// Deletions are looked for so often, or when one asks for it.
const ROUND: Duration = Duration::from_secs(60);
/// In every so many-th round retained messages go and segments are compacted.
const LONG_ROUND: u32 = 30;
/// Rows of a mailbox that say what vanished, at most: QRESYNC reads them all, and they would grow for ever.
const VANISHED: usize = 10_000;
/// Rows in one verb.
const ROWS: usize = 500;
/// Accounts whose history is noted in one verb, each with its mailboxes.
const ACCOUNTS: usize = 50;

/// Wakes the maintenance and stops it.
#[derive(Default)]
pub(crate) struct Wake {
    state: Mutex<WakeState>,
    changed: Condvar,
}

#[derive(Default)]
struct WakeState {
    wanted: bool,
    stopped: bool,
}

impl Wake {
    pub fn wake(&self) {
        lock(&self.state).wanted = true;
        self.changed.notify_all();
    }

    pub fn stop(&self) {
        lock(&self.state).stopped = true;
        self.changed.notify_all();
    }

    pub fn is_stopped(&self) -> bool {
        lock(&self.state).stopped
    }

    /// Waits so long. False when it is time to stop.
    pub fn pause(&self, time: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(lock(&self.state), time, |state| !state.stopped);
        !waited.unwrap_or_else(PoisonError::into_inner).0.stopped
    }

    /// False when it is time to stop.
    fn wait(&self) -> bool {
        let idle = |state: &mut WakeState| !state.wanted && !state.stopped;
        let waited = self.changed.wait_timeout_while(lock(&self.state), ROUND, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.wanted = false;
        !state.stopped
    }
}

/// Starts the thread. It ends after [`Wake::stop`].
pub(crate) fn start(shards: Vec<Arc<Shard>>, wake: Arc<Wake>) -> Result<JoinHandle<()>> {
    let run = move || {
        let mut round = 0u32;
        loop {
            for shard in &shards {
                let long = round.is_multiple_of(LONG_ROUND);
                // Not in the first round, which is not for what can wait.
                let noted = if round % LONG_ROUND == 1 { note_history(shard) } else { Ok(()) };
                match noted.and(work(shard, long)) {
                    Ok(()) | Err(Error::ShuttingDown) => {}
                    Err(error) => tracing::warn!(shard = shard.number, %error, "maintenance stopped"),
                }
            }
            round = round.wrapping_add(1);
            if !wake.wait() {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("maintenance".to_owned()).spawn(run);
    thread.map_err(|error| Error::Unavailable(format!("cannot start a thread: {error}")))
}

/// What fails keeps nothing else from being done; the first error is told.
fn work(shard: &Shard, long: bool) -> Result<()> {
    let mut first = finish_deletions(shard);
    if !shard.claims.is_empty() {
        first = first.and(shard.write(|batch| batch.shard.claims.write(batch)).wait());
    }
    if long {
        first = first.and(purge(shard, shard.options.retain));
        first = first.and(bound_vanished(shard, VANISHED));
        first = first.and(compact(shard));
        first = first.and(index::compact(shard));
        first = first.and(fuzzy::tidy(shard));
    }
    first
}

/// Goes on with every mailbox and account that was deleted and is not gone yet.
pub(crate) fn finish_deletions(shard: &Shard) -> Result<()> {
    let mut first = Ok(());
    for key in keys(shard, Table::DeletedAccount)? {
        let account = AccountId(schema::u32_of("deleted_account", &key)?);
        let gone = fuzzy::remove(shard, account);
        let gone = gone.and_then(|()| until_gone(shard, move |batch| account::step(batch, account, ROWS)));
        first = first.and(gone);
    }
    for key in keys(shard, Table::DeletedMailbox)? {
        let (account, mailbox) = schema::mailbox_of_key(&key)?;
        first = first.and(until_gone(shard, move |batch| drop::step(batch, account, mailbox, ROWS)));
    }
    first
}

/// Notes what every account holds.
fn note_history(shard: &Shard) -> Result<()> {
    let mut after = None;
    loop {
        match shard.write(move |batch| history::note(batch, after, ACCOUNTS)).wait()? {
            Some(last) if !shard.options.wake.is_stopped() => after = Some(last),
            _ => return Ok(()),
        }
    }
}

/// Halves what is known of vanished messages in mailboxes that have more rows of it than `most`.
fn bound_vanished(shard: &Shard, most: usize) -> Result<()> {
    let mut first = Ok(());
    for key in keys(shard, Table::Mailbox)? {
        let (account, mailbox) = schema::mailbox_of_key(&key)?;
        let mut modseqs = Vec::new();
        let range = KeyRange::prefix(&schema::mailbox_prefix(mailbox));
        shard.read()?.scan(Table::Vanished, range, &mut |key, _| {
            modseqs.push(schema::vanished::modseq_of_key(key)?);
            Ok(std::ops::ControlFlow::Continue(()))
        })?;
        if modseqs.len() > most {
            let through = modseqs[modseqs.len() - 1 - most / 2];
            let place = (account, mailbox);
            let forgotten = until_done(shard, move |batch| vanished::forget(batch, place, through, ROWS));
            first =
                first.and(forgotten.or_else(|error| if error.is_refusal() { Ok(()) } else { Err(error) }));
        }
    }
    first
}

fn until_gone(
    shard: &Shard,
    step: impl Fn(&mut crate::batch::Batch<'_>) -> Result<drop::Step> + Clone + Send + 'static,
) -> Result<()> {
    until_done(shard, move |batch| match step(batch)? {
        drop::Step::Done => Ok(true),
        drop::Step::More => Ok(false),
        // Nothing was changed, so the verb may fail.
        drop::Step::Stuck(error) => Err(error),
    })
}

fn keys(shard: &Shard, table: Table) -> Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    shard.read()?.scan(table, KeyRange::all(), &mut |key, _| {
        keys.push(key.to_vec());
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    Ok(keys)
}

fn until_done(
    shard: &Shard,
    step: impl Fn(&mut crate::batch::Batch<'_>) -> Result<bool> + Clone + Send + 'static,
) -> Result<()> {
    while !shard.write(step.clone()).wait()? {
        if shard.options.wake.is_stopped() {
            return Err(Error::ShuttingDown);
        }
    }
    Ok(())
}

/// Lets go what was expunged at least so many seconds ago.
pub(crate) fn purge(shard: &Shard, seconds: i64) -> Result<()> {
    let before = now().saturating_sub(seconds).saturating_add(1);
    let before = u64::try_from(before).unwrap_or(0);
    let mut cursor = Vec::new();
    loop {
        let from = cursor.clone();
        let next = shard.write(move |batch| retained::purge(batch, from.clone(), before, ROWS)).wait()?;
        match next {
            Some(next) if !shard.options.wake.is_stopped() => cursor = next,
            _ => return Ok(()),
        }
    }
}

/// Copies what is alive out of sealed segments that are mostly dead, and deletes those that hold nothing.
pub(crate) fn compact(shard: &Shard) -> Result<()> {
    let mut first = Ok(());
    for info in shard.bodies.segments()?.into_iter().filter(|info| info.sealed) {
        if shard.options.wake.is_stopped() {
            return Err(Error::ShuttingDown);
        }
        let stored = shard.read()?.get(Table::Segment, &schema::segment_key(info.id))?;
        let row = stored.and_then(|octets| SegmentRow::decode(&octets).ok()).unwrap_or_default();
        if row.bytes.saturating_mul(2) < info.length || row.records == 0 {
            first = first.and(compact_segment(shard, info.id));
        }
    }
    first
}

fn compact_segment(shard: &Shard, segment: u32) -> Result<()> {
    let copied = until_done(shard, move |batch| compact::step(batch, segment));
    // In a verb of its own: only what is committed may be relied on when a file is deleted.
    let retired = copied.and_then(|()| shard.write(move |batch| compact::retire(batch, segment)).wait());
    retired.inspect_err(|error| {
        tracing::warn!(shard = shard.number, segment, %error, "a segment cannot be compacted");
    })
}

#[cfg(test)]
mod tests;
