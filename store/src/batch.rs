//! The verbs of one commit, together: the rows they touch are read once, changed in memory and written back once.
//!
//! Rules:
//! - A verb looks at everything first and changes something only when nothing can be refused any more.
//! - Rows of mailboxes, flags pages, usage and bodies are reached through the batch alone, so that the verbs of a batch
//!   see each other's changes.
//! - Nothing here is visible to readers before the commit.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::bodies::Location;
use crate::engine::{KeyRange, Table, Write};
use crate::registry::Update;
use crate::schema::{self, BodyRow, Chunk, Counters, MailboxRow, SegmentRow, UsageRow};
use crate::shard::Shard;
use crate::*;

/// Verbs that run in one transaction.
pub(crate) struct Batch<'a> {
    pub tx: &'a mut dyn Write,
    pub shard: &'a Shard,
    pub counters: Counters,
    /// Seconds since 1970: the moment of everything in this batch.
    pub now: i64,
    mailboxes: HashMap<MailboxId, MailboxSlot>,
    chunks: BTreeMap<(MailboxId, u32), ChunkSlot>,
    usages: HashMap<AccountId, Slot<UsageRow>>,
    bodies: HashMap<BodyId, Slot<BodyRow>>,
    /// Bodies that this batch has read or written.
    sound: HashSet<BodyId>,
    segments: HashMap<u32, (i64, i64)>,
    published: Vec<(AccountId, Change)>,
    /// How often something was changed.
    changes: u64,
    appended: bool,
}

struct MailboxSlot {
    account: AccountId,
    row: Option<MailboxRow>,
    dirty: bool,
}

struct ChunkSlot {
    /// `None`: no message is left.
    chunk: Option<Arc<Chunk>>,
    dirty: bool,
}

struct Slot<T> {
    row: Option<T>,
    dirty: bool,
}

/// What a committed batch means to those who look on.
#[derive(Default)]
pub(crate) struct Effects {
    pub counters: Option<Counters>,
    pub updates: Vec<(MailboxId, Update)>,
    /// From which UID on messages are recent, as now stored.
    pub recent: Vec<(MailboxId, Uid)>,
    pub changes: Vec<(AccountId, Change)>,
}

impl<'a> Batch<'a> {
    pub fn new(tx: &'a mut dyn Write, shard: &'a Shard, counters: Counters) -> Batch<'a> {
        Batch {
            tx,
            shard,
            counters,
            now: now(),
            mailboxes: HashMap::new(),
            chunks: BTreeMap::new(),
            usages: HashMap::new(),
            bodies: HashMap::new(),
            sound: HashSet::new(),
            segments: HashMap::new(),
            published: Vec::new(),
            changes: 0,
            appended: false,
        }
    }

    /// Something was written that must be committed.
    pub fn has_changed(&self) -> bool {
        self.changes > 0
    }

    /// How often something was changed.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// The counters were changed and must be written.
    pub fn touch(&mut self) {
        self.changes += 1;
    }

    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        self.touch();
        self.tx.put(table, key, value)
    }

    pub fn delete(&mut self, table: Table, key: &[u8]) -> Result<()> {
        self.touch();
        self.tx.delete(table, key)
    }

    /// Published after the commit, in this order.
    pub fn publish(&mut self, account: AccountId, change: Change) {
        self.touch();
        self.published.push((account, change));
    }

    /// Up to `limit` keys of the range, in order.
    pub fn keys(&self, table: Table, range: KeyRange, limit: usize) -> Result<Vec<Vec<u8>>> {
        let mut keys = Vec::new();
        if limit > 0 {
            self.tx.scan(table, range, &mut |key, _| {
                keys.push(key.to_vec());
                Ok(if keys.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
        }
        Ok(keys)
    }

    // Mailboxes

    /// The mailbox's row as it is at this point of the batch.
    pub fn mailbox(&mut self, account: AccountId, mailbox: MailboxId) -> Result<MailboxRow> {
        if let Some(slot) = self.mailboxes.get(&mailbox) {
            let row = slot.row.clone().filter(|_| slot.account == account);
            return row.ok_or_else(|| no_such(mailbox));
        }
        let stored = self.tx.get(Table::Mailbox, &schema::mailbox_key(account, mailbox))?;
        let mut row = MailboxRow::decode(&stored.ok_or_else(|| no_such(mailbox))?)?;
        self.shard.claims.apply(self.tx, mailbox, &mut row)?;
        self.mailboxes.insert(mailbox, MailboxSlot { account, row: Some(row.clone()), dirty: false });
        Ok(row)
    }

    /// Writes the row and has the change told.
    pub fn put_mailbox(&mut self, account: AccountId, mailbox: MailboxId, row: MailboxRow) {
        self.touch();
        self.mailboxes.insert(mailbox, MailboxSlot { account, row: Some(row), dirty: true });
    }

    /// The row is gone at the end of the batch.
    pub fn delete_mailbox(&mut self, account: AccountId, mailbox: MailboxId) {
        self.touch();
        self.mailboxes.insert(mailbox, MailboxSlot { account, row: None, dirty: true });
    }

    /// Messages came, went or changed.
    pub fn messages_changed(&mut self, account: AccountId, mailbox: MailboxId, row: MailboxRow) {
        let modseq = row.highest_modseq;
        self.put_mailbox(account, mailbox, row);
        self.publish(account, Change::Messages { mailbox, modseq });
    }

    pub fn mailbox_named(&self, account: AccountId, name: &MailboxName) -> Result<Option<MailboxId>> {
        let stored = self.tx.get(Table::MailboxName, &schema::name_key(account, name.as_str()))?;
        stored.map(|octets| schema::u64_of("mailbox_name", &octets).map(MailboxId)).transpose()
    }

    // Flags

    /// The page with flags of a mailbox, if a message of it exists.
    pub fn chunk(&mut self, mailbox: MailboxId, page: u32) -> Result<Option<Arc<Chunk>>> {
        if let Some(slot) = self.chunks.get(&(mailbox, page)) {
            return Ok(slot.chunk.clone());
        }
        let stored = self.tx.get(Table::Flags, &schema::flags_key(mailbox, page))?;
        let chunk = stored.map(|octets| Chunk::decode(page, &octets).map(Arc::new)).transpose()?;
        self.chunks.insert((mailbox, page), ChunkSlot { chunk: chunk.clone(), dirty: false });
        Ok(chunk)
    }

    /// All pages of the mailbox between these two, both included, in order.
    pub fn chunks(&mut self, mailbox: MailboxId, first: u32, last: u32) -> Result<Vec<Arc<Chunk>>> {
        let range =
            KeyRange::inclusive(&schema::flags_key(mailbox, first), &schema::flags_key(mailbox, last));
        let chunks = &mut self.chunks;
        self.tx.scan(Table::Flags, range, &mut |key, octets| {
            let (_, page) = schema::page_of_key(key)?;
            if let Entry::Vacant(place) = chunks.entry((mailbox, page)) {
                let chunk = Some(Arc::new(Chunk::decode(page, octets)?));
                place.insert(ChunkSlot { chunk, dirty: false });
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let range = (mailbox, first)..=(mailbox, last);
        Ok(self.chunks.range(range).filter_map(|(_, slot)| slot.chunk.clone()).collect())
    }

    /// Changes a page: `change` gets the messages that are there, perhaps none.
    pub fn change_chunk(
        &mut self,
        mailbox: MailboxId,
        page: u32,
        change: impl FnOnce(&mut Chunk),
    ) -> Result<()> {
        self.chunk(mailbox, page)?;
        self.touch();
        let slot = self.chunks.entry((mailbox, page)).or_insert(ChunkSlot { chunk: None, dirty: true });
        slot.dirty = true;
        let mut chunk = slot.chunk.take().unwrap_or_else(|| Arc::new(Chunk::new(page)));
        change(Arc::make_mut(&mut chunk));
        slot.chunk = Some(chunk).filter(|chunk| !chunk.is_empty());
        Ok(())
    }

    /// Gives up a page that cannot be read (check).
    pub fn forget_chunk(&mut self, mailbox: MailboxId, page: u32) {
        self.touch();
        self.chunks.insert((mailbox, page), ChunkSlot { chunk: None, dirty: true });
    }

    // Accounts

    /// The account's usage. An account that was deleted, or has no mail in this shard, is no account.
    pub fn usage(&mut self, account: AccountId) -> Result<UsageRow> {
        if !self.usages.contains_key(&account) {
            let stored = self.tx.get(Table::Usage, &schema::account_key(account))?;
            let row = stored.map(|octets| UsageRow::decode(&octets)).transpose()?;
            self.usages.insert(account, Slot { row, dirty: false });
        }
        let row = self.usages.get(&account).and_then(|slot| slot.row);
        row.ok_or_else(|| Error::NoSuchAccount(format!("with id {account}")))
    }

    pub fn put_usage(&mut self, account: AccountId, row: UsageRow) {
        self.touch();
        self.usages.insert(account, Slot { row: Some(row), dirty: true });
    }

    pub fn delete_usage(&mut self, account: AccountId) {
        self.touch();
        self.usages.insert(account, Slot { row: None, dirty: true });
    }

    // Bodies

    /// The stored body of a staged message with one more reference: the one that is there already, or a new one.
    pub fn add_body(&mut self, staged: &Staged) -> Result<BodyId> {
        if let Some((body, row)) = self.body_of(staged)? {
            if !self.sound.contains(&body) {
                self.keep_sound(body, row, staged)?;
            }
            self.refer(body, 1)?;
            return Ok(body);
        }
        let location = self.append(staged)?;
        let body = BodyId(take(&mut self.counters.body));
        let row = BodyRow { hash: staged.hash, location, references: 1 };
        self.put(Table::BodyHash, &row.hash, &schema::body_key(body))?;
        self.put(Table::Summary, &schema::body_key(body), &schema::encode_summary(&staged.encoded_summary))?;
        self.put(Table::Sort, &schema::body_key(body), &staged.sort_keys)?;
        self.place(body, &row)?;
        self.put_body(body, row);
        self.sound.insert(body);
        Ok(body)
    }

    fn append(&mut self, staged: &Staged) -> Result<Location> {
        self.appended = true;
        self.shard.bodies.append(staged)
    }

    /// The body with the octets of the message. One that the index names and does not know is none: nobody can read it.
    fn body_of(&mut self, staged: &Staged) -> Result<Option<(BodyId, BodyRow)>> {
        let Some(octets) = self.tx.get(Table::BodyHash, &staged.hash)? else { return Ok(None) };
        let body = BodyId(schema::u64_of("body_hash", &octets)?);
        match self.body(body) {
            Ok(row) if row.hash == staged.hash => Ok(Some((body, row))),
            Ok(_) | Err(Error::Damaged(_)) => {
                tracing::error!(body = body.0, "the index of bodies is damaged: run `restante check`");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Nothing may be acknowledged onto octets that cannot be read. Where they cannot, they are stored anew, which mends
    /// every other copy, too. Reading them costs no more than writing them would.
    fn keep_sound(&mut self, body: BodyId, mut row: BodyRow, staged: &Staged) -> Result<()> {
        let opened = self.shard.bodies.open(row.location).and_then(|record| record.of(&row.hash));
        if let Err(error) = opened.and_then(|record| record.probe()) {
            tracing::error!(body = body.0, %error, "a stored message was damaged and is replaced by the same from outside");
            let location = self.append(staged)?;
            self.displace(&row)?;
            row.location = location;
            self.place(body, &row)?;
            self.put_body(body, row);
        }
        self.sound.insert(body);
        Ok(())
    }

    /// Adds to the references of a body. One that has none at the end of the batch is forgotten.
    pub fn refer(&mut self, body: BodyId, more: i64) -> Result<()> {
        let mut row = self.body(body)?;
        row.references = row.references.saturating_add_signed(more);
        self.put_body(body, row);
        Ok(())
    }

    /// A message that named the body is gone. If the index does not know the body, there is nothing to let go.
    pub fn release(&mut self, body: BodyId) -> Result<()> {
        match self.refer(body, -1) {
            Err(Error::Damaged(error)) => {
                tracing::error!(%error, "the body of a message that goes is damaged");
                Ok(())
            }
            answer => answer,
        }
    }

    pub fn body(&mut self, body: BodyId) -> Result<BodyRow> {
        if !self.bodies.contains_key(&body) {
            let stored = self.tx.get(Table::Body, &schema::body_key(body))?;
            let row = stored.map(|octets| BodyRow::decode(&octets)).transpose()?;
            self.bodies.insert(body, Slot { row, dirty: false });
        }
        let row = self.bodies.get(&body).and_then(|slot| slot.row);
        row.ok_or_else(|| Error::Damaged(format!("body {body} is not in the index: run `restante check`")))
    }

    fn put_body(&mut self, body: BodyId, row: BodyRow) {
        self.touch();
        self.bodies.insert(body, Slot { row: Some(row), dirty: true });
    }

    /// The body is elsewhere now (compaction).
    pub fn move_body(&mut self, body: BodyId) -> Result<()> {
        let mut row = self.body(body)?;
        self.appended = true;
        let location = self.shard.bodies.copy(row.location)?;
        self.displace(&row)?;
        row.location = location;
        self.place(body, &row)?;
        self.put_body(body, row);
        Ok(())
    }

    fn place(&mut self, body: BodyId, row: &BodyRow) -> Result<()> {
        let location = row.location;
        self.count_record(row, 1);
        self.put(
            Table::BodyLocation,
            &schema::location_key(location.segment, location.offset),
            &schema::body_key(body),
        )
    }

    fn displace(&mut self, row: &BodyRow) -> Result<()> {
        let location = row.location;
        self.count_record(row, -1);
        self.delete(Table::BodyLocation, &schema::location_key(location.segment, location.offset))
    }

    /// The batch took records out of this segment or put some into it.
    pub fn has_touched(&self, segment: u32) -> bool {
        self.segments.contains_key(&segment)
    }

    /// Corrects what is known of a segment (check).
    pub fn correct_segment(&mut self, segment: u32, records: i64, bytes: i64) {
        self.touch();
        let counts = self.segments.entry(segment).or_default();
        counts.0 += records;
        counts.1 += bytes;
    }

    fn count_record(&mut self, row: &BodyRow, sign: i64) {
        let counts = self.segments.entry(row.location.segment).or_default();
        counts.0 += sign;
        counts.1 += sign * i64::from(row.location.stored);
    }

    // Numbers

    pub fn next_mailbox(&mut self) -> MailboxId {
        MailboxId(self.shard.numbered(take(&mut self.counters.mailbox)))
    }

    pub fn next_email(&mut self) -> EmailId {
        EmailId(self.shard.numbered(take(&mut self.counters.email)))
    }

    pub fn next_thread(&mut self) -> ThreadId {
        ThreadId(self.shard.numbered(take(&mut self.counters.thread)))
    }

    pub fn next_retained(&mut self) -> u64 {
        take(&mut self.counters.retained)
    }

    /// Never given twice in this shard. 2^32 mailboxes from now there are none left.
    pub fn next_uid_validity(&mut self) -> Result<UidValidity> {
        let next = self.counters.uid_validity;
        self.counters.uid_validity = next.checked_add(1).ok_or_else(|| {
            Error::Limit(
                "every UIDVALIDITY of this shard has been used: move accounts to another shard".to_owned(),
            )
        })?;
        Ok(UidValidity(next))
    }

    // The end

    /// Writes back all that was changed and makes the bodies durable. What is left is the commit.
    pub fn finish(mut self) -> Result<Effects> {
        self.write_bodies()?;
        self.write_segments()?;
        self.write_usages()?;
        self.write_chunks()?;
        self.write_mailboxes()?;
        if self.appended {
            self.shard.bodies.sync()?;
        }
        self.counters.commit += 1;
        self.counters.tail = self.shard.bodies.tail();
        self.tx.put(Table::Meta, schema::COUNTERS, &self.counters.encode())?;
        Ok(self.effects())
    }

    fn write_bodies(&mut self) -> Result<()> {
        let dirty: Vec<_> =
            std::mem::take(&mut self.bodies).into_iter().filter(|(_, slot)| slot.dirty).collect();
        for (body, slot) in dirty {
            let Some(row) = slot.row else { continue };
            let key = schema::body_key(body);
            if row.references > 0 {
                self.tx.put(Table::Body, &key, &row.encode())?;
                continue;
            }
            self.displace(&row)?;
            self.tx.delete(Table::Body, &key)?;
            self.tx.delete(Table::BodyHash, &row.hash)?;
            self.tx.delete(Table::Summary, &key)?;
            self.tx.delete(Table::Sort, &key)?;
        }
        Ok(())
    }

    fn write_segments(&mut self) -> Result<()> {
        for (segment, (records, bytes)) in std::mem::take(&mut self.segments) {
            let key = schema::segment_key(segment);
            let mut row = self.segment(segment)?;
            row.records = row.records.saturating_add_signed(records);
            row.bytes = row.bytes.saturating_add_signed(bytes);
            self.tx.put(Table::Segment, &key, &row.encode())?;
        }
        Ok(())
    }

    /// As committed. One that cannot be read must not stop what is delivered: it can be derived.
    pub fn segment(&self, segment: u32) -> Result<SegmentRow> {
        let stored = self.tx.get(Table::Segment, &schema::segment_key(segment))?;
        let row = stored.map(|octets| SegmentRow::decode(&octets)).transpose();
        let row =
            row.inspect_err(|error| tracing::error!(segment, %error, "the row of a segment is damaged"));
        Ok(row.ok().flatten().unwrap_or_default())
    }

    fn write_usages(&mut self) -> Result<()> {
        for (account, slot) in self.usages.iter().filter(|(_, slot)| slot.dirty) {
            let key = schema::account_key(*account);
            match &slot.row {
                Some(row) => self.tx.put(Table::Usage, &key, &row.encode())?,
                None => self.tx.delete(Table::Usage, &key)?,
            }
        }
        Ok(())
    }

    fn write_chunks(&mut self) -> Result<()> {
        for ((mailbox, page), slot) in self.chunks.iter().filter(|(_, slot)| slot.dirty) {
            let key = schema::flags_key(*mailbox, *page);
            match &slot.chunk {
                Some(chunk) => self.tx.put(Table::Flags, &key, &chunk.encode())?,
                None => self.tx.delete(Table::Flags, &key)?,
            }
        }
        Ok(())
    }

    fn write_mailboxes(&mut self) -> Result<()> {
        for (mailbox, slot) in self.mailboxes.iter().filter(|(_, slot)| slot.dirty) {
            let key = schema::mailbox_key(slot.account, *mailbox);
            match &slot.row {
                Some(row) => self.tx.put(Table::Mailbox, &key, &row.encode())?,
                None => self.tx.delete(Table::Mailbox, &key)?,
            }
        }
        Ok(())
    }

    fn effects(self) -> Effects {
        let mut updates: HashMap<MailboxId, Update> = HashMap::new();
        let mut recent = Vec::new();
        for (mailbox, slot) in self.mailboxes.into_iter().filter(|(_, slot)| slot.dirty) {
            updates.insert(mailbox, Update::of(slot.row.as_ref()));
            recent.push((mailbox, slot.row.map_or(Uid(u32::MAX), |row| row.recent_from)));
        }
        for ((mailbox, page), slot) in self.chunks {
            if let Some(update) = updates.get_mut(&mailbox).filter(|_| slot.dirty) {
                update.chunks.push((page, slot.chunk));
            }
        }
        Effects {
            counters: Some(self.counters),
            updates: updates.into_iter().collect(),
            recent,
            changes: self.published,
        }
    }
}

pub(crate) fn no_such(mailbox: MailboxId) -> Error {
    Error::NoSuchMailbox(format!("with id {mailbox}"))
}

fn take(counter: &mut u64) -> u64 {
    let number = *counter;
    *counter += 1;
    number
}

/// Seconds since 1970 by the system's clock; 0 when it stands before that.
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
