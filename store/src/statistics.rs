//! Numbers of the whole store, for `restante status`.

use std::ops::ControlFlow;

use crate::engine::{KeyRange, Read, Table};
use crate::schema::{SegmentRow, UsageRow};
use crate::shard::Shard;
use crate::*;

/// What a store holds and what it takes on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    pub shards: u16,
    pub accounts: u64,
    pub mailboxes: u64,
    pub messages: u64,
    /// Octets of all messages, each copy counted.
    pub bytes: u64,
    /// Expunged messages that can still be restored.
    pub retained: u64,
    /// Octets of the indexes on the disk.
    pub index_bytes: u64,
    /// Octets of the body logs on the disk.
    pub body_bytes: u64,
    /// Octets of the body logs that some message still needs; the rest goes with compaction.
    pub live_body_bytes: u64,
    pub segments: u64,
}

impl Statistics {
    pub(crate) fn add(&mut self, shard: &Shard) -> Result<()> {
        let read = shard.read()?;
        self.shards += 1;
        self.index_bytes += shard.engine.size()?;
        for segment in shard.bodies.segments()? {
            self.segments += 1;
            self.body_bytes += segment.length;
        }
        self.add_usage(&*read)?;
        each(&*read, Table::Segment, &mut |octets| {
            self.live_body_bytes += SegmentRow::decode(octets)?.bytes;
            Ok(())
        })?;
        each(&*read, Table::Retained, &mut |_| {
            self.retained += 1;
            Ok(())
        })
    }

    fn add_usage(&mut self, read: &dyn Read) -> Result<()> {
        each(read, Table::Usage, &mut |octets| {
            let row = UsageRow::decode(octets)?;
            self.accounts += 1;
            self.mailboxes += u64::from(row.mailboxes);
            self.messages += row.messages;
            self.bytes += row.bytes;
            Ok(())
        })
    }
}

fn each(read: &dyn Read, table: Table, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    read.scan(table, KeyRange::all(), &mut |_, octets| each(octets).map(|()| ControlFlow::Continue(())))
}
