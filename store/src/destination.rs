//! Where mail to an address goes. LMTP, delivery from a pipe and the answers to the MTA all ask here, so that the MTA
//! never accepts what delivery would refuse.

use crate::*;

/// How addresses are read.
#[derive(Debug, Clone, Copy)]
pub struct Addressing<'a> {
    /// What separates user and sub-mailbox in a local part; the last one splits.
    pub separators: &'a [char],
    pub missing_mailbox: MissingMailbox,
}

/// Where mail to a sub-mailbox goes that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingMailbox {
    Inbox,
    /// The mailbox is made, and subscribed.
    Create,
    /// 550 5.1.1
    Reject,
}

/// Who gets the mail, and in which mailbox.
pub struct Destination {
    /// With the switches: whether mail is taken in is for the caller to look at and to tell.
    pub record: AccountRecord,
    pub account: Account,
    pub target: Target,
}

/// The mailbox of a [`Destination`].
pub enum Target {
    Mailbox(Mailbox),
    /// To be made when the message is there.
    Create(MailboxName),
}

impl Store {
    /// One, or for an alias one for each of its accounts. Empty: nobody's address, or of a mailbox that is missing, also with
    /// one account of several, and not to be made. `domain` may be empty. Blocks.
    pub fn destinations(
        &self,
        local: &str,
        domain: &str,
        addressing: Addressing<'_>,
    ) -> Result<Vec<Destination>> {
        let found = self.directory().resolve(local, domain, addressing.separators)?;
        let mut destinations = Vec::with_capacity(found.len());
        for (record, detail) in found {
            let account = self.account(&record.name)?;
            match account.target(detail, addressing.missing_mailbox)? {
                Some(target) => destinations.push(Destination { record, account, target }),
                None => return Ok(Vec::new()),
            }
        }
        Ok(destinations)
    }
}

impl Account {
    /// Whether a message of about so many octets fits; without a size the smallest message is one octet. The store
    /// decides again when the message is there. Blocks.
    pub fn has_room(&self, octets: u64) -> Result<bool> {
        let (usage, limits) = (self.usage()?, self.limits()?);
        let over = |limit: u64, used: u64, more: u64| limit > 0 && used.saturating_add(more) > limit;
        Ok(!over(limits.bytes, usage.bytes, octets.max(1)) && !over(limits.messages, usage.messages, 1))
    }

    /// The mailbox itself; one whose name differs in case alone; or what the site says about missing ones.
    fn target(&self, detail: Option<MailboxName>, missing: MissingMailbox) -> Result<Option<Target>> {
        let wanted = detail.unwrap_or_else(MailboxName::inbox);
        match self.mailbox(&wanted) {
            Ok(mailbox) => return Ok(Some(Target::Mailbox(mailbox))),
            Err(Error::NoSuchMailbox(_)) => {}
            Err(error) => return Err(error),
        }
        let folded = wanted.as_str().to_lowercase();
        let similar =
            self.mailboxes()?.into_iter().find(|mailbox| mailbox.name.as_str().to_lowercase() == folded);
        if let Some(similar) = similar {
            return Ok(Some(Target::Mailbox(self.mailbox_by_id(similar.id)?)));
        }
        Ok(match missing {
            MissingMailbox::Inbox => Some(Target::Mailbox(self.mailbox(&MailboxName::inbox())?)),
            MissingMailbox::Create => Some(Target::Create(wanted)),
            MissingMailbox::Reject => None,
        })
    }
}
