//! Stored messages: reading them, and staging new ones.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::*;

/// A consistent view of one mailbox (and of the bodies it names).
pub struct Snapshot {}

impl Snapshot {
    pub fn message(&self, uid: Uid) -> Result<Option<Message>> {
        let _ = uid;
        unimplemented!()
    }
    /// Calls `each` for every existing message of the set in UID order until it breaks.
    pub fn messages(
        &self,
        uids: &UidSet,
        each: &mut dyn FnMut(Message) -> Result<std::ops::ControlFlow<()>>,
    ) -> Result<()> {
        let _ = (uids, each);
        unimplemented!()
    }
}

/// One message's unchanging part.
#[derive(Clone)]
pub struct Message {
    pub uid: Uid,
    /// RFC822.SIZE: trace and body.
    pub size: u64,
    pub internal_date: DateTime,
    /// RFC 8514: when it came into this mailbox.
    pub save_date: DateTime,
    pub email_id: EmailId,
    pub thread_id: ThreadId,
}

impl Message {
    /// Envelope, body structure, preview. Its offsets count from the start of the body proper: add
    /// [`Message::trace`]'s length for offsets in [`Body`]. Parsed again from the body if the stored one is damaged.
    pub fn summary(&self) -> Result<Arc<::message::Summary>> {
        unimplemented!()
    }
    /// The header lines of this copy alone, which stand before the shared octets.
    pub fn trace(&self) -> &Bytes {
        unimplemented!()
    }
    /// The octets: trace and shared part as one. Stays readable after the snapshot is dropped and after an expunge.
    pub fn body(&self) -> Result<Body> {
        unimplemented!()
    }
}

/// A message's octets in the store. Cheap to clone; reads blocks, checks checksums.
#[derive(Clone)]
pub struct Body {}

impl Body {
    pub fn len(&self) -> u64 {
        unimplemented!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The octets of the range, cut to the length. Decompresses only the frames it touches.
    pub fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let _ = range;
        unimplemented!()
    }
}

/// Collects a message's octets: in memory at first, in an unlinked temporary file when it grows.
pub struct Spool {}

impl Spool {
    /// [`Error::TooLarge`] as soon as the limit that it was made with is passed.
    pub fn write(&mut self, octets: &[u8]) -> Result<()> {
        let _ = octets;
        unimplemented!()
    }
    pub fn len(&self) -> u64 {
        unimplemented!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl io::Write for Spool {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Spool::write(self, octets).map(|()| octets.len()).map_err(io::Error::other)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A message ready to insert: normalized to CRLF, hashed, compressed, summarized. Made once however many
/// recipients it has. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Staged {}

impl Staged {
    /// Octets after normalization.
    pub fn len(&self) -> u64 {
        unimplemented!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    pub fn summary(&self) -> &::message::Summary {
        unimplemented!()
    }
}
