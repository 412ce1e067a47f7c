//! A recipient: the account and the mailbox that an address means, and whether there is room.

use store::{Account, Addressing, Destination, Mailbox, MailboxName, Store, Target};

use crate::address::Address;
use crate::reply::Reply;
use crate::{Options, OverQuota};

pub(crate) struct Recipient {
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
        let found = store.destination(address.local(), address.domain().unwrap_or_default(), addressing)?;
        let Destination { record, account, target } = found.ok_or_else(|| unknown(&address))?;
        if !record.switches.delivery {
            return Err(Reply::new(550, "5.2.1", format!("<{address}> does not take mail")));
        }
        // Early; the store decides again when the message is there.
        if !account.has_room(size)? {
            return Err(over_quota(options, Reply::new(552, "5.2.2", "mailbox is full")));
        }
        Ok(Recipient { address, account, target })
    }

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
