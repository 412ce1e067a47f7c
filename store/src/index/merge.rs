//! Several runs that follow one another become one; the bodies that are gone leave it.

use std::collections::VecDeque;
use std::ops::{ControlFlow, RangeInclusive};

use message::grams::{self, Gram};
use roaring::RoaringBitmap;

use super::build::bodies;
use super::run::{Run, RunWriter};
use super::worker::Pace;
use crate::engine::{KeyRange, Table};
use crate::schema::gram::{self, DOCUMENTS, Part, Posting, PostingRow, document};
use crate::shard::Shard;
use crate::*;

/// So many runs of one size become one of the next.
const FAN: usize = 8;
/// Bodies in the smallest runs.
pub(super) const SMALL: u64 = 256;
/// Rows that are read ahead of each run.
const AHEAD: usize = 16;

/// Which runs to merge next, if any: as places in the list.
pub(super) fn due(runs: &[Run]) -> Option<std::ops::Range<usize>> {
    let mut from = 0;
    for neighbours in runs.chunk_by(|one, next| {
        one.bodies.end() + 1 == *next.bodies.start() && !next.bodies.start().is_multiple_of(DOCUMENTS)
    }) {
        let at = from;
        from += neighbours.len();
        let (Some(first), Some(last)) = (neighbours.first(), neighbours.last()) else { continue };
        let whole = first.bodies.start().is_multiple_of(DOCUMENTS)
            && (last.bodies.end() + 1).is_multiple_of(DOCUMENTS);
        if whole && neighbours.len() > 1 {
            return Some(at..from);
        }
        let sizes: Vec<u32> = neighbours.iter().map(size).collect();
        for size in 0..=sizes.iter().copied().max().unwrap_or(0) {
            // The newest ones: those before them are larger.
            let tail = sizes.iter().rev().take_while(|other| **other <= size).count();
            if tail >= FAN {
                return Some(from - tail..from);
            }
        }
    }
    None
}

/// Its logarithm to the base of [`FAN`].
fn size(run: &Run) -> u32 {
    ((run.bodies.end() - run.bodies.start() + 1) / SMALL).max(1).ilog(FAN as u64)
}

/// Makes one run of these, which follow one another, without what is gone.
pub(super) fn merge(shard: &Shard, number: u64, runs: &[Run], pace: &mut Pace<'_>) -> Result<()> {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return Ok(()) };
    let range = *first.bodies.start()..=*last.bodies.end();
    let living = living(shard, range.clone())?;
    let mut opaque = RoaringBitmap::new();
    runs.iter().for_each(|run| opaque |= &run.opaque);
    let merged = Run { number, bodies: range, count: living.len() as u32, opaque: opaque & &living };
    let mut sources: Vec<Source<'_>> = runs.iter().map(|run| Source::new(shard, run)).collect();
    let mut writer = RunWriter::new(shard, &merged);
    loop {
        let mut least = None;
        for source in &mut sources {
            let head = source.head()?;
            least = [least, head].into_iter().flatten().min();
        }
        let Some((part, gram)) = least else { break };
        // The runs follow one another, and so do their documents.
        let mut documents = Vec::new();
        for source in &mut sources {
            if source.head()? == Some((part, gram))
                && let Some((_, theirs)) = source.ahead.pop_front()
            {
                source.extend(&mut documents, theirs, &living);
            }
        }
        if !documents.is_empty() {
            writer.add(part, gram, documents)?;
        }
        pace.grams()?;
    }
    writer.finish(&merged, runs)
}

/// The documents of the bodies of a range that exist.
pub(super) fn living(shard: &Shard, range: RangeInclusive<u64>) -> Result<RoaringBitmap> {
    let (mut living, mut next) = (RoaringBitmap::new(), *range.start());
    while next <= *range.end() {
        let piece = bodies(&*shard.read()?, next..=*range.end())?;
        let Some(last) = piece.last() else { break };
        next = last.0 + 1;
        living.extend(piece.into_iter().map(document));
    }
    Ok(living)
}

/// The postings of a run, in order.
struct Source<'a> {
    shard: &'a Shard,
    run: &'a Run,
    /// After the row that was read last; `None` at the end.
    range: Option<KeyRange>,
    /// What the next row must begin to cover; `None` after the last.
    next: Option<(Part, Gram)>,
    ahead: VecDeque<((Part, Gram), Posting)>,
}

impl<'a> Source<'a> {
    fn new(shard: &'a Shard, run: &'a Run) -> Source<'a> {
        let range = Some(KeyRange::prefix(&gram::run_prefix(run.number)));
        Source { shard, run, range, next: Some((Part::Header, 0)), ahead: VecDeque::new() }
    }

    /// Adds what of a posting of this run is there still.
    fn extend(&self, documents: &mut Vec<u16>, posting: Posting, living: &RoaringBitmap) {
        match posting {
            Posting::All => {
                let (first, last) = (BodyId(*self.run.bodies.start()), BodyId(*self.run.bodies.end()));
                let all = living.range(document(first)..=document(last));
                documents.extend(all.map(|document| document as u16));
            }
            Posting::Some(theirs) => {
                documents.extend(theirs.into_iter().filter(|document| living.contains(u32::from(*document))));
            }
        }
    }

    fn head(&mut self) -> Result<Option<(Part, Gram)>> {
        while self.ahead.is_empty() && self.range.is_some() {
            self.read()?;
        }
        Ok(self.ahead.front().map(|(key, _)| *key))
    }

    fn read(&mut self) -> Result<()> {
        let Some(range) = self.range.take() else { return Ok(()) };
        let (mut rows, mut last) = (0, None);
        let (ahead, next) = (&mut self.ahead, &mut self.next);
        self.shard.read()?.scan(Table::GramPosting, range, &mut |key, value| {
            let (_, part, _) = gram::posting_of_key(key)?;
            let covers = PostingRow::read(key, value, &(0..=grams::LAST), &mut |gram, posting| {
                ahead.push_back(((part, gram), posting));
            })?;
            if Some((part, *covers.start())) != *next {
                return Err(missing(self.run.number));
            }
            *next = match (part, *covers.end()) {
                (Part::Header, grams::LAST) => Some((Part::Body, 0)),
                (Part::Body, grams::LAST) => None,
                (part, end) => Some((part, end + 1)),
            };
            rows += 1;
            last = Some(key.to_vec());
            Ok(if rows < AHEAD { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        let prefix = gram::run_prefix(self.run.number);
        match last.filter(|_| rows == AHEAD) {
            Some(last) => self.range = Some(KeyRange::prefix_after(&prefix, &last)),
            None if self.next.is_some() => return Err(missing(self.run.number)),
            None => {}
        }
        Ok(())
    }
}

fn missing(run: u64) -> Error {
    Error::Damaged(format!("rows of run {run} are missing from the search index"))
}
