//! Runs a [`Program`] over a mailbox. RFC 9051 section 6.4.4
//!
//! Candidates are looked at in windows: first by their rows, then those that are undecided by what is stored, each step
//! bounded and in one blocking call with a snapshot of its own. Between two steps others run, the client is told how far it
//! is, and a client that has gone ends it ([`Progress`]).

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, Ordering};

use store::{Mailbox, Message, ModSeq, Row, Uid, UidSet};

use super::candidates::{candidates, query};
use super::eval::{self, Evidence};
use super::fuzzy::{self, Relevancy};
use super::helper;
use super::key::Key;
use super::options::Need;
use super::program::Program;
use crate::error::Error;
use crate::limit::{self, Limited};
use crate::progress::Progress;
use crate::response::Code;
use crate::view::Known;

/// Rows that are looked at between two yields; fewer when there are many keys.
const WINDOW: usize = 4096;
/// Keys that are asked between two yields.
const WINDOW_KEYS: usize = 256 * 1024;
/// Octets of messages that are read in one blocking call.
const READ_AHEAD: u64 = 1024 * 1024;
/// Messages that are looked at in one.
const STEP: usize = 512;
/// So few are not worth a second thread.
const SHARED: usize = 64;
/// What looking at a message costs beside its octets, in octets.
const PER_MESSAGE: u64 = 1024;

/// Where a program is run: a mailbox as some view knows it.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub mailbox: &'a Mailbox,
    pub view: &'a Known,
    /// So many messages are looked at, those with the highest UIDs; 0: all. RFC 9738 section 3.2
    pub limit: u32,
}

/// What matches.
#[derive(Debug, Default)]
pub struct Found {
    /// In mailbox order. Where only the ends are needed: those, and perhaps some in between.
    pub uids: UidSet,
    /// Why a message could not be read, if one could not: the result lacks it.
    pub failure: Option<store::Error>,
    /// Some messages were not looked at: what the client is told.
    pub cut: Option<Code>,
    /// How many count against the limit.
    pub considered: usize,
    /// How relevant they are.
    pub relevancy: Relevancy,
}

impl Found {
    /// The highest MODSEQ among these of them. RFC 7162 section 3.1.6: "omitted if no match"
    pub fn modseq(view: &Known, told: &UidSet) -> Option<ModSeq> {
        view.rows(told).map(|(_, row)| row.modseq).max()
    }

    /// The relevancy of these of them, in mailbox order.
    pub fn scores(&self, view: &Known, told: &UidSet) -> Vec<u8> {
        view.rows(told).map(|(_, row)| self.relevancy.score(row.uid)).collect()
    }
}

/// The messages of the mailbox that match, as far as they are needed.
pub async fn find(
    scope: Scope<'_>,
    program: &Program,
    need: Need,
    progress: &mut Progress<'_>,
) -> Result<Found, Error> {
    find_among(scope, program, &UidSet::from_ranges([1..=u32::MAX]), need, progress).await
}

/// The same among these messages.
pub async fn find_among(
    scope: Scope<'_>,
    program: &Program,
    among: &UidSet,
    need: Need,
    progress: &mut Progress<'_>,
) -> Result<Found, Error> {
    let mut key = program.bound(scope.view);
    let uids = candidates(&key, scope.view).intersection(among);
    let Limited { uids, cut } = limit::highest(scope.view, uids, scope.limit);
    let considered = scope.view.positions(&uids).map(|range| range.len()).sum();
    let failure = fuzzy::resolve(&mut key, scope.mailbox, &uids, progress).await?;
    let relevancy = Relevancy::of(&key);
    let uids = common::block(|| scope.mailbox.narrow(&query(&key), &uids))?;
    let places: Vec<Range<usize>> = scope.view.positions(&uids).collect();
    let total = places.iter().map(Range::len).sum();
    let mut finder = Finder { scope, key, progress, done: 0, total, failure };
    let uids = match need {
        Need::All => finder.scan(scope.view.rows(&uids).map(|(_, row)| row), u64::MAX).await?,
        Need::Ends { first, last } => finder.ends(&uids, places, first, last).await?,
    };
    Ok(Found { uids, failure: finder.failure, cut, considered, relevancy })
}

struct Finder<'a, 'p> {
    scope: Scope<'a>,
    key: Key,
    progress: &'a mut Progress<'p>,
    /// Messages that were looked at, of so many.
    done: usize,
    total: usize,
    /// Why the first message that could not be read could not.
    failure: Option<store::Error>,
}

impl Finder<'_, '_> {
    /// From either end until enough matches are there.
    async fn ends(
        &mut self,
        uids: &UidSet,
        places: Vec<Range<usize>>,
        first: u64,
        last: u64,
    ) -> Result<UidSet, Error> {
        let view = self.scope.view;
        let mut found = UidSet::new();
        if first > 0 {
            found = self.scan(view.rows(uids).map(|(_, row)| row), first).await?;
        }
        // What did not suffice from the front is everything that there is.
        if last > 0 && (first == 0 || found.len() >= first) {
            let backwards = places.into_iter().rev().flat_map(Iterator::rev);
            let rows = backwards.filter_map(|index| view.at(index)).map(|(_, row)| row);
            found = found.union(&self.scan(rows, last).await?);
        }
        Ok(found)
    }

    /// Looks at these messages, in this order, until so many match.
    async fn scan(&mut self, mut rest: impl Iterator<Item = Row> + Send, most: u64) -> Result<UidSet, Error> {
        let width = (WINDOW_KEYS / self.key.weight()).clamp(16, WINDOW);
        let mut found = UidSet::new();
        let mut count = 0;
        loop {
            let rows: Vec<Row> = rest.by_ref().take(width).collect();
            if rows.is_empty() {
                return Ok(found);
            }
            let matching = self.matching(&rows).await?;
            count += matching.len();
            if count >= most {
                let surplus = usize::try_from(count - most).unwrap_or(usize::MAX);
                let in_order = rows.iter().rev().map(|row| row.uid).filter(|uid| matching.contains(*uid));
                let enough: UidSet = in_order.skip(surplus).collect();
                return Ok(found.union(&enough));
            }
            found = found.union(&matching);
            self.done += rows.len();
            self.progress.step(self.done, self.total).await?;
        }
    }

    /// Which of the rows match.
    async fn matching(&mut self, rows: &[Row]) -> Result<UidSet, Error> {
        let view = self.scope.view;
        let mut matching = Vec::new();
        let mut undecided: Vec<Row> = Vec::new();
        for row in rows {
            match eval::by_row(&self.key, row, view.is_recent(row.uid)) {
                Some(true) => matching.push(row.uid),
                Some(false) => {}
                None => undecided.push(*row),
            }
        }
        undecided.sort_unstable_by_key(|row| row.uid);
        let mut undecided = VecDeque::from(undecided);
        while !undecided.is_empty() {
            let step = common::block(|| self.read_step(&mut undecided))?;
            matching.extend(step.matching);
            self.failure = self.failure.take().or(step.failure);
            let done = self.done + rows.len() - undecided.len();
            self.progress.step(done, self.total).await?;
        }
        Ok(matching.into_iter().collect())
    }

    /// Decides messages from the front of the queue until enough has been read, two at a time while a core is free for it.
    /// Those that exist no more do not match.
    fn read_step(&self, undecided: &mut VecDeque<Row>) -> store::Result<Step> {
        let rows: Vec<Row> = undecided.drain(..undecided.len().min(STEP)).collect();
        let reader = Reader { scope: self.scope, key: &self.key, read: &AtomicU64::new(0) };
        let (mut step, rest) = match helper::take().filter(|_| rows.len() >= SHARED) {
            Some(_helper) => reader.share(&rows)?,
            None => (reader.read(&rows)?, None),
        };
        for part in rest.iter().chain(Some(&step)) {
            part.left.iter().rev().for_each(|row| undecided.push_front(*row));
        }
        if let Some(rest) = rest {
            step.matching.extend(rest.matching);
            step.failure = step.failure.or(rest.failure);
        }
        Ok(step)
    }
}

/// Reads messages, on any thread.
#[derive(Clone, Copy)]
struct Reader<'a> {
    scope: Scope<'a>,
    key: &'a Key,
    /// Octets that were read for this step, by all.
    read: &'a AtomicU64,
}

impl Reader<'_> {
    /// The first half here, the second by a helper.
    fn share(self, rows: &[Row]) -> store::Result<(Step, Option<Step>)> {
        let (here, there) = rows.split_at(rows.len() / 2);
        let (here, there) = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("search".to_owned());
            match thread.spawn_scoped(scope, || self.read(there)) {
                Ok(helper) => (self.read(here), helper.join()),
                Err(_) => (self.read(here), Ok(self.read(there))),
            }
        });
        let there = there.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((here?, Some(there?)))
    }

    fn read(self, rows: &[Row]) -> store::Result<Step> {
        let uids: UidSet = rows.iter().map(|row| row.uid).collect();
        let (mut step, mut rest) = (Step::default(), rows.iter().copied().peekable());
        let mut cut = false;
        self.scope.mailbox.snapshot()?.messages(&uids, &mut |message| {
            while rest.next_if(|row| row.uid < message.uid).is_some() {}
            if let Some(row) = rest.next_if(|row| row.uid == message.uid) {
                let read = self.decide(row, &message, &mut step) + PER_MESSAGE;
                cut = self.read.fetch_add(read, Ordering::Relaxed) + read >= READ_AHEAD;
            }
            Ok(if cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if cut {
            step.left.extend(rest);
        }
        Ok(step)
    }

    /// Octets that it read.
    fn decide(self, row: Row, message: &Message, step: &mut Step) -> u64 {
        let recent = self.scope.view.is_recent(row.uid);
        let mut evidence = Evidence::new(row, recent, message, self.key.cost());
        match evidence.matches(self.key) {
            Ok(true) => step.matching.push(row.uid),
            Ok(false) | Err(store::Error::Expunged) => {}
            Err(failure) => drop(step.failure.get_or_insert(failure)),
        }
        evidence.read
    }
}

/// What one blocking call found out.
#[derive(Default)]
struct Step {
    matching: Vec<Uid>,
    failure: Option<store::Error>,
    /// What was not looked at, since enough had been read.
    left: Vec<Row>,
}
