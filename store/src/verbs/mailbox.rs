//! Making, renaming, deleting and subscribing mailboxes (RFC 9051 sections 6.3.4 to 6.3.8).

use super::drop::{self, drop_mailbox};
use super::{acl, copy, metadata};
use crate::batch::Batch;
use crate::engine::{KeyRange, Table};
use crate::schema::{self, MailboxRow};
use crate::*;

/// Mailboxes of an account, at most: LIST and rename read them all.
const MAILBOXES: u32 = 20_000;

/// Messages of a deleted mailbox that go at once; the rest goes step by step.
const AT_ONCE: usize = 1_000;

pub(crate) fn create(
    batch: &mut Batch<'_>,
    account: AccountId,
    name: &MailboxName,
    special_use: Option<SpecialUse>,
) -> Result<MailboxInfo> {
    check_free(batch, account, name)?;
    let missing = missing_parents(batch, account, name)?;
    check_count(batch, account, missing.len() + 1)?;
    make_with_parents(batch, account, (missing, name), special_use)
}

/// The first mailboxes of an account, which no limit forbids.
pub(super) fn create_first(
    batch: &mut Batch<'_>,
    account: AccountId,
    name: &MailboxName,
    special_use: Option<SpecialUse>,
) -> Result<()> {
    check_free(batch, account, name)?;
    let missing = missing_parents(batch, account, name)?;
    make_with_parents(batch, account, (missing, name), special_use).map(|_| ())
}

fn make_with_parents(
    batch: &mut Batch<'_>,
    account: AccountId,
    (missing, name): (Vec<MailboxName>, &MailboxName),
    special_use: Option<SpecialUse>,
) -> Result<MailboxInfo> {
    for parent in missing {
        make(batch, account, &parent, None)?;
    }
    let (id, row) = make(batch, account, name, special_use)?;
    let subscribed = is_subscribed(batch, account, name)?;
    Ok(MailboxInfo::of(id, row, subscribed))
}

fn check_free(batch: &Batch<'_>, account: AccountId, name: &MailboxName) -> Result<()> {
    match batch.mailbox_named(account, name)? {
        Some(_) => Err(Error::MailboxExists(name.to_string())),
        None => Ok(()),
    }
}

/// Those above it that do not exist, from the top down. INBOX is made with the account and stands above nothing missing.
fn missing_parents(batch: &Batch<'_>, account: AccountId, name: &MailboxName) -> Result<Vec<MailboxName>> {
    let mut missing = Vec::new();
    let mut above = name.parent();
    while let Some(parent) = above {
        if batch.mailbox_named(account, &parent)?.is_none() {
            missing.push(parent.clone());
        }
        above = parent.parent();
    }
    missing.reverse();
    Ok(missing)
}

fn check_count(batch: &mut Batch<'_>, account: AccountId, more: usize) -> Result<()> {
    let count = u64::from(batch.usage(account)?.mailboxes).saturating_add(more as u64);
    let limit = (batch.shard.options.limits)(account).mailboxes;
    if more > 0 && limit != 0 && count > limit {
        return Err(Error::OverQuota(format!(
            "the account would have {count} mailboxes and may have {limit}: delete some, or ask for more"
        )));
    }
    if count <= u64::from(MAILBOXES) {
        return Ok(());
    }
    Err(Error::Limit(format!("an account may have {MAILBOXES} mailboxes: delete some that are not needed")))
}

/// Makes one mailbox, which is known to be missing.
pub(super) fn make(
    batch: &mut Batch<'_>,
    account: AccountId,
    name: &MailboxName,
    special_use: Option<SpecialUse>,
) -> Result<(MailboxId, MailboxRow)> {
    let mut usage = batch.usage(account)?;
    let mut row = MailboxRow::new(name.clone(), special_use, batch.next_uid_validity()?);
    let mailbox = batch.next_mailbox();
    row.acl = acl::inherited(batch, account, name)?;
    acl::index(batch, (account, mailbox), None, row.acl.as_deref())?;
    usage.mailboxes += 1;
    batch.put_usage(account, usage);
    batch.put(Table::MailboxName, &schema::name_key(account, name.as_str()), &mailbox.0.to_be_bytes())?;
    batch.put_mailbox(account, mailbox, row.clone());
    batch.publish(account, Change::Created { mailbox, name: name.clone() });
    Ok((mailbox, row))
}

/// What a rename does to one mailbox.
struct Step {
    mailbox: MailboxId,
    from: MailboxName,
    to: MailboxName,
}

pub(crate) fn rename(
    batch: &mut Batch<'_>,
    account: AccountId,
    from: &MailboxName,
    to: &MailboxName,
) -> Result<()> {
    if from.is_inbox() {
        return rename_inbox(batch, account, to);
    }
    let below = format!("{from}{}", MailboxName::SEPARATOR);
    if to.as_str().starts_with(&below) {
        return Err(Error::InvalidName(format!("{from} cannot be put below itself")));
    }
    check_free(batch, account, to)?;
    let steps = renamed(batch, account, from, to)?;
    for step in &steps {
        check_free(batch, account, &step.to)?;
    }
    let missing = missing_parents(batch, account, to)?;
    check_count(batch, account, missing.len())?;

    for parent in missing {
        make(batch, account, &parent, None)?;
    }
    for step in steps {
        let mut row = batch.mailbox(account, step.mailbox)?;
        row.name = step.to.clone();
        batch.put_mailbox(account, step.mailbox, row);
        batch.delete(Table::MailboxName, &schema::name_key(account, step.from.as_str()))?;
        let key = schema::name_key(account, step.to.as_str());
        batch.put(Table::MailboxName, &key, &step.mailbox.0.to_be_bytes())?;
        let Step { mailbox, from, to } = step;
        batch.publish(account, Change::Renamed { mailbox, from, to });
    }
    Ok(())
}

/// The mailbox, if it exists, and all below it, with their new names. A name that has only mailboxes below it can be
/// renamed, too.
fn renamed(batch: &Batch<'_>, account: AccountId, from: &MailboxName, to: &MailboxName) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    if let Some(mailbox) = batch.mailbox_named(account, from)? {
        steps.push(Step { mailbox, from: from.clone(), to: to.clone() });
    }
    let below = schema::name_key(account, &format!("{from}{}", MailboxName::SEPARATOR));
    for key in batch.keys(Table::MailboxName, KeyRange::prefix(&below), usize::MAX)? {
        let (_, old) = schema::name_of_key(&key)?;
        let new = format!("{to}{}", &old[from.as_str().len()..]);
        let (old, new) = (name(&old)?, name(&new)?);
        let mailbox = batch.mailbox_named(account, &old)?;
        steps.extend(mailbox.map(|mailbox| Step { mailbox, from: old, to: new }));
    }
    if steps.is_empty() { Err(Error::NoSuchMailbox(from.to_string())) } else { Ok(steps) }
}

fn name(name: &str) -> Result<MailboxName> {
    MailboxName::new(name).map_err(|invalid| Error::InvalidName(invalid.to_string()))
}

/// INBOX keeps existing, with what is below it; its messages move to a new mailbox.
fn rename_inbox(batch: &mut Batch<'_>, account: AccountId, to: &MailboxName) -> Result<()> {
    let Some(inbox) = batch.mailbox_named(account, &MailboxName::inbox())? else {
        return Err(Error::NoSuchMailbox("INBOX".to_owned()));
    };
    create(batch, account, to, None)?;
    let Some(new) = batch.mailbox_named(account, to)? else {
        return Err(Error::NoSuchMailbox(to.to_string()));
    };
    metadata::copy(batch, account, inbox, new)?;
    let all = UidSet::from_ranges([1..=u32::MAX]);
    copy::move_messages(batch, (account, inbox), &all, ((account, new), Rights::ALL)).map(|_| ())
}

pub(crate) fn delete(batch: &mut Batch<'_>, account: AccountId, name: &MailboxName) -> Result<()> {
    if name.is_inbox() {
        // RFC 9051 section 6.3.5
        return Err(Error::InvalidName("INBOX cannot be deleted".to_owned()));
    }
    let mailbox = batch.mailbox_named(account, name)?;
    let mailbox = mailbox.ok_or_else(|| Error::NoSuchMailbox(name.to_string()))?;
    drop_mailbox(batch, account, mailbox)?;
    match drop::step(batch, account, mailbox, AT_ONCE)? {
        drop::Step::Done => {}
        drop::Step::More | drop::Step::Stuck(_) => batch.shard.wake_maintenance(),
    }
    Ok(())
}

pub(crate) fn subscribe(
    batch: &mut Batch<'_>,
    account: AccountId,
    name: &MailboxName,
    subscribed: bool,
) -> Result<()> {
    batch.usage(account)?;
    if is_subscribed(batch, account, name)? == subscribed {
        return Ok(());
    }
    let key = schema::name_key(account, name.as_str());
    if subscribed {
        check_subscriptions(batch, account)?;
        batch.put(Table::Subscription, &key, &[])?;
    } else {
        batch.delete(Table::Subscription, &key)?;
    }
    batch.publish(account, Change::Subscribed { name: name.clone(), subscribed });
    Ok(())
}

/// A name needs no mailbox to be subscribed, so these are counted on their own.
fn check_subscriptions(batch: &Batch<'_>, account: AccountId) -> Result<()> {
    let range = KeyRange::prefix(&schema::account_key(account));
    let count = batch.keys(Table::Subscription, range, MAILBOXES as usize)?.len();
    if count < MAILBOXES as usize {
        return Ok(());
    }
    Err(Error::Limit(format!("an account may subscribe to {MAILBOXES} names: unsubscribe from some")))
}

fn is_subscribed(batch: &Batch<'_>, account: AccountId, name: &MailboxName) -> Result<bool> {
    let key = schema::name_key(account, name.as_str());
    Ok(batch.tx.get(Table::Subscription, &key)?.is_some())
}
