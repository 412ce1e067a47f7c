//! A full disk and a broken one, under the index and under the bodies: nothing acknowledged is lost, errors are clear,
//! and the store works again when the disk does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use store::testing::{Call, Faults, Setup};
use store::*;
use support::*;

struct World {
    directory: tempfile::TempDir,
    faults: Faults,
    store: Store,
    /// What was acknowledged: UID to subject.
    acknowledged: BTreeMap<u32, String>,
    number: u32,
}

impl World {
    fn new() -> World {
        let directory = tempfile::tempdir().unwrap();
        let faults = Faults::default();
        let store = open(directory.path(), &faults);
        account(&store, "alice");
        World { directory, faults, store, acknowledged: BTreeMap::new(), number: 0 }
    }

    fn mailbox(&self) -> Mailbox {
        inbox(&account(&self.store, "alice"))
    }

    fn append(&mut self) -> Result<()> {
        self.number += 1;
        let subject = format!("subject-{}", self.number);
        let text: String = (0..400).map(|word| format!("{} ", word * 7919 + self.number * 104_729)).collect();
        let message = new_message(&self.store, &octets(&subject, &text));
        // Opening it may fail, too: reading needs the disk.
        let mailbox = account(&self.store, "alice").mailbox(&MailboxName::inbox())?;
        let uid = mailbox.append(vec![message]).wait()?.uids[0];
        assert!(self.acknowledged.insert(uid.0, subject).is_none(), "{uid} was given twice");
        Ok(())
    }

    /// Until the store works again: what went wrong has been put right.
    fn recover(&mut self) {
        self.faults.index.clear();
        self.faults.bodies.clear();
        let start = Instant::now();
        while let Err(error) = self.append() {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not recover: {error}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything acknowledged is there, as it was; with what may have become durable after all.
    fn verify(&self) {
        let mailbox = self.mailbox();
        let state = mailbox.live().unwrap().state();
        for (uid, subject) in &self.acknowledged {
            let text = body(&mailbox, Uid(*uid));
            assert!(String::from_utf8_lossy(&text).contains(&format!("Subject: {subject}\r\n")), "{uid}");
            assert!(state.row(Uid(*uid)).is_some());
        }
        let report = self.store.check(false, &mut |_| {}).unwrap();
        assert!(report.is_clean(), "{:#?}", report.findings);
    }

    fn reopen(self) -> World {
        let World { directory, faults, store, acknowledged, number } = self;
        drop(store);
        let store = open(directory.path(), &faults);
        World { directory, faults, store, acknowledged, number }
    }
}

fn open(path: &std::path::Path, faults: &Faults) -> Store {
    let setup = Setup { faults: Some(faults.clone()), segment_limit: 20_000 };
    store::testing::open(options(path), setup).unwrap()
}

/// Whether one of the messages has this subject.
fn has_subject(mailbox: &Mailbox, subject: &str) -> bool {
    let line = format!("Subject: {subject}\r\n");
    let uids: Vec<Uid> = mailbox.live().unwrap().state().rows().map(|row| row.uid).collect();
    uids.into_iter().any(|uid| String::from_utf8_lossy(&body(mailbox, uid)).contains(&line))
}

#[test]
fn a_replace_that_fails_leaves_the_old_message_or_the_new_one() {
    for (room, under_bodies) in (0..60_000).step_by(5_003).zip([false, true].into_iter().cycle()) {
        let mut world = World::new();
        world.append().unwrap();
        let (old, subject) = world.acknowledged.pop_first().unwrap();
        let text: String = (0..2_000).map(|word| format!("{} ", word * 7919)).collect();
        let newer = new_message(&world.store, &octets("newer", &text));
        let mailbox = world.mailbox();
        if under_bodies {
            let call = if room % 2 == 1 { Call::Append } else { Call::Sync };
            world.faults.bodies.fail(call, 1, 1, Error::DiskFull("bodies".to_owned()));
        } else {
            world.faults.index.full_after(room);
        }
        let answer = mailbox.replace(Uid(old), &mailbox, newer).wait();
        drop(mailbox);
        world.recover();
        for _ in 0..2 {
            let mailbox = world.mailbox();
            let (has_old, has_new) = (has_subject(&mailbox, &subject), has_subject(&mailbox, "newer"));
            assert!(has_old != has_new, "room {room}: {has_old} {has_new} {answer:?}");
            assert!(answer.is_err() || has_new, "room {room}: what was acknowledged is not there");
            drop(mailbox);
            world.verify();
            world = world.reopen();
        }
    }
}

#[test]
fn a_full_disk_under_the_index_refuses_and_recovers() {
    let mut world = World::new();
    for room in (0..120_000).step_by(9_001) {
        world.faults.index.full_after(room);
        let error = (0..1000).find_map(|_| world.append().err()).expect("the disk fills up");
        assert!(matches!(error, Error::DiskFull(_)), "after {room}: {error}");
        // It goes on refusing, and says the same.
        let again = world.append().expect_err("the disk is still full");
        assert!(matches!(again, Error::DiskFull(_) | Error::Unavailable(_)), "{again}");
        world.recover();
        world.verify();
    }
    world.reopen().verify();
}

#[test]
fn a_broken_disk_under_the_index_refuses_and_recovers() {
    let mut world = World::new();
    for calls in 0..12 {
        world.faults.index.break_writes_after(calls * 3);
        let error = (0..1000).find_map(|_| world.append().err()).expect("a write fails");
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        world.recover();
        world.faults.index.break_syncs_after(calls);
        let error = (0..1000).find_map(|_| world.append().err()).expect("a sync fails");
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        world.recover();
        world.verify();
    }
    world.reopen().verify();
}

/// After a sync that failed, what can be read need not be on the disk: nobody is told that it worked.
#[test]
fn what_was_not_synced_is_not_acknowledged() {
    let mut world = World::new();
    let mut refused = 0;
    for nth in 1..10 {
        world.append().unwrap();
        world.faults.index.fail_sync(nth);
        while world.faults.index.sync_will_fail() {
            refused += u32::from(world.append().is_err());
        }
        world.recover();
        world.verify();
    }
    // On a slow machine one or the other is the writer's, which rests between two commits.
    assert!((6..=9).contains(&refused), "9 syncs failed and {refused} messages were refused");
}

#[test]
fn a_live_state_is_right_after_a_commit_that_failed() {
    let mut world = World::new();
    let live = world.mailbox().live().unwrap();
    for calls in 0..10 {
        world.append().unwrap();
        world.faults.index.break_syncs_after(calls % 4);
        while world.append().is_ok() {}
        world.recover();
        let state = live.state();
        let stored: Vec<u32> = {
            let mut uids = Vec::new();
            let snapshot = world.mailbox().snapshot().unwrap();
            snapshot
                .messages(&all(), &mut |message| {
                    uids.push(message.uid.0);
                    Ok(std::ops::ControlFlow::Continue(()))
                })
                .unwrap();
            uids
        };
        assert_eq!(state.rows().map(|row| row.uid.0).collect::<Vec<_>>(), stored);
        assert_eq!(state.highest_modseq(), world.mailbox().info().unwrap().highest_modseq);
    }
    world.verify();
}

#[test]
fn a_full_disk_under_the_bodies_refuses_and_recovers() {
    let mut world = World::new();
    for call in [Call::Append, Call::Sync, Call::Append, Call::Sync] {
        (0..3).for_each(|_| world.append().unwrap());
        world.faults.bodies.fail(call, 2, 5, Error::DiskFull("bodies".to_owned()));
        world.append().unwrap();
        for _ in 0..3 {
            let error = world.append().expect_err("the disk is full");
            assert!(matches!(error, Error::DiskFull(_)), "{error}");
        }
        world.recover();
        world.verify();
    }
    world.reopen().verify();
}

#[test]
fn a_tail_that_cannot_be_reset_stops_writing_until_it_can() {
    let mut world = World::new();
    world.append().unwrap();
    world.faults.bodies.fail(Call::Sync, 1, 1, Error::Unavailable("bodies".to_owned()));
    world.faults.bodies.fail(Call::Reset, 1, 3, Error::Unavailable("reset".to_owned()));
    assert!(world.append().is_err());
    world.recover();
    world.verify();
    world.reopen().verify();
}

/// One message that cannot be stored takes no other with it.
#[test]
fn a_verb_that_fails_takes_no_other_with_it() {
    let world = World::new();
    let mailbox = world.mailbox();
    for round in 0..10u64 {
        let before = existing(&mailbox).len();
        // Several verbs wait while the first commits, so they share a batch in which one append fails.
        world.faults.bodies.fail(Call::Append, 5 + round % 3, 1, Error::DiskFull("bodies".to_owned()));
        let pending: Vec<_> = (0..16)
            .map(|n| {
                let text = format!("{round} {n}");
                mailbox.append(vec![new_message(&world.store, &octets(&format!("{round}-{n}"), &text))])
            })
            .collect();
        let stored = pending.into_iter().filter_map(|pending| pending.wait().ok()).count();
        assert!(stored >= 15, "{stored} of 16");
        assert_eq!(existing(&mailbox).len(), before + stored);
        world.faults.bodies.clear();
    }
    world.verify();
}

/// What cannot be read is told, and the rest is served.
#[test]
fn an_unreadable_disk_is_told_from_missing_mail() {
    let mut world = World::new();
    (0..5).for_each(|_| world.append().unwrap());
    world.faults.bodies.fail(Call::Open, 1, 3, Error::Damaged("segment".to_owned()));
    let message = world.mailbox().snapshot().unwrap().message(Uid(1)).unwrap().unwrap();
    assert!(matches!(message.body(), Err(Error::Damaged(_))));
    world.faults.bodies.clear();
    assert!(message.body().is_ok());
    world.verify();
}

#[test]
fn compaction_that_fails_loses_nothing() {
    let mut world = World::new();
    (0..60).for_each(|_| world.append().unwrap());
    let gone: UidSet = (1..=60).filter(|uid| uid % 4 != 0).map(Uid).collect();
    world.mailbox().remove(&gone).wait().unwrap();
    world.acknowledged.retain(|uid, _| uid % 4 == 0);
    world.store.purge_retained(Duration::ZERO).unwrap();
    let before = world.store.statistics().unwrap();
    world.faults.bodies.fail(Call::Copy, 3, 1, Error::Unavailable("copy".to_owned()));
    world.faults.bodies.fail(Call::Sync, 2, 1, Error::Unavailable("sync".to_owned()));
    world.faults.bodies.fail(Call::DeleteSegment, 2, 1, Error::Unavailable("delete".to_owned()));
    // Whether it says so or goes on with the next segment: the mail is there.
    let _ = world.store.compact();
    world.verify();
    world.faults.bodies.clear();
    world.store.compact().unwrap();
    world.verify();
    assert!(world.store.statistics().unwrap().body_bytes < before.body_bytes);
    world.reopen().verify();
}
