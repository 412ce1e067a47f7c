//! What is searched is indexed first, what is gone or damaged is made anew, and what an account had goes with it.

use std::path::PathBuf;

use crate::testing::options;
use crate::*;

struct World {
    store: Store,
    inbox: Mailbox,
    directory: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(options(directory.path())).unwrap();
        store.directory().add(vec![(AccountName::new("alice").unwrap(), None)]).unwrap().remove(0).unwrap();
        let inbox = inbox(&store);
        World { store, inbox, directory }
    }

    fn add(&self, texts: &[&str]) {
        let messages = texts.iter().map(|text| {
            let mut spool = self.store.spool();
            spool.write(text.as_bytes()).unwrap();
            NewMessage {
                staged: self.store.stage(spool).unwrap(),
                trace: bytes::Bytes::new(),
                flags: Flags::default(),
                keywords: Vec::new(),
                internal_date: None,
            }
        });
        self.inbox.append(messages.collect()).wait().unwrap();
    }

    fn folder(&self) -> PathBuf {
        let account = self.inbox.account().id().to_string();
        self.directory.path().join("shard-0000/fuzzy").join(account)
    }

    /// Opened again, as after a restart.
    fn restart(self) -> World {
        let World { store, inbox: mailbox, directory } = self;
        store.close().unwrap();
        drop((mailbox, store));
        let store = Store::open(options(directory.path())).unwrap();
        let inbox = inbox(&store);
        World { store, inbox, directory }
    }

    fn search(&self, text: &str, field: FuzzyField) -> Vec<(u32, u8)> {
        search(&self.inbox, text, field).0
    }
}

fn inbox(store: &Store) -> Mailbox {
    let account = store.account(&AccountName::new("alice").unwrap()).unwrap();
    account.mailbox(&MailboxName::inbox()).unwrap()
}

/// UIDs with their scores, and how many messages had to be added first.
fn search(mailbox: &Mailbox, text: &str, field: FuzzyField) -> (Vec<(u32, u8)>, usize) {
    let mut fuzzy = mailbox.fuzzy(&UidSet::from_ranges([1..=u32::MAX])).unwrap().unwrap();
    let missing = fuzzy.missing();
    while fuzzy.missing() > 0 {
        fuzzy.round().unwrap();
    }
    assert!(fuzzy.failure().is_none());
    let hits = fuzzy.search(&FuzzyQuery::new(text, field).unwrap()).unwrap();
    let scored = (1..100_000).filter_map(|uid| Some((uid, hits.score(Uid(uid))?)));
    (scored.collect(), missing)
}

const HELLO: &str = "Subject: hello world\r\nFrom: Dave <dave@example.test>\r\n\r\nA text.\r\n";
const HELP: &str =
    "Subject: a call for help\r\nTo: hello@example.test\r\n\r\nMuch to say about everything.\r\n";
const OTHER: &str = "Subject: other\r\n\r\nThe world.\r\n";

#[test]
fn messages_are_added_when_they_are_searched() {
    let world = World::new();
    world.add(&[HELLO, HELP]);
    assert!(!world.folder().exists(), "who never searches pays nothing");
    let (hits, missing) = search(&world.inbox, "helo", FuzzyField::Subject);
    assert_eq!((hits.len(), missing), (2, 2));
    assert_eq!(hits[0], (1, 100));
    assert!(hits[1].1 < 100, "{hits:?}");
    world.add(&[OTHER]);
    assert_eq!(search(&world.inbox, "wolrd", FuzzyField::Text).1, 1);
    assert_eq!(search(&world.inbox, "wolrd", FuzzyField::Text).1, 0);
    let uids = |text, field| world.search(text, field).into_iter().map(|(uid, _)| uid).collect::<Vec<_>>();
    assert_eq!(uids("wolrd", FuzzyField::Text), [1, 3]);
    assert_eq!(uids("wolrd", FuzzyField::Body), [3]);
    assert_eq!(uids("hello", FuzzyField::To), [2]);
    assert_eq!(uids("dave example", FuzzyField::From), [1]);
    assert!(uids("hello absent", FuzzyField::Text).is_empty());
}

#[test]
fn copies_cost_nothing_and_what_is_gone_is_not_found() {
    let world = World::new();
    world.add(&[HELLO, HELP, OTHER]);
    assert_eq!(world.search("hello", FuzzyField::Text).len(), 2);
    let account = world.inbox.account().clone();
    let name = MailboxName::new("box").unwrap();
    account.create(&name, None).wait().unwrap();
    let copy = account.mailbox(&name).unwrap();
    world.inbox.copy_to(&[Uid(1)].into_iter().collect(), &copy).wait().unwrap();
    assert_eq!(search(&copy, "hello", FuzzyField::Text), (vec![(1, 100)], 0));
    world.inbox.remove(&[Uid(1)].into_iter().collect()).wait().unwrap();
    assert_eq!(world.search("hello", FuzzyField::Text), [(2, 100)]);
}

#[test]
fn scores_know_nothing_of_other_mailboxes() {
    let world = World::new();
    world.add(&[HELLO, HELP]);
    let before = world.search("hello", FuzzyField::Text);
    let account = world.inbox.account().clone();
    let name = MailboxName::new("box").unwrap();
    account.create(&name, None).wait().unwrap();
    let other = account.mailbox(&name).unwrap();
    world.add(&["Subject: hello hello hello\r\n\r\nhello\r\n", OTHER]);
    world.inbox.move_to(&[Uid(3), Uid(4)].into_iter().collect(), &other).wait().unwrap();
    assert_eq!(search(&other, "hello", FuzzyField::Text), (vec![(1, 100)], 2));
    assert_eq!(world.search("hello", FuzzyField::Text), before);
}

#[test]
fn what_is_damaged_is_made_anew() {
    let mut world = World::new();
    world.add(&[HELLO, HELP, OTHER]);
    let hits = world.search("hello", FuzzyField::Text);
    for damage in [&b""[..], b"garbage", &[0; 4096]] {
        let files: Vec<PathBuf> =
            std::fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        for file in files {
            std::fs::write(&file, damage).unwrap();
            world = world.restart();
            assert_eq!(world.search("hello", FuzzyField::Text), hits, "{}", file.display());
        }
    }
    std::fs::remove_dir_all(world.folder()).unwrap();
    assert_eq!(world.search("hello", FuzzyField::Text), hits);
}

#[test]
fn a_flipped_bit_is_found_at_the_next_start() {
    let mut world = World::new();
    world.add(&[HELLO, HELP, OTHER]);
    let hits = world.search("hello", FuzzyField::Text);
    let files: Vec<PathBuf> =
        std::fs::read_dir(world.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in files {
        let Ok(mut octets) = std::fs::read(&file) else { continue };
        let middle = octets.len() / 3;
        let Some(octet) = octets.get_mut(middle) else { continue };
        *octet ^= 0x10;
        std::fs::write(&file, octets).unwrap();
        world = world.restart();
        assert_eq!(world.search("hello", FuzzyField::Text), hits, "{}", file.display());
    }
}

#[test]
fn it_outlives_a_restart() {
    let world = World::new();
    world.add(&[HELLO, HELP]);
    world.search("hello", FuzzyField::Text);
    let world = world.restart();
    assert_eq!(search(&world.inbox, "hello", FuzzyField::Text).1, 0);
}

#[test]
fn it_goes_with_its_account_and_with_a_rebuild() {
    let world = World::new();
    world.add(&[HELLO]);
    world.search("hello", FuzzyField::Text);
    world.store.rebuild_index(Some(world.inbox.account()), &mut |_| {}).unwrap();
    assert!(!world.folder().exists());
    world.search("hello", FuzzyField::Text);
    world.store.rebuild_index(None, &mut |_| {}).unwrap();
    assert!(!world.folder().exists());
    let mut fuzzy = world.inbox.fuzzy(&UidSet::from_ranges([1..=1])).unwrap().unwrap();
    assert_eq!(fuzzy.missing(), 1);
    fuzzy.round().unwrap();
    assert!(world.folder().exists());
    world.store.directory().delete(world.inbox.account().name()).unwrap();
    // The maintenance may be at it just now.
    while world.folder().exists() {
        let _ = world.store.compact();
    }
    assert!(matches!(fuzzy.round(), Err(Error::NoSuchAccount(_))));
    assert!(!world.folder().exists(), "it must not come back");
}

#[test]
fn when_most_is_gone_it_begins_again() {
    let world = World::new();
    let many: Vec<String> = (0..100).map(|n| format!("Subject: number {n}\r\n\r\nText {n}\r\n")).collect();
    world.add(&many.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(world.search("number", FuzzyField::Subject).len(), 100);
    world.inbox.remove(&UidSet::from_ranges([1..=40])).wait().unwrap();
    assert_eq!(search(&world.inbox, "number", FuzzyField::Subject).1, 0);
    world.inbox.remove(&UidSet::from_ranges([41..=90])).wait().unwrap();
    let (hits, missing) = search(&world.inbox, "number", FuzzyField::Subject);
    assert_eq!((hits.len(), missing), (10, 10));
}

#[test]
fn what_is_of_no_use_goes_when_nobody_searches() {
    let world = World::new();
    let many: Vec<String> = (0..100).map(|n| format!("Subject: number {n}\r\n\r\nText {n}\r\n")).collect();
    world.add(&many.iter().map(String::as_str).collect::<Vec<_>>());
    world.search("number", FuzzyField::Subject);
    let orphan = world.folder().with_file_name("4711");
    std::fs::create_dir(&orphan).unwrap();
    world.store.compact().unwrap();
    assert!(world.folder().exists() && !orphan.exists());
    world.inbox.remove(&UidSet::from_ranges([1..=90])).wait().unwrap();
    world.store.compact().unwrap();
    assert!(!world.folder().exists());
}

#[test]
fn hostile_texts_are_taken_in() {
    let world = World::new();
    let random: String =
        (0..60_000u32).map(|n| format!("{:x}q{:x} ", n.wrapping_mul(2_654_435_761), n)).collect();
    let long = "x".repeat(500_000);
    let marks = "e\u{301}".repeat(100_000);
    let texts = [&random, &long, &marks].map(|text| {
        let type_of = "Content-Type: text/plain; charset=utf-8\r\n";
        format!("Subject: s\r\n{type_of}\r\n{}\r\nzebra\r\n", text.replace(' ', "\r\n"))
    });
    world.add(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(world.search("zerba", FuzzyField::Body).len(), 3);
    assert_eq!(world.search("xxx", FuzzyField::Body).len(), 1);
}

#[test]
fn two_searches_at_once_add_everything_once() {
    let world = World::new();
    world.add(&[HELLO, HELP, OTHER]);
    let all = UidSet::from_ranges([1..=u32::MAX]);
    let mut one = world.inbox.fuzzy(&all).unwrap().unwrap();
    let mut other = world.inbox.fuzzy(&all).unwrap().unwrap();
    assert_eq!((one.missing(), other.missing()), (3, 3));
    one.round().unwrap();
    other.round().unwrap();
    assert_eq!((one.missing(), other.missing()), (0, 0));
    assert_eq!(other.documents, 3);
    assert_eq!(world.inbox.fuzzy(&all).unwrap().unwrap().documents, 3);
}

#[test]
fn without_a_search_index_there_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(Options { index: false, ..options(directory.path()) }).unwrap();
    store.directory().add(vec![(AccountName::new("alice").unwrap(), None)]).unwrap().remove(0).unwrap();
    assert!(inbox(&store).fuzzy(&UidSet::from_ranges([1..=9])).unwrap().is_none());
}
