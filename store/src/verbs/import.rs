//! Messages and numbers that come from another server: what clients have noted of them stays true here.
//!
//! Rules:
//! - A mailbox takes over UIDVALIDITY, UIDNEXT and HIGHESTMODSEQ only as long as no message has ever been in it: what a
//!   client may have noted of this mailbox is never made false.
//! - UIDs only grow, as always; who imports does so in the order of UIDs.

use super::append::{Kept, Prepared};
use super::unique_id;
use crate::batch::Batch;
use crate::*;

/// UIDVALIDITYs from here on are taken over, but the shard's own do not follow them: they would run out.
pub(crate) const FOREIGN: u32 = 0xf000_0000;

/// Takes over the numbers. False, and nothing is changed, when the mailbox has numbers of its own already.
pub(crate) fn adopt(
    batch: &mut Batch<'_>,
    account: AccountId,
    mailbox: MailboxId,
    numbers: Numbers,
) -> Result<bool> {
    let mut row = batch.mailbox(account, mailbox)?;
    if row.uid_validity != numbers.uid_validity && row.uid_next != Uid(1) {
        return Ok(false);
    }
    if numbers.uid_validity.0 == 0 || numbers.uid_next.0 == 0 {
        return Err(Error::Limit("UIDVALIDITY and UIDNEXT are at least 1 (RFC 9051 section 9)".to_owned()));
    }
    row.uid_validity = numbers.uid_validity;
    row.uid_next = row.uid_next.max(numbers.uid_next);
    row.recent_from = row.recent_from.max(if row.recent == 0 { row.uid_next } else { Uid(1) });
    if row.highest_modseq < numbers.highest_modseq {
        row.highest_modseq = numbers.highest_modseq;
        // RFC 7162 section 3.2.5.1: what vanished before is answered from the UIDs that exist.
        row.vanished_floor = numbers.highest_modseq;
    }
    if numbers.uid_validity.0 < FOREIGN {
        batch.counters.uid_validity = batch.counters.uid_validity.max(numbers.uid_validity.0 + 1);
    }
    batch.messages_changed(account, mailbox, row);
    Ok(true)
}

/// Inserts all or none. UIDs that are given ascend and are not below UIDNEXT.
pub(crate) fn import(
    batch: &mut Batch<'_>,
    account: AccountId,
    mailbox: MailboxId,
    (messages, imported): (&[NewMessage], &[Imported]),
) -> Result<Appended> {
    let prepared = Prepared::new(batch, (account, mailbox), messages, None)?;
    let mut next = prepared.row().uid_next;
    for message in imported {
        let uid = message.uid.unwrap_or(next);
        if uid < next || uid.0 == u32::MAX {
            let name = &prepared.row().name;
            return Err(Error::Limit(format!(
                "{name} cannot take a message with UID {uid}: UIDNEXT is {next}"
            )));
        }
        next = Uid(uid.0 + 1);
        message.unique_id.as_deref().map_or(Ok(()), unique_id::valid)?;
    }
    prepared.insert(batch, &mut |index| {
        let message = imported.get(index).cloned().unwrap_or_default();
        Kept { uid: message.uid, unique_id: message.unique_id, save_date: message.save_date }
    })
}
