//! Each verb by itself: what it answers, what it refuses, what others see of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use bytes::Bytes;
use store::*;
use support::*;

#[test]
fn what_is_appended_can_be_read_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    let raw = octets("hello", "Good morning");
    let mut message = new_message(&store, &raw);
    message.trace = Bytes::from_static(b"Return-Path: <>\r\n");
    message.internal_date = Some(DateTime { seconds: 1_700_000_000, offset: 120 });
    message.flags = Flags::FLAGGED;
    message.keywords = vec![Keyword("$Important".into())];
    let appended = mailbox.append(vec![message]).wait().unwrap();
    assert_eq!(appended.uids, [Uid(1)]);
    drop((mailbox, store));

    let store = Store::open(options(directory.path())).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    let whole = [b"Return-Path: <>\r\n", &raw[..]].concat();
    assert_eq!(body(&mailbox, Uid(1)), whole);
    let message = mailbox.snapshot().unwrap().message(Uid(1)).unwrap().unwrap();
    assert_eq!(message.size, whole.len() as u64);
    assert_eq!(message.internal_date, DateTime { seconds: 1_700_000_000, offset: 120 });
    assert_eq!(message.summary().unwrap().envelope.subject.as_deref(), Some(&b"hello"[..]));
    let state = mailbox.live().unwrap().state();
    let row = state.nth(0).unwrap();
    assert_eq!((row.flags, row.keywords), (Flags::FLAGGED, KeywordBits(1)));
    assert_eq!(&state.keywords()[..], [Keyword("$Important".into())]);
    let info = mailbox.info().unwrap();
    assert_eq!((info.messages, info.unseen, info.bytes), (1, 1, whole.len() as u64));
    assert_eq!(info.uid_validity, appended.uid_validity);
}

fn open(directory: &tempfile::TempDir) -> Store {
    Store::open(options(directory.path())).unwrap()
}

fn clean(store: &Store) {
    let report = store.check(false, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
}

fn set_keyword(mailbox: &Mailbox, uid: Uid, keyword: &str) -> Result<Stored> {
    let keywords = vec![Keyword(keyword.into())];
    let operation = FlagsOperation::Replace;
    let change = StoreFlags { operation, flags: Flags(0), keywords, unchanged_since: None };
    mailbox.store_flags(&uids(&[uid.0]), change).wait()
}

fn message_of(mailbox: &Mailbox, uid: Uid) -> Message {
    mailbox.snapshot().unwrap().message(uid).unwrap().unwrap()
}

#[test]
fn a_second_opener_is_told_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let _first = open(&directory);
    let error = Store::open(options(directory.path())).err().unwrap().to_string();
    assert!(error.contains("another process") && error.contains("stop it"), "{error}");
}

#[test]
fn a_closed_store_refuses() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let mailbox = inbox(&account(&store, "alice"));
    let pending = mailbox.append(vec![new_message(&store, &octets("last", "x"))]);
    store.close().unwrap();
    store.close().unwrap();
    assert_eq!(pending.wait().unwrap().uids, [Uid(1)], "what was queued is done");
    assert!(matches!(mailbox.remove(&all()).wait(), Err(Error::ShuttingDown)));
    assert!(matches!(mailbox.info(), Err(Error::ShuttingDown)));
}

#[test]
fn a_store_keeps_its_number_of_shards() {
    let directory = tempfile::tempdir().unwrap();
    let of = |shards| Store::open(Options { shards, ..options(directory.path()) }).unwrap();
    assert_eq!(of(3).statistics().unwrap().shards, 3);
    assert_eq!(of(1).statistics().unwrap().shards, 3);
}

#[test]
fn new_accounts_get_the_configured_mailboxes() {
    let directory = tempfile::tempdir().unwrap();
    let new_account_mailboxes =
        vec![(mailbox_name("Sent"), Some(SpecialUse::Sent)), (mailbox_name("Archive/Old"), None)];
    let store = Store::open(Options { new_account_mailboxes, ..options(directory.path()) }).unwrap();
    let alice = account(&store, "alice");
    let told: Vec<_> = alice
        .mailboxes()
        .unwrap()
        .into_iter()
        .map(|info| (info.name.to_string(), info.special_use, info.subscribed))
        .collect();
    let right = [
        ("INBOX", None, true),
        ("Archive", None, false),
        ("Archive/Old", None, true),
        ("Sent", Some(SpecialUse::Sent), true),
    ];
    assert_eq!(told, right.map(|(name, special_use, subscribed)| (name.to_owned(), special_use, subscribed)));
    clean(&store);
}

#[test]
fn nobody_reaches_what_is_not_his() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let (alice, bob) = (account(&store, "alice"), account(&store, "bob"));
    let private = alice.create(&mailbox_name("private"), None).wait().unwrap();
    let live = alice.mailbox_by_id(private.id).unwrap().live().unwrap();
    assert!(matches!(bob.mailbox_by_id(private.id), Err(Error::NoSuchMailbox(_))));
    assert!(matches!(bob.mailbox(&mailbox_name("private")), Err(Error::NoSuchMailbox(_))));
    drop(live);
}

#[test]
fn a_message_to_many_is_stored_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let staged = stage(&store, &octets("to all", &"text ".repeat(2000)));
    let before = store.statistics().unwrap().body_bytes;
    let mut sizes = Vec::new();
    for n in 0..20 {
        let account = account(&store, &format!("user{n}"));
        let trace = Bytes::from(format!("Delivered-To: user{n}\r\n"));
        let message = NewMessage { trace, ..NewMessage::from_staged(&staged) };
        inbox(&account).append(vec![message]).wait().unwrap();
        sizes.push(store.statistics().unwrap().body_bytes - before);
    }
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
    let one = inbox(&account(&store, "user7"));
    assert!(body(&one, Uid(1)).starts_with(b"Delivered-To: user7\r\nFrom:"));
    clean(&store);
}

trait FromStaged {
    fn from_staged(staged: &Staged) -> NewMessage;
}

impl FromStaged for NewMessage {
    fn from_staged(staged: &Staged) -> NewMessage {
        NewMessage {
            staged: staged.clone(),
            trace: Bytes::new(),
            flags: Flags(0),
            keywords: vec![],
            internal_date: None,
        }
    }
}

#[test]
fn octets_count_against_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    let limits = Limits { bytes: 1000, messages: 0, mailboxes: 0 };
    let store = Store::open(Options { limits, ..options(directory.path()) }).unwrap();
    let alice = account(&store, "alice");
    let mailbox = inbox(&alice);
    let message = |size: usize| new_message(&store, &vec![b'x'; size]);
    mailbox.append(vec![message(400)]).wait().unwrap();
    let used = alice.usage().unwrap().bytes;
    let refused = mailbox.append(vec![message(300), message(400)]).wait();
    assert!(matches!(&refused, Err(Error::OverQuota(text)) if text.contains("1000")), "{refused:?}");
    assert_eq!(alice.usage().unwrap(), Usage { bytes: used, messages: 1, mailboxes: 1 }, "all or none");
    mailbox.copy_to(&all(), &mailbox).wait().unwrap();
    assert!(matches!(mailbox.copy_to(&all(), &mailbox).wait(), Err(Error::OverQuota(_))));
    // A full account can be put in order: moves and expunges always work.
    let archive = alice.create(&mailbox_name("Archive"), None).wait().unwrap().id;
    let archive = alice.mailbox_by_id(archive).unwrap();
    assert_eq!(mailbox.move_to(&all(), &archive).wait().unwrap().to.len(), 2);
    archive.remove(&all()).wait().unwrap();
    assert_eq!(alice.usage().unwrap(), Usage { mailboxes: 2, ..Usage::default() });
    clean(&store);
}

#[test]
fn keywords_are_many_but_not_without_end() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let mailbox = inbox(&account(&store, "alice"));
    for n in 0..128 {
        let uid = append(&store, &mailbox, &n.to_string());
        set_keyword(&mailbox, uid, &format!("Keyword{n}")).unwrap();
    }
    let refused = set_keyword(&mailbox, Uid(1), "OneMore");
    assert!(matches!(&refused, Err(Error::Limit(text)) if text.contains("128")), "{refused:?}");
    // Case does not make another keyword (RFC 9051 section 2.3.2), and it is kept as first written.
    assert!(set_keyword(&mailbox, Uid(1), "kEYWORD0").unwrap().changed.is_empty());
    // One that no message has any more makes room.
    mailbox.remove(&uids(&[5])).wait().unwrap();
    set_keyword(&mailbox, Uid(1), "OneMore").unwrap();
    let state = mailbox.live().unwrap().state();
    let bits = state.row(Uid(1)).unwrap().keywords.0;
    assert_eq!(&*state.keywords()[bits.trailing_zeros() as usize].0, "OneMore");
    assert_eq!(state.keywords().len(), 128);
    assert!(set_keyword(&mailbox, Uid(1), &"x".repeat(101)).is_err());
    assert!(set_keyword(&mailbox, Uid(1), "").is_err());
    clean(&store);
}

#[test]
fn ids_are_those_of_rfc_8474() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let (alice, bob) = (account(&store, "alice"), account(&store, "bob"));
    let mailbox = inbox(&alice);
    let raw = |id: &str, refers: &str| {
        format!("Message-ID: <{id}@x>\r\nReferences: {refers}\r\nSubject: {id}\r\n\r\n{id}\r\n").into_bytes()
    };
    // The answer comes before the question, and both belong together; the third has nothing to do with them.
    for (id, refers) in [("answer", "<question@x>"), ("question", ""), ("other", ""), ("again", "<answer@x>")]
    {
        mailbox.append(vec![new_message(&store, &raw(id, refers))]).wait().unwrap();
    }
    let threads: Vec<_> = (1..=4).map(|uid| message_of(&mailbox, Uid(uid)).thread_id).collect();
    assert_eq!((threads[0], threads[0]), (threads[1], threads[3]));
    assert_ne!(threads[0], threads[2]);
    let emails: std::collections::HashSet<_> =
        (1..=4).map(|uid| message_of(&mailbox, Uid(uid)).email_id).collect();
    assert_eq!(emails.len(), 4);
    // A copy in the account is the same email; in another account it is another's.
    let copy = mailbox.copy_to(&uids(&[1]), &mailbox).wait().unwrap().to[0];
    assert_eq!(message_of(&mailbox, copy).email_id, message_of(&mailbox, Uid(1)).email_id);
    inbox(&bob).append(vec![new_message(&store, &octets("first", "x"))]).wait().unwrap();
    let copies = mailbox.copy_to(&uids(&[1, 2, 3]), &inbox(&bob)).wait().unwrap().to;
    let copies: Vec<_> = copies.iter().map(|uid| message_of(&inbox(&bob), *uid)).collect();
    assert!(copies.iter().all(|copy| !emails.contains(&copy.email_id)));
    assert_eq!(copies[0].thread_id, copies[1].thread_id);
    assert_ne!(copies[0].thread_id, copies[2].thread_id);
}

#[test]
fn imported_unique_ids_follow_a_move_and_not_a_copy() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let alice = account(&store, "alice");
    let mailbox = inbox(&alice);
    (0..3).for_each(|n| assert_eq!(append(&store, &mailbox, &n.to_string()), Uid(n + 1)));
    let unique_ids = vec![(Uid(1), "0001.abc".to_owned()), (Uid(2), "!~".to_owned())];
    mailbox.import_unique_ids(unique_ids.clone()).wait().unwrap();
    assert_eq!(mailbox.imported_unique_ids().unwrap(), unique_ids);
    for wrong in ["", "has space", "ü", &"x".repeat(71)] {
        assert!(mailbox.import_unique_ids(vec![(Uid(1), wrong.to_owned())]).wait().is_err(), "{wrong}");
    }
    let missing = mailbox.import_unique_ids(vec![(Uid(9), "x".to_owned())]).wait();
    assert!(matches!(missing, Err(Error::Expunged)));
    let other = alice.create(&mailbox_name("other"), None).wait().unwrap().id;
    let other = alice.mailbox_by_id(other).unwrap();
    mailbox.copy_to(&uids(&[1]), &other).wait().unwrap();
    mailbox.move_to(&uids(&[2]), &other).wait().unwrap();
    assert_eq!(other.imported_unique_ids().unwrap(), [(Uid(2), "!~".to_owned())]);
    assert_eq!(mailbox.imported_unique_ids().unwrap(), [(Uid(1), "0001.abc".to_owned())]);
    mailbox.remove(&uids(&[1])).wait().unwrap();
    let id = alice.retained().unwrap()[0].id;
    let restored = alice.restore(vec![id, id], &mailbox).wait().unwrap().uids;
    assert_eq!(mailbox.imported_unique_ids().unwrap(), [(restored[0], "0001.abc".to_owned())]);
    clean(&store);
}

#[test]
fn what_is_retained_can_still_be_read_by_its_uid() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let alice = account(&store, "alice");
    let mailbox = inbox(&alice);
    append(&store, &mailbox, "one");
    mailbox.store_flags(&all(), add_flags(Flags::DELETED)).wait().unwrap();
    assert!(mailbox.retained_message(Uid(1)).unwrap().is_none());
    mailbox.expunge(None).wait().unwrap();
    let message = mailbox.retained_message(Uid(1)).unwrap().unwrap();
    let body = message.body().unwrap();
    assert_eq!(body.read(0..body.len()).unwrap(), octets("one", "Hello"));
    let retained = alice.retained().unwrap();
    assert_eq!((retained[0].mailbox.as_str(), retained[0].uid), ("INBOX", Uid(1)));
    store.purge_retained(std::time::Duration::from_secs(3600)).unwrap();
    assert_eq!(alice.retained().unwrap(), retained, "it is not an hour old");
    store.purge_retained(std::time::Duration::ZERO).unwrap();
    assert!(mailbox.retained_message(Uid(1)).unwrap().is_none());
    assert_eq!(store.statistics().unwrap().live_body_bytes, 0);
    clean(&store);
}

#[test]
fn nothing_is_retained_where_nothing_shall_be() {
    let directory = tempfile::tempdir().unwrap();
    let retain_expunged = std::time::Duration::ZERO;
    let store = Store::open(Options { retain_expunged, ..options(directory.path()) }).unwrap();
    let alice = account(&store, "alice");
    append(&store, &inbox(&alice), "one");
    inbox(&alice).remove(&all()).wait().unwrap();
    assert!(alice.retained().unwrap().is_empty());
    assert_eq!(store.statistics().unwrap().live_body_bytes, 0);
    clean(&store);
}

#[test]
fn a_large_mailbox_goes_at_once_and_its_messages_step_by_step() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let alice = account(&store, "alice");
    let id = alice.create(&mailbox_name("large"), None).wait().unwrap().id;
    let large = alice.mailbox_by_id(id).unwrap();
    let staged = stage(&store, &octets("one", "x"));
    let messages = |count| (0..count).map(|_| NewMessage::from_staged(&staged)).collect::<Vec<_>>();
    large.append(messages(2500)).wait().unwrap();
    let live = large.live().unwrap();
    alice.delete(&mailbox_name("large")).wait().unwrap();
    assert_eq!(alice.usage().unwrap(), Usage { mailboxes: 1, ..Usage::default() });
    assert!(live.state().deleted());
    assert!(matches!(large.info(), Err(Error::NoSuchMailbox(_))));
    assert!(matches!(large.append(messages(1)).wait(), Err(Error::NoSuchMailbox(_))));
    assert!(matches!(large.live().err(), Some(Error::NoSuchMailbox(_))));
    clean(&store);
    store.compact().unwrap();
    assert_eq!(alice.retained().unwrap().len(), 2500);
    clean(&store);
    // The name is free, and what comes has numbers of its own.
    let again = alice.create(&mailbox_name("large"), None).wait().unwrap();
    assert_ne!(again.id, id);
}

#[test]
fn a_deleted_account_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let (alice, bob) = (account(&store, "alice"), account(&store, "bob"));
    append(&store, &inbox(&bob), "kept");
    for n in 0..20 {
        append(&store, &inbox(&alice), &n.to_string());
    }
    inbox(&alice).copy_to(&uids(&[3]), &inbox(&bob)).wait().unwrap();
    inbox(&alice).remove(&uids(&[1, 2])).wait().unwrap();
    alice.create(&mailbox_name("a/b"), None).wait().unwrap();
    let live = inbox(&alice).live().unwrap();
    let mailbox = inbox(&alice);
    store.directory().delete(alice.name()).unwrap();
    assert!(matches!(store.account(alice.name()), Err(Error::NoSuchAccount(_))));
    store.compact().unwrap();
    assert!(live.state().deleted());
    let late = mailbox.append(vec![new_message(&store, &octets("late", "x"))]).wait();
    assert!(matches!(late, Err(Error::NoSuchMailbox(_) | Error::NoSuchAccount(_))), "{late:?}");
    assert!(matches!(alice.usage(), Err(Error::NoSuchAccount(_))));
    let statistics = store.statistics().unwrap();
    assert_eq!((statistics.accounts, statistics.messages, statistics.retained), (1, 2, 0));
    assert_eq!(body(&inbox(&bob), Uid(2)), octets("2", "Hello"));
    clean(&store);
    // The name can be used again, for another account.
    let again = account(&store, "alice");
    assert_ne!(again.id(), alice.id());
    assert_eq!(again.mailboxes().unwrap()[0].messages, 0);
}

#[test]
fn hostile_sets_cost_no_more_than_what_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let mailbox = inbox(&account(&store, "alice"));
    append(&store, &mailbox, "one");
    let everything = UidSet::from_ranges([1..=u32::MAX]);
    let stored = mailbox.store_flags(&everything, add_flags(Flags::SEEN)).wait().unwrap();
    assert_eq!(stored.changed, uids(&[1]));
    assert_eq!(stored.missing, UidSet::from_ranges([2..=u32::MAX]));
    // Every second UID of the first million: as many ranges.
    let comb = UidSet::from_ranges((0..500_000).map(|n| n * 2 + 1..=n * 2 + 1));
    let stored = mailbox.store_flags(&comb, add_flags(Flags::FLAGGED)).wait().unwrap();
    assert_eq!((stored.changed, stored.missing.len()), (uids(&[1]), 499_999));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_can_be_awaited_and_its_waiter_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let mailbox = tokio::task::block_in_place(|| inbox(&account(&store, "alice")));
    let mut live = mailbox.live().unwrap();
    drop(mailbox.append(vec![new_message(&store, &octets("one", "x"))]));
    live.changed().await;
    assert_eq!(live.state().len(), 1);
    let appended = mailbox.append(vec![new_message(&store, &octets("two", "x"))]).await.unwrap();
    assert_eq!(appended.uids, [Uid(2)]);
    assert_eq!(live.clone().state().len(), 2);
}

// RFC 5464 section 4.1
#[test]
fn annotations_follow_their_mailbox() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let alice = account(&store, "alice");
    let limits = MetadataLimits { entries: 3, octets: 1000 };
    let name = |text: &str| MailboxName::new(text).unwrap();
    let box_ = alice.create(&name("box"), None).wait().unwrap().id;
    let set = |mailbox, user, entry: &str, value: Option<&str>| {
        let change = (entry.to_owned(), value.map(|value| value.as_bytes().to_vec()));
        alice.set_metadata(Some(mailbox), user, vec![change], limits).wait()
    };
    let guest = AccountId(99);
    set(box_, alice.id(), "/shared/comment", Some("ours")).unwrap();
    set(box_, alice.id(), "/private/comment", Some("mine")).unwrap();
    set(box_, guest, "/private/comment", Some("theirs")).unwrap();
    let seen = |mailbox, user| {
        let all = alice.metadata(Some(mailbox), user).unwrap();
        all.into_iter().map(|(_, value)| String::from_utf8(value).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(seen(box_, alice.id()), ["mine", "ours"]);
    assert_eq!(seen(box_, guest), ["theirs", "ours"]);
    alice.rename(&name("box"), &name("other")).wait().unwrap();
    assert_eq!(seen(box_, alice.id()), ["mine", "ours"]);

    // The guest's entry takes no room of the owner's.
    let inbox = alice.mailbox(&MailboxName::inbox()).unwrap().id();
    set(inbox, alice.id(), "/private/comment", Some("x")).unwrap();
    assert!(matches!(set(inbox, alice.id(), "/private/more", Some("x")), Err(Error::Limit(_))));
    set(inbox, alice.id(), "/private/comment", Some("in its place")).unwrap();
    let long = "x".repeat(1000);
    assert!(matches!(set(inbox, alice.id(), "/private/comment", Some(&long)), Err(Error::Limit(_))));

    // INBOX keeps its own when it is renamed.
    alice.rename(&MailboxName::inbox(), &name("old")).wait().unwrap();
    let old = alice.mailbox(&name("old")).unwrap().id();
    assert_eq!(
        (seen(inbox, alice.id()), seen(old, alice.id())),
        (vec!["in its place".into()], vec!["in its place".into()])
    );

    alice.delete(&name("other")).wait().unwrap();
    assert!(seen(box_, alice.id()).is_empty() && seen(box_, guest).is_empty());
    assert!(matches!(set(box_, alice.id(), "/private/comment", Some("x")), Err(Error::NoSuchMailbox(_))));
    let report = store.check(false, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

fn imported(uid: u32, unique_id: &str) -> Imported {
    Imported { uid: Some(Uid(uid)), unique_id: Some(unique_id.to_owned()), save_date: Some(1_600_000_000) }
}

fn numbers(uid_validity: u32, uid_next: u32, highest_modseq: u64) -> Numbers {
    Numbers {
        uid_validity: UidValidity(uid_validity),
        uid_next: Uid(uid_next),
        highest_modseq: ModSeq(highest_modseq),
    }
}

#[test]
fn an_imported_mailbox_keeps_its_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let alice = account(&store, "alice");
    let mailbox = inbox(&alice);
    assert!(mailbox.adopt(numbers(4_000_000, 1, 1 << 40)).wait().unwrap());
    let messages = ["one", "two"].map(|text| new_message(&store, &octets(text, "x"))).to_vec();
    let appended = mailbox.import(messages, vec![imported(5, "a"), imported(900, "b")]).wait().unwrap();
    assert_eq!((appended.uid_validity, appended.uids), (UidValidity(4_000_000), vec![Uid(5), Uid(900)]));
    assert_eq!(
        mailbox.imported_unique_ids().unwrap(),
        [(Uid(5), "a".to_owned()), (Uid(900), "b".to_owned())]
    );
    assert_eq!(message_of(&mailbox, Uid(5)).save_date.seconds, 1_600_000_000);
    assert!(appended.modseq > ModSeq(1 << 40));
    // A client that noted an older MODSEQ is told of every UID that is not there.
    let vanished = mailbox.vanished_since(ModSeq(77)).unwrap();
    assert!(vanished.contains(Uid(4)) && vanished.contains(Uid(899)) && !vanished.contains(Uid(900)));
    // What comes now goes on from there.
    assert!(mailbox.adopt(numbers(4_000_000, 1000, 0)).wait().unwrap());
    assert_eq!(append(&store, &mailbox, "three"), Uid(1000));
    let mut held = Vec::new();
    mailbox
        .held(&mut |one| {
            held.push((one.uid.0, one.size));
            Ok(())
        })
        .unwrap();
    assert_eq!(held.iter().map(|(uid, _)| *uid).collect::<Vec<_>>(), [5, 900, 1000]);
    assert_eq!(held[0].1, octets("one", "x").len() as u64);
    clean(&store);
    drop((mailbox, alice, store));
    let store = open(&directory);
    assert_eq!(existing(&inbox(&account(&store, "alice"))), [5, 900, 1000]);
}

#[test]
fn numbers_of_a_mailbox_that_had_mail_stay() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let mailbox = inbox(&account(&store, "alice"));
    let uid = append(&store, &mailbox, "here");
    mailbox.remove(&uids(&[uid.0])).wait().unwrap();
    let before = mailbox.info().unwrap();
    assert!(!mailbox.adopt(numbers(7, 50, 1 << 50)).wait().unwrap());
    assert_eq!(mailbox.info().unwrap(), before);
    let import =
        |uid| mailbox.import(vec![new_message(&store, b"a: b\r\n\r\n")], vec![imported(uid, "x")]).wait();
    assert!(matches!(import(1), Err(Error::Limit(_))));
    assert!(matches!(import(u32::MAX), Err(Error::Limit(_))));
    assert_eq!(mailbox.info().unwrap(), before);
    let bad = Imported { unique_id: Some("a b".to_owned()), ..Imported::default() };
    let refused = mailbox.import(vec![new_message(&store, b"a: b\r\n\r\n")], vec![bad]).wait();
    assert!(matches!(refused, Err(Error::InvalidName(_))));
    clean(&store);
}

#[test]
fn no_uid_validity_is_given_out_that_an_import_brought() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory);
    let alice = account(&store, "alice");
    let own = inbox(&alice).info().unwrap().uid_validity.0;
    assert!(inbox(&alice).adopt(numbers(own + 500, 1, 0)).wait().unwrap());
    assert!(alice.create(&mailbox_name("next"), None).wait().unwrap().uid_validity.0 > own + 500);
    // One near the end does not use up those of the shard.
    let far = alice.mailbox(&mailbox_name("next")).unwrap();
    assert!(far.adopt(numbers(u32::MAX, 1, 0)).wait().unwrap());
    assert!(alice.create(&mailbox_name("after"), None).wait().unwrap().uid_validity.0 < own + 1000);
    assert!(matches!(far.adopt(numbers(0, 1, 0)).wait(), Err(Error::Limit(_))));
    clean(&store);
}
