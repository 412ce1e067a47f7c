//! A stored message's octets.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::Result;
use crate::bodies::Record;

/// A message's octets in the store. Cheap to clone; reads block, and check checksums. Stays readable when the message
/// is expunged and its segment deleted.
#[derive(Clone)]
pub struct Body {
    /// The lines of this copy alone, before the shared octets.
    trace: Bytes,
    record: Record,
}

impl Body {
    pub(crate) fn new(trace: Bytes, record: Record) -> Body {
        Body { trace, record }
    }

    pub fn len(&self) -> u64 {
        self.trace.len() as u64 + self.record.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The octets of the range, cut to the length. Decompresses only the frames it touches; a range within one frame is
    /// not copied.
    ///
    /// # Errors
    /// [`crate::Error::Damaged`] where stored octets fail their checksum or cannot be read.
    pub fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let split = self.trace.len() as u64;
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let head = self.trace.slice(start.min(split) as usize..end.min(split) as usize);
        if end <= split {
            return Ok(head);
        }
        let rest = self.record.read(start.saturating_sub(split)..end - split)?;
        if head.is_empty() {
            return Ok(rest);
        }
        let mut both = BytesMut::with_capacity(head.len() + rest.len());
        both.extend_from_slice(&head);
        both.extend_from_slice(&rest);
        Ok(both.freeze())
    }
}
