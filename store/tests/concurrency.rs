//! Many threads at once: what is promised about order, limits and what others see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use store::*;
use support::*;

const THREADS: u32 = 8;

fn clean(store: &Store) {
    let report = store.check(false, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
}

#[test]
fn every_append_gets_its_own_uid() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    let mut seen: Vec<u32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (store, mailbox) = (&store, &mailbox);
                scope.spawn(move || {
                    (0..25).map(|n| append(store, mailbox, &format!("{thread}-{n}")).0).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    seen.sort_unstable();
    assert_eq!(seen, (1..=THREADS * 25).collect::<Vec<_>>());
    clean(&store);
}

#[test]
fn no_limit_is_ever_passed() {
    let directory = tempfile::tempdir().unwrap();
    let options =
        Options { limits: Limits { bytes: 0, messages: 30, mailboxes: 0 }, ..options(directory.path()) };
    let store = Store::open(options).unwrap();
    let (alice, bob) = (account(&store, "alice"), account(&store, "bob"));
    let (mailbox, other) = (inbox(&alice), inbox(&bob));
    append(&store, &other, "to copy");
    let stored = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, mailbox, other, stored) = (&store, &mailbox, &other, &stored);
            scope.spawn(move || {
                for n in 0..10 {
                    let answer = if n % 3 == 0 {
                        other.copy_to(&all(), mailbox).wait().map(|_| ())
                    } else {
                        let message = new_message(store, &octets(&format!("{thread}-{n}"), "x"));
                        mailbox.append(vec![message]).wait().map(|_| ())
                    };
                    match answer {
                        Ok(()) => drop(stored.fetch_add(1, Ordering::SeqCst)),
                        Err(error) => assert!(matches!(error, Error::OverQuota(_)), "{error}"),
                    }
                }
            });
        }
    });
    assert_eq!(stored.load(Ordering::SeqCst), 30);
    assert_eq!(alice.usage().unwrap().messages, 30);
    clean(&store);
}

/// What a session does with what it is told must bring it to what is stored.
#[test]
fn differences_add_up_to_the_stored_state() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let watchers: Vec<_> = (0..3).map(|_| runtime.spawn(watch(mailbox.live().unwrap()))).collect();
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let (store, mailbox) = (&store, &mailbox);
            scope.spawn(move || work(store, mailbox, thread));
        }
    });
    let last = NewMessage { flags: LAST, ..new_message(&store, &octets("last", "x")) };
    mailbox.append(vec![last]).wait().unwrap();
    let stored = rows(&mailbox.live().unwrap().state());
    for watcher in watchers {
        assert_eq!(runtime.block_on(watcher).unwrap(), stored);
    }
    clean(&store);
    drop((mailbox, store));
    let store = Store::open(options(directory.path())).unwrap();
    let fresh = inbox(&account(&store, "alice")).live().unwrap().state();
    assert_eq!(rows(&fresh), stored);
}

fn rows(state: &State) -> BTreeMap<u32, (u8, u64)> {
    state.rows().map(|row| (row.uid.0, (row.flags.0, row.modseq.0))).collect()
}

/// Marks the message after which nothing comes.
const LAST: Flags = Flags::DRAFT;

/// Applies every difference it is told of, and checks that numbers only grow.
async fn watch(mut live: Live) -> BTreeMap<u32, (u8, u64)> {
    let mut state = live.state();
    let mut mine = rows(&state);
    loop {
        live.changed().await;
        let newer = live.state();
        assert!(newer.highest_modseq() > state.highest_modseq());
        assert!(newer.uid_next() >= state.uid_next());
        let difference = state.difference(&newer);
        for uid in difference.expunged {
            assert!(mine.remove(&uid.0).is_some());
        }
        for row in difference.changed {
            assert!(mine.insert(row.uid.0, (row.flags.0, row.modseq.0)).is_some());
        }
        for row in difference.added {
            assert!(mine.insert(row.uid.0, (row.flags.0, row.modseq.0)).is_none());
        }
        assert_eq!(mine, rows(&newer));
        state = newer;
        if state.rows().any(|row| row.flags.contains(LAST)) {
            return mine;
        }
    }
}

fn work(store: &Store, mailbox: &Mailbox, thread: u32) {
    for n in 0..15 {
        let uid = append(store, mailbox, &format!("{thread}-{n}"));
        mailbox.store_flags(&uids(&[uid.0]), add_flags(Flags::SEEN)).wait().unwrap();
        if n % 3 == 0 {
            mailbox.remove(&uids(&[uid.0])).wait().unwrap();
        }
    }
}

#[test]
fn changes_are_told_in_the_order_of_commits() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let alice = account(&store, "alice");
    let mailbox = inbox(&alice);
    let mut changes = alice.changes();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (store, mailbox) = (&store, &mailbox);
            scope.spawn(move || {
                for n in 0..10 {
                    append(store, mailbox, &format!("{thread}-{n}"));
                }
            });
        }
    });
    alice.create(&mailbox_name("a/b"), None).wait().unwrap();
    alice.rename(&mailbox_name("a"), &mailbox_name("c")).wait().unwrap();
    let mut modseqs = Vec::new();
    let mut told = Vec::new();
    while let Ok(change) = changes.try_recv() {
        match change {
            Change::Messages { modseq, .. } => modseqs.push(modseq.0),
            Change::Created { name, .. } => told.push(format!("+{name}")),
            Change::Renamed { from, to, .. } => told.push(format!("{from}>{to}")),
            Change::Acl { .. } | Change::Deleted { .. } | Change::Subscribed { .. } => {
                told.push("?".to_owned())
            }
        }
    }
    assert_eq!(modseqs, (2..=41).collect::<Vec<_>>());
    assert_eq!(told, ["+a", "+a/b", "a>c", "a/b>c/b"]);
}

/// Opening a mailbox while it changes must neither miss nor repeat a change.
#[test]
fn a_state_that_is_loaded_while_it_changes_misses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let live = mailbox.live().unwrap();
                    let uids: BTreeSet<u32> = live.state().rows().map(|row| row.uid.0).collect();
                    // Nothing is expunged, so what is there has no holes.
                    assert_eq!(uids.len(), uids.last().copied().unwrap_or(0) as usize);
                    let info = mailbox.info().unwrap();
                    assert!(live.state().uid_next().0 as usize >= uids.len());
                    assert!(info.messages as usize >= uids.len());
                }
            });
        }
        for n in 0..100 {
            let uid = append(&store, &mailbox, &n.to_string());
            assert!(
                mailbox.live().unwrap().state().row(uid).is_some(),
                "{uid} was acknowledged and is not there"
            );
        }
        stop.store(true, Ordering::SeqCst);
    });
}

/// Readers go on while segments are copied and deleted under them.
#[test]
fn bodies_stay_readable_while_the_log_is_compacted() {
    let directory = tempfile::tempdir().unwrap();
    let setup = store::testing::Setup { segment_limit: 4096, ..Default::default() };
    let options = Options { retain_expunged: std::time::Duration::ZERO, ..options(directory.path()) };
    let store = store::testing::open(options, setup).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    for n in 0..200u32 {
        let text: String = (0..20).map(|word| format!("{} ", word * 7919 + n * 104_729)).collect();
        mailbox.append(vec![new_message(&store, &octets(&n.to_string(), &text))]).wait().unwrap();
    }
    let kept: UidSet = (1..=200).filter(|uid| uid % 5 == 0).map(Uid).collect();
    let gone: UidSet = (1..=200).filter(|uid| uid % 5 != 0).map(Uid).collect();
    let held = mailbox.snapshot().unwrap();
    let first = held.message(Uid(5)).unwrap().unwrap();
    let open = first.body().unwrap();
    let before = store.statistics().unwrap();
    mailbox.remove(&gone).wait().unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            for _ in 0..20 {
                kept.iter().for_each(|uid| assert!(body(&mailbox, uid).starts_with(b"From:")));
            }
        });
        store.compact().unwrap();
        reader.join().unwrap();
    });
    let after = store.statistics().unwrap();
    assert!(after.body_bytes * 2 < before.body_bytes, "{before:?} {after:?}");
    assert!(open.read(0..5).unwrap().starts_with(b"From:"));
    // Its segment is gone, the snapshot is old: the body is found where it is now.
    assert!(first.body().unwrap().read(0..5).unwrap().starts_with(b"From:"));
    // What the old snapshot still shows and is gone for ever says so.
    let lost = held.message(Uid(1)).unwrap().unwrap().body();
    assert!(lost.is_ok() || matches!(lost.err(), Some(Error::Expunged)));
    clean(&store);
}

#[test]
fn two_sessions_never_share_what_is_recent() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    let stop = AtomicBool::new(false);
    let claimed: Vec<u32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut claimed = Vec::new();
                    while !stop.load(Ordering::SeqCst) {
                        claimed.push(mailbox.claim_recent().unwrap().0);
                    }
                    assert!(claimed.is_sorted(), "what was told is recent again");
                    claimed
                })
            })
            .collect();
        for n in 0..50 {
            append(&store, &mailbox, &n.to_string());
        }
        stop.store(true, Ordering::SeqCst);
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    // A claim begins where another one ended, so one that is not the last that came is given to one session alone.
    assert!(claimed.iter().all(|from| (1..=51).contains(from)));
    let last = mailbox.claim_recent().unwrap();
    assert_eq!((mailbox.claim_recent().unwrap(), mailbox.info().unwrap().recent), (Uid(51), 0));
    assert!(last <= Uid(51));
    drop((mailbox, store));
    let store = Store::open(options(directory.path())).unwrap();
    assert_eq!(inbox(&account(&store, "alice")).info().unwrap().recent, 0);
    clean(&store);
}
