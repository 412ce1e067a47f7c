//! The unique-ids that imported messages had on their old server (RFC 1939 section 7, UIDL).

use crate::batch::Batch;
use crate::engine::Table;
use crate::schema::{self, page_of, slot_of};
use crate::*;

/// The longest unique-id, in octets (RFC 1939 section 7).
const LENGTH: usize = 70;

/// Sets them for messages that exist; all or none.
pub(crate) fn import(
    batch: &mut Batch<'_>,
    account: AccountId,
    mailbox: MailboxId,
    unique_ids: &[(Uid, String)],
) -> Result<()> {
    batch.mailbox(account, mailbox)?;
    for (uid, unique_id) in unique_ids {
        valid(unique_id)?;
        let chunk = batch.chunk(mailbox, page_of(*uid))?;
        if !chunk.is_some_and(|chunk| chunk.contains(slot_of(*uid))) {
            return Err(Error::Expunged);
        }
    }
    for (uid, unique_id) in unique_ids {
        batch.put(Table::UniqueId, &schema::message_key(mailbox, *uid), unique_id.as_bytes())?;
    }
    Ok(())
}

/// RFC 1939 section 7: 1 to 70 characters from 0x21 to 0x7E.
pub(super) fn valid(unique_id: &str) -> Result<()> {
    let visible = unique_id.bytes().all(|octet| (0x21..=0x7e).contains(&octet));
    if unique_id.is_empty() || unique_id.len() > LENGTH || !visible {
        return Err(Error::InvalidName(format!(
            "{unique_id:?} is no unique-id: RFC 1939 has 1 to {LENGTH} visible US-ASCII characters"
        )));
    }
    Ok(())
}
