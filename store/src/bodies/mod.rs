//! Where the octets of messages are: records that are appended once and never change.
//!
//! Rules:
//! - The index (the ordered keys) says which records exist. What stands behind the committed [`Bodies::tail`] is garbage
//!   that a crash left, and opening trims it.
//! - A record is complete and synced before the index names it: [`Bodies::append`], [`Bodies::sync`], then commit.
//! - A record that is open stays readable, whatever is deleted meanwhile.
//!
//! [`Log`] is the implementation in files; `layout` has their layout byte by byte.

mod build;
mod codec;
mod faults;
mod layout;
mod log;
mod record;
mod segment;
#[cfg(test)]
mod tests;

pub(crate) use build::{Builder, FinishedRecord};
pub(crate) use codec::Codec;
pub(crate) use faults::Faulty;
pub use faults::{Call, Faults};
pub(crate) use log::{Log, LogOptions, SEGMENT_LIMIT};
pub(crate) use record::Record;

use crate::{Result, Staged};

/// Where a record is: what the index keeps of a body, beside its hash and its references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Location {
    pub segment: u32,
    /// Of the record's first octet, counted from the start of the segment.
    pub offset: u64,
    /// Octets of the whole record as stored.
    pub stored: u32,
    /// Octets of the body.
    pub size: u64,
}

/// A segment as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentInfo {
    pub id: u32,
    /// Octets, its own header included.
    pub length: u64,
    /// Nothing is appended to it any more.
    pub sealed: bool,
}

/// The body interface under the verbs. One thread appends, syncs, resets, copies and deletes; any number open and read.
pub(crate) trait Bodies: Send + Sync {
    /// Appends the record, not synced. When it fails, nothing of it remains.
    fn append(&self, staged: &Staged) -> Result<Location>;
    /// Makes everything appended durable.
    fn sync(&self) -> Result<()>;
    /// Opens a record and checks its header against the location.
    ///
    /// A location from an older view of the index may be in a segment that compaction has deleted since: when this
    /// fails, look the body up in the newest index, and try again where it is now.
    fn open(&self, location: Location) -> Result<Record>;
    /// Where the next record goes, or would if the segment had room. Committed by the index in each transaction.
    fn tail(&self) -> (u32, u64);
    /// Throws away what was appended behind this earlier tail. Needed after a failed commit, sync or append.
    fn reset(&self, tail: (u32, u64)) -> Result<()>;
    /// Ascending by id.
    fn segments(&self) -> Result<Vec<SegmentInfo>>;
    /// Appends the record once more at the tail, checksums checked (compaction).
    fn copy(&self, location: Location) -> Result<Location>;
    /// Deletes a sealed segment. The index must have forgotten its records durably before. One that is gone is no error.
    fn delete_segment(&self, segment: u32) -> Result<()>;
    /// Reads the whole record and compares every checksum, and the body with its BLAKE3 hash.
    fn verify(&self, location: Location, hash: &[u8; 32]) -> Result<()>;
}
