//! Stored messages: reading them.
//!
//! A message keeps the read transaction of its snapshot, which pins pages of the index: hold both for one batch of
//! output. A [`Body`] keeps only its open segment.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use crate::bodies::Record;
use crate::engine::{self, KeyRange, Read, Table};
use crate::schema::{self, BodyRow, MessageRow};
use crate::shard::Shard;
use crate::*;

/// A consistent view of one mailbox (and of the bodies it names).
pub struct Snapshot {
    mailbox: MailboxId,
    view: Arc<View>,
}

/// A read transaction and the shard it is of.
pub(crate) struct View {
    pub read: Box<dyn engine::Snapshot>,
    pub shard: Arc<Shard>,
}

impl Snapshot {
    pub(crate) fn new(view: View, mailbox: MailboxId) -> Snapshot {
        Snapshot { mailbox, view: Arc::new(view) }
    }

    /// `None`: there is no such message in this snapshot.
    pub fn message(&self, uid: Uid) -> Result<Option<Message>> {
        let stored = self.view.read.get(Table::Message, &schema::message_key(self.mailbox, uid))?;
        stored.map(|octets| self.made(uid, &octets)).transpose()
    }

    /// Calls `each` for every existing message of the set in UID order until it breaks.
    pub fn messages(
        &self,
        uids: &UidSet,
        each: &mut dyn FnMut(Message) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut flow = ControlFlow::Continue(());
        for range in uids.ranges() {
            if range.start() == range.end() {
                if let Some(message) = self.message(Uid(*range.start()))? {
                    flow = each(message)?;
                }
            } else {
                let first = schema::message_key(self.mailbox, Uid(*range.start()));
                let last = schema::message_key(self.mailbox, Uid(*range.end()));
                self.view.read.scan(
                    Table::Message,
                    KeyRange::inclusive(&first, &last),
                    &mut |key, octets| {
                        flow = each(self.made(schema::uid_of_key(key)?, octets)?)?;
                        Ok(flow)
                    },
                )?;
            }
            if flow.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn made(&self, uid: Uid, octets: &[u8]) -> Result<Message> {
        Ok(Message::new(self.view.clone(), uid, MessageRow::decode(octets)?))
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
    trace: Bytes,
    body: BodyId,
    view: Arc<View>,
}

impl Message {
    pub(crate) fn new(view: Arc<View>, uid: Uid, row: MessageRow) -> Message {
        Message {
            uid,
            size: row.size,
            internal_date: row.internal_date,
            save_date: DateTime { seconds: row.save_date, offset: 0 },
            email_id: row.email_id,
            thread_id: row.thread_id,
            trace: row.trace,
            body: row.body,
            view,
        }
    }

    /// Envelope, body structure, preview. Its offsets count from the start of the body proper: add
    /// [`Message::trace`]'s length for offsets in [`Body`]. Parsed again from the body if the stored one is damaged.
    pub fn summary(&self) -> Result<Arc<::message::Summary>> {
        let stored = self.view.read.get(Table::Summary, &schema::body_key(self.body))?;
        if let Some(summary) = stored.and_then(|row| schema::decode_summary(&row)) {
            return Ok(Arc::new(summary));
        }
        tracing::warn!(body = self.body.0, "a summary is damaged and was made anew: run `restante check`");
        let record = self.record()?;
        let octets = record.read(0..record.len())?;
        Ok(Arc::new(::message::Summary::parse(&octets)))
    }

    /// What SORT and THREAD compare. Read from the header where the store, an older one, has no row of it.
    pub fn sort_keys(&self) -> Result<SortKeys> {
        let stored = self.view.read.get(Table::Sort, &schema::body_key(self.body))?;
        if let Some(keys) = stored.and_then(|row| SortKeys::decode(&row).ok()) {
            return Ok(keys);
        }
        let summary = self.summary()?;
        let header = self.record()?.read(0..summary.structure.body)?;
        Ok(::message::SortKeys::new(&header, &summary.envelope).into())
    }

    /// The header lines of this copy alone, which stand before the shared octets.
    pub fn trace(&self) -> &Bytes {
        &self.trace
    }

    /// The octets: trace and shared part as one. Stays readable after the snapshot is dropped and after an expunge.
    pub fn body(&self) -> Result<Body> {
        Ok(Body::new(self.trace.clone(), self.record()?))
    }

    fn record(&self) -> Result<Record> {
        let shard = &self.view.shard;
        let row = body_row(&*self.view.read, self.body)?.ok_or_else(|| {
            Error::Damaged(format!("message {} has no body in the index: run `restante check`", self.uid))
        })?;
        let opened = open(shard, &row);
        let Err(error) = opened else { return opened };
        // Compaction may have moved it since the snapshot was taken, and deleted the segment.
        match body_row(&*shard.read()?, self.body)? {
            None => Err(Error::Expunged),
            Some(now) if now.location == row.location => Err(error),
            Some(now) => open(shard, &now),
        }
    }
}

fn open(shard: &Shard, row: &BodyRow) -> Result<Record> {
    shard.bodies.open(row.location)?.of(&row.hash)
}

fn body_row(read: &(impl Read + ?Sized), body: BodyId) -> Result<Option<BodyRow>> {
    let stored = read.get(Table::Body, &schema::body_key(body))?;
    stored.map(|octets| BodyRow::decode(&octets)).transpose()
}
