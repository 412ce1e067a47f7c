//! One batch of FETCH output: made from a snapshot in one blocking step, sent when the snapshot is gone.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use bytes::{Bytes, BytesMut};
use common::stream::{BATCH, Stream};
use store::{Keyword, Mailbox, Message, Row, Uid, UidSet};

use super::body::{Answer, Loaded, Source};
use super::{Item, Known, Ready, RowItem, Unready, envelope, simple, structure};
use crate::error::Error;
use crate::response::{Code, Sink, Writer};
use crate::session::Enabled;
use crate::view::SeqNum;

/// A message whose line is still to be written.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    pub seq: SeqNum,
    pub row: Row,
    pub recent: bool,
    /// What is told beside what was asked for: \Seen has just been set.
    pub extra: &'static [RowItem],
}

/// What lines are made from.
pub struct Request<'a> {
    pub mailbox: &'a Mailbox,
    pub items: &'a [Item],
    pub keywords: &'a [Keyword],
    pub enabled: Enabled,
}

/// Output in order: text, and octets that are read when it is their turn.
#[derive(Default)]
pub struct Batch {
    done: Vec<Piece>,
    text: BytesMut,
    /// Octets in `done` that are in memory already.
    size: usize,
    pub trouble: Trouble,
    enabled: Enabled,
}

/// Messages that have no line.
#[derive(Default)]
pub struct Trouble {
    /// Some exist no more.
    pub expunged: bool,
    /// Some could not be read: why the first could not.
    pub failure: Option<store::Error>,
    /// A part of some is encoded in a way that nobody here can undo: how.
    pub unknown_encoding: Option<Vec<u8>>,
}

enum Piece {
    Octets(Bytes),
    Later(Source),
}

impl Request<'_> {
    /// Takes lines from the front of `wanted`, from one snapshot, until the batch is full. Blocks.
    pub fn batch(&self, wanted: &mut VecDeque<Wanted>) -> store::Result<Batch> {
        let mut batch = Batch { enabled: self.enabled, ..Batch::default() };
        let uids: UidSet = wanted.iter().map(|message| message.row.uid).collect();
        let snapshot = self.mailbox.snapshot()?;
        snapshot.messages(&uids, &mut |message| {
            if let Some(wanted) = batch.skip_to(message.uid, wanted) {
                self.line(&mut batch, &wanted, &message);
            }
            Ok(if batch.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if !batch.is_full() {
            // The snapshot has none of what is left.
            batch.trouble.expunged |= !wanted.is_empty();
            wanted.clear();
        }
        Ok(batch)
    }

    /// One line, or none and the reason.
    fn line(&self, batch: &mut Batch, wanted: &Wanted, message: &Message) {
        let mut loaded = Loaded::default();
        let ready =
            self.items.iter().map(|item| item.ready(message, &mut loaded)).collect::<Result<Vec<_>, _>>();
        match ready {
            Ok(ready) => self.write(batch, wanted, ready),
            Err(Unready::Store(store::Error::Expunged)) => batch.trouble.expunged = true,
            Err(Unready::UnknownEncoding(name)) => {
                batch.trouble.unknown_encoding.get_or_insert(name);
            }
            Err(Unready::Store(failure)) => drop(batch.trouble.failure.get_or_insert(failure)),
        }
    }

    fn write(&self, batch: &mut Batch, wanted: &Wanted, ready: Vec<Ready<'_>>) {
        let Wanted { seq, row, recent, extra } = *wanted;
        let uidfetch = self.enabled.uidonly;
        let known = Known { seq, row, recent, keywords: self.keywords, uidfetch };
        super::write_head(&mut batch.writer(), seq, row.uid, uidfetch);
        let mut before = "(";
        for item in ready {
            batch.writer().raw(before);
            batch.item(item, &known);
            before = " ";
        }
        for item in extra.iter().filter(|extra| !self.items.contains(&Item::Row(**extra))) {
            item.write(batch.writer().raw(before), &known);
            before = " ";
        }
        batch.writer().raw(")\r\n");
    }
}

impl Batch {
    fn writer(&mut self) -> Writer<'_> {
        let enabled = self.enabled;
        Writer::in_mode(self, enabled)
    }

    fn is_full(&mut self) -> bool {
        self.queued() >= BATCH
    }

    /// The message with this UID; those before it exist no more.
    fn skip_to(&mut self, uid: Uid, wanted: &mut VecDeque<Wanted>) -> Option<Wanted> {
        while wanted.front().is_some_and(|first| first.row.uid < uid) {
            wanted.pop_front();
            self.trouble.expunged = true;
        }
        if wanted.front()?.row.uid == uid { wanted.pop_front() } else { None }
    }

    fn item(&mut self, item: Ready<'_>, known: &Known<'_>) {
        let out = &mut self.writer();
        match item {
            Ready::Row(item) => item.write(out, known),
            Ready::InternalDate(when) => simple::write_internal_date(out, when),
            Ready::Size(size) => simple::write_size(out, size),
            Ready::Envelope(summary) => envelope::write(out.raw("ENVELOPE "), &summary.envelope),
            Ready::Structure { summary, extended } => {
                out.raw(if extended { "BODYSTRUCTURE " } else { "BODY " });
                structure::write(out, &summary.structure, extended);
            }
            Ready::Octets { label, answer } => {
                out.raw(label).raw(" ");
                self.octets(answer);
            }
            Ready::BinarySize { label, size } => drop(out.raw(label).raw(" ").show(size)),
            Ready::Preview(summary) => drop(out.raw("PREVIEW ").string(summary.preview.as_bytes())),
            Ready::SaveDate(when) => simple::write_save_date(out, when),
            Ready::EmailId(id) => drop(out.raw("EMAILID (M").show(id).raw(")")),
            Ready::ThreadId(id) => drop(out.raw("THREADID (T").show(id).raw(")")),
        }
    }

    fn octets(&mut self, answer: Answer) {
        match answer {
            Answer::Nil => drop(self.writer().raw("NIL")),
            Answer::Now(octets) => drop(self.writer().literal(octets)),
            Answer::Binary(octets) => drop(self.writer().raw("~").literal(octets)),
            Answer::Later { size, source, binary } => {
                self.writer().raw(if binary { "~" } else { "" }).literal_header(size);
                self.cut();
                self.done.push(Piece::Later(source));
                // What it will send makes the batch full.
                self.size = self.size.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
            }
        }
    }

    /// Closes the text so far.
    fn cut(&mut self) {
        if !self.text.is_empty() {
            self.size += self.text.len();
            self.done.push(Piece::Octets(self.text.split().freeze()));
        }
    }

    /// Queues everything and sends it, large octets a piece at a time.
    pub async fn send(mut self, stream: &mut Stream) -> Result<(), Error> {
        self.cut();
        for piece in self.done {
            match piece {
                Piece::Octets(octets) => stream.put(octets),
                Piece::Later(source) => send_source(source, stream).await?,
            }
        }
        Ok(stream.flush_batch().await?)
    }
}

/// A literal whose size is told already must be completed: when that fails the session cannot go on.
async fn send_source(mut source: Source, stream: &mut Stream) -> Result<(), Error> {
    loop {
        match common::block(|| source.next()) {
            Ok(Some(octets)) => stream.put(octets),
            Ok(None) => return Ok(()),
            Err(failure) => {
                tracing::error!(%failure, "message cannot be read to its end");
                let text = "A message is damaged; ask the administrator".into();
                return Err(Error::Bye { code: Some(Code::Corruption), text });
            }
        }
        stream.flush().await?;
    }
}

impl Sink for Batch {
    fn out(&mut self) -> &mut BytesMut {
        &mut self.text
    }
    fn put(&mut self, octets: Bytes) {
        self.cut();
        self.size += octets.len();
        self.done.push(Piece::Octets(octets));
    }
    fn queued(&mut self) -> usize {
        self.size + self.text.len()
    }
}

impl Trouble {
    pub fn add(&mut self, other: Trouble) {
        self.expunged |= other.expunged;
        self.failure = self.failure.take().or(other.failure);
        self.unknown_encoding = self.unknown_encoding.take().or(other.unknown_encoding);
    }
}
