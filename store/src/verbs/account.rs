//! An account's beginning and end in its shard.

use super::drop::{self, Step, drop_mailbox};
use super::{mailbox, retained};
use crate::batch::Batch;
use crate::engine::{KeyRange, Table};
use crate::schema::{self, UsageRow};
use crate::*;

/// Mailboxes that are done with in one step.
const MAILBOXES: usize = 4;

/// Makes room for an account: INBOX and the configured mailboxes, all subscribed. One that has it keeps what it has.
pub(crate) fn create(batch: &mut Batch<'_>, account: AccountId) -> Result<()> {
    if batch.tx.get(Table::DeletedAccount, &schema::account_key(account))?.is_some() {
        return Err(Error::NoSuchAccount(format!("with id {account}: it is being deleted")));
    }
    match batch.usage(account) {
        Ok(_) => return Ok(()),
        Err(Error::NoSuchAccount(_)) => batch.put_usage(account, UsageRow::default()),
        Err(error) => return Err(error),
    }
    ensure_inbox(batch, account)?;
    let shard = batch.shard;
    for (name, special_use) in &shard.options.new_account_mailboxes {
        match mailbox::create_first(batch, account, name, *special_use) {
            Ok(()) | Err(Error::MailboxExists(_)) => mailbox::subscribe(batch, account, name, true)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// INBOX always exists (RFC 9051 section 5.1).
pub(crate) fn ensure_inbox(batch: &mut Batch<'_>, account: AccountId) -> Result<()> {
    let inbox = MailboxName::inbox();
    if batch.mailbox_named(account, &inbox)?.is_none() {
        mailbox::make(batch, account, &inbox, None)?;
        mailbox::subscribe(batch, account, &inbox, true)?;
    }
    Ok(())
}

/// The account has no mail from now on. What was there goes by [`step`].
pub(crate) fn delete(batch: &mut Batch<'_>, account: AccountId) -> Result<()> {
    batch.put(Table::DeletedAccount, &schema::account_key(account), &[])?;
    batch.delete_usage(account);
    Ok(())
}

/// Takes some rows of a deleted account, a few times `limit` at most.
pub(crate) fn step(batch: &mut Batch<'_>, account: AccountId, limit: usize) -> Result<Step> {
    let prefix = schema::account_key(account);
    let mailboxes = batch.keys(Table::Mailbox, KeyRange::prefix(&prefix), limit)?;
    for key in &mailboxes {
        let (_, mailbox) = schema::mailbox_of_key(key)?;
        match drop_mailbox(batch, account, mailbox) {
            // Rows of mailboxes are written when the batch ends: another step in this batch has dropped it.
            Ok(()) | Err(Error::NoSuchMailbox(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if !mailboxes.is_empty() {
        return Ok(Step::More);
    }
    match mailboxes_step(batch, account, limit)? {
        Step::Done => {}
        more => return Ok(more),
    }
    if !retained::purge_account(batch, account, limit)? {
        return Ok(Step::More);
    }
    for table in [Table::MailboxName, Table::Subscription, Table::Thread, Table::Metadata, Table::History] {
        if !clear(batch, table, &prefix, limit)? {
            return Ok(Step::More);
        }
    }
    batch.delete(Table::DeletedAccount, &prefix)?;
    Ok(Step::Done)
}

/// Goes on with the deleted mailboxes of the account. One that is stuck keeps none of the others.
fn mailboxes_step(batch: &mut Batch<'_>, account: AccountId, limit: usize) -> Result<Step> {
    let (mut done, mut stuck) = (0, None);
    let range = KeyRange::prefix(&schema::account_key(account));
    for key in batch.keys(Table::DeletedMailbox, range, limit)? {
        let (_, mailbox) = schema::mailbox_of_key(&key)?;
        match drop::step(batch, account, mailbox, limit)? {
            Step::Done => done += 1,
            Step::More => return Ok(Step::More),
            Step::Stuck(error) => stuck = Some(error),
        }
        if done == MAILBOXES {
            return Ok(Step::More);
        }
    }
    match stuck {
        Some(error) if done == 0 => Ok(Step::Stuck(error)),
        _ if done > 0 => Ok(Step::More),
        _ => Ok(Step::Done),
    }
}

fn clear(batch: &mut Batch<'_>, table: Table, prefix: &[u8], limit: usize) -> Result<bool> {
    let keys = batch.keys(table, KeyRange::prefix(prefix), limit)?;
    for key in &keys {
        batch.delete(table, key)?;
    }
    Ok(keys.len() < limit)
}
