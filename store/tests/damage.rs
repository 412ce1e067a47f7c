//! Octets on the disk that are not what was written: told, never served, and never made anyone else's trouble.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use store::*;
use support::*;

/// The segments of the first shard, in order.
fn segments(store: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(store.join("shard-0000/bodies"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

/// Flips every octet from this place on.
fn spoil(path: &Path, from: usize, count: usize) {
    let mut octets = std::fs::read(path).unwrap();
    octets.iter_mut().skip(from).take(count).for_each(|octet| *octet ^= 0x5a);
    std::fs::write(path, octets).unwrap();
}

/// Two messages of one size, so that their records are, too.
fn message(name: char) -> Vec<u8> {
    octets("subject", &name.to_string().repeat(300))
}

/// The place of the only record.
const RECORD: usize = 32;

/// A message that comes again is not acknowledged onto octets that cannot be read: it is stored anew, and the copies that
/// were lost can be read again.
#[test]
fn a_message_whose_octets_are_damaged_is_stored_anew_when_it_comes_again() {
    for from in [RECORD, RECORD + 20, RECORD + 80] {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(options(directory.path())).unwrap();
        let mailbox = inbox(&account(&store, "alice"));
        let first = mailbox.append(vec![new_message(&store, &message('a'))]).wait().unwrap().uids[0];
        spoil(&segments(directory.path())[0], from, 4);
        let second = mailbox.append(vec![new_message(&store, &message('a'))]).wait().unwrap().uids[0];
        assert_eq!(body(&mailbox, second), message('a'));
        assert_eq!(body(&mailbox, first), message('a'));
        let report = store.check(false, &mut |_| {}).unwrap();
        assert!(report.is_clean(), "{:#?}", report.findings);
    }
}

#[test]
fn what_comes_twice_is_stored_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    mailbox.append(vec![new_message(&store, &message('a'))]).wait().unwrap();
    let before = store.statistics().unwrap().body_bytes;
    for _ in 0..5 {
        mailbox.append(vec![new_message(&store, &message('a')); 3]).wait().unwrap();
    }
    assert_eq!(store.statistics().unwrap().body_bytes, before);
}

/// The last reference goes and the same octets come in one commit, in any order: they stay readable.
#[test]
fn octets_that_go_and_come_at_once_stay() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { retain_expunged: Duration::ZERO, ..options(directory.path()) };
    let store = Store::open(options).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    for round in 0..20 {
        let filler = mailbox.append(vec![new_message(&store, &octets("filler", &round.to_string()))]);
        let gone = mailbox.remove(&all());
        let came = mailbox.append(vec![new_message(&store, &message('a'))]);
        let gone_again = mailbox.remove(&all());
        let last = mailbox.append(vec![new_message(&store, &message('a'))]);
        drop((filler, gone, came, gone_again));
        let uid = last.wait().unwrap().uids[0];
        assert_eq!(body(&mailbox, uid), message('a'));
    }
    let report = store.check(false, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
}

/// A record in another one's place, sound in itself and of the same size, is nobody else's mail.
#[test]
fn a_record_of_another_message_is_not_served() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { compression: 0, ..options(directory.path()) };
    let store = Store::open(options).unwrap();
    let (alice, bob) = (inbox(&account(&store, "alice")), inbox(&account(&store, "bob")));
    let uid = alice.append(vec![new_message(&store, &message('a'))]).wait().unwrap().uids[0];
    let path = segments(directory.path()).remove(0);
    let end = std::fs::metadata(&path).unwrap().len() as usize;
    bob.append(vec![new_message(&store, &message('b'))]).wait().unwrap();
    let mut octets = std::fs::read(&path).unwrap();
    let (first, second) = octets.split_at_mut(end);
    first[RECORD..].copy_from_slice(&second[..end - RECORD]);
    std::fs::write(&path, octets).unwrap();
    let read = alice.snapshot().unwrap().message(uid).unwrap().unwrap().body();
    assert!(matches!(read.map(|_| ()), Err(Error::Damaged(_))));
}

/// Ids of accounts are told once and for ever, whatever becomes of the directory: a new account must not come into the mail
/// of another one.
#[test]
fn a_directory_that_is_older_than_the_mail_gives_no_id_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("directory.redb");
    let store = Store::open(options(directory.path())).unwrap();
    account(&store, "alice");
    drop(store);
    let backup = std::fs::read(&file).unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let bob = account(&store, "bob");
    append(&store, &inbox(&bob), "for bob alone");
    let id = bob.id();
    drop((bob, store));
    std::fs::write(&file, backup).unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let carol = account(&store, "carol");
    assert_ne!(carol.id(), id);
    assert!(existing(&inbox(&carol)).is_empty());
    // Bob's mail is still there for the one who restores the right directory.
    let report = store.check(true, &mut |_| {}).unwrap();
    assert!(report.findings.iter().any(|finding| finding.problem.contains("not in the directory")));
    assert_eq!(store.statistics().unwrap().messages, 1);
}

#[test]
fn a_store_that_lacks_a_file_is_not_made_anew() {
    for lost in ["directory.redb", "shard-0000/index.redb"] {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(options(directory.path())).unwrap();
        account(&store, "alice");
        drop(store);
        std::fs::rename(directory.path().join(lost), directory.path().join("away")).unwrap();
        let error = Store::open(options(directory.path())).err().expect(lost);
        assert!(matches!(&error, Error::Damaged(text) if text.contains(lost)), "{error}");
        assert!(!directory.path().join(lost).exists());
        std::fs::rename(directory.path().join("away"), directory.path().join(lost)).unwrap();
        account(&Store::open(options(directory.path())).unwrap(), "alice");
    }
}
