//! The INBOX as it was at login: message numbers, sizes and unique-ids that stay what they are for the session, while other
//! sessions deliver to it and expunge from it. It takes no lock.

use common::limits::Permit;
use store::{
    AccountName, EmailId, Flags, FlagsOperation, Mailbox, MailboxName, Message, Pop3Delete, StoreFlags, Uid,
    UidSet, UidValidity,
};

use crate::Service;
use crate::error::{Error, Result};
use crate::moved::Moved;
use crate::text::Text;

/// A message of the maildrop that exists and is not deleted. Only [`Maildrop::number`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MessageNumber(usize);

impl MessageNumber {
    fn index(self) -> usize {
        self.0 - 1
    }
}

impl std::fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

pub(crate) struct Maildrop {
    mailbox: Mailbox,
    drop: Snapshot,
    moved: Moved,
    retrieved: UidSet,
    delete: Pop3Delete,
    retr_sets_seen: bool,
    /// The place among the account's sessions.
    _permit: Permit,
}

impl Maildrop {
    /// Blocks.
    pub fn open(service: &Service, name: &AccountName, permit: Permit) -> Result<Maildrop> {
        let account = service.store.account(name)?;
        let policy =
            service.store.directory().find(name)?.map(|record| record.pop3_policy).unwrap_or_default();
        let mailbox = account.mailbox(&MailboxName::inbox())?;
        // Before the snapshot: what is moved between the two is found.
        let moved = Moved::since_now(&account)?;
        let drop = Snapshot::read(&mailbox)?;
        Ok(Maildrop {
            mailbox,
            drop,
            moved,
            retrieved: UidSet::new(),
            delete: policy.delete.unwrap_or_else(|| service.options.delete.clone()),
            retr_sets_seen: policy.retr_sets_seen.unwrap_or(service.options.retr_sets_seen),
            _permit: permit,
        })
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.drop
    }

    /// The message, also when another session expunged it meanwhile (as long as expunged messages are retained) or moved
    /// it. Blocks.
    pub fn message(&mut self, number: MessageNumber) -> Result<Message> {
        let Slot { uid, email_id, .. } = self.drop.slots[number.index()];
        if let Some(message) = self.mailbox.snapshot()?.message(uid)? {
            return Ok(message);
        }
        if let Some(message) = self.mailbox.retained_message(uid)? {
            return Ok(message);
        }
        self.moved.find(self.mailbox.account(), email_id)?.ok_or(Error::refused(Text::Expunged))
    }

    pub fn delete(&mut self, number: MessageNumber) {
        self.drop.slots[number.index()].deleted = true;
    }

    pub fn reset(&mut self) {
        self.drop.slots.iter_mut().for_each(|slot| slot.deleted = false);
    }

    /// RETR has sent the whole message.
    pub fn retrieved(&mut self, uid: Uid) {
        if self.retr_sets_seen {
            self.retrieved.insert(uid);
        }
    }

    /// RFC 1939 section 6: removes what DELE marked and still exists. How many were marked.
    pub async fn update(&self) -> Result<usize> {
        let marked: UidSet =
            self.drop.slots.iter().filter(|slot| slot.deleted).map(|slot| slot.uid).collect();
        match &self.delete {
            _ if marked.is_empty() => {}
            Pop3Delete::Expunge => drop(self.mailbox.remove(&marked).await?),
            Pop3Delete::KeepIn(name) => {
                drop(self.mailbox.move_to(&marked, &self.kept_in(name).await?).await?)
            }
        }
        Ok(marked.len() as usize)
    }

    /// The mailbox of this name, made and subscribed if it is missing.
    async fn kept_in(&self, name: &MailboxName) -> store::Result<Mailbox> {
        let account = self.mailbox.account();
        match common::block(|| account.mailbox(name)) {
            Err(store::Error::NoSuchMailbox(_)) => {}
            found => return found,
        }
        match account.create(name, None).await {
            // Another session made it meanwhile.
            Ok(_) | Err(store::Error::MailboxExists(_)) => account.subscribe(name, true).await?,
            Err(error) => return Err(error),
        }
        common::block(|| account.mailbox(name))
    }

    /// Sets \Seen on what RETR sent.
    pub async fn set_seen(&mut self) -> store::Result<()> {
        let uids = std::mem::take(&mut self.retrieved);
        if uids.is_empty() {
            return Ok(());
        }
        let change = StoreFlags {
            operation: FlagsOperation::Add,
            flags: Flags::SEEN,
            keywords: Vec::new(),
            unchanged_since: None,
        };
        self.mailbox.store_flags(&uids, change).await.map(|_| ())
    }
}

/// What the session knows of the messages without asking the store again: 24 octets for each.
pub(crate) struct Snapshot {
    uid_validity: UidValidity,
    slots: Vec<Slot>,
    /// Sorted by UID.
    imported: Vec<(Uid, String)>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    size: u64,
    email_id: EmailId,
    uid: Uid,
    deleted: bool,
}

impl Snapshot {
    fn read(mailbox: &Mailbox) -> store::Result<Snapshot> {
        let info = mailbox.info()?;
        let mut imported = mailbox.imported_unique_ids()?;
        imported.retain(|(_, unique_id)| is_unique_id(unique_id));
        imported.sort_unstable_by_key(|(uid, _)| *uid);
        let mut slots = Vec::with_capacity(info.messages as usize);
        mailbox.snapshot()?.messages(&UidSet::from_ranges([1..=u32::MAX]), &mut |message| {
            let (size, email_id, uid) = (message.size, message.email_id, message.uid);
            slots.push(Slot { size, email_id, uid, deleted: false });
            Ok(std::ops::ControlFlow::Continue(()))
        })?;
        Ok(Snapshot { uid_validity: info.uid_validity, slots, imported })
    }

    /// A message number as the client wrote it: decimal digits, from 1 to the last message, not deleted.
    // RFC 1939 section 5: "may NOT refer to a message marked as deleted"
    pub fn number(&self, argument: &str) -> Result<MessageNumber> {
        let number = decimal(argument)?;
        let index = number.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let slot = index.and_then(|index| Some((index, self.slots.get(index)?)));
        match slot {
            None => Err(Error::refused(Text::NoSuchMessage)),
            Some((_, slot)) if slot.deleted => Err(Error::refused(Text::MessageDeleted)),
            Some((index, _)) => Ok(MessageNumber(index + 1)),
        }
    }

    /// How many messages there are and their octets, without those marked as deleted.
    pub fn totals(&self) -> (usize, u64) {
        let kept = self.slots.iter().filter(|slot| !slot.deleted);
        kept.fold((0, 0), |(count, octets), slot| (count + 1, octets + slot.size))
    }

    /// The messages not marked as deleted, from an index (from 0) on.
    pub fn numbers_from(&self, index: usize) -> impl Iterator<Item = MessageNumber> + '_ {
        let slots = self.slots.iter().enumerate().skip(index);
        slots.filter(|(_, slot)| !slot.deleted).map(|(index, _)| MessageNumber(index + 1))
    }

    pub fn size(&self, number: MessageNumber) -> u64 {
        self.slots[number.index()].size
    }

    /// The unique-id that the message brought from an old server, or else one made of UIDVALIDITY and UID, which no
    /// other message of any mailbox ever has.
    // RFC 1939 section 7
    pub fn unique_id(&self, number: MessageNumber) -> UniqueId<'_> {
        let uid = self.slots[number.index()].uid;
        match self.imported.binary_search_by_key(&uid, |(uid, _)| *uid) {
            Ok(at) => UniqueId::Imported(&self.imported[at].1),
            Err(_) => UniqueId::Own(self.uid_validity, uid),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UniqueId<'a> {
    Imported(&'a str),
    Own(UidValidity, Uid),
}

impl std::fmt::Display for UniqueId<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            UniqueId::Imported(unique_id) => f.write_str(unique_id),
            UniqueId::Own(uid_validity, uid) => write!(f, "{:08x}{:08x}", uid_validity.0, uid.0),
        }
    }
}

/// A number as an argument; too large a one is a number that no message has.
pub(crate) fn decimal(argument: &str) -> Result<u64> {
    if argument.is_empty() || !argument.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(Error::Syntax(Text::BadNumber));
    }
    Ok(argument.parse().unwrap_or(u64::MAX))
}

/// RFC 1939 section 7: one to 70 characters in the range 0x21 to 0x7E.
fn is_unique_id(unique_id: &str) -> bool {
    (1..=70).contains(&unique_id.len()) && unique_id.bytes().all(|octet| octet.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let slot = |uid, size| Slot { uid: Uid(uid), size, email_id: EmailId(0), deleted: false };
        Snapshot {
            uid_validity: UidValidity(0x10),
            slots: vec![slot(3, 120), slot(5, 200), slot(0xffff_fffe, 7)],
            imported: vec![(Uid(5), "whqtswO00WBw418f9t5JxYwZ".to_owned())],
        }
    }

    #[test]
    fn only_messages_that_are_there_have_a_number() {
        let mut drop = snapshot();
        assert_eq!(drop.number("1").unwrap().index(), 0);
        assert_eq!(drop.number("003").unwrap().index(), 2);
        for none in ["0", "4", "18446744073709551615", "18446744073709551616", "99999999999999999999999999"] {
            assert!(
                matches!(drop.number(none), Err(Error::Refused { text: Text::NoSuchMessage, .. })),
                "{none}"
            );
        }
        for bad in ["", "-1", "+1", "1.0", "one", " 1", "1 2", "0x1", "\u{661}"] {
            assert!(matches!(drop.number(bad), Err(Error::Syntax(Text::BadNumber))), "{bad}");
        }
        drop.slots[1].deleted = true;
        assert!(matches!(drop.number("2"), Err(Error::Refused { text: Text::MessageDeleted, .. })));
    }

    #[test]
    fn deleted_messages_are_left_out_and_the_others_keep_their_numbers() {
        let mut drop = snapshot();
        assert_eq!(drop.totals(), (3, 327));
        drop.slots[1].deleted = true;
        assert_eq!(drop.totals(), (2, 127));
        assert_eq!(drop.numbers_from(0).map(|n| n.to_string()).collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(drop.numbers_from(1).map(|n| n.to_string()).collect::<Vec<_>>(), ["3"]);
    }

    #[test]
    fn imported_unique_ids_win_and_the_others_are_well_formed() {
        let drop = snapshot();
        let unique_ids: Vec<String> = drop.numbers_from(0).map(|n| drop.unique_id(n).to_string()).collect();
        assert_eq!(unique_ids, ["0000001000000003", "whqtswO00WBw418f9t5JxYwZ", "00000010fffffffe"]);
        assert!(unique_ids.iter().all(|unique_id| is_unique_id(unique_id)));
        assert!(!is_unique_id("") && !is_unique_id("a b") && !is_unique_id(&"x".repeat(71)));
        assert!(!is_unique_id("gr\u{fc}n") && !is_unique_id("a\r\n.") && is_unique_id(&"~!".repeat(35)));
    }
}
