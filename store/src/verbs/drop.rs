//! Getting rid of a whole mailbox: at once for everybody to see, message by message in the index.
//!
//! Deleting a mailbox moves its row to `deleted_mailbox` and takes its name, its place in counts and usage. Its messages
//! then go in steps of bounded size, retained as if they had been expunged. A crash in between is no harm: the row says
//! what is left to do.

use std::ops::ControlFlow;

use super::acl;
use super::metadata;
use super::retained::{Expired, retain};
use super::target::stored_unique_id;
use crate::batch::Batch;
use crate::engine::{KeyRange, Table};
use crate::schema::{self, Fields, MailboxRow, MessageRow, page_of, slot_of};
use crate::*;

/// The mailbox exists no longer. What was in it goes by [`step`].
pub(super) fn drop_mailbox(batch: &mut Batch<'_>, account: AccountId, mailbox: MailboxId) -> Result<()> {
    let row = batch.mailbox(account, mailbox)?;
    match batch.usage(account) {
        Ok(mut usage) => {
            usage.bytes = usage.bytes.saturating_sub(row.bytes);
            usage.messages = usage.messages.saturating_sub(u64::from(row.messages));
            usage.mailboxes = usage.mailboxes.saturating_sub(1);
            batch.put_usage(account, usage);
        }
        // The account itself is being deleted.
        Err(Error::NoSuchAccount(_)) => {}
        Err(error) => return Err(error),
    }
    acl::index(batch, (account, mailbox), row.acl.as_deref(), None)?;
    let name = row.name.clone();
    let left = [&batch.now.to_be_bytes()[..], &row.encode()].concat();
    batch.put(Table::DeletedMailbox, &schema::mailbox_key(account, mailbox), &left)?;
    batch.delete(Table::MailboxName, &schema::name_key(account, name.as_str()))?;
    metadata::clear(batch, account, mailbox)?;
    batch.delete(Table::History, &schema::history_key(account, Some(mailbox)))?;
    batch.delete_mailbox(account, mailbox);
    batch.publish(account, Change::Deleted { mailbox, name });
    Ok(())
}

/// When it was deleted and what it was.
pub(crate) fn decode_deleted(octets: &[u8]) -> Result<(i64, MailboxRow)> {
    let mut fields = Fields::new("deleted_mailbox", octets);
    let when = fields.i64()?;
    Ok((when, MailboxRow::decode(fields.rest())?))
}

/// How far the deletion of a mailbox is.
pub(crate) enum Step {
    /// Nothing is left of it.
    Done,
    More,
    /// What is left cannot be read, and nothing was changed.
    Stuck(Error),
}

/// Takes up to `limit` messages of a deleted mailbox.
pub(crate) fn step(
    batch: &mut Batch<'_>,
    account: AccountId,
    mailbox: MailboxId,
    limit: usize,
) -> Result<Step> {
    let key = schema::mailbox_key(account, mailbox);
    let Some(deleted) = batch.tx.get(Table::DeletedMailbox, &key)? else { return Ok(Step::Done) };
    let (when, row) = match decode_deleted(&deleted) {
        Ok(deleted) => deleted,
        Err(error) => return Ok(Step::Stuck(error)),
    };
    let (messages, damaged) = some_messages(batch, mailbox, limit)?;
    let all = messages.len() < limit && damaged.is_none();
    if let Some(error) = damaged.filter(|_| messages.is_empty()) {
        return Ok(Step::Stuck(error));
    }
    for (uid, message) in messages {
        take(batch, account, (mailbox, &row), (uid, message, when))?;
    }
    if !all || !clear(batch, Table::Vanished, mailbox, limit)? || !clear(batch, Table::Flags, mailbox, limit)?
    {
        return Ok(Step::More);
    }
    batch.delete(Table::DeletedMailbox, &key)?;
    Ok(Step::Done)
}

type Messages = Vec<(Uid, MessageRow)>;

/// Up to `limit` messages, and what is wrong with one that cannot be read.
fn some_messages(batch: &Batch<'_>, mailbox: MailboxId, limit: usize) -> Result<(Messages, Option<Error>)> {
    let (mut messages, mut damaged) = (Vec::new(), None);
    let range = KeyRange::prefix(&schema::mailbox_prefix(mailbox));
    batch.tx.scan(Table::Message, range, &mut |key, octets| {
        match MessageRow::decode(octets) {
            Ok(message) => messages.push((schema::uid_of_key(key)?, message)),
            Err(error) => damaged = Some(error),
        }
        Ok(if messages.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok((messages, damaged))
}

fn take(
    batch: &mut Batch<'_>,
    account: AccountId,
    (mailbox, deleted): (MailboxId, &MailboxRow),
    (uid, message, when): (Uid, MessageRow, i64),
) -> Result<()> {
    let key = schema::message_key(mailbox, uid);
    let chunk = batch.chunk(mailbox, page_of(uid))?;
    let row = chunk.and_then(|chunk| chunk.row(slot_of(uid))).unwrap_or(Row {
        uid,
        flags: Flags(0),
        keywords: KeywordBits(0),
        modseq: ModSeq(0),
    });
    let unique_id = stored_unique_id(batch, &key)?;
    batch.delete(Table::Message, &key)?;
    batch.delete(Table::UniqueId, &key)?;
    batch.change_chunk(mailbox, page_of(uid), |chunk| chunk.remove(slot_of(uid)))?;
    if batch.tx.get(Table::DeletedAccount, &schema::account_key(account))?.is_some() {
        return batch.release(message.body);
    }
    let keywords = deleted.keyword_names(row.keywords);
    let name = deleted.name.as_str();
    retain(batch, account, when, Expired { mailbox, name, keywords, row, message, unique_id })
}

/// Deletes up to `limit` rows of the mailbox. True when none is left.
fn clear(batch: &mut Batch<'_>, table: Table, mailbox: MailboxId, limit: usize) -> Result<bool> {
    let keys = batch.keys(table, KeyRange::prefix(&schema::mailbox_prefix(mailbox)), limit)?;
    for key in &keys {
        batch.delete(table, key)?;
    }
    Ok(keys.len() < limit)
}
