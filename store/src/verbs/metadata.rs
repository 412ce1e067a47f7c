//! Annotations of mailboxes and accounts (RFC 5464).
//!
//! They go with their mailbox: by its id, so that a rename keeps them and a deletion takes them. What one user keeps
//! privately in another's mailbox is under the owner's account and under that user's number.

use std::ops::ControlFlow;

use crate::batch::Batch;
use crate::engine::{KeyRange, Table};
use crate::schema::{self, MetadataKey};
use crate::*;

/// Sets (`Some`) or removes (`None`) entries; all or none.
pub(crate) fn set(
    batch: &mut Batch<'_>,
    place: (AccountId, Option<MailboxId>),
    user: AccountId,
    changes: &[(String, Option<Vec<u8>>)],
    limits: MetadataLimits,
) -> Result<()> {
    let (account, mailbox) = place;
    match mailbox {
        Some(mailbox) => drop(batch.mailbox(account, mailbox)?),
        None => drop(batch.usage(account)?),
    }
    let key = |entry: &str| schema::metadata_key(account, mailbox, user, entry);
    let size = |value: &Option<Vec<u8>>| value.as_ref().map(|value| value.len() as u64);
    let changed: Vec<_> = changes.iter().map(|(entry, value)| (key(entry), size(value))).collect();
    if changed.iter().any(|(_, value)| value.is_some()) {
        check_room(batch, account, &changed, limits)?;
    }
    for ((key, _), (_, value)) in changed.iter().zip(changes) {
        match value {
            Some(value) => batch.put(Table::Metadata, key, value)?,
            None => batch.delete(Table::Metadata, key)?,
        }
    }
    Ok(())
}

/// Whoever the changed entries belong to must have room for them: shared ones are the owner's. Counted each time, so it
/// is exact; the limits bound the work.
fn check_room(
    batch: &Batch<'_>,
    account: AccountId,
    changed: &[(Vec<u8>, Option<u64>)],
    limits: MetadataLimits,
) -> Result<()> {
    let mut payers = changed.iter().map(|(key, _)| payer(key)).collect::<Result<Vec<_>>>()?;
    payers.sort();
    payers.dedup();
    for of in payers {
        let (mut entries, mut octets) = (0, 0);
        let mut count = |key: &[u8], value: u64| -> Result<()> {
            if payer(key)? == of {
                entries += 1;
                octets += key.len() as u64 + value;
            }
            Ok(())
        };
        let range = KeyRange::prefix(&schema::account_key(account));
        batch.tx.scan(Table::Metadata, range, &mut |key, value| {
            if !changed.iter().any(|(changed, _)| changed == key) {
                count(key, value.len() as u64)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        for (key, value) in changed.iter().filter_map(|(key, value)| Some((key, (*value)?))) {
            count(key, value)?;
        }
        if entries > limits.entries || octets > limits.octets {
            return Err(Error::Limit(format!(
                "{entries} annotations of {octets} octets, where {} of {} are allowed: remove some",
                limits.entries, limits.octets
            )));
        }
    }
    Ok(())
}

fn payer(key: &[u8]) -> Result<AccountId> {
    let key = MetadataKey::of(key)?;
    Ok(key.user.unwrap_or(key.account))
}

/// Copies all annotations of a mailbox to another of the account: INBOX keeps its own when it is renamed.
/// RFC 5464 section 4.1
pub(super) fn copy(batch: &mut Batch<'_>, account: AccountId, from: MailboxId, to: MailboxId) -> Result<()> {
    let prefix = schema::mailbox_key(account, from);
    for key in batch.keys(Table::Metadata, KeyRange::prefix(&prefix), usize::MAX)? {
        let Some(value) = batch.tx.get(Table::Metadata, &key)? else { continue };
        let copy = [&schema::mailbox_key(account, to)[..], &key[prefix.len()..]].concat();
        batch.put(Table::Metadata, &copy, &value)?;
    }
    Ok(())
}

/// Takes all annotations of a mailbox.
pub(super) fn clear(batch: &mut Batch<'_>, account: AccountId, mailbox: MailboxId) -> Result<()> {
    for key in
        batch.keys(Table::Metadata, KeyRange::prefix(&schema::mailbox_key(account, mailbox)), usize::MAX)?
    {
        batch.delete(Table::Metadata, &key)?;
    }
    Ok(())
}
