//! The verbs: everything that changes mail, each a function over the [`Batch`](crate::batch::Batch) that it runs in.
//!
//! Rules:
//! - First look, then change: what can be refused is refused before the first change.
//! - Counts, usage, references, MODSEQs and what others are told of it stay true in the same step, here and nowhere else.

pub(crate) mod account;
pub(crate) mod acl;
pub(crate) mod append;
pub(crate) mod compact;
pub(crate) mod copy;
pub(crate) mod drop;
pub(crate) mod expunge;
pub(crate) mod flags;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod mailbox;
pub(crate) mod metadata;
pub(crate) mod replace;
pub(crate) mod retained;
mod target;
pub(crate) mod unique_id;
pub(crate) mod vanished;

use std::sync::Arc;

use crate::batch::Batch;
use crate::schema::{Chunk, UsageRow, page_of};
use crate::*;
use target::Target;

/// The last page of flags.
const LAST_PAGE: u32 = u32::MAX >> 7;

/// The account's usage with so much more, or [`Error::OverQuota`]. Nothing is written yet.
fn charge(batch: &mut Batch<'_>, account: AccountId, bytes: u64, messages: u64) -> Result<UsageRow> {
    let mut usage = batch.usage(account)?;
    usage.bytes = usage.bytes.saturating_add(bytes);
    usage.messages = usage.messages.saturating_add(messages);
    within_limits(batch, account, usage, messages > 0)?;
    Ok(usage)
}

/// Refuses what grows beyond the account's limits.
fn within_limits(batch: &Batch<'_>, account: AccountId, usage: UsageRow, grows: bool) -> Result<()> {
    if grows {
        check_limits((batch.shard.options.limits)(account), usage.bytes, usage.messages)
    } else {
        Ok(())
    }
}

/// Whether so much may be held under these limits.
pub(crate) fn check_limits(limits: Limits, bytes: u64, messages: u64) -> Result<()> {
    if limits.bytes != 0 && bytes > limits.bytes {
        return Err(Error::OverQuota(format!(
            "the account would have {bytes} octets and may have {}: delete messages, or ask for more",
            limits.bytes
        )));
    }
    if limits.messages != 0 && messages > limits.messages {
        return Err(Error::OverQuota(format!(
            "the account would have {messages} messages and may have {}: delete messages, or ask for more",
            limits.messages
        )));
    }
    Ok(())
}

/// [`charge`] for a message that takes the place of one of `freed` octets, which is released by and by in the same step.
/// Who is over the limit may still make a message smaller.
fn recharge(batch: &mut Batch<'_>, account: AccountId, bytes: u64, freed: u64) -> Result<UsageRow> {
    let mut usage = batch.usage(account)?;
    let after = UsageRow { bytes: usage.bytes.saturating_sub(freed).saturating_add(bytes), ..usage };
    within_limits(batch, account, after, bytes > freed)?;
    usage.bytes = usage.bytes.saturating_add(bytes);
    usage.messages = usage.messages.saturating_add(1);
    Ok(usage)
}

/// Takes back what messages used that are gone. An account that is being deleted has no usage any more.
fn release(batch: &mut Batch<'_>, account: AccountId, bytes: u64, messages: u64) -> Result<()> {
    match batch.usage(account) {
        Ok(mut usage) => {
            usage.bytes = usage.bytes.saturating_sub(bytes);
            usage.messages = usage.messages.saturating_sub(messages);
            batch.put_usage(account, usage);
            Ok(())
        }
        Err(Error::NoSuchAccount(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The chunks that may have messages of the set, ascending. Neighbouring ranges cost one scan together.
fn chunks_of(batch: &mut Batch<'_>, mailbox: MailboxId, uids: &UidSet) -> Result<Vec<Arc<Chunk>>> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for range in uids.ranges() {
        let (first, last) = (page_of(Uid(*range.start())), page_of(Uid(*range.end())));
        match runs.last_mut() {
            Some(run) if first <= run.1.saturating_add(1) => run.1 = run.1.max(last),
            _ => runs.push((first, last)),
        }
    }
    let mut chunks = Vec::new();
    for (first, last) in runs {
        chunks.extend(batch.chunks(mailbox, first, last)?);
    }
    Ok(chunks)
}

/// The existing messages of the set, ascending.
fn rows_of(batch: &mut Batch<'_>, mailbox: MailboxId, uids: &UidSet) -> Result<Vec<Row>> {
    let chunks = chunks_of(batch, mailbox, uids)?;
    Ok(chunks.iter().flat_map(|chunk| chunk.rows()).filter(|row| uids.contains(row.uid)).collect())
}
