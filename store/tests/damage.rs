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

/// A store with two accounts, closed.
fn filled(path: &Path) {
    let store = Store::open(options(path)).unwrap();
    for name in ["alice", "bob"] {
        let account = account(&store, name);
        let mailbox = inbox(&account);
        for n in 0..40 {
            append(&store, &mailbox, &format!("{name}-{n}"));
        }
        mailbox.store_flags(&uids(&[1, 3, 5]), add_flags(Flags::DELETED)).wait().unwrap();
        mailbox.expunge(None).wait().unwrap();
        (0..10).for_each(|n| drop(account.create(&mailbox_name(&format!("box/{n}")), None).wait().unwrap()));
    }
}

/// Everything that sessions do; errors are right, panics and endless waits are not.
fn use_it(path: &Path) -> Result<()> {
    let store = Store::open(options(path))?;
    for name in ["alice", "bob"] {
        let Ok(account) = store.account(&account_name(name)) else { continue };
        let _ = (account.mailboxes(), account.retained(), account.subscriptions(), account.usage());
        let Ok(mailbox) = account.mailbox(&MailboxName::inbox()) else { continue };
        let _ = (mailbox.info(), mailbox.vanished_since(ModSeq(1)), mailbox.claim_recent());
        if let Ok(live) = mailbox.live() {
            live.state().rows().count();
        }
        let read = mailbox.snapshot().and_then(|snapshot| {
            snapshot.messages(&all(), &mut |message| {
                let _ = (message.summary(), message.body().and_then(|body| body.read(0..u64::MAX)));
                Ok(std::ops::ControlFlow::Continue(()))
            })
        });
        let appended = mailbox.append(vec![new_message(&store, &message('x'))]).wait();
        let removed = mailbox.remove(&uids(&[2, 7])).wait();
        let created = account.create(&mailbox_name("new"), None).wait();
        let _ = (read, appended, removed, created);
    }
    let _ = (store.purge_retained(Duration::ZERO), store.compact(), store.statistics());
    let _ = store.check(true, &mut |_| {});
    store.close()
}

#[test]
fn no_damage_of_the_index_is_a_panic_or_an_endless_wait() {
    use rand::{RngExt, SeedableRng};
    let whole = tempfile::tempdir().unwrap();
    filled(whole.path());
    let mut random =
        rand::rngs::StdRng::seed_from_u64(std::env::var("SEED").map_or(7, |seed| seed.parse().unwrap()));
    let rounds = std::env::var("ROUNDS").map_or(20, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        let directory = tempfile::tempdir().unwrap();
        let shard = directory.path().join("shard-0000");
        std::fs::create_dir_all(shard.join("bodies")).unwrap();
        for file in
            ["store.json", "directory.redb", "shard-0000/index.redb", "shard-0000/bodies/00000001.seg"]
        {
            std::fs::copy(whole.path().join(file), directory.path().join(file)).unwrap();
        }
        let file =
            if round % 5 == 0 { directory.path().join("directory.redb") } else { shard.join("index.redb") };
        let mut octets = std::fs::read(&file).unwrap();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(0..octets.len());
            let length = random.random_range(1..100).min(octets.len() - at);
            random.fill(&mut octets[at..at + length]);
        }
        std::fs::write(&file, octets).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let path = directory.path().to_owned();
        let user = std::thread::spawn(move || {
            let _ = use_it(&path);
            let _ = sender.send(());
        });
        match receiver.recv_timeout(Duration::from_secs(60)) {
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("round {round} does not end"),
            _ => assert!(user.join().is_ok(), "round {round} panicked"),
        }
    }
}
