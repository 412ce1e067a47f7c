//! Making a run of the bodies of a gap.

use std::ops::{ControlFlow, RangeInclusive};

use message::Summary;
use message::grams::{self, GramSet};
use roaring::RoaringBitmap;

use super::run::{Run, RunWriter};
use super::worker::Pace;
use crate::engine::{KeyRange, Read, Table};
use crate::schema::gram::{Part, document};
use crate::schema::{self, BodyRow};
use crate::shard::Shard;
use crate::*;

/// Grams of all bodies of a run as it is made, at most about: eight octets each in memory.
const ENTRIES: usize = 2 << 20;
/// Grams of one body; one with more may hold anything.
const BODY_ENTRIES: usize = 200_000;
/// Octets of a body that is looked into; a larger one may hold anything.
const BODY_OCTETS: u64 = 64 << 20;
/// Bodies that are listed at a time.
const PIECE: usize = 1024;

/// Makes the grams of bodies; what it holds in memory is used again.
#[derive(Default)]
pub(super) struct Builder {
    header: GramSet,
    body: GramSet,
    /// Part and gram above, document below.
    entries: Vec<u64>,
}

impl Builder {
    /// Makes a run of the gap, or of the beginning of it where there is too much for one.
    pub fn build(
        &mut self,
        shard: &Shard,
        number: u64,
        gap: RangeInclusive<u64>,
        pace: &mut Pace<'_>,
    ) -> Result<Run> {
        self.entries.clear();
        let mut run = Run { number, bodies: gap, count: 0, opaque: RoaringBitmap::new() };
        let mut next = *run.bodies.start();
        'pieces: loop {
            let bodies = bodies(&*shard.read()?, next..=*run.bodies.end())?;
            let all = bodies.len() < PIECE;
            for body in bodies {
                pace.step()?;
                self.add(shard, body, &mut run);
                next = body.0 + 1;
                if self.entries.len() >= ENTRIES {
                    run.bodies = *run.bodies.start()..=body.0;
                    break 'pieces;
                }
            }
            if all {
                break;
            }
        }
        self.write(shard, &run)?;
        Ok(run)
    }

    fn add(&mut self, shard: &Shard, body: BodyId, run: &mut Run) {
        run.count += 1;
        self.header.clear();
        self.body.clear();
        let known = self.collect(shard, body).unwrap_or_else(|error| {
            tracing::debug!(body = body.0, %error, "a message cannot be indexed");
            false
        });
        let document = document(body);
        if !known || self.header.grams().len() + self.body.grams().len() > BODY_ENTRIES {
            run.opaque.insert(document);
            return;
        }
        for (part, set) in [(Part::Header, &self.header), (Part::Body, &self.body)] {
            let above = (part as u64) << 24;
            let entry = |gram: &u32| (above | u64::from(*gram)) << 16 | u64::from(document);
            self.entries.extend(set.grams().iter().map(entry));
        }
    }

    /// False where the body may hold anything.
    fn collect(&mut self, shard: &Shard, body: BodyId) -> Result<bool> {
        let read = shard.read()?;
        // It was let go meanwhile.
        let Some(row) = body_row(&*read, body)? else { return Ok(true) };
        if row.location.size > BODY_OCTETS {
            return Ok(false);
        }
        // Compaction may move it just now: the error makes it a body that can hold anything.
        let record = shard.bodies.open(row.location)?.of(&row.hash)?;
        let octets = record.read(0..record.len())?;
        // It would go on with the last line that delivery puts before it.
        if matches!(octets.first(), Some(b' ' | b'\t')) {
            return Ok(false);
        }
        let stored = read.get(Table::Summary, &schema::body_key(body))?;
        let summary = stored.and_then(|row| schema::decode_summary(&row));
        let summary = summary.unwrap_or_else(|| Summary::parse(&octets));
        grams::collect(&summary, &octets, &mut self.header, &mut self.body);
        Ok(true)
    }

    fn write(&mut self, shard: &Shard, run: &Run) -> Result<()> {
        self.entries.sort_unstable();
        let mut writer = RunWriter::new(shard, run);
        for same in self.entries.chunk_by(|one, other| one >> 16 == other >> 16) {
            let Some(first) = same.first() else { continue };
            let part = if first >> 40 == 0 { Part::Header } else { Part::Body };
            let documents = same.iter().map(|entry| (entry & 0xffff) as u16).collect();
            writer.add(part, (first >> 16) as u32 & grams::LAST, documents)?;
        }
        writer.finish(run, &[])
    }
}

fn body_row(read: &(impl Read + ?Sized), body: BodyId) -> Result<Option<BodyRow>> {
    let stored = read.get(Table::Body, &schema::body_key(body))?;
    stored.map(|octets| BodyRow::decode(&octets)).transpose()
}

/// The first bodies of a range that exist.
pub(super) fn bodies(read: &(impl Read + ?Sized), range: RangeInclusive<u64>) -> Result<Vec<BodyId>> {
    let mut bodies = Vec::new();
    let (first, last) = (schema::body_key(BodyId(*range.start())), schema::body_key(BodyId(*range.end())));
    read.scan(Table::Body, KeyRange::inclusive(&first, &last), &mut |key, _| {
        bodies.push(BodyId(schema::u64_of("body", key)?));
        Ok(if bodies.len() < PIECE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(bodies)
}
