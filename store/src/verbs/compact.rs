//! Compaction of the body log, in steps.

use crate::batch::Batch;
use crate::engine::{KeyRange, Table};
use crate::schema;
use crate::*;

/// Octets that one step copies, about; a delivery waits no longer than this takes.
const OCTETS: u64 = 8 << 20;
/// Records that one step copies, at most.
const RECORDS: usize = 500;

/// Copies some of the segment's bodies to the end of the log. True when none is left.
pub(crate) fn step(batch: &mut Batch<'_>, segment: u32) -> Result<bool> {
    let mut octets = 0;
    let keys = batch.keys(Table::BodyLocation, KeyRange::prefix(&schema::segment_key(segment)), RECORDS)?;
    let all = keys.len() < RECORDS;
    for key in keys {
        let Some(stored) = batch.tx.get(Table::BodyLocation, &key)? else { continue };
        let body = BodyId(schema::u64_of("body_location", &stored)?);
        octets += u64::from(batch.body(body)?.location.stored);
        batch.move_body(body)?;
        if octets >= OCTETS {
            return Ok(false);
        }
    }
    Ok(all)
}

/// Deletes the segment if the last commit names nothing in it. What this batch did is not committed yet, so a segment
/// that it has touched stays. Two tables must agree, since no other step throws octets away.
pub(crate) fn retire(batch: &mut Batch<'_>, segment: u32) -> Result<()> {
    let key = schema::segment_key(segment);
    let named = batch.keys(Table::BodyLocation, KeyRange::prefix(&key), 1)?;
    if !named.is_empty() || batch.has_touched(segment) {
        return Ok(());
    }
    let counted = batch.segment(segment)?.records;
    if counted > 0 {
        return Err(Error::Damaged(format!(
            "segment {segment} holds {counted} bodies of which none is found: run `restante check`"
        )));
    }
    batch.shard.bodies.delete_segment(segment)?;
    batch.delete(Table::Segment, &key)
}
