//! Access control lists (RFC 4314), and the index that tells whom a mailbox is shared with.
//!
//! Rule: for each subject that a list gives a right, and for no other, there is a row in shared.

use std::sync::Arc;

use super::copy::Place;
use crate::batch::Batch;
use crate::engine::Table;
use crate::schema;
use crate::*;

pub(crate) fn change(
    batch: &mut Batch<'_>,
    place: Place,
    entry: (Subject, bool),
    (change, default): (AclChange, &Acl),
) -> Result<()> {
    let (account, mailbox) = place;
    let mut row = batch.mailbox(account, mailbox)?;
    let new = row.acl.as_deref().unwrap_or(default).changed(account, entry, change)?;
    let new = Some(new).filter(|new| new != default).map(Arc::new);
    if new == row.acl {
        return Ok(());
    }
    index(batch, place, row.acl.as_deref(), new.as_deref())?;
    row.acl = new;
    batch.put_mailbox(account, mailbox, row);
    batch.publish(account, Change::Acl { mailbox });
    Ok(())
}

/// The list of the nearest mailbox above. RFC 4314 section 4, CREATE
pub(super) fn inherited(
    batch: &mut Batch<'_>,
    account: AccountId,
    name: &MailboxName,
) -> Result<Option<Arc<Acl>>> {
    let mut above = name.parent();
    while let Some(parent) = above {
        if let Some(mailbox) = batch.mailbox_named(account, &parent)? {
            return Ok(batch.mailbox(account, mailbox)?.acl);
        }
        above = parent.parent();
    }
    Ok(None)
}

/// Keeps shared true when a list comes, changes or goes.
pub(super) fn index(batch: &mut Batch<'_>, place: Place, old: Option<&Acl>, new: Option<&Acl>) -> Result<()> {
    let (old, new) = (subjects(old), subjects(new));
    let (account, mailbox) = place;
    for gone in old.iter().filter(|subject| !new.contains(subject)) {
        batch.delete(Table::Shared, &schema::shared_key(*gone, account, mailbox))?;
    }
    for come in new.iter().filter(|subject| !old.contains(subject)) {
        batch.put(Table::Shared, &schema::shared_key(*come, account, mailbox), &[])?;
    }
    Ok(())
}

/// Whom the list gives something.
pub(crate) fn subjects(acl: Option<&Acl>) -> Vec<Subject> {
    let entries = acl.map(Acl::entries).unwrap_or_default();
    entries.iter().filter(|entry| !entry.negative).map(|entry| entry.subject).collect()
}
