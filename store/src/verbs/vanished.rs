//! Forgetting one by one what vanished long ago (RFC 7162 section 3.2.5.1 allows to tell more than what is asked for).

use crate::batch::Batch;
use crate::engine::{KeyRange, Table};
use crate::schema::{self, vanished};
use crate::*;

/// Forgets what vanished at this MODSEQ or before, at most `limit` rows. True when nothing of it is left.
pub(crate) fn forget(
    batch: &mut Batch<'_>,
    (account, mailbox): (AccountId, MailboxId),
    through: ModSeq,
    limit: usize,
) -> Result<bool> {
    let mut row = batch.mailbox(account, mailbox)?;
    if row.vanished_floor < through {
        row.vanished_floor = through;
        batch.put_mailbox(account, mailbox, row);
    }
    let first = schema::mailbox_prefix(mailbox);
    let last = vanished::key(mailbox, through, u32::MAX);
    let keys = batch.keys(Table::Vanished, KeyRange::inclusive(&first, &last), limit)?;
    for key in &keys {
        batch.delete(Table::Vanished, key)?;
    }
    Ok(keys.len() < limit)
}
