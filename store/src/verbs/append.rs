//! Inserting new messages: APPEND, delivery, import.

use super::target::Entry;
use super::{Target, charge};
use crate::batch::Batch;
use crate::engine::Table;
use crate::schema::{self, MessageRow};
use crate::*;

/// All or none (RFC 3502).
pub(crate) fn append(
    batch: &mut Batch<'_>,
    account: AccountId,
    mailbox: MailboxId,
    messages: &[NewMessage],
) -> Result<Appended> {
    let mut target = Target::open(batch, account, mailbox)?;
    target.check_room(messages.len())?;
    let usage = charge(batch, account, messages.iter().map(size).sum(), messages.len() as u64)?;
    let mut keywords = Vec::with_capacity(messages.len());
    for message in messages {
        keywords.push(target.keyword_bits(batch, &message.keywords)?);
    }

    let mut uids = Vec::with_capacity(messages.len());
    for (message, keywords) in messages.iter().zip(keywords) {
        let body = batch.add_body(&message.staged)?;
        let stored = MessageRow {
            body,
            size: size(message),
            internal_date: message.internal_date.unwrap_or(DateTime { seconds: batch.now, offset: 0 }),
            save_date: batch.now,
            email_id: batch.next_email(),
            thread_id: thread(batch, account, &message.staged.thread_keys)?,
            trace: message.trace.clone(),
        };
        let entry = Entry { message: stored, flags: message.flags, keywords, unique_id: None };
        uids.push(target.insert(batch, entry)?);
    }
    let appended =
        Appended { uid_validity: target.row.uid_validity, uids, modseq: target.row.highest_modseq };
    if !messages.is_empty() {
        batch.put_usage(account, usage);
        target.finish(batch);
    }
    Ok(appended)
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
