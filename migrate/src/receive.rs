//! The store's side of an import. Blocks.

use std::sync::Arc;

use store::{
    Account, AccountName, DateTime, Error, Flags, Imported, Keyword, Mailbox, MailboxName, ModSeq,
    NewMessage, Result, Store, Uid, UidValidity,
};

use crate::octets::short;
use crate::{Batch, Held, Item, Numbers, Opened, Opening, Put};

/// Makes the mailbox if it is missing, takes over its numbers, and tells what is in it. `None`: it is missing, and only
/// a look was asked for.
pub fn open(store: &Store, account: &AccountName, opening: &Opening) -> Result<Option<Opened>> {
    let account = store.account(account)?;
    let name = MailboxName::new(&opening.mailbox).map_err(|error| Error::InvalidName(error.0))?;
    let mailbox = match account.mailbox(&name) {
        Ok(mailbox) => mailbox,
        Err(Error::NoSuchMailbox(_)) if opening.look => return Ok(None),
        Err(Error::NoSuchMailbox(_)) => {
            account.create(&name, None).wait()?;
            account.mailbox(&name)?
        }
        Err(error) => return Err(error),
    };
    if !opening.look {
        subscribe(&account, &name, opening.subscribed)?;
    }
    let kept = match opening.numbers {
        Some(numbers) if opening.look => would_keep(&mailbox, numbers)?,
        Some(numbers) => mailbox.adopt(store_numbers(numbers)).wait()?,
        None => false,
    };
    let mut opened = Opened { kept, uid_next: mailbox.info()?.uid_next.0, held: Vec::new() };
    mailbox.held(&mut |held| {
        let (uid, hash, date) = (held.uid.0, short(&held.hash), held.internal_date.seconds);
        opened.held.push(Held { uid, hash, date });
        Ok(())
    })?;
    Ok(Some(opened))
}

/// Nothing is unsubscribed: the user may have done it here.
fn subscribe(account: &Account, name: &MailboxName, subscribed: bool) -> Result<()> {
    match subscribed && !account.is_subscribed(name)? {
        true => account.subscribe(name, true).wait(),
        false => Ok(()),
    }
}

fn would_keep(mailbox: &Mailbox, numbers: Numbers) -> Result<bool> {
    let info = mailbox.info()?;
    Ok(info.uid_validity.0 == numbers.uid_validity || info.uid_next == Uid(1))
}

fn store_numbers(numbers: Numbers) -> store::Numbers {
    store::Numbers {
        uid_validity: UidValidity(numbers.uid_validity),
        uid_next: Uid(numbers.uid_next),
        highest_modseq: ModSeq(numbers.highest_modseq),
    }
}

/// Stores messages. One that cannot be stored is refused by itself; with an error none was stored.
pub fn put(store: &Store, account: &AccountName, batch: Batch) -> Result<Vec<Put>> {
    let name = MailboxName::new(&batch.mailbox).map_err(|error| Error::InvalidName(error.0))?;
    let mailbox = store.account(account)?.mailbox(&name)?;
    let (mut messages, mut imported, mut puts) = (Vec::new(), Vec::new(), Vec::new());
    for item in batch.items {
        match staged(store, item) {
            Ok((message, kept)) => {
                messages.push(message);
                imported.push(kept);
                // Its UID is known when all are stored.
                puts.push(Put::Stored { uid: 0 });
            }
            Err(error @ (Error::TooLarge { .. } | Error::InvalidMessage(_))) => {
                puts.push(Put::Refused { reason: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    if !messages.is_empty() {
        let appended = mailbox.import(messages, imported).wait()?;
        let stored = puts.iter_mut().filter(|put| matches!(put, Put::Stored { .. }));
        stored.zip(appended.uids).for_each(|(put, uid)| *put = Put::Stored { uid: uid.0 });
    }
    Ok(puts)
}

fn staged(store: &Store, item: Item) -> Result<(NewMessage, Imported)> {
    let mut spool = store.spool();
    spool.write(&item.octets)?;
    let meta = item.meta;
    let message = NewMessage {
        staged: store.stage(spool)?,
        trace: bytes::Bytes::new(),
        flags: Flags(meta.flags & ALL_FLAGS),
        keywords: meta.keywords.iter().map(|keyword| Keyword(Arc::from(keyword.as_str()))).collect(),
        internal_date: meta.internal_date.map(|seconds| DateTime { seconds, offset: 0 }),
    };
    let kept = Imported { uid: meta.uid.map(Uid), unique_id: meta.unique_id, save_date: meta.save_date };
    Ok((message, kept))
}

/// \Seen, \Answered, \Flagged, \Deleted, \Draft
const ALL_FLAGS: u8 = 0b1_1111;
