//! What the tests of the store share.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use bytes::Bytes;
pub use store::testing::options;
use store::*;

pub fn account_name(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

pub fn mailbox_name(name: &str) -> MailboxName {
    MailboxName::new(name).unwrap()
}

/// The account, made if it is not there.
pub fn account(store: &Store, name: &str) -> Account {
    let name = account_name(name);
    if store.directory().find(&name).unwrap().is_none() {
        store.directory().add(vec![(name.clone(), None)]).unwrap().remove(0).unwrap();
    }
    store.account(&name).unwrap()
}

pub fn inbox(account: &Account) -> Mailbox {
    account.mailbox(&MailboxName::inbox()).unwrap()
}

/// A message with this subject and text.
pub fn octets(subject: &str, text: &str) -> Vec<u8> {
    format!(
        "From: a@example.test\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.test>\r\n\r\n{text}\r\n"
    )
    .into_bytes()
}

pub fn stage(store: &Store, octets: &[u8]) -> Staged {
    let mut spool = store.spool();
    spool.write(octets).unwrap();
    store.stage(spool).unwrap()
}

pub fn new_message(store: &Store, octets: &[u8]) -> NewMessage {
    NewMessage {
        staged: stage(store, octets),
        trace: Bytes::new(),
        flags: Flags::default(),
        keywords: Vec::new(),
        internal_date: None,
    }
}

/// Appends one message and gives its UID.
pub fn append(store: &Store, mailbox: &Mailbox, subject: &str) -> Uid {
    let message = new_message(store, &octets(subject, "Hello"));
    mailbox.append(vec![message]).wait().unwrap().uids[0]
}

pub fn body(mailbox: &Mailbox, uid: Uid) -> Vec<u8> {
    let message = mailbox.snapshot().unwrap().message(uid).unwrap().unwrap();
    let body = message.body().unwrap();
    body.read(0..body.len()).unwrap().to_vec()
}

pub fn uids(uids: &[u32]) -> UidSet {
    uids.iter().copied().map(Uid).collect()
}

pub fn all() -> UidSet {
    UidSet::from_ranges([1..=u32::MAX])
}

pub fn add_flags(flags: Flags) -> StoreFlags {
    StoreFlags { operation: FlagsOperation::Add, flags, keywords: Vec::new(), unchanged_since: None }
}

pub fn existing(mailbox: &Mailbox) -> Vec<u32> {
    mailbox.live().unwrap().state().rows().map(|row| row.uid.0).collect()
}
