//! Messages that IMAP sessions moved out of INBOX since the login: they exist, under another UID and mostly in another
//! mailbox, and the POP3 session may still retrieve them by the EMAILID that a move keeps (RFC 8474 section 5.1).
//!
//! Only what came into the account's mailboxes since the login is ever looked at, and that once; what is not there was
//! expunged after it had been moved, and may still be retained.

use std::collections::HashMap;
use std::ops::ControlFlow;

use store::{Account, EmailId, MailboxId, Message, Uid, UidSet};

pub(crate) struct Moved {
    /// The first UID of each mailbox that has not been looked at.
    next: HashMap<MailboxId, Uid>,
    places: HashMap<EmailId, (MailboxId, Uid)>,
}

impl Moved {
    /// Nothing has moved yet. Blocks.
    pub fn since_now(account: &Account) -> store::Result<Moved> {
        let next = account.mailboxes()?.iter().map(|mailbox| (mailbox.id, mailbox.uid_next)).collect();
        Ok(Moved { next, places: HashMap::new() })
    }

    /// Blocks.
    pub fn find(&mut self, account: &Account, email_id: EmailId) -> store::Result<Option<Message>> {
        if let Some(message) = self.message(account, email_id)? {
            return Ok(Some(message));
        }
        self.look(account)?;
        match self.message(account, email_id)? {
            None => account.retained_with(email_id),
            message => Ok(message),
        }
    }

    /// The message where it was last seen.
    fn message(&self, account: &Account, email_id: EmailId) -> store::Result<Option<Message>> {
        let Some(&(mailbox, uid)) = self.places.get(&email_id) else { return Ok(None) };
        let mailbox = match account.mailbox_by_id(mailbox) {
            Err(store::Error::NoSuchMailbox(_)) => return Ok(None),
            mailbox => mailbox?,
        };
        mailbox.snapshot()?.message(uid)
    }

    /// Notes where the messages are that came since the last look.
    fn look(&mut self, account: &Account) -> store::Result<()> {
        for info in account.mailboxes()? {
            let next = self.next.entry(info.id).or_insert(Uid(1));
            if *next >= info.uid_next {
                continue;
            }
            let news = UidSet::from_ranges([next.0..=u32::MAX]);
            account.mailbox_by_id(info.id)?.snapshot()?.messages(&news, &mut |message| {
                self.places.insert(message.email_id, (info.id, message.uid));
                *next = Uid(message.uid.0.saturating_add(1));
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(())
    }
}
