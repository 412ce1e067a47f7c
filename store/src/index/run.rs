//! Runs: listing, writing and dropping them.

use std::ops::ControlFlow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use message::grams::{self, Gram};
use roaring::RoaringBitmap;

use crate::engine::{KeyRange, Read, Table};
use crate::schema::gram::{self, Part, Posting, PostingRow, RunRow};
use crate::shard::Shard;
use crate::*;

/// A page of redb has 4096 octets, and a larger value takes a power of two: so rows just fill a page, where not one gram
/// alone is larger.
const ROW: usize = 4000;
/// Octets of rows in one verb: a delivery waits no longer than writing them takes.
const VERB: usize = 512 << 10;
/// Rows that one verb deletes.
const DELETED: usize = 500;

pub(crate) type Run = RunRow;

/// The runs in the order of their bodies, and the keys of those that cannot be read or overlap others.
pub(crate) fn runs(read: &(impl Read + ?Sized)) -> Result<(Vec<Run>, Vec<Vec<u8>>)> {
    let (mut runs, mut damaged) = (Vec::<Run>::new(), Vec::new());
    read.scan(Table::GramRun, KeyRange::all(), &mut |key, octets| {
        match RunRow::decode(key, octets) {
            Ok(run) if runs.last().is_none_or(|last| last.bodies.end() < run.bodies.start()) => {
                runs.push(run)
            }
            _ => damaged.push(key.to_vec()),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((runs, damaged))
}

/// The documents of a run whose text has one of these grams.
pub(super) fn documents(
    read: &(impl Read + ?Sized),
    run: u64,
    part: Part,
    wanted: &RangeInclusive<Gram>,
) -> Result<RoaringBitmap> {
    let mut found = RoaringBitmap::new();
    // The next gram that no row has told of: where it is not in the next row, a row is missing.
    let mut next = *wanted.start();
    let first = gram::posting_key(run, part, next);
    let last = gram::posting_key(run, part, grams::LAST);
    read.scan(Table::GramPosting, KeyRange::inclusive(&first, &last), &mut |key, value| {
        let covers = PostingRow::read(key, value, wanted, &mut |_, posting| match posting {
            Posting::All => drop(found.insert_range(0..=u32::from(u16::MAX))),
            Posting::Some(documents) => found.extend(documents.into_iter().map(u32::from)),
        })?;
        if !covers.contains(&next) {
            return Ok(ControlFlow::Break(()));
        }
        next = covers.end() + 1;
        Ok(if next > *wanted.end() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    if next <= *wanted.end() {
        return Err(missing(next, run));
    }
    Ok(found)
}

/// Writes the postings of a run, in the order of parts and grams.
pub(super) struct RunWriter<'a> {
    shard: &'a Shard,
    number: u64,
    /// Bodies of the run.
    count: usize,
    part: Part,
    row: PostingRow,
    /// The last gram in the row.
    last: Option<Gram>,
    rows: Vec<([u8; 12], Vec<u8>)>,
    octets: usize,
}

impl<'a> RunWriter<'a> {
    pub fn new(shard: &'a Shard, run: &Run) -> RunWriter<'a> {
        let row = PostingRow::from(0);
        let (number, count) = (run.number, run.count as usize);
        RunWriter { shard, number, count, part: Part::Header, row, last: None, rows: Vec::new(), octets: 0 }
    }

    /// The documents in order.
    pub fn add(&mut self, part: Part, gram: Gram, documents: Vec<u16>) -> Result<()> {
        if part != self.part {
            self.end_part(part)?;
        }
        let common = documents.len() * 2 > self.count;
        let posting = if common { Posting::All } else { Posting::Some(documents) };
        if !self.row.add(gram, &posting, ROW) {
            let last = self.last.unwrap_or(gram);
            self.end_row(last);
            self.row = PostingRow::from(last + 1);
            self.row.add(gram, &posting, ROW);
        }
        self.last = Some(gram);
        if self.octets >= VERB { self.flush() } else { Ok(()) }
    }

    fn end_part(&mut self, next: Part) -> Result<()> {
        self.end_row(grams::LAST);
        self.part = next;
        self.row = PostingRow::from(0);
        self.last = None;
        Ok(())
    }

    fn end_row(&mut self, last: Gram) {
        let (key, value) = self.row.encode(self.number, self.part, last);
        self.octets += key.len() + value.len();
        self.rows.push((key, value));
    }

    fn flush(&mut self) -> Result<()> {
        self.octets = 0;
        let rows = Arc::new(std::mem::take(&mut self.rows));
        let written = self.shard.write(move |batch| {
            rows.iter().try_for_each(|(key, value)| batch.put(Table::GramPosting, key, value))
        });
        written.wait()
    }

    /// The run is there from now on, in place of those that it was made of.
    pub fn finish(mut self, run: &Run, instead: &[Run]) -> Result<()> {
        if self.part == Part::Header {
            self.end_part(Part::Body)?;
        }
        self.end_row(grams::LAST);
        self.flush()?;
        let (key, value) = (gram::run_key(*run.bodies.start()), run.encode());
        let old: Vec<_> = instead.iter().map(|run| gram::run_key(*run.bodies.start())).collect();
        let written = self.shard.write(move |batch| {
            old.iter().try_for_each(|key| batch.delete(Table::GramRun, key))?;
            batch.put(Table::GramRun, &key, &value)
        });
        written.wait()?;
        instead.iter().try_for_each(|run| delete_postings(self.shard, run.number))
    }
}

/// Takes a run out of the index: its range is a gap from now on.
pub(super) fn drop_run(shard: &Shard, key: Vec<u8>) -> Result<()> {
    let stored = shard.read()?.get(Table::GramRun, &key)?;
    let number = stored.and_then(|octets| RunRow::decode(&key, &octets).ok()).map(|run| run.number);
    shard.write(move |batch| batch.delete(Table::GramRun, &key)).wait()?;
    // Without its number its postings go with those that no run owns.
    number.map_or_else(|| delete_orphans(shard).map(drop), |number| delete_postings(shard, number))
}

/// Reads every posting of a run. An error where one is damaged or missing.
pub(crate) fn verify(read: &(impl Read + ?Sized), run: &Run) -> Result<()> {
    let nowhere = Gram::MAX..=Gram::MAX;
    for part in [Part::Header, Part::Body] {
        let mut next = 0;
        let (first, last) =
            (gram::posting_key(run.number, part, 0), gram::posting_key(run.number, part, grams::LAST));
        read.scan(Table::GramPosting, KeyRange::inclusive(&first, &last), &mut |key, value| {
            let covers = PostingRow::read(key, value, &nowhere, &mut |_, _| ())?;
            if *covers.start() == next {
                next = covers.end() + 1;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if next <= grams::LAST {
            return Err(missing(next, run.number));
        }
    }
    Ok(())
}

fn missing(gram: Gram, run: u64) -> Error {
    Error::Damaged(format!("gram {gram:06x} of run {run} is missing from the search index"))
}

pub(super) fn delete_postings(shard: &Shard, number: u64) -> Result<()> {
    while !shard
        .write(move |batch| {
            let range = KeyRange::prefix(&gram::run_prefix(number));
            let keys = batch.keys(Table::GramPosting, range, DELETED)?;
            keys.iter().try_for_each(|key| batch.delete(Table::GramPosting, key))?;
            Ok(keys.len() < DELETED)
        })
        .wait()?
    {
        if shard.options.wake.is_stopped() {
            return Err(Error::ShuttingDown);
        }
    }
    Ok(())
}

/// Deletes the postings that no run owns. The greatest number of a run that there was.
pub(super) fn delete_orphans(shard: &Shard) -> Result<u64> {
    let (runs, _) = runs(&*shard.read()?)?;
    let mut greatest = runs.iter().map(|run| run.number).max().unwrap_or(0);
    for number in numbers(&*shard.read()?)? {
        greatest = greatest.max(number);
        if !runs.iter().any(|run| run.number == number) {
            delete_postings(shard, number)?;
        }
    }
    Ok(greatest)
}

/// The numbers of all runs that have postings.
pub(crate) fn numbers(read: &(impl Read + ?Sized)) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    let mut range = KeyRange::all();
    loop {
        let mut found = None;
        read.scan(Table::GramPosting, range, &mut |key, _| {
            found = Some(key.first_chunk().map_or(u64::MAX, |octets| u64::from_be_bytes(*octets)));
            Ok(ControlFlow::Break(()))
        })?;
        let Some(number) = found else { return Ok(numbers) };
        numbers.push(number);
        let Some(next) = number.checked_add(1) else { return Ok(numbers) };
        range = KeyRange { start: gram::run_prefix(next).to_vec(), end: None };
    }
}
