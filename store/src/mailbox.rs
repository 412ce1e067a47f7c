//! One mailbox: the verbs on its messages.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::batch::no_such;
use crate::engine::{KeyRange, Read, Table};
use crate::schema::{self, Chunk, MailboxRow, RetainedRow, vanished};
use crate::shard::Shard;
use crate::snapshot::View;
use crate::verbs::{acl, append, copy, expunge, flags, import, replace, unique_id};
use crate::*;

/// A mailbox of an account. Cheap to clone. Stays valid when the mailbox is renamed; when it is deleted, everything
/// answers [`Error::NoSuchMailbox`].
#[derive(Clone)]
pub struct Mailbox {
    account: Account,
    id: MailboxId,
}

/// A message to insert. APPEND, delivery and import differ only in what they put here.
#[derive(Debug, Clone)]
pub struct NewMessage {
    pub staged: Staged,
    /// Header lines of this recipient alone (Return-Path, Delivered-To, Received), put before the shared octets.
    pub trace: bytes::Bytes,
    pub flags: Flags,
    pub keywords: Vec<Keyword>,
    /// `None`: now.
    pub internal_date: Option<DateTime>,
}

/// What a message brings from the server that it was on before. The default brings nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// `None`: the mailbox's UIDNEXT.
    pub uid: Option<Uid>,
    /// RFC 1939 section 7: 1 to 70 visible US-ASCII characters. `None`: made of UIDVALIDITY and UID.
    pub unique_id: Option<String>,
    /// RFC 8514, in seconds since 1970. `None`: now.
    pub save_date: Option<i64>,
}

/// What clients have noted of a mailbox on the server that it was on before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    pub uid_validity: UidValidity,
    pub uid_next: Uid,
    pub highest_modseq: ModSeq,
}

/// A message as importers see what is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub uid: Uid,
    /// [`Staged::hash`]
    pub hash: [u8; 32],
    /// With the header lines of this recipient alone.
    pub size: u64,
    pub internal_date: DateTime,
}

/// RFC 4315 APPENDUID, and what delivery logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    pub uid_validity: UidValidity,
    /// One a message, in order.
    pub uids: Vec<Uid>,
    pub modseq: ModSeq,
}

/// RFC 4315 COPYUID: `from[i]` became `to[i]`. UIDs that no longer exist are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    pub uid_validity: UidValidity,
    pub from: Vec<Uid>,
    pub to: Vec<Uid>,
    /// The source mailbox's HIGHESTMODSEQ after it; for a move that at which the messages vanished.
    pub modseq: ModSeq,
}

/// What became of a [`Mailbox::replace`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The new message.
    pub appended: Appended,
    /// HIGHESTMODSEQ of the mailbox that the old one was in, at which it vanished.
    pub modseq: ModSeq,
}

/// What STORE does with the flags it names: `+FLAGS`, `-FLAGS`, `FLAGS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagsOperation {
    Add,
    Remove,
    Replace,
    /// Of the flags only those that these rights cover; the others stay as they are (RFC 4314 section 4).
    ReplaceWithin(Rights),
}

impl FlagsOperation {
    /// Flags that are not named go.
    pub fn replaces(self) -> bool {
        matches!(self, FlagsOperation::Replace | FlagsOperation::ReplaceWithin(_))
    }
}

/// STORE (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3).
#[derive(Debug, Clone)]
pub struct StoreFlags {
    pub operation: FlagsOperation,
    pub flags: Flags,
    pub keywords: Vec<Keyword>,
    /// Messages with a greater MODSEQ are left alone and told in [`Stored::modified`].
    pub unchanged_since: Option<ModSeq>,
}

/// What became of the messages of a [`StoreFlags`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Messages whose flags are different now. All have the MODSEQ below.
    pub changed: UidSet,
    /// Messages that UNCHANGEDSINCE spared.
    pub modified: UidSet,
    /// UIDs that do not exist.
    pub missing: UidSet,
    pub modseq: ModSeq,
}

/// Which messages are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expunged {
    pub uids: UidSet,
    /// The mailbox's HIGHESTMODSEQ after it.
    pub modseq: ModSeq,
}

impl Mailbox {
    pub(crate) fn new(account: Account, id: MailboxId) -> Mailbox {
        Mailbox { account, id }
    }

    pub fn id(&self) -> MailboxId {
        self.id
    }

    pub fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn shard(&self) -> &Arc<Shard> {
        self.account.shard()
    }

    /// The stored row as it is now.
    pub fn info(&self) -> Result<MailboxInfo> {
        let read = self.shard().read()?;
        let mut row = self.row(&*read)?;
        self.shard().claims.apply(&*read, self.id, &mut row)?;
        let key = schema::name_key(self.account.id(), row.name.as_str());
        let subscribed = read.get(Table::Subscription, &key)?.is_some();
        Ok(MailboxInfo::of(self.id, row, subscribed))
    }

    fn row(&self, read: &(impl Read + ?Sized)) -> Result<MailboxRow> {
        let stored = read.get(Table::Mailbox, &schema::mailbox_key(self.account.id(), self.id))?;
        MailboxRow::decode(&stored.ok_or_else(|| no_such(self.id))?)
    }

    /// The compact state that every session that has this mailbox selected shares, and the notice of its changes.
    /// Loads it when nobody has it open.
    pub fn live(&self) -> Result<Live> {
        let shard = self.shard();
        shard.registry.open(self.account.id(), self.id, || shard.read()).map(Live::new)
    }

    /// A consistent view of messages and bodies. Hold it for one batch of output, not for a slow client.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let view = self.view()?;
        self.row(&*view.read)?;
        Ok(Snapshot::new(view, self.id))
    }

    fn view(&self) -> Result<View> {
        Ok(View { read: self.shard().read()?, shard: self.shard().clone() })
    }

    /// Inserts all or none (RFC 3502).
    pub fn append(&self, messages: Vec<NewMessage>) -> Pending<Appended> {
        let (account, mailbox) = self.place();
        let octets = messages.iter().map(|message| message.staged.len()).sum();
        self.shard().queue.push(octets, move |batch| append::append(batch, account, mailbox, &messages))
    }

    /// Inserts messages that come from another server, all or none: `imported[i]` belongs to `messages[i]`. Given UIDs
    /// ascend and are not below UIDNEXT, else [`Error::Limit`].
    pub fn import(&self, messages: Vec<NewMessage>, imported: Vec<Imported>) -> Pending<Appended> {
        let (account, mailbox) = self.place();
        let octets = messages.iter().map(|message| message.staged.len()).sum();
        let verb = move |batch: &mut crate::batch::Batch<'_>| {
            import::import(batch, account, mailbox, (&messages, &imported))
        };
        self.shard().queue.push(octets, verb)
    }

    /// Takes over UIDVALIDITY, and UIDNEXT and HIGHESTMODSEQ as far as they are greater. False, and nothing is changed,
    /// when the mailbox has another UIDVALIDITY and messages have been in it.
    pub fn adopt(&self, numbers: Numbers) -> Pending<bool> {
        let (account, mailbox) = self.place();
        self.shard().write(move |batch| import::adopt(batch, account, mailbox, numbers))
    }

    /// What is there, by UID. Blocks.
    pub fn held(&self, each: &mut dyn FnMut(Held) -> Result<()>) -> Result<()> {
        let view = self.view()?;
        self.row(&*view.read)?;
        view.read.scan(
            Table::Message,
            KeyRange::prefix(&schema::mailbox_prefix(self.id)),
            &mut |key, octets| {
                let row = schema::MessageRow::decode(octets)?;
                let body = view.read.get(Table::Body, &schema::body_key(row.body))?;
                let body = schema::BodyRow::decode(&body.unwrap_or_default())?;
                let (uid, hash) = (schema::uid_of_key(key)?, body.hash);
                each(Held { uid, hash, size: row.size, internal_date: row.internal_date })?;
                Ok(ControlFlow::Continue(()))
            },
        )
    }

    fn place(&self) -> copy::Place {
        (self.account.id(), self.id)
    }

    /// Copies with flags, keywords and internal date; all or none. `to` may be of another account.
    pub fn copy_to(&self, uids: &UidSet, to: &Mailbox) -> Pending<Copied> {
        self.copy_within(uids, to, Rights::ALL)
    }

    /// The same; of flags and keywords only those that these rights in `to` cover (RFC 4314 section 4).
    pub fn copy_within(&self, uids: &UidSet, to: &Mailbox, rights: Rights) -> Pending<Copied> {
        if !self.is_near(to) {
            return transfer::transfer(self.clone(), uids.clone(), (to.clone(), rights), false);
        }
        let (from, to, uids) = (self.place(), to.place(), uids.clone());
        self.shard().write(move |batch| copy::copy(batch, from, &uids, (to, rights)))
    }

    /// Moves; all or none (RFC 6851).
    pub fn move_to(&self, uids: &UidSet, to: &Mailbox) -> Pending<Copied> {
        self.move_within(uids, to, Rights::ALL)
    }

    /// The same; of flags and keywords only those that these rights in `to` cover (RFC 4314 section 4).
    pub fn move_within(&self, uids: &UidSet, to: &Mailbox, rights: Rights) -> Pending<Copied> {
        if !self.is_near(to) {
            return transfer::transfer(self.clone(), uids.clone(), (to.clone(), rights), true);
        }
        let (from, to, uids) = (self.place(), to.place(), uids.clone());
        self.shard().write(move |batch| copy::move_messages(batch, from, &uids, (to, rights)))
    }

    /// The access control list; `None`: what holds for the account.
    pub fn acl(&self) -> Result<Option<Arc<Acl>>> {
        Ok(self.row(&*self.shard().read()?)?.acl)
    }

    /// Changes one entry, negative or not, of the access control list; `default` is the list where there is none yet.
    pub fn change_acl(&self, entry: (Subject, bool), change: AclChange, default: Acl) -> Pending<()> {
        let (account, mailbox) = self.place();
        self.shard().write(move |batch| acl::change(batch, (account, mailbox), entry, (change, &default)))
    }

    /// Puts a new message into `to` and expunges the old one, with or without \\Deleted: both or neither (RFC 8508).
    /// [`Error::Expunged`] when the old one is there no more. `to` may be of another account.
    pub fn replace(&self, uid: Uid, to: &Mailbox, message: NewMessage) -> Pending<Replaced> {
        if !self.is_near(to) {
            return transfer::replace(self.clone(), uid, to.clone(), message);
        }
        let (from, to, octets) = (self.place(), to.place(), message.staged.len());
        self.shard().queue.push(octets, move |batch| replace::replace(batch, from, uid, to, &message))
    }

    /// In the same shard, where a body can be shared.
    fn is_near(&self, other: &Mailbox) -> bool {
        Arc::ptr_eq(self.shard(), other.shard())
    }

    /// Changes flags and keywords. UIDs that do not exist are told, not refused. Fails where there would be too many keywords.
    pub fn store_flags(&self, uids: &UidSet, change: StoreFlags) -> Pending<Stored> {
        let ((account, mailbox), uids) = (self.place(), uids.clone());
        self.shard().write(move |batch| flags::store_flags(batch, account, mailbox, &uids, &change))
    }

    /// Expunges the messages with \Deleted; with `uids` only those of them that are named (UID EXPUNGE).
    pub fn expunge(&self, uids: Option<&UidSet>) -> Pending<Expunged> {
        let ((account, mailbox), uids) = (self.place(), uids.cloned());
        self.shard().write(move |batch| expunge::expunge(batch, account, mailbox, uids.as_ref()))
    }

    /// Expunges what is named and still exists, flag or no flag (POP3's QUIT, ageing).
    pub fn remove(&self, uids: &UidSet) -> Pending<Expunged> {
        self.take_out(uids, true)
    }

    /// The same; not retained when it lives on elsewhere.
    pub(crate) fn take_out(&self, uids: &UidSet, retained: bool) -> Pending<Expunged> {
        let ((account, mailbox), uids) = (self.place(), uids.clone());
        self.shard().write(move |batch| expunge::remove(batch, account, mailbox, &uids, retained))
    }

    /// IMAP4rev1's \Recent: the messages from this UID on have not been told to any session; they are now.
    /// Kept in memory and written with the next commit: losing it makes mail "recent" twice, which RFC 3501 allows.
    pub fn claim_recent(&self) -> Result<Uid> {
        let shard = self.shard();
        shard.claims.claim(|| shard.read(), self.account.id(), self.id)
    }

    /// UIDs expunged after this MODSEQ (RFC 7162 section 3.2.5.1). If that far back is no longer known: every UID below
    /// UIDNEXT that does not exist.
    pub fn vanished_since(&self, modseq: ModSeq) -> Result<UidSet> {
        let read = self.shard().read()?;
        let row = self.row(&*read)?;
        if modseq < row.vanished_floor {
            return absent(&*read, self.id, row.uid_next);
        }
        let Some(next) = modseq.0.checked_add(1) else { return Ok(UidSet::new()) };
        let range = KeyRange {
            start: vanished::key(self.id, ModSeq(next), 0).to_vec(),
            ..KeyRange::prefix(&schema::mailbox_prefix(self.id))
        };
        let mut ranges = Vec::new();
        read.scan(Table::Vanished, range, &mut |_, octets| {
            ranges.extend(vanished::decode(octets)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(UidSet::from_ranges(ranges))
    }

    /// A message that was expunged from this mailbox and is still retained, by the UID that it had: a POP3 session may
    /// retrieve what another session expunged after its login. `None`: retained no longer, or never there.
    pub fn retained_message(&self, uid: Uid) -> Result<Option<Message>> {
        let view = self.view()?;
        self.row(&*view.read)?;
        let Some(by_uid) = view.read.get(Table::RetainedUid, &schema::message_key(self.id, uid))? else {
            return Ok(None);
        };
        let key = [&schema::account_key(self.account.id()), &by_uid[..]].concat();
        let Some(stored) = view.read.get(Table::Retained, &key)? else { return Ok(None) };
        let row = RetainedRow::decode(&stored)?;
        Ok(Some(Message::new(Arc::new(view), uid, row.message)))
    }

    /// The unique-ids that messages of this mailbox brought from an old server (RFC 1939 UIDL), by UID.
    pub fn imported_unique_ids(&self) -> Result<Vec<(Uid, String)>> {
        let read = self.shard().read()?;
        self.row(&*read)?;
        let mut unique_ids = Vec::new();
        let range = KeyRange::prefix(&schema::mailbox_prefix(self.id));
        read.scan(Table::UniqueId, range, &mut |key, octets| {
            unique_ids.push((schema::uid_of_key(key)?, String::from_utf8_lossy(octets).into_owned()));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(unique_ids)
    }

    /// Sets the unique-ids that messages had on their old server; all or none. [`Error::Expunged`] when one of the
    /// messages does not exist.
    pub fn import_unique_ids(&self, unique_ids: Vec<(Uid, String)>) -> Pending<()> {
        let (account, mailbox) = self.place();
        self.shard().write(move |batch| unique_id::import(batch, account, mailbox, &unique_ids))
    }
}

/// Every UID below UIDNEXT that does not exist.
fn absent(read: &(impl Read + ?Sized), mailbox: MailboxId, uid_next: Uid) -> Result<UidSet> {
    let mut gaps = Vec::new();
    let mut from = 1;
    read.scan(Table::Flags, KeyRange::prefix(&schema::mailbox_prefix(mailbox)), &mut |key, octets| {
        let (_, page) = schema::page_of_key(key)?;
        for row in Chunk::decode(page, octets)?.rows() {
            if from < row.uid.0 {
                gaps.push(from..=row.uid.0 - 1);
            }
            from = row.uid.0.saturating_add(1);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if from < uid_next.0 {
        gaps.push(from..=uid_next.0 - 1);
    }
    Ok(UidSet::from_ranges(gaps))
}
