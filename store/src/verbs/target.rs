//! A mailbox that a verb works on: inserting into it and removing from it, with all that must stay true.

use super::LAST_PAGE;
use crate::batch::Batch;
use crate::engine::Table;
use crate::schema::{self, KEYWORD_LENGTH, KEYWORDS, MailboxRow, MessageRow, page_of, slot_of};
use crate::*;

/// Changes are made to this copy of the row; [`Target::finish`] writes it and has the change told.
pub(super) struct Target {
    pub account: AccountId,
    pub mailbox: MailboxId,
    pub row: MailboxRow,
    /// All changes of one verb have this MODSEQ.
    modseq: ModSeq,
    /// Keywords that this verb looked up: they are not unused, though no message may have them yet.
    looked_up: KeywordBits,
}

/// A message to insert.
pub(super) struct Entry {
    pub message: MessageRow,
    pub flags: Flags,
    pub keywords: KeywordBits,
    pub unique_id: Option<String>,
}

impl Target {
    pub fn open(batch: &mut Batch<'_>, account: AccountId, mailbox: MailboxId) -> Result<Target> {
        let row = batch.mailbox(account, mailbox)?;
        let modseq = ModSeq(row.highest_modseq.0 + 1);
        Ok(Target { account, mailbox, row, modseq, looked_up: KeywordBits(0) })
    }

    /// UIDs are never used twice, so they can run out.
    pub fn check_room(&self, messages: usize) -> Result<()> {
        let left = (u32::MAX - self.row.uid_next.0) as usize;
        if messages <= left {
            return Ok(());
        }
        let name = &self.row.name;
        Err(Error::Limit(format!("{name} has no UIDs left: move its messages to a new mailbox")))
    }

    /// The bits of these keywords; those that the mailbox does not have get one.
    pub fn keyword_bits(&mut self, batch: &mut Batch<'_>, keywords: &[Keyword]) -> Result<KeywordBits> {
        let mut bits = 0;
        for keyword in keywords {
            let bit = match self.row.keyword_bit(keyword) {
                Some(bit) => bit,
                None => self.new_keyword(batch, keyword)?,
            };
            bits |= 1 << bit;
            self.looked_up.0 |= 1 << bit;
        }
        Ok(KeywordBits(bits))
    }

    fn new_keyword(&mut self, batch: &mut Batch<'_>, keyword: &Keyword) -> Result<u32> {
        if keyword.0.is_empty() || keyword.0.len() > KEYWORD_LENGTH {
            return Err(Error::Limit(format!("a keyword has 1 to {KEYWORD_LENGTH} octets")));
        }
        let mut keywords = self.row.keywords.to_vec();
        let bit = if keywords.len() < KEYWORDS {
            keywords.push(keyword.clone());
            keywords.len() - 1
        } else {
            let bit = self.unused_keyword(batch)?;
            keywords[bit] = keyword.clone();
            bit
        };
        self.row.keywords = keywords.into();
        Ok(bit as u32)
    }

    /// A keyword that no message has any more can make room for a new one.
    fn unused_keyword(&self, batch: &mut Batch<'_>) -> Result<usize> {
        let chunks = batch.chunks(self.mailbox, 0, LAST_PAGE)?;
        let used = chunks.iter().fold(self.looked_up.0, |used, chunk| used | chunk.all_keywords().0);
        let bit = used.trailing_ones() as usize;
        if bit < KEYWORDS {
            return Ok(bit);
        }
        let name = &self.row.name;
        Err(Error::Limit(format!("{name} has {KEYWORDS} keywords in use and cannot have more: remove one")))
    }

    /// The MODSEQ of this verb's changes. From now on it is the mailbox's highest.
    pub fn bump(&mut self) -> ModSeq {
        self.row.highest_modseq = self.modseq;
        self.modseq
    }

    /// Inserts a message with the next UID. The one insert of append, delivery, copy, move and restore.
    pub fn insert(&mut self, batch: &mut Batch<'_>, entry: Entry) -> Result<Uid> {
        let uid = self.row.uid_next;
        let modseq = self.bump();
        let key = schema::message_key(self.mailbox, uid);
        batch.put(Table::Message, &key, &entry.message.encode())?;
        if let Some(unique_id) = &entry.unique_id {
            batch.put(Table::UniqueId, &key, unique_id.as_bytes())?;
        }
        let row = Row { uid, flags: entry.flags, keywords: entry.keywords, modseq };
        batch.change_chunk(self.mailbox, page_of(uid), |chunk| chunk.put(row))?;
        self.row.uid_next = Uid(uid.0 + 1);
        self.row.recent += 1;
        self.row.count(entry.flags, entry.message.size);
        Ok(uid)
    }

    /// Takes the message out, and gives its row and its unique-id, so that the caller does with its body what is right.
    pub fn remove(&mut self, batch: &mut Batch<'_>, row: Row) -> Result<(MessageRow, Option<String>)> {
        let key = schema::message_key(self.mailbox, row.uid);
        let message = self.message(batch, row.uid)?;
        let unique_id = stored_unique_id(batch, &key)?;
        batch.delete(Table::Message, &key)?;
        if unique_id.is_some() {
            batch.delete(Table::UniqueId, &key)?;
        }
        batch.change_chunk(self.mailbox, page_of(row.uid), |chunk| chunk.remove(slot_of(row.uid)))?;
        self.row.discount(row.flags, message.size);
        if row.uid >= self.row.recent_from {
            self.row.recent = self.row.recent.saturating_sub(1);
        }
        Ok((message, unique_id))
    }

    pub fn message(&self, batch: &Batch<'_>, uid: Uid) -> Result<MessageRow> {
        let stored = batch.tx.get(Table::Message, &schema::message_key(self.mailbox, uid))?;
        MessageRow::decode(&stored.ok_or_else(|| {
            let name = &self.row.name;
            Error::Damaged(format!(
                "message {uid} of {name} has flags and nothing else: run `restante check`"
            ))
        })?)
    }

    /// Notes that these UIDs are gone (RFC 7162 section 3.2.10).
    pub fn vanish(&mut self, batch: &mut Batch<'_>, uids: &UidSet) -> Result<()> {
        let modseq = self.bump();
        for (first, value) in schema::vanished::encode(uids) {
            batch.put(Table::Vanished, &schema::vanished::key(self.mailbox, modseq, first), &value)?;
        }
        Ok(())
    }

    /// Writes the row; what happened is told after the commit.
    pub fn finish(self, batch: &mut Batch<'_>) {
        batch.messages_changed(self.account, self.mailbox, self.row);
    }
}

impl MailboxRow {
    /// One message more.
    pub fn count(&mut self, flags: Flags, size: u64) {
        self.messages += 1;
        self.bytes += size;
        self.count_flags(flags, size);
    }

    /// One message less. A counter that was wrong stays at 0; `restante check` tells and repairs it.
    pub fn discount(&mut self, flags: Flags, size: u64) {
        self.messages = self.messages.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(size);
        self.discount_flags(flags, size);
    }

    pub fn count_flags(&mut self, flags: Flags, size: u64) {
        if !flags.contains(Flags::SEEN) {
            self.unseen += 1;
        }
        if flags.contains(Flags::DELETED) {
            self.deleted += 1;
            self.deleted_bytes += size;
        }
    }

    pub fn discount_flags(&mut self, flags: Flags, size: u64) {
        if !flags.contains(Flags::SEEN) {
            self.unseen = self.unseen.saturating_sub(1);
        }
        if flags.contains(Flags::DELETED) {
            self.deleted = self.deleted.saturating_sub(1);
            self.deleted_bytes = self.deleted_bytes.saturating_sub(size);
        }
    }
}

pub(super) fn stored_unique_id(batch: &Batch<'_>, key: &[u8]) -> Result<Option<String>> {
    let stored = batch.tx.get(Table::UniqueId, key)?;
    Ok(stored.map(|octets| String::from_utf8_lossy(&octets).into_owned()))
}
