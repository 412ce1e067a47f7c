//! Noting what accounts and their mailboxes hold, for plots.

use std::ops::ControlFlow;

use crate::batch::Batch;
use crate::engine::{KeyRange, Table};
use crate::schema::{self, HistoryRow, MailboxRow, UsageRow};
use crate::*;

const SECONDS_A_DAY: i64 = 86_400;

/// Notes some accounts, those after `after`; at most `limit`. Gives the last of them, or `None` when all are done.
pub(crate) fn note(
    batch: &mut Batch<'_>,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Option<AccountId>> {
    let day = u32::try_from(batch.now.div_euclid(SECONDS_A_DAY)).unwrap_or(0);
    let mut usages = Vec::new();
    let range = match after {
        Some(after) => KeyRange::prefix_after(b"", &schema::account_key(after)),
        None => KeyRange::all(),
    };
    batch.tx.scan(Table::Usage, range, &mut |key, octets| {
        // What is damaged is for the check to tell.
        if let (Ok(account), Ok(usage)) = (schema::u32_of("usage", key), UsageRow::decode(octets)) {
            usages.push((AccountId(account), usage));
        }
        Ok(if usages.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    for (account, usage) in &usages {
        let point = HistoryPoint { day, bytes: usage.bytes, messages: usage.messages };
        note_one(batch, *account, None, point)?;
        for (mailbox, point) in mailboxes(batch, *account, day)? {
            note_one(batch, *account, Some(mailbox), point)?;
        }
    }
    Ok(usages.last().map(|(account, _)| *account).filter(|_| usages.len() >= limit))
}

fn mailboxes(batch: &Batch<'_>, account: AccountId, day: u32) -> Result<Vec<(MailboxId, HistoryPoint)>> {
    let mut found = Vec::new();
    let range = KeyRange::prefix(&schema::account_key(account));
    batch.tx.scan(Table::Mailbox, range, &mut |key, octets| {
        if let (Ok((_, mailbox)), Ok(row)) = (schema::mailbox_of_key(key), MailboxRow::decode(octets)) {
            let messages = u64::from(row.messages);
            found.push((mailbox, HistoryPoint { day, bytes: row.bytes, messages }));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// A row that cannot be read begins anew: it is not worth more.
fn note_one(
    batch: &mut Batch<'_>,
    account: AccountId,
    mailbox: Option<MailboxId>,
    point: HistoryPoint,
) -> Result<()> {
    let key = schema::history_key(account, mailbox);
    let stored = batch.tx.get(Table::History, &key)?;
    let mut row = stored.and_then(|octets| HistoryRow::decode(&octets).ok()).unwrap_or_default();
    if row.note(point) { batch.put(Table::History, &key, &row.encode()) } else { Ok(()) }
}
