//! Expunged messages: keeping them for a while, restoring them, letting them go.

use std::collections::HashSet;

use super::target::Entry;
use super::{Target, charge};
use crate::batch::Batch;
use crate::engine::{KeyRange, Table};
use crate::schema::{self, MessageRow, RetainedRow};
use crate::*;

/// A message that was taken out of its mailbox.
pub(super) struct Expired<'a> {
    pub mailbox: MailboxId,
    pub name: &'a str,
    pub keywords: Vec<Keyword>,
    pub row: Row,
    pub message: MessageRow,
    pub unique_id: Option<String>,
}

/// Keeps the message so that it can be restored, or drops it at once when nothing is to be retained.
pub(super) fn retain(
    batch: &mut Batch<'_>,
    account: AccountId,
    when: i64,
    expired: Expired<'_>,
) -> Result<()> {
    if batch.shard.options.retain == 0 {
        return batch.release(expired.message.body);
    }
    let id = RetainedId { seconds: u64::try_from(when).unwrap_or(0), number: batch.next_retained() };
    let row = RetainedRow {
        mailbox: expired.mailbox,
        uid: expired.row.uid,
        flags: expired.row.flags,
        name: expired.name.to_owned(),
        unique_id: expired.unique_id.unwrap_or_default(),
        keywords: expired.keywords,
        message: expired.message,
    };
    batch.put(Table::Retained, &schema::retained_key(account, id.seconds, id.number), &row.encode())?;
    let by_uid = [id.seconds.to_be_bytes(), id.number.to_be_bytes()].concat();
    batch.put(Table::RetainedUid, &schema::message_key(row.mailbox, row.uid), &by_uid)
}

/// Puts retained messages back, into a mailbox of the account; all or none. Ids that are gone are left out.
pub(crate) fn restore(
    batch: &mut Batch<'_>,
    account: AccountId,
    ids: &[RetainedId],
    to: MailboxId,
) -> Result<Appended> {
    let mut target = Target::open(batch, account, to)?;
    let mut rows = Vec::new();
    // Named twice is restored once.
    let mut named = HashSet::new();
    for id in ids.iter().filter(|id| named.insert(**id)) {
        let key = schema::retained_key(account, id.seconds, id.number);
        if let Some(stored) = batch.tx.get(Table::Retained, &key)? {
            let row = RetainedRow::decode(&stored)?;
            let keywords = target.keyword_bits(batch, &row.keywords)?;
            rows.push((key, row, keywords));
        }
    }
    target.check_room(rows.len())?;
    let bytes = rows.iter().map(|(_, row, _)| row.message.size).sum();
    let usage = charge(batch, account, bytes, rows.len() as u64)?;

    let mut uids = Vec::with_capacity(rows.len());
    for (key, row, keywords) in rows {
        forget(batch, &key, &row)?;
        let mut message = row.message;
        message.save_date = batch.now;
        // \Deleted is what made it go.
        let flags = row.flags.without(Flags::DELETED);
        let unique_id = Some(row.unique_id).filter(|unique_id| !unique_id.is_empty());
        uids.push(target.insert(batch, Entry { message, flags, keywords, unique_id })?);
    }
    let modseq = target.row.highest_modseq;
    let appended = Appended { uid_validity: target.row.uid_validity, uids, modseq };
    if !appended.uids.is_empty() {
        batch.put_usage(account, usage);
        target.finish(batch);
    }
    Ok(appended)
}

/// Lets go what was expunged before this moment: at most `limit` rows, from `cursor` on. Returns where to go on.
pub(crate) fn purge(
    batch: &mut Batch<'_>,
    mut cursor: Vec<u8>,
    before: u64,
    limit: usize,
) -> Result<Option<Vec<u8>>> {
    for _ in 0..limit {
        let range = KeyRange { start: cursor, end: None };
        let Some(key) = batch.keys(Table::Retained, range, 1)?.pop() else { return Ok(None) };
        let (account, seconds) = account_and_seconds(&key)?;
        if seconds < before {
            drop_row(batch, &key)?;
            cursor = [&key[..], &[0]].concat();
            continue;
        }
        match account.0.checked_add(1) {
            Some(next) => cursor = schema::account_key(AccountId(next)).to_vec(),
            None => return Ok(None),
        }
    }
    Ok(Some(cursor))
}

/// Lets go everything of an account, at most `limit` rows. True when nothing is left.
pub(super) fn purge_account(batch: &mut Batch<'_>, account: AccountId, limit: usize) -> Result<bool> {
    let range = KeyRange::prefix(&schema::account_key(account));
    let keys = batch.keys(Table::Retained, range, limit)?;
    for key in &keys {
        drop_row(batch, key)?;
    }
    Ok(keys.len() < limit)
}

fn drop_row(batch: &mut Batch<'_>, key: &[u8]) -> Result<()> {
    let Some(stored) = batch.tx.get(Table::Retained, key)? else { return Ok(()) };
    match RetainedRow::decode(&stored) {
        Ok(row) => {
            forget(batch, key, &row)?;
            batch.release(row.message.body)
        }
        // It must not keep those after it. The check finds the reference that is left.
        Err(error) => {
            tracing::error!(%error, "a retained message cannot be read and goes as it is");
            batch.delete(Table::Retained, key)
        }
    }
}

fn forget(batch: &mut Batch<'_>, key: &[u8], row: &RetainedRow) -> Result<()> {
    batch.delete(Table::Retained, key)?;
    batch.delete(Table::RetainedUid, &schema::message_key(row.mailbox, row.uid))
}

fn account_and_seconds(key: &[u8]) -> Result<(AccountId, u64)> {
    let mut fields = schema::Fields::new("retained", key);
    Ok((AccountId(fields.u32()?), fields.u64()?))
}
