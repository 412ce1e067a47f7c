//! Taking messages out of a mailbox: EXPUNGE, UID EXPUNGE, POP3's QUIT, ageing.

use super::retained::{Expired, retain};
use super::{LAST_PAGE, Target, release, rows_of};
use crate::batch::Batch;
use crate::*;

/// The messages with \Deleted; with `uids` those of them that are named.
pub(crate) fn expunge(
    batch: &mut Batch<'_>,
    account: AccountId,
    mailbox: MailboxId,
    uids: Option<&UidSet>,
) -> Result<Expunged> {
    let target = Target::open(batch, account, mailbox)?;
    let rows = match uids {
        // Most EXPUNGEs find nothing, and the mailbox's row says so.
        _ if target.row.deleted == 0 => Vec::new(),
        Some(uids) => rows_of(batch, mailbox, uids)?,
        None => {
            let chunks = batch.chunks(mailbox, 0, LAST_PAGE)?;
            chunks.iter().flat_map(|chunk| chunk.rows()).collect()
        }
    };
    let rows = rows.into_iter().filter(|row| row.flags.contains(Flags::DELETED)).collect();
    take_out(batch, target, rows, true)
}

/// What is named and still exists, flag or no flag. Not retained when it lives on elsewhere.
pub(crate) fn remove(
    batch: &mut Batch<'_>,
    account: AccountId,
    mailbox: MailboxId,
    uids: &UidSet,
    retained: bool,
) -> Result<Expunged> {
    let target = Target::open(batch, account, mailbox)?;
    let rows = rows_of(batch, mailbox, uids)?;
    take_out(batch, target, rows, retained)
}

fn take_out(batch: &mut Batch<'_>, mut target: Target, rows: Vec<Row>, retained: bool) -> Result<Expunged> {
    let uids: UidSet = rows.iter().map(|row| row.uid).collect();
    let (messages, mut bytes) = (rows.len() as u64, 0);
    let now = batch.now;
    for row in rows {
        let (message, unique_id) = target.remove(batch, row)?;
        bytes += message.size;
        if !retained {
            batch.release(message.body)?;
            continue;
        }
        let expired = Expired {
            mailbox: target.mailbox,
            name: target.row.name.as_str(),
            keywords: target.row.keyword_names(row.keywords),
            row,
            message,
            unique_id,
        };
        retain(batch, target.account, now, expired)?;
    }
    if messages > 0 {
        release(batch, target.account, bytes, messages)?;
        target.vanish(batch, &uids)?;
    }
    let modseq = target.row.highest_modseq;
    if messages > 0 {
        target.finish(batch);
    }
    Ok(Expunged { uids, modseq })
}
