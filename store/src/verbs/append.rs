//! Inserting new messages: APPEND, delivery, import.

use super::copy::Place;
use super::target::Entry;
use super::{Target, charge, recharge};
use crate::batch::Batch;
use crate::engine::Table;
use crate::schema::{self, MessageRow, UsageRow};
use crate::*;

/// All or none (RFC 3502).
pub(crate) fn append(
    batch: &mut Batch<'_>,
    account: AccountId,
    mailbox: MailboxId,
    messages: &[NewMessage],
) -> Result<Appended> {
    Prepared::new(batch, (account, mailbox), messages, None)?.insert(batch, &mut |_| Kept::default())
}

/// What a message brings from the server that it was on before.
#[derive(Default)]
pub(super) struct Kept {
    /// Not below UIDNEXT. `None`: UIDNEXT.
    pub uid: Option<Uid>,
    pub unique_id: Option<String>,
    /// Seconds since 1970. `None`: now.
    pub save_date: Option<i64>,
}

/// Messages that nothing speaks against. Until [`Prepared::insert`] nothing is changed.
pub(super) struct Prepared<'a> {
    target: Target,
    usage: UsageRow,
    messages: Vec<(&'a NewMessage, KeywordBits)>,
}

impl<'a> Prepared<'a> {
    pub fn row(&self) -> &schema::MailboxRow {
        &self.target.row
    }

    /// `freed`: octets of the account's message that the one new message takes the place of.
    pub fn new(
        batch: &mut Batch<'_>,
        (account, mailbox): Place,
        messages: &'a [NewMessage],
        freed: Option<u64>,
    ) -> Result<Prepared<'a>> {
        let target = Target::open(batch, account, mailbox)?;
        target.check_room(messages.len())?;
        let bytes = messages.iter().map(size).sum();
        let usage = match freed {
            Some(freed) => recharge(batch, account, bytes, freed)?,
            None => charge(batch, account, bytes, messages.len() as u64)?,
        };
        let mut prepared = Prepared { target, usage, messages: Vec::with_capacity(messages.len()) };
        for message in messages {
            let keywords = prepared.target.keyword_bits(batch, &message.keywords)?;
            prepared.messages.push((message, keywords));
        }
        Ok(prepared)
    }

    /// `kept` is asked for each message by its index.
    pub fn insert(self, batch: &mut Batch<'_>, kept: &mut dyn FnMut(usize) -> Kept) -> Result<Appended> {
        let Prepared { mut target, usage, messages } = self;
        let mut uids = Vec::with_capacity(messages.len());
        for (index, (message, keywords)) in messages.into_iter().enumerate() {
            let Kept { uid, unique_id, save_date } = kept(index);
            target.row.uid_next = uid.unwrap_or(target.row.uid_next);
            let body = batch.add_body(&message.staged)?;
            let stored = MessageRow {
                body,
                size: size(message),
                internal_date: message.internal_date.unwrap_or(DateTime { seconds: batch.now, offset: 0 }),
                save_date: save_date.unwrap_or(batch.now),
                email_id: batch.next_email(),
                thread_id: thread(batch, target.account, &message.staged.thread_keys)?,
                trace: message.trace.clone(),
            };
            let entry = Entry { message: stored, flags: message.flags, keywords, unique_id };
            uids.push(target.insert(batch, entry)?);
        }
        let appended =
            Appended { uid_validity: target.row.uid_validity, uids, modseq: target.row.highest_modseq };
        if !appended.uids.is_empty() {
            batch.put_usage(target.account, usage);
            target.finish(batch);
        }
        Ok(appended)
    }
}

fn size(message: &NewMessage) -> u64 {
    message.trace.len() as u64 + message.staged.len()
}

/// The thread of the first message-id that is known in the account, whether a message had it or referred to it; else a
/// new one. All its message-ids are known from now on, so that an answer that came first is joined too.
fn thread(batch: &mut Batch<'_>, account: AccountId, keys: &::message::ThreadKeys) -> Result<ThreadId> {
    let mut known = None;
    let mut unknown = Vec::new();
    for id in keys.references.iter().chain(&keys.message_id) {
        let key = schema::thread_key(account, hash(id));
        match batch.tx.get(Table::Thread, &key)? {
            Some(stored) if known.is_none() => known = Some(ThreadId(schema::u64_of("thread", &stored)?)),
            Some(_) => {}
            None => unknown.push(key),
        }
    }
    let thread = known.unwrap_or_else(|| batch.next_thread());
    for key in unknown {
        batch.put(Table::Thread, &key, &thread.0.to_be_bytes())?;
    }
    Ok(thread)
}

/// Two message-ids with the same hash would share a thread, no more.
fn hash(message_id: &[u8]) -> u64 {
    let hash = blake3::hash(message_id);
    hash.as_bytes().iter().take(8).fold(0, |number, octet| number << 8 | u64::from(*octet))
}
