//! One mailbox: the verbs on its messages.

use crate::*;

/// A mailbox of an account. Cheap to clone. Stays valid when the mailbox is renamed; when it is deleted, everything
/// answers [`Error::NoSuchMailbox`].
#[derive(Clone)]
pub struct Mailbox {}

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
    /// For a move: the MODSEQ of the source mailbox at which the messages vanished.
    pub modseq: ModSeq,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagsOperation {
    Add,
    Remove,
    Replace,
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

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expunged {
    pub uids: UidSet,
    /// The mailbox's HIGHESTMODSEQ after it.
    pub modseq: ModSeq,
}

impl Mailbox {
    pub fn id(&self) -> MailboxId {
        unimplemented!()
    }
    pub fn account(&self) -> &Account {
        unimplemented!()
    }
    /// The stored row as it is now.
    pub fn info(&self) -> Result<MailboxInfo> {
        unimplemented!()
    }
    /// The compact state that every session that has this mailbox selected shares, and the notice of its changes.
    /// Loads it when nobody has it open.
    pub fn live(&self) -> Result<Live> {
        unimplemented!()
    }
    /// A consistent view of messages and bodies. Hold it for one batch of output, not for a slow client.
    pub fn snapshot(&self) -> Result<Snapshot> {
        unimplemented!()
    }
    /// Inserts all or none (RFC 3502).
    pub fn append(&self, messages: Vec<NewMessage>) -> Pending<Appended> {
        let _ = messages;
        unimplemented!()
    }
    /// Copies with flags, keywords and internal date; all or none. `to` may be of another account.
    pub fn copy_to(&self, uids: &UidSet, to: &Mailbox) -> Pending<Copied> {
        let _ = (uids, to);
        unimplemented!()
    }
    /// Moves; all or none (RFC 6851).
    pub fn move_to(&self, uids: &UidSet, to: &Mailbox) -> Pending<Copied> {
        let _ = (uids, to);
        unimplemented!()
    }
    pub fn store_flags(&self, uids: &UidSet, change: StoreFlags) -> Pending<Stored> {
        let _ = (uids, change);
        unimplemented!()
    }
    /// Expunges the messages with \Deleted; with `uids` only those of them that are named (UID EXPUNGE).
    pub fn expunge(&self, uids: Option<&UidSet>) -> Pending<Expunged> {
        let _ = uids;
        unimplemented!()
    }
    /// Expunges what is named and still exists, flag or no flag (POP3's QUIT, ageing).
    pub fn remove(&self, uids: &UidSet) -> Pending<Expunged> {
        let _ = uids;
        unimplemented!()
    }
    /// IMAP4rev1's \Recent: the messages from this UID on have not been told to any session; they are now.
    /// Kept in memory and written with the next commit: losing it makes mail "recent" twice, which RFC 3501 allows.
    pub fn claim_recent(&self) -> Result<Uid> {
        unimplemented!()
    }
    /// UIDs expunged after this MODSEQ (RFC 7162 section 3.2.5.1). If that far back is no longer known: every UID below
    /// UIDNEXT that does not exist.
    pub fn vanished_since(&self, modseq: ModSeq) -> Result<UidSet> {
        let _ = modseq;
        unimplemented!()
    }
    /// A message that was expunged from this mailbox and is still retained, by the UID that it had: a POP3 session may
    /// retrieve what another session expunged after its login. `None`: retained no longer, or never there.
    pub fn retained_message(&self, uid: Uid) -> Result<Option<Message>> {
        let _ = uid;
        unimplemented!()
    }
    /// The unique-ids that messages of this mailbox brought from an old server (RFC 1939 UIDL), by UID.
    pub fn imported_unique_ids(&self) -> Result<Vec<(Uid, String)>> {
        unimplemented!()
    }
}
