//! The search index never hides a message that holds the string, whatever happens to mail, files and process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::ops::ControlFlow;

use bytes::Bytes;
use message::text::{address_text, body_texts, fold_case, header_text};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::*;
use support::*;

/// Which text a string is looked for in.
#[derive(Debug, Clone, Copy)]
enum Field {
    Text,
    Body,
    Addresses,
    Header,
}

const FIELDS: [Field; 4] = [Field::Text, Field::Body, Field::Addresses, Field::Header];

fn query(field: Field, needle: &str) -> Query {
    let (header, trace, body) = match field {
        Field::Text => (true, true, true),
        Field::Body => (false, false, true),
        Field::Addresses => (true, false, false),
        Field::Header => (true, true, false),
    };
    Query::Text { folded: fold_case(needle), header, trace, body }
}

/// The slow plain way.
fn holds(message: &Message, field: Field, needle: &str) -> bool {
    let needle = fold_case(needle);
    let body = message.body().unwrap();
    let octets = body.read(0..body.len()).unwrap();
    let raw = &octets[message.trace().len()..];
    let summary = message.summary().unwrap();
    let in_header = || {
        let end = message.trace().len() + usize::try_from(summary.structure.body).unwrap();
        fold_case(&header_text(&octets[..end])).contains(&needle)
    };
    let in_body = || {
        let flow = body_texts(&summary, raw, &mut |text| {
            if fold_case(text).contains(&needle) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        flow.is_break()
    };
    match field {
        Field::Text => in_header() || in_body(),
        Field::Body => in_body(),
        Field::Header => in_header(),
        Field::Addresses => {
            summary.envelope.from.iter().any(|address| fold_case(&address_text(address)).contains(&needle))
        }
    }
}

/// The candidates, which must hold all that a plain scan finds.
fn narrowed(mailbox: &Mailbox, field: Field, needle: &str) -> UidSet {
    let candidates = mailbox.narrow(&query(field, needle), &all()).unwrap();
    let snapshot = mailbox.snapshot().unwrap();
    snapshot
        .messages(&all(), &mut |message| {
            let hidden = !candidates.contains(message.uid) && holds(&message, field, needle);
            assert!(!hidden, "{field:?} {needle:?} is in message {}, which is no candidate", message.uid);
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
    candidates
}

fn index(store: &Store) {
    store.update_index(&mut |_| {}).unwrap();
}

/// Pieces of messages, so that needles hit often.
const PIECES: [&str; 16] = [
    "Hello",
    " ",
    "World",
    "\r\n",
    "日本語",
    "テスト",
    "grüße",
    "Привет",
    "a",
    "ab",
    ":",
    "=?utf-8?Q?=C3=A4?=",
    "สวัสดี",
    "x@y.test",
    "안녕",
    "-",
];

fn pieces(random: &mut StdRng, count: usize) -> String {
    (0..count).map(|_| PIECES[random.random_range(0..PIECES.len())]).collect()
}

fn mail(random: &mut StdRng) -> (String, String) {
    let line = |random: &mut StdRng| pieces(random, 4).replace("\r\n", "\r\n ");
    let lead = if random.random_range(0..20) == 0 { " odd" } else { "" };
    let octets = format!(
        "{lead}From: \"{}\" <{}@y.test>\r\nSubject: {}\r\nX-Own: {}\r\n\r\n{}\r\n",
        line(random).replace('"', ""),
        random.random_range(0..50),
        line(random),
        line(random),
        pieces(random, 20)
    );
    let trace = match random.random_range(0..3) {
        0 => String::new(),
        1 => format!("Return-Path: <{}>\r\n", random.random_range(0..50)),
        _ => format!("Received: {}\r\n", line(random)),
    };
    (octets, trace)
}

fn fill(store: &Store, mailbox: &Mailbox, random: &mut StdRng, count: usize) {
    let messages = (0..count).map(|_| {
        let (octets, trace) = mail(random);
        NewMessage { trace: Bytes::from(trace), ..new_message(store, octets.as_bytes()) }
    });
    mailbox.append(messages.collect()).wait().unwrap();
}

fn probe_everything(mailbox: &Mailbox, random: &mut StdRng, needles: usize) {
    for _ in 0..needles {
        let text: Vec<char> = pieces(random, 3).chars().collect();
        let start = random.random_range(0..text.len());
        let needle: String = text[start..].iter().take(random.random_range(1..8)).collect();
        for field in FIELDS {
            narrowed(mailbox, field, &needle);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn nothing_that_holds_the_string_is_hidden(seed in any::<u64>()) {
        let mut random = StdRng::seed_from_u64(seed);
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open(options(directory.path())).unwrap();
        for round in 0..4 {
            let alice = account(&store, "alice");
            let mailbox = inbox(&alice);
            if round == 0 {
                alice.create(&mailbox_name("Other"), None).wait().unwrap();
            }
            let other = alice.mailbox(&mailbox_name("Other")).unwrap();
            fill(&store, &mailbox, &mut random, 50);
            probe_everything(&mailbox, &mut random, 3);
            index(&store);
            // Some that the index does not know yet, some that are gone, some that are elsewhere.
            fill(&store, &mailbox, &mut random, 5);
            let few: UidSet = existing(&mailbox).into_iter().filter(|_| random.random_range(0..8) == 0).map(Uid).collect();
            mailbox.copy_to(&few, &other).wait().unwrap();
            let few: UidSet = existing(&mailbox).into_iter().filter(|_| random.random_range(0..8) == 0).map(Uid).collect();
            mailbox.move_to(&few, &other).wait().unwrap();
            let few: UidSet = existing(&mailbox).into_iter().filter(|_| random.random_range(0..8) == 0).map(Uid).collect();
            mailbox.remove(&few).wait().unwrap();
            probe_everything(&mailbox, &mut random, 6);
            probe_everything(&other, &mut random, 3);
            if round == 1 {
                store.purge_retained(std::time::Duration::ZERO).unwrap();
                store.compact().unwrap();
                probe_everything(&mailbox, &mut random, 3);
            }
            let report = store.check(false, &mut |_| {}).unwrap();
            prop_assert!(report.is_clean(), "{:?}", report);
            drop((mailbox, other, alice));
            store.close().unwrap();
            drop(store);
            store = Store::open(options(directory.path())).unwrap();
        }
    }
}

/// 200 messages of which one in 50 holds the word.
fn world() -> (tempfile::TempDir, Store, Mailbox) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    let messages = (0..200).map(|n| {
        let word = if n % 50 == 0 { "Zebra 斑馬" } else { "horse" };
        new_message(&store, &octets(&format!("number-{n}"), word))
    });
    mailbox.append(messages.collect()).wait().unwrap();
    (directory, store, mailbox)
}

#[test]
fn an_index_narrows_what_must_be_read() {
    let (_directory, store, mailbox) = world();
    assert_eq!(narrowed(&mailbox, Field::Body, "zebra"), all(), "nothing is indexed yet");
    index(&store);
    for needle in ["zebra", "ZEB", "ze", "斑馬", "馬"] {
        assert_eq!(narrowed(&mailbox, Field::Body, needle).len(), 4, "{needle}");
        assert_eq!(narrowed(&mailbox, Field::Text, needle).len(), 4, "{needle}");
        assert_eq!(narrowed(&mailbox, Field::Addresses, needle).len(), 0, "{needle}");
    }
    assert_eq!(narrowed(&mailbox, Field::Text, "number-17").len(), 11);
    assert_eq!(narrowed(&mailbox, Field::Text, "x\r\ny").len(), u64::from(u32::MAX), "of several lines");
    // New mail is a candidate at once.
    let uid = append(&store, &mailbox, "new");
    assert!(narrowed(&mailbox, Field::Body, "zebra").contains(uid));
}

#[test]
fn keys_are_joined_soundly() {
    let (_directory, store, mailbox) = world();
    index(&store);
    let text = |needle| query(Field::Text, needle);
    let count = |query: &Query| mailbox.narrow(query, &all()).unwrap().len();
    assert_eq!(count(&Query::And(vec![text("zebra"), text("number-50"), Query::All])), 1);
    assert_eq!(count(&Query::And(vec![text("zebra"), text("number-17")])), 0);
    assert_eq!(count(&text("horse")), 200, "more than half of the messages have it: nothing is kept of it");
    assert_eq!(count(&Query::And(vec![text("zebra"), text("horse")])), 4);
    assert_eq!(count(&Query::Or(vec![text("zebra"), text("number-17")])), 15);
    assert_eq!(count(&Query::Or(vec![text("zebra"), Query::All])), u64::from(u32::MAX));
    assert_eq!(count(&Query::Or(Vec::new())), 0);
    assert_eq!(count(&Query::And(Vec::new())), u64::from(u32::MAX));
}

#[test]
fn a_rebuilt_index_finds_the_same_and_one_that_is_off_is_deleted() {
    let (directory, store, mailbox) = world();
    index(&store);
    let before = narrowed(&mailbox, Field::Text, "zebra");
    let mut told = Vec::new();
    store.rebuild_index(Some(mailbox.account()), &mut |progress| told.push(progress)).unwrap();
    assert!(told.last().is_some_and(|last| last.done == last.total && last.total > 0), "{told:?}");
    store.rebuild_index(None, &mut |_| {}).unwrap();
    assert_eq!(narrowed(&mailbox, Field::Text, "zebra"), before);
    drop(mailbox);
    store.close().unwrap();
    drop(store);
    let store = Store::open(Options { index: false, ..options(directory.path()) }).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    assert_eq!(narrowed(&mailbox, Field::Text, "zebra"), all());
    index(&store);
    drop(mailbox);
    store.close().unwrap();
    drop(store);
    let store = Store::open(options(directory.path())).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    assert_eq!(narrowed(&mailbox, Field::Text, "zebra"), all(), "it was deleted");
    index(&store);
    assert_eq!(narrowed(&mailbox, Field::Text, "zebra"), before);
}

#[test]
fn searches_stay_right_while_mail_and_index_change() {
    let (_directory, store, mailbox) = world();
    std::thread::scope(|scope| {
        let (store, mailbox) = (&store, &mailbox);
        scope.spawn(move || {
            let mut random = StdRng::seed_from_u64(1);
            for _ in 0..10 {
                fill(store, mailbox, &mut random, 40);
                let gone: UidSet = existing(mailbox).into_iter().step_by(9).map(Uid).collect();
                mailbox.remove(&gone).wait().unwrap();
            }
        });
        scope.spawn(move || (0..10).for_each(|_| index(store)));
        for _ in 0..20 {
            let query = query(Field::Body, "zebra");
            let snapshot = mailbox.snapshot().unwrap();
            let candidates = mailbox.narrow(&query, &all()).unwrap();
            let now: UidSet = existing(mailbox).into_iter().map(Uid).collect();
            snapshot
                .messages(&all(), &mut |message| {
                    let hidden = now.contains(message.uid)
                        && !candidates.contains(message.uid)
                        && holds(&message, Field::Body, "zebra");
                    assert!(!hidden, "{}", message.uid);
                    Ok(ControlFlow::Continue(()))
                })
                .unwrap();
        }
    });
    index(&store);
    narrowed(&mailbox, Field::Body, "zebra");
    let report = store.check(false, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{report:?}");
}
