//! A recipient: the account and the mailbox that an address means, and whether there is room.

use store::{Account, Mailbox, MailboxName, Store};

use crate::address::Address;
use crate::reply::Reply;
use crate::{MissingMailbox, Options, OverQuota};

pub(crate) struct Recipient {
    pub address: Address,
    pub account: Account,
    pub target: Target,
}

pub(crate) enum Target {
    Mailbox(Mailbox),
    /// To be made when the message is there.
    Create(MailboxName),
}

impl Recipient {
    /// Resolves an address for a message of about `size` octets. Blocks.
    pub fn resolve(
        store: &Store,
        options: &Options,
        address: Address,
        size: u64,
    ) -> Result<Recipient, Reply> {
        let directory = store.directory();
        let found =
            directory.resolve(address.local(), address.domain().unwrap_or_default(), &options.separators)?;
        let (record, detail) = found.ok_or_else(|| unknown(&address))?;
        if !record.switches.delivery {
            return Err(Reply::new(550, "5.2.1", format!("<{address}> does not take mail")));
        }
        let account = store.account(&record.name)?;
        has_room(&account, options, size)?;
        let target = target(&account, options, &address, detail)?;
        Ok(Recipient { address, account, target })
    }

    /// Where mail goes whose mailbox vanished between RCPT and delivery. Blocks.
    pub fn inbox(&self) -> store::Result<Mailbox> {
        self.account.mailbox(&MailboxName::inbox())
    }
}

/// The mailbox itself; one whose name differs in case alone; or what the site says about missing ones.
fn target(
    account: &Account,
    options: &Options,
    address: &Address,
    detail: Option<MailboxName>,
) -> Result<Target, Reply> {
    let wanted = detail.unwrap_or_else(MailboxName::inbox);
    match account.mailbox(&wanted) {
        Ok(mailbox) => return Ok(Target::Mailbox(mailbox)),
        Err(store::Error::NoSuchMailbox(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let folded = wanted.as_str().to_lowercase();
    let similar =
        account.mailboxes()?.into_iter().find(|mailbox| mailbox.name.as_str().to_lowercase() == folded);
    if let Some(similar) = similar {
        return Ok(Target::Mailbox(account.mailbox_by_id(similar.id)?));
    }
    match options.missing_mailbox {
        MissingMailbox::Inbox => Ok(Target::Mailbox(account.mailbox(&MailboxName::inbox())?)),
        MissingMailbox::Create => Ok(Target::Create(wanted)),
        MissingMailbox::Reject => Err(unknown(address)),
    }
}

/// Refuses early what would be over quota; the store decides again when the message is there.
fn has_room(account: &Account, options: &Options, size: u64) -> Result<(), Reply> {
    let (usage, limits) = (account.usage()?, account.limits()?);
    let over = |limit: u64, used: u64, more: u64| limit > 0 && used.saturating_add(more) > limit;
    // Without a SIZE the smallest message is one octet.
    if over(limits.bytes, usage.bytes, size.max(1)) || over(limits.messages, usage.messages, 1) {
        return Err(over_quota(options, Reply::new(552, "5.2.2", "mailbox is full")));
    }
    Ok(())
}

/// RFC 3463 section 3.3, and RFC 5248 for the codes that go with it.
pub(crate) fn over_quota(options: &Options, reply: Reply) -> Reply {
    match options.over_quota {
        OverQuota::Defer if reply.enhanced() == "5.2.2" => Reply::new(452, "4.2.2", reply.text().to_owned()),
        OverQuota::Defer | OverQuota::Refuse => reply,
    }
}

fn unknown(address: &Address) -> Reply {
    Reply::new(550, "5.1.1", format!("<{address}>: no such user here"))
}
