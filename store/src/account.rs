//! An account's mailboxes: the verbs that make, rename, delete, subscribe and deliver.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::engine::{KeyRange, Read, Table};
use crate::schema::{self, MailboxRow, RetainedRow, UsageRow};
use crate::shard::Shard;
use crate::snapshot::View;
use crate::verbs::{mailbox, retained};
use crate::*;

/// One account's mail. Cheap to clone.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

struct Inner {
    store: Store,
    shard: Arc<Shard>,
    id: AccountId,
    name: AccountName,
}

/// What LIST and STATUS tell of a mailbox, from its one stored row.
#[derive(Debug, Clone, PartialEq)]
pub struct MailboxInfo {
    pub id: MailboxId,
    pub name: MailboxName,
    pub uid_validity: UidValidity,
    pub uid_next: Uid,
    pub highest_modseq: ModSeq,
    pub messages: u32,
    pub unseen: u32,
    pub deleted: u32,
    pub bytes: u64,
    pub deleted_bytes: u64,
    /// Messages that no session has been told of yet (IMAP4rev1's RECENT).
    pub recent: u32,
    pub special_use: Option<SpecialUse>,
    pub subscribed: bool,
    /// `None`: what holds for the account.
    pub acl: Option<Arc<Acl>>,
}

/// Kept true with every change; never scanned for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub bytes: u64,
    pub messages: u64,
    /// INBOX counts too.
    pub mailboxes: u32,
}

impl Account {
    pub(crate) fn new(store: Store, shard: Arc<Shard>, id: AccountId, name: AccountName) -> Account {
        Account(Arc::new(Inner { store, shard, id, name }))
    }

    pub(crate) fn shard(&self) -> &Arc<Shard> {
        &self.0.shard
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub fn id(&self) -> AccountId {
        self.0.id
    }

    pub fn name(&self) -> &AccountName {
        &self.0.name
    }

    /// Every mailbox, sorted by name with INBOX first. INBOX always exists.
    pub fn mailboxes(&self) -> Result<Vec<MailboxInfo>> {
        let shard = self.shard();
        let read = shard.read()?;
        self.usage_row(&*read)?;
        let subscribed: HashSet<String> =
            names(&*read, Table::Subscription, self.id())?.into_iter().collect();
        let mut rows = Vec::new();
        read.scan(Table::Mailbox, KeyRange::prefix(&schema::account_key(self.id())), &mut |key, octets| {
            let (_, id) = schema::mailbox_of_key(key)?;
            rows.push((id, MailboxRow::decode(octets)?));
            Ok(ControlFlow::Continue(()))
        })?;
        let mut mailboxes = Vec::with_capacity(rows.len());
        for (id, mut row) in rows {
            shard.claims.apply(&*read, id, &mut row)?;
            let subscribed = subscribed.contains(row.name.as_str());
            mailboxes.push(MailboxInfo::of(id, row, subscribed));
        }
        mailboxes
            .sort_by(|one, two| (!one.name.is_inbox(), &one.name).cmp(&(!two.name.is_inbox(), &two.name)));
        Ok(mailboxes)
    }

    /// [`Error::NoSuchMailbox`] when there is none of that name.
    pub fn mailbox(&self, name: &MailboxName) -> Result<Mailbox> {
        let read = self.shard().read()?;
        let stored = read.get(Table::MailboxName, &schema::name_key(self.id(), name.as_str()))?;
        let stored = stored.ok_or_else(|| Error::NoSuchMailbox(name.to_string()))?;
        Ok(Mailbox::new(self.clone(), MailboxId(schema::u64_of("mailbox_name", &stored)?)))
    }

    /// The mailbox and its access control list, from one snapshot. `None`: there is none of that name.
    pub fn mailbox_with_acl(&self, name: &MailboxName) -> Result<Option<(Mailbox, Option<Arc<Acl>>)>> {
        self.with_acl(&*self.shard().read()?, name)
    }

    /// The nearest existing mailbox above, with its list (RFC 4314 section 4, CREATE).
    pub fn parent_with_acl(&self, name: &MailboxName) -> Result<Option<(Mailbox, Option<Arc<Acl>>)>> {
        let read = self.shard().read()?;
        let mut above = name.parent();
        while let Some(parent) = above {
            if let Some(found) = self.with_acl(&*read, &parent)? {
                return Ok(Some(found));
            }
            above = parent.parent();
        }
        Ok(None)
    }

    fn with_acl(
        &self,
        read: &(impl Read + ?Sized),
        name: &MailboxName,
    ) -> Result<Option<(Mailbox, Option<Arc<Acl>>)>> {
        let stored = read.get(Table::MailboxName, &schema::name_key(self.id(), name.as_str()))?;
        let Some(stored) = stored else { return Ok(None) };
        let id = MailboxId(schema::u64_of("mailbox_name", &stored)?);
        let row = read.get(Table::Mailbox, &schema::mailbox_key(self.id(), id))?;
        let row = MailboxRow::decode(&row.ok_or_else(|| batch::no_such(id))?)?;
        Ok(Some((Mailbox::new(self.clone(), id), row.acl)))
    }

    /// What LIST tells of these mailboxes; those that are gone are left out. Subscriptions are the owner's and not told.
    pub fn some_mailboxes(&self, ids: &[MailboxId]) -> Result<Vec<MailboxInfo>> {
        let shard = self.shard();
        let read = shard.read()?;
        let mut mailboxes = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(row) = read.get(Table::Mailbox, &schema::mailbox_key(self.id(), *id))? else { continue };
            let mut row = MailboxRow::decode(&row)?;
            shard.claims.apply(&*read, *id, &mut row)?;
            mailboxes.push(MailboxInfo::of(*id, row, false));
        }
        Ok(mailboxes)
    }

    /// Whether the name is subscribed.
    pub fn is_subscribed(&self, name: &MailboxName) -> Result<bool> {
        let key = schema::name_key(self.id(), name.as_str());
        Ok(self.shard().read()?.get(Table::Subscription, &key)?.is_some())
    }

    /// The same by its id, which it keeps when it is renamed.
    pub fn mailbox_by_id(&self, id: MailboxId) -> Result<Mailbox> {
        let stored = self.shard().read()?.get(Table::Mailbox, &schema::mailbox_key(self.id(), id))?;
        match stored {
            Some(_) => Ok(Mailbox::new(self.clone(), id)),
            None => Err(batch::no_such(id)),
        }
    }

    /// Makes the mailbox, and those above it that are missing (RFC 9051 section 6.3.4).
    pub fn create(&self, name: &MailboxName, special_use: Option<SpecialUse>) -> Pending<MailboxInfo> {
        let (account, name) = (self.id(), name.clone());
        self.shard().write(move |batch| mailbox::create(batch, account, &name, special_use))
    }

    /// Renames the mailbox and all below it; INBOX keeps existing and its messages move (RFC 9051 section 6.3.6).
    pub fn rename(&self, from: &MailboxName, to: &MailboxName) -> Pending<()> {
        let (account, from, to) = (self.id(), from.clone(), to.clone());
        self.shard().write(move |batch| mailbox::rename(batch, account, &from, &to))
    }

    /// Deletes the mailbox alone; those below it stay (RFC 9051 section 6.3.5). Its messages are retained like expunged ones.
    pub fn delete(&self, name: &MailboxName) -> Pending<()> {
        let (account, name) = (self.id(), name.clone());
        self.shard().write(move |batch| mailbox::delete(batch, account, &name))
    }

    /// Subscribes or unsubscribes a name, whether or not a mailbox has it (RFC 9051 section 6.3.7).
    pub fn subscribe(&self, name: &MailboxName, subscribed: bool) -> Pending<()> {
        let (account, name) = (self.id(), name.clone());
        self.shard().write(move |batch| mailbox::subscribe(batch, account, &name, subscribed))
    }

    /// Subscribed names, sorted; some may have no mailbox.
    pub fn subscriptions(&self) -> Result<Vec<MailboxName>> {
        let names = names(&*self.shard().read()?, Table::Subscription, self.id())?;
        let damaged =
            |_| Error::Damaged("a subscription is no mailbox name: run `restante check`".to_owned());
        names.iter().map(|name| MailboxName::new(name).map_err(damaged)).collect()
    }

    /// What counts against the quota: all messages of all mailboxes, without those that are retained.
    pub fn usage(&self) -> Result<Usage> {
        let row = self.usage_row(&*self.shard().read()?)?;
        Ok(Usage { bytes: row.bytes, messages: row.messages, mailboxes: row.mailboxes })
    }

    fn usage_row(&self, read: &(impl Read + ?Sized)) -> Result<UsageRow> {
        let stored = read.get(Table::Usage, &schema::account_key(self.id()))?;
        UsageRow::decode(&stored.ok_or_else(|| Error::NoSuchAccount(self.name().to_string()))?)
    }

    /// Whether so much more has room as things are now, else [`Error::OverQuota`]: spares a client sending a message in
    /// vain. The verb that stores it is what counts.
    pub fn check_room(&self, bytes: u64, messages: u64) -> Result<()> {
        let (usage, limits) = (self.usage()?, self.limits()?);
        let bytes = usage.bytes.saturating_add(bytes);
        crate::verbs::check_limits(limits, bytes, usage.messages.saturating_add(messages))
    }

    /// The limits in force for the account.
    pub fn limits(&self) -> Result<Limits> {
        Ok((self.shard().options.limits)(self.id()))
    }

    /// All that happens to the account from now on, in the order of commits. A reader that lags is told so and starts afresh.
    pub fn changes(&self) -> tokio::sync::broadcast::Receiver<Change> {
        self.shard().registry.changes(self.id())
    }

    /// Expunged messages that can still be restored, the oldest first.
    pub fn retained(&self) -> Result<Vec<RetainedMessage>> {
        let read = self.shard().read()?;
        let mut messages = Vec::new();
        read.scan(Table::Retained, KeyRange::prefix(&schema::account_key(self.id())), &mut |key, octets| {
            messages.push(retained_message(key, octets)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(messages)
    }

    /// The retained message with this EMAILID that was expunged last, from whatever mailbox. Looks at all that is retained.
    pub fn retained_with(&self, email_id: EmailId) -> Result<Option<Message>> {
        let view = View { read: self.shard().read()?, shard: self.shard().clone() };
        let mut last = None;
        let range = KeyRange::prefix(&schema::account_key(self.id()));
        view.read.scan(Table::Retained, range, &mut |_, octets| {
            let row = RetainedRow::decode(octets)?;
            if row.message.email_id == email_id {
                last = Some(row);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(last.map(|row| Message::new(Arc::new(view), row.uid, row.message)))
    }

    /// Puts retained messages back, into a mailbox of this account; all or none. Ids that are gone are left out.
    pub fn restore(&self, ids: Vec<RetainedId>, to: &Mailbox) -> Pending<Appended> {
        let (account, to) = (self.id(), to.id());
        self.shard().write(move |batch| retained::restore(batch, account, &ids, to))
    }
}

impl MailboxInfo {
    pub(crate) fn of(id: MailboxId, row: MailboxRow, subscribed: bool) -> MailboxInfo {
        MailboxInfo {
            id,
            name: row.name,
            uid_validity: row.uid_validity,
            uid_next: row.uid_next,
            highest_modseq: row.highest_modseq,
            messages: row.messages,
            unseen: row.unseen,
            deleted: row.deleted,
            bytes: row.bytes,
            deleted_bytes: row.deleted_bytes,
            recent: row.recent,
            special_use: row.special_use,
            subscribed,
            acl: row.acl,
        }
    }
}

fn names(read: &(impl Read + ?Sized), table: Table, account: AccountId) -> Result<Vec<String>> {
    let mut names = Vec::new();
    read.scan(table, KeyRange::prefix(&schema::account_key(account)), &mut |key, _| {
        names.push(schema::name_of_key(key)?.1);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(names)
}

fn retained_message(key: &[u8], octets: &[u8]) -> Result<RetainedMessage> {
    let mut fields = schema::Fields::new("retained", key);
    fields.u32()?;
    let id = RetainedId { seconds: fields.u64()?, number: fields.u64()? };
    let row = RetainedRow::decode(octets)?;
    Ok(RetainedMessage {
        id,
        mailbox: row.name,
        mailbox_id: row.mailbox,
        uid: row.uid,
        flags: row.flags,
        keywords: row.keywords,
        size: row.message.size,
        internal_date: row.message.internal_date,
        email_id: row.message.email_id,
    })
}

/// What happened, published after the commit that made it durable.
#[derive(Debug, Clone)]
pub enum Change {
    /// Messages came, went or changed: look at [`Mailbox::live`] or [`Mailbox::info`].
    Messages {
        mailbox: MailboxId,
        modseq: ModSeq,
    },
    Created {
        mailbox: MailboxId,
        name: MailboxName,
    },
    Renamed {
        mailbox: MailboxId,
        from: MailboxName,
        to: MailboxName,
    },
    Deleted {
        mailbox: MailboxId,
        name: MailboxName,
    },
    /// Who may do what with it has changed.
    Acl {
        mailbox: MailboxId,
    },
    Subscribed {
        name: MailboxName,
        subscribed: bool,
    },
}
