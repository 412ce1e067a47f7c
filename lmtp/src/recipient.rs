//! A recipient: the accounts and mailboxes that an address means, and whether there is room.

use store::{Account, Addressing, Destination, Mailbox, MailboxName, Store, Target};

use crate::address::Address;
use crate::reply::Reply;
use crate::{Options, OverQuota};

/// What one RCPT names. It gets one reply, also where an alias leads to several accounts.
pub(crate) struct Recipient {
    /// Never empty.
    pub places: Vec<Place>,
}

/// Where one copy goes.
pub(crate) struct Place {
    pub address: Address,
    pub account: Account,
    pub target: Target,
}

impl Recipient {
    /// Resolves an address for a message of about `size` octets. Blocks.
    pub fn resolve(
        store: &Store,
        options: &Options,
        address: Address,
        size: u64,
    ) -> Result<Recipient, Reply> {
        let addressing =
            Addressing { separators: &options.separators, missing_mailbox: options.missing_mailbox };
        let mut found =
            store.destinations(address.local(), address.domain().unwrap_or_default(), addressing)?;
        if found.is_empty() {
            return Err(unknown(&address));
        }
        // Of an alias the others get it.
        found.retain(|found| found.record.switches.delivery);
        if found.is_empty() {
            return Err(Reply::new(550, "5.2.1", format!("<{address}> does not take mail")));
        }
        let mut places = Vec::with_capacity(found.len());
        for Destination { account, target, .. } in found {
            // Early; the store decides again when the message is there. All of an alias's accounts must have room: once some
            // have the message, the reply is one for all, and the MTA's next try would give them another copy.
            if !account.has_room(size)? {
                return Err(over_quota(options, Reply::new(552, "5.2.2", "mailbox is full")));
            }
            places.push(Place { address: address.clone(), account, target });
        }
        Ok(Recipient { places })
    }
}

impl Place {
    /// Where mail goes whose mailbox vanished between RCPT and delivery. Blocks.
    pub fn inbox(&self) -> store::Result<Mailbox> {
        self.account.mailbox(&MailboxName::inbox())
    }
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
