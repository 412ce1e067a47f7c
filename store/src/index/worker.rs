//! The thread that keeps a shard's index: fills gaps, merges runs, makes anew what is damaged.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::build::Builder;
use super::run::{self, Run, drop_run, runs};
use super::{merge, query};
use crate::registry::lock;
use crate::schema::gram::{self, DOCUMENTS};
use crate::shard::Shard;
use crate::*;

/// New mail is looked for so often.
const ROUND: Duration = Duration::from_secs(5);
/// The same after an error.
const RETRY: Duration = Duration::from_secs(60);
/// Bodies, or thousands of grams, between two looks at the clock.
const STEPS: u32 = 32;
/// The longest rest of the thread, which rests a third of the time.
const REST: Duration = Duration::from_millis(50);

/// What a shard knows of its index beside what is stored.
#[derive(Default)]
pub(crate) struct Index {
    /// First bodies of runs that a search found damaged.
    damaged: Mutex<BTreeSet<u64>>,
    /// Held by the one who changes the index.
    work: Mutex<Work>,
}

#[derive(Default)]
struct Work {
    builder: Builder,
    /// The number of the next run; `None` before it has been looked for.
    next: Option<u64>,
}

impl Index {
    /// The run that begins with this body cannot be read.
    pub fn suspect(&self, first: u64) {
        lock(&self.damaged).insert(first);
    }
}

/// Starts the thread. It ends when the shard's maintenance is stopped.
pub(crate) fn start(shard: Arc<Shard>) -> Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(format!("index-{}", shard.number));
    let run = move || {
        let wake = shard.options.wake.clone();
        let mut wait = ROUND;
        while wake.pause(wait) {
            wait = match work(&shard, &mut Pace::background(&shard)) {
                Ok(()) | Err(Error::ShuttingDown) => ROUND,
                Err(error) => {
                    tracing::warn!(shard = shard.number, %error, "the search index cannot be kept up");
                    RETRY
                }
            };
        }
    };
    thread.spawn(run).map_err(|error| Error::Unavailable(format!("cannot start a thread: {error}")))
}

/// Does all that there is to do.
fn work(shard: &Shard, pace: &mut Pace<'_>) -> Result<()> {
    let mut work = lock(&shard.index.work);
    if !shard.options.index {
        return clear(shard);
    }
    while step(shard, &mut work, pace)? {}
    Ok(())
}

/// Does the next thing. False when there is nothing to do.
fn step(shard: &Shard, work: &mut Work, pace: &mut Pace<'_>) -> Result<bool> {
    let number = match work.next {
        Some(number) => number,
        None => run::delete_orphans(shard)?.saturating_add(1),
    };
    work.next = Some(number);
    let read = shard.read()?;
    let (runs, mut damaged) = runs(&*read)?;
    let suspects = std::mem::take(&mut *lock(&shard.index.damaged));
    damaged.extend(suspects.into_iter().map(|first| gram::run_key(first).to_vec()));
    if !damaged.is_empty() {
        tracing::warn!(shard = shard.number, runs = damaged.len(), "a part of the search index is made anew");
        damaged.into_iter().try_for_each(|key| drop_run(shard, key))?;
        return Ok(true);
    }
    let end = shard.counters(&*read)?.body;
    drop(read);
    if let Some(gap) = gap(&runs, end, pace.whole()) {
        work.next = Some(number + 1);
        let run = work.builder.build(shard, number, gap, pace)?;
        pace.tell(run.bodies.end() + 1, end);
        return Ok(true);
    }
    let Some(due) = merge::due(&runs) else { return Ok(false) };
    work.next = Some(number + 1);
    merge_or_drop(shard, number, runs.get(due).unwrap_or_default(), pace)?;
    Ok(true)
}

/// Runs that cannot be read for merging are dropped.
fn merge_or_drop(shard: &Shard, number: u64, runs: &[Run], pace: &mut Pace<'_>) -> Result<()> {
    match merge::merge(shard, number, runs, pace) {
        Err(Error::Damaged(error)) => {
            tracing::warn!(shard = shard.number, error, "a part of the search index is made anew");
            run::delete_postings(shard, number)?;
            runs.iter().try_for_each(|run| drop_run(shard, gram::run_key(*run.bodies.start()).to_vec()))
        }
        answer => answer,
    }
}

/// The first bodies below `end` that no run covers, within one range of documents. Without `whole`, a few at the end wait
/// until there are more.
fn gap(runs: &[Run], end: u64, whole: bool) -> Option<std::ops::RangeInclusive<u64>> {
    let mut first = 0;
    let mut until = end;
    for run in runs {
        if first < *run.bodies.start() {
            until = end.min(*run.bodies.start());
            break;
        }
        first = run.bodies.end().saturating_add(1);
    }
    if first >= until || (until == end && end - first < merge::SMALL && !whole) {
        return None;
    }
    let last = (until - 1).min(first - first % DOCUMENTS + (DOCUMENTS - 1));
    Some(first..=last)
}

/// Deletes all of the index.
fn clear(shard: &Shard) -> Result<()> {
    let (runs, damaged) = runs(&*shard.read()?)?;
    for run in runs {
        drop_run(shard, gram::run_key(*run.bodies.start()).to_vec())?;
    }
    damaged.into_iter().try_for_each(|key| drop_run(shard, key))?;
    fuzzy::remove_all(shard)?;
    run::delete_orphans(shard).map(drop)
}

/// Takes what is gone out of runs of which a quarter or more is.
pub(crate) fn compact(shard: &Shard) -> Result<()> {
    if !shard.options.index {
        return Ok(());
    }
    let mut work = lock(&shard.index.work);
    let (runs, _) = runs(&*shard.read()?)?;
    for run in runs {
        let living = merge::living(shard, run.bodies.clone())?.len();
        if living * 4 <= u64::from(run.count) * 3 && living < u64::from(run.count) {
            let number = match work.next {
                Some(number) => number,
                None => run::delete_orphans(shard)?.saturating_add(1),
            };
            work.next = Some(number + 1);
            merge_or_drop(shard, number, &[run], &mut Pace::background(shard))?;
        }
    }
    Ok(())
}

impl Store {
    /// Makes the search index anew, of one account's mail or of all. Searches go on meanwhile, and take longer. Fuzzy indexes
    /// are deleted: the next fuzzy search makes them.
    pub fn rebuild_index(&self, account: Option<&Account>, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let shards = match account {
            Some(account) => vec![account.shard().clone()],
            None => self.shards().to_vec(),
        };
        for shard in shards {
            if !shard.options.index {
                let off = "there is no search index: set search.index = true and start the server again";
                return Err(Error::Unavailable(off.to_owned()));
            }
            let read = shard.read()?;
            let (mut runs, damaged) = runs(&*read)?;
            if let Some(account) = account {
                let bodies = query::bodies_of(&*read, account.id())?;
                runs.retain(|run| bodies.range(run.bodies.clone()).next().is_some());
            }
            drop(read);
            let working = lock(&shard.index.work);
            for run in runs {
                drop_run(&shard, gram::run_key(*run.bodies.start()).to_vec())?;
            }
            damaged.into_iter().try_for_each(|key| drop_run(&shard, key))?;
            drop(working);
            match account {
                Some(account) => fuzzy::remove(&shard, account.id())?,
                None => fuzzy::remove_all(&shard)?,
            }
            self.fill(&shard, progress)?;
        }
        Ok(())
    }

    /// How many bodies the search index does not cover yet; searches read them. 0 without an index.
    pub fn index_lag(&self) -> Result<u64> {
        let mut lag = 0u64;
        for shard in self.shards().iter().filter(|shard| shard.options.index) {
            let read = shard.read()?;
            let (runs, _) = runs(&*read)?;
            let covered = runs.iter().map(|run| run.bodies.end() - run.bodies.start() + 1).sum();
            // The first body has number 1, and the first run begins with 0.
            let bodies = shard.counters(&*read)?.body.saturating_sub(if runs.is_empty() { 1 } else { 0 });
            lag = lag.saturating_add(bodies.saturating_sub(covered));
        }
        Ok(lag)
    }

    /// Brings the search index up to date now.
    pub fn update_index(&self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        self.shards().iter().try_for_each(|shard| self.fill(shard, progress))
    }

    fn fill(&self, shard: &Shard, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let mut tell = |done, total| {
            progress(Progress { shard: shard.number, step: "the search index", done, total });
        };
        work(shard, &mut Pace { tell: Some(&mut tell), ..Pace::background(shard) })
    }
}

/// How fast the work goes: in the background with rests, so that others find a free core and a free disk.
pub(super) struct Pace<'a> {
    shard: &'a Shard,
    steps: u32,
    grams: u32,
    since: Instant,
    /// Someone waits for it, who is told how far it is.
    tell: Option<&'a mut dyn FnMut(u64, u64)>,
}

impl<'a> Pace<'a> {
    fn background(shard: &'a Shard) -> Pace<'a> {
        Pace { shard, steps: 0, grams: 0, since: Instant::now(), tell: None }
    }

    fn whole(&self) -> bool {
        self.tell.is_some()
    }

    fn tell(&mut self, done: u64, total: u64) {
        if let Some(tell) = &mut self.tell {
            tell(done, total);
        }
    }

    /// Before each body.
    pub fn step(&mut self) -> Result<()> {
        if self.shard.options.wake.is_stopped() {
            return Err(Error::ShuttingDown);
        }
        self.steps += 1;
        if self.steps >= STEPS {
            self.steps = 0;
            if self.tell.is_none() {
                self.shard.options.wake.pause((self.since.elapsed() / 2).min(REST));
            }
            self.since = Instant::now();
        }
        Ok(())
    }

    /// Before each gram of a merge.
    pub fn grams(&mut self) -> Result<()> {
        self.grams += 1;
        if self.grams < 1000 {
            return Ok(());
        }
        self.grams = 0;
        self.step()
    }
}

#[cfg(test)]
mod tests {
    use roaring::RoaringBitmap;

    use super::merge::SMALL;
    use super::*;

    fn run(bodies: std::ops::RangeInclusive<u64>) -> Run {
        Run { number: 1, bodies, count: 1, opaque: RoaringBitmap::new() }
    }

    #[test]
    fn gaps_are_found_in_order_and_a_few_new_bodies_wait() {
        assert_eq!(gap(&[], 0, true), None);
        assert_eq!(gap(&[], 255, false), None);
        assert_eq!(gap(&[], 255, true), Some(0..=254));
        assert_eq!(gap(&[], 256, false), Some(0..=255));
        assert_eq!(gap(&[run(0..=9)], 300, false), Some(10..=299));
        assert_eq!(gap(&[run(0..=9), run(12..=99)], 100, false), Some(10..=11));
        assert_eq!(gap(&[run(0..=99)], 100, true), None);
        assert_eq!(gap(&[], 200_000, false), Some(0..=DOCUMENTS - 1));
        assert_eq!(gap(&[run(0..=65_000)], 200_000, false), Some(65_001..=DOCUMENTS - 1));
    }

    #[test]
    fn eight_neighbours_of_one_size_are_merged() {
        let runs: Vec<Run> = (0..8).map(|n| run(n * SMALL..=n * SMALL + SMALL - 1)).collect();
        assert_eq!(merge::due(&runs), Some(0..8));
        assert_eq!(merge::due(&runs[..7]), None);
        let mut apart = runs.clone();
        apart.remove(3);
        assert_eq!(merge::due(&apart), None);
        let large = [vec![run(0..=4095)], (16..24).map(|n| run(n * SMALL..=n * SMALL + SMALL - 1)).collect()]
            .concat();
        assert_eq!(merge::due(&large), Some(1..9));
        assert_eq!(merge::due(&[run(0..=40_000), run(40_001..=65_535), run(65_536..=65_600)]), Some(0..2));
        assert_eq!(merge::due(&[run(0..=65_535), run(65_536..=131_071)]), None);
    }
}
