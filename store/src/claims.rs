//! IMAP4rev1's \Recent: which messages no session has been told of yet.
//!
//! A claim is kept in memory and written with the next commit of its shard. Losing it makes mail "recent" twice, which
//! RFC 3501 section 2.3.2 allows; a SELECT needs no commit.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Mutex;

use crate::batch::{Batch, no_such};
use crate::engine::{KeyRange, Read, Snapshot, Table};
use crate::registry::lock;
use crate::schema::{self, Chunk, MailboxRow, page_of, slot_of};
use crate::*;

/// How many claims are written with one commit, at most.
const AT_ONCE: usize = 256;

#[derive(Default)]
pub(crate) struct Claims(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    claims: HashMap<MailboxId, (AccountId, Uid)>,
    /// How often claims have gone from memory into the index.
    written: u64,
}

impl Claims {
    /// The first UID that no session has been told of; it is claimed with all after it. Of two who claim at the same
    /// time one gets the messages. The snapshot is taken without the lock, which the writer needs within a transaction;
    /// if claims were written meanwhile, it may lack them and a new one is taken.
    pub fn claim(
        &self,
        snapshot: impl Fn() -> Result<Box<dyn Snapshot>>,
        account: AccountId,
        mailbox: MailboxId,
    ) -> Result<Uid> {
        loop {
            let before = lock(&self.0).written;
            let stored = snapshot()?.get(Table::Mailbox, &schema::mailbox_key(account, mailbox))?;
            let row = MailboxRow::decode(&stored.ok_or_else(|| no_such(mailbox))?)?;
            let mut memory = lock(&self.0);
            if memory.written != before {
                continue;
            }
            let claimed =
                memory.claims.get(&mailbox).map_or(row.recent_from, |(_, from)| row.recent_from.max(*from));
            if claimed < row.uid_next {
                memory.claims.insert(mailbox, (account, row.uid_next));
            }
            return Ok(claimed);
        }
    }

    /// Puts the claim of this mailbox, if there is one, into its row as the transaction has it.
    pub fn apply(&self, read: &(impl Read + ?Sized), mailbox: MailboxId, row: &mut MailboxRow) -> Result<()> {
        let claim = lock(&self.0).claims.get(&mailbox).copied();
        if let Some((_, from)) = claim.filter(|(_, from)| *from > row.recent_from) {
            row.recent_from = from;
            row.recent = count_from(read, mailbox, from)?;
        }
        Ok(())
    }

    /// Has the batch write claims.
    pub fn write(&self, batch: &mut Batch<'_>) -> Result<()> {
        let some: Vec<_> = lock(&self.0)
            .claims
            .iter()
            .map(|(mailbox, (account, _))| (*account, *mailbox))
            .take(AT_ONCE)
            .collect();
        for (account, mailbox) in some {
            match batch.mailbox(account, mailbox) {
                Ok(row) => batch.put_mailbox(account, mailbox, row),
                Err(Error::NoSuchMailbox(_)) => drop(lock(&self.0).claims.remove(&mailbox)),
                // Its own trouble: the batch is other mailboxes' mail.
                Err(Error::Damaged(error)) => {
                    tracing::error!(%mailbox, %error, "what is recent in a mailbox cannot be written");
                    lock(&self.0).claims.remove(&mailbox);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What has been written need not be remembered.
    pub fn written(&self, recent: &[(MailboxId, Uid)]) {
        let mut memory = lock(&self.0);
        for (mailbox, from) in recent {
            if memory.claims.get(mailbox).is_some_and(|(_, claimed)| claimed <= from) {
                memory.claims.remove(mailbox);
                memory.written += 1;
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        lock(&self.0).claims.is_empty()
    }
}

/// How many messages have this UID or a greater one.
fn count_from(read: &(impl Read + ?Sized), mailbox: MailboxId, from: Uid) -> Result<u32> {
    let first = schema::flags_key(mailbox, page_of(from));
    let last = schema::flags_key(mailbox, u32::MAX);
    let mut count = 0;
    read.scan(Table::Flags, KeyRange::inclusive(&first, &last), &mut |key, octets| {
        let (_, page) = schema::page_of_key(key)?;
        let chunk = Chunk::decode(page, octets)?;
        let before = if page == page_of(from) { chunk.rank(slot_of(from)) } else { 0 };
        count += (chunk.len() - before) as u32;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(count)
}
