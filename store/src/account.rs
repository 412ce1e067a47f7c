//! An account's mailboxes: the verbs that make, rename, delete, subscribe and deliver.

use crate::*;

/// One account's mail. Cheap to clone.
#[derive(Clone)]
pub struct Account {}

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
}

/// Kept true with every change; never scanned for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub bytes: u64,
    pub messages: u64,
}

impl Account {
    pub fn id(&self) -> AccountId {
        unimplemented!()
    }
    pub fn name(&self) -> &AccountName {
        unimplemented!()
    }
    /// Every mailbox, sorted by name with INBOX first. INBOX always exists.
    pub fn mailboxes(&self) -> Result<Vec<MailboxInfo>> {
        unimplemented!()
    }
    pub fn mailbox(&self, name: &MailboxName) -> Result<Mailbox> {
        let _ = name;
        unimplemented!()
    }
    pub fn mailbox_by_id(&self, id: MailboxId) -> Result<Mailbox> {
        let _ = id;
        unimplemented!()
    }
    /// Makes the mailbox, and those above it that are missing (RFC 9051 section 6.3.4).
    pub fn create(&self, name: &MailboxName, special_use: Option<SpecialUse>) -> Pending<MailboxInfo> {
        let _ = (name, special_use);
        unimplemented!()
    }
    /// Renames the mailbox and all below it; INBOX keeps existing and its messages move (RFC 9051 section 6.3.6).
    pub fn rename(&self, from: &MailboxName, to: &MailboxName) -> Pending<()> {
        let _ = (from, to);
        unimplemented!()
    }
    /// Deletes the mailbox alone; those below it stay (RFC 9051 section 6.3.5). Its messages are retained like expunged ones.
    pub fn delete(&self, name: &MailboxName) -> Pending<()> {
        let _ = name;
        unimplemented!()
    }
    /// Subscribes or unsubscribes a name, whether or not a mailbox has it (RFC 9051 section 6.3.7).
    pub fn subscribe(&self, name: &MailboxName, subscribed: bool) -> Pending<()> {
        let _ = (name, subscribed);
        unimplemented!()
    }
    /// Subscribed names, sorted; some may have no mailbox.
    pub fn subscriptions(&self) -> Result<Vec<MailboxName>> {
        unimplemented!()
    }
    pub fn usage(&self) -> Result<Usage> {
        unimplemented!()
    }
    /// The limits in force for the account.
    pub fn limits(&self) -> Result<Limits> {
        unimplemented!()
    }
    /// All that happens to the account from now on, in the order of commits. A reader that lags is told so and starts afresh.
    pub fn changes(&self) -> tokio::sync::broadcast::Receiver<Change> {
        unimplemented!()
    }
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
    Subscribed {
        name: MailboxName,
        subscribed: bool,
    },
}
