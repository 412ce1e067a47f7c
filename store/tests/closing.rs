//! Closing: from wherever it is done, whatever the disk does meanwhile, and while others still work.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};

use store::testing::{Faults, Setup};
use store::*;
use support::*;

fn clean(store: &Store) {
    let report = store.check(false, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
}

/// A session may be the last to let go of the store, and it may do so in a task of either runtime.
#[test]
fn the_last_one_may_go_in_async_code() {
    let several = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let single = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for runtime in [several, single] {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(options(directory.path())).unwrap();
        let mailbox = inbox(&account(&store, "alice"));
        append(&store, &mailbox, "one");
        // A claim is written when the store is closed.
        mailbox.claim_recent().unwrap();
        drop(store);
        let task = async move {
            // What a task may do before it must yield is used up then.
            while tokio::task::coop::has_budget_remaining() {
                tokio::task::consume_budget().await;
            }
            drop(mailbox);
        };
        runtime.block_on(async { tokio::task::LocalSet::new().run_until(task).await });
        let store = Store::open(options(directory.path())).unwrap();
        assert_eq!(inbox(&account(&store, "alice")).info().unwrap().recent, 0);
    }
}

#[test]
fn a_pending_answer_may_be_waited_for_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    let message = new_message(&store, &octets("one", "x"));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let appended = runtime.block_on(async { mailbox.append(vec![message]).wait() });
    assert_eq!(appended.unwrap().uids, [Uid(1)]);
}

/// What cannot be written any more is told, and nothing stays open.
#[test]
fn closing_on_a_broken_disk_closes() {
    let directory = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let setup = Setup { faults: Some(faults.clone()), ..Setup::default() };
    let store = store::testing::open(options(directory.path()), setup).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    append(&store, &mailbox, "one");
    mailbox.claim_recent().unwrap();
    faults.index.break_writes_after(0);
    assert!(store.close().is_err());
    assert!(matches!(mailbox.remove(&all()).wait(), Err(Error::ShuttingDown)));
    drop((mailbox, store));
    faults.index.clear();
    let store = Store::open(options(directory.path())).unwrap();
    assert_eq!(existing(&inbox(&account(&store, "alice"))), [1]);
    clean(&store);
}

#[test]
fn what_fails_to_open_leaves_nothing_open() {
    let directory = tempfile::tempdir().unwrap();
    drop(Store::open(options(directory.path())).unwrap());
    std::fs::remove_dir(directory.path().join("tmp")).unwrap();
    std::fs::write(directory.path().join("tmp"), b"in the way").unwrap();
    assert!(Store::open(options(directory.path())).is_err());
    std::fs::remove_file(directory.path().join("tmp")).unwrap();
    clean(&Store::open(options(directory.path())).unwrap());
}

/// Each verb is answered: done and durable, or refused.
#[test]
fn closing_while_others_write_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let store = Store::open(options(directory.path())).unwrap();
        let mailbox = inbox(&account(&store, "alice"));
        let before = existing(&mailbox).len();
        let closed = AtomicBool::new(false);
        let stored: usize = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|thread| {
                    let (store, mailbox, closed) = (&store, &mailbox, &closed);
                    scope.spawn(move || {
                        let mut stored = 0;
                        for n in 0.. {
                            let message = new_message(store, &octets(&format!("{round}-{thread}-{n}"), "x"));
                            match mailbox.append(vec![message]).wait() {
                                Ok(_) => stored += 1,
                                Err(error) => {
                                    assert!(matches!(error, Error::ShuttingDown), "{error}");
                                    break;
                                }
                            }
                            assert!(n < 100_000 || !closed.load(Ordering::SeqCst));
                        }
                        stored
                    })
                })
                .collect();
            std::thread::sleep(std::time::Duration::from_millis(30));
            store.close().unwrap();
            closed.store(true, Ordering::SeqCst);
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        });
        drop((mailbox, store));
        let store = Store::open(options(directory.path())).unwrap();
        assert_eq!(existing(&inbox(&account(&store, "alice"))).len(), before + stored);
        clean(&store);
    }
}
