//! Stored messages: reading them.

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
