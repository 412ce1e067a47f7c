//! One row that cannot be read is its own mailbox's trouble: the rest of the shard is served and looked after.

use std::time::Duration;

use super::*;
use crate::engine::{Outcome, Write};
use crate::testing::{Setup, options};

struct World {
    _directory: tempfile::TempDir,
    store: Store,
    alice: Account,
    bob: Account,
}

impl World {
    fn new(change: impl Fn(&mut Options), segment_limit: u64) -> World {
        let directory = tempfile::tempdir().unwrap();
        let mut options = options(directory.path());
        change(&mut options);
        let store = crate::testing::open(options, Setup { segment_limit, ..Setup::default() }).unwrap();
        let [alice, bob] = ["alice", "bob"].map(|name| {
            let name = AccountName::new(name).unwrap();
            store.directory().add(vec![(name.clone(), None)]).unwrap().remove(0).unwrap();
            store.account(&name).unwrap()
        });
        World { _directory: directory, store, alice, bob }
    }

    fn append(&self, mailbox: &Mailbox, text: &str) -> Result<Uid> {
        let mut spool = self.store.spool();
        spool.write(format!("Subject: {text}\r\n\r\n{text}\r\n").as_bytes())?;
        let staged = self.store.stage(spool)?;
        let (trace, keywords) = (bytes::Bytes::new(), Vec::new());
        let message = NewMessage { staged, trace, flags: Flags(0), keywords, internal_date: None };
        mailbox.append(vec![message]).wait().map(|appended| appended.uids[0])
    }

    fn damage(&self, damage: impl Fn(&mut dyn Write) -> Result<()>) {
        let shard = &self.store.shards()[0];
        let written = shard.engine.write(&mut |tx| damage(tx).map(|()| Outcome::Commit));
        written.unwrap();
    }

    fn rows(&self, table: Table) -> usize {
        keys(&self.store.shards()[0], table).unwrap().len()
    }
}

fn inbox(account: &Account) -> Mailbox {
    account.mailbox(&MailboxName::inbox()).unwrap()
}

fn all() -> UidSet {
    UidSet::from_ranges([1..=u32::MAX])
}

fn body(mailbox: &Mailbox, uid: Uid) -> Vec<u8> {
    let body = mailbox.snapshot().unwrap().message(uid).unwrap().unwrap().body().unwrap();
    body.read(0..body.len()).unwrap().to_vec()
}

fn spoil_first(tx: &mut dyn Write, table: Table) -> Result<()> {
    let mut first = None;
    tx.scan(table, KeyRange::all(), &mut |key, _| {
        first = Some(key.to_vec());
        Ok(std::ops::ControlFlow::Break(()))
    })?;
    tx.put(table, &first.unwrap(), b"?")
}

#[test]
fn a_damaged_retained_message_keeps_nobody_elses() {
    let world = World::new(|_| {}, 0);
    for account in [&world.alice, &world.bob] {
        let mailbox = inbox(account);
        for n in 0..3 {
            world.append(&mailbox, &n.to_string()).unwrap();
        }
        mailbox.remove(&all()).wait().unwrap();
    }
    world.damage(|tx| spoil_first(tx, Table::Retained));
    world.store.purge_retained(Duration::ZERO).unwrap();
    assert_eq!(world.rows(Table::Retained), 0);
    assert!(world.bob.retained().unwrap().is_empty());
    // The body of the damaged one is still held; that can be repaired.
    assert!(world.store.check(true, &mut |_| {}).unwrap().is_repaired());
    assert!(world.store.check(false, &mut |_| {}).unwrap().is_clean());
    assert_eq!(world.rows(Table::Body), 0);
}

#[test]
fn a_damaged_message_does_not_keep_a_mailbox_from_being_deleted() {
    let world = World::new(|options| options.retain_expunged = Duration::ZERO, 0);
    let [first, second] = ["a", "b"].map(|name| MailboxName::new(name).unwrap());
    for name in [&first, &second] {
        world.alice.create(name, None).wait().unwrap();
        let mailbox = world.alice.mailbox(name).unwrap();
        for n in 0..3 {
            world.append(&mailbox, &format!("{name} {n}")).unwrap();
        }
    }
    world.damage(|tx| spoil_first(tx, Table::Message));
    world.alice.delete(&first).wait().unwrap();
    assert!(matches!(world.store.compact(), Err(Error::Damaged(_))));
    assert_eq!((world.rows(Table::Message), world.rows(Table::Body)), (4, 4));
    // What it is in the way of is that mailbox alone.
    world.alice.delete(&second).wait().unwrap();
    let _ = world.store.compact();
    assert_eq!((world.rows(Table::Message), world.rows(Table::DeletedMailbox)), (1, 1));
    world.store.directory().delete(world.alice.name()).unwrap();
    assert!(matches!(world.store.compact(), Err(Error::Damaged(_))));
    assert_eq!((world.rows(Table::Mailbox), world.rows(Table::DeletedMailbox)), (1, 1));
}

#[test]
fn a_message_without_a_body_can_be_taken_out() {
    let world = World::new(|options| options.retain_expunged = Duration::ZERO, 0);
    let mailbox = inbox(&world.alice);
    for n in 0..3 {
        world.append(&mailbox, &n.to_string()).unwrap();
    }
    world.damage(|tx| tx.delete(Table::Body, &schema::body_key(BodyId(2))));
    mailbox.remove(&all()).wait().unwrap();
    assert_eq!((world.rows(Table::Message), world.rows(Table::Body)), (0, 0));
}

#[test]
fn a_damaged_row_of_a_segment_stops_no_delivery() {
    let world = World::new(|_| {}, 0);
    let mailbox = inbox(&world.alice);
    world.append(&mailbox, "one").unwrap();
    world.damage(|tx| spoil_first(tx, Table::Segment));
    let uid = world.append(&mailbox, "two").unwrap();
    assert!(body(&mailbox, uid).ends_with(b"two\r\n"));
    assert!(world.store.check(true, &mut |_| {}).unwrap().is_repaired());
    assert!(world.store.check(false, &mut |_| {}).unwrap().is_clean());
}

#[test]
fn damaged_flags_of_a_mailbox_stop_no_delivery_elsewhere() {
    let world = World::new(|_| {}, 0);
    let mailbox = inbox(&world.alice);
    world.append(&mailbox, "one").unwrap();
    mailbox.claim_recent().unwrap();
    world.damage(|tx| spoil_first(tx, Table::Flags));
    for n in 0..3 {
        world.append(&inbox(&world.bob), &n.to_string()).unwrap();
    }
}

/// Two tables say what is in a segment: it goes only when both say nothing.
#[test]
fn a_segment_goes_only_when_nothing_says_that_it_holds_mail() {
    let world = World::new(|options| options.retain_expunged = Duration::ZERO, 1500);
    let mailbox = inbox(&world.alice);
    let noise = |n: u64| -> String {
        let mut octets = [0; 150];
        blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut octets);
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    };
    let uids: Vec<Uid> = (0..12).map(|n| world.append(&mailbox, &noise(n)).unwrap()).collect();
    let location = |tx: &dyn Write, body| {
        schema::BodyRow::decode(&tx.get(Table::Body, &schema::body_key(body))?.unwrap())
            .map(|row| row.location)
    };
    world.damage(|tx| {
        let location = location(tx, BodyId(1))?;
        tx.delete(Table::BodyLocation, &schema::location_key(location.segment, location.offset))
    });
    mailbox.remove(&uids[1..].iter().copied().collect()).wait().unwrap();
    let _ = world.store.compact();
    assert!(body(&mailbox, uids[0]).ends_with(format!("{}\r\n", noise(0)).as_bytes()));
    assert!(world.store.check(true, &mut |_| {}).unwrap().is_repaired());
    world.store.compact().unwrap();
    assert!(world.store.check(false, &mut |_| {}).unwrap().is_clean());
    assert!(body(&mailbox, uids[0]).ends_with(format!("{}\r\n", noise(0)).as_bytes()));
    assert!(world.store.statistics().unwrap().segments <= 2);
}

/// Who has not looked for long is told every UID that is not there, and who has looked lately what went since.
#[test]
fn what_vanished_is_known_one_by_one_for_so_long() {
    let world = World::new(|_| {}, 0);
    let mailbox = inbox(&world.alice);
    let mut modseqs = Vec::new();
    for n in 0..30 {
        let uid = world.append(&mailbox, &n.to_string()).unwrap();
        modseqs.push(mailbox.remove(&[uid].into_iter().collect()).wait().unwrap().modseq);
    }
    let kept = world.append(&mailbox, "kept").unwrap();
    let live = mailbox.live().unwrap();
    bound_vanished(&world.store.shards()[0], 30).unwrap();
    assert_eq!(world.rows(Table::Vanished), 30);
    bound_vanished(&world.store.shards()[0], 20).unwrap();
    assert_eq!(world.rows(Table::Vanished), 10);
    for (at, modseq) in modseqs.iter().enumerate() {
        let since: UidSet = (at as u32 + 2..=30).map(Uid).collect();
        let told = mailbox.vanished_since(*modseq).unwrap();
        assert_eq!(since.difference(&told), UidSet::new(), "since {modseq}");
        assert!(!told.contains(kept) && told.last() <= Some(Uid(30)));
        assert!(at < 19 || told == since, "since {modseq}: {told}");
    }
    assert_eq!(live.state().highest_modseq(), mailbox.info().unwrap().highest_modseq);
    assert!(world.store.check(false, &mut |_| {}).unwrap().is_clean());
}

/// Message-ids of an account are known as long as it is, and no longer.
#[test]
fn nothing_of_an_account_outlives_it() {
    let world = World::new(|_| {}, 0);
    for account in [&world.alice, &world.bob] {
        let mailbox = inbox(account);
        for n in 0..5 {
            let mut spool = world.store.spool();
            let id = format!("{}-{n}", account.name());
            spool
                .write(format!("Message-ID: <{id}>\r\nReferences: <a{id}> <b{id}>\r\n\r\nx").as_bytes())
                .unwrap();
            let staged = world.store.stage(spool).unwrap();
            let (trace, keywords) = (bytes::Bytes::new(), vec![Keyword("$a".into())]);
            let message = NewMessage { staged, trace, flags: Flags(0), keywords, internal_date: None };
            mailbox.append(vec![message]).wait().unwrap();
        }
        mailbox.import_unique_ids(vec![(Uid(4), "x".to_owned())]).wait().unwrap();
        mailbox.remove(&[Uid(2)].into_iter().collect()).wait().unwrap();
        account.create(&MailboxName::new("a").unwrap(), None).wait().unwrap();
        account.subscribe(&MailboxName::new("a").unwrap(), true).wait().unwrap();
    }
    assert_eq!(world.rows(Table::Thread), 30);
    let tables = crate::engine::SHARD;
    let both: Vec<usize> = tables.iter().map(|table| world.rows(*table)).collect();
    world.store.directory().delete(world.alice.name()).unwrap();
    world.store.compact().unwrap();
    assert_eq!(world.rows(Table::Thread), 15);
    assert!(!existing_accounts(&world).contains(&world.alice.id()));
    world.store.directory().delete(world.bob.name()).unwrap();
    world.store.compact().unwrap();
    for (table, before) in tables.iter().zip(both) {
        let left = world.rows(*table);
        let stays = matches!(table, Table::Meta | Table::Segment);
        assert!(left == 0 || stays, "{left} of {before} rows of {}", table.name());
    }
    assert!(world.store.check(false, &mut |_| {}).unwrap().is_clean());
}

fn existing_accounts(world: &World) -> Vec<AccountId> {
    let shard = &world.store.shards()[0];
    keys(shard, Table::Usage)
        .unwrap()
        .iter()
        .map(|key| AccountId(schema::u32_of("usage", key).unwrap()))
        .collect()
}

#[test]
fn what_is_held_is_noted_and_goes_with_its_mailbox_and_account() {
    let world = World::new(|_| {}, 0);
    let shard = world.store.shards()[0].clone();
    world.append(&inbox(&world.alice), "x").unwrap();
    let work = MailboxName::new("Work").unwrap();
    let work_id = world.alice.create(&work, None).wait().unwrap().id;
    note_history(&shard).unwrap();
    note_history(&shard).unwrap();
    let history = world.alice.history().unwrap();
    let usage = world.alice.usage().unwrap();
    assert_eq!(history.len(), 3);
    let (mailbox, points) = &history[0];
    assert_eq!((*mailbox, points.len()), (None, 1));
    assert_eq!((points[0].bytes, points[0].messages), (usage.bytes, 1));
    assert!(world.store.check(false, &mut |_| {}).unwrap().is_clean());

    world.alice.delete(&work).wait().unwrap();
    assert!(world.alice.history().unwrap().iter().all(|(mailbox, _)| *mailbox != Some(work_id)));
    world.store.directory().delete(world.alice.name()).unwrap();
    finish_deletions(&shard).unwrap();
    assert_eq!(world.rows(Table::History), 2);

    let bob = schema::history_key(world.bob.id(), None);
    world.damage(|tx| tx.put(Table::History, &bob, &[9]));
    world.damage(|tx| tx.put(Table::History, &schema::history_key(AccountId(99), None), &[1]));
    world.damage(|tx| tx.put(Table::History, b"short", &[1]));
    let report = world.store.check(true, &mut |_| {}).unwrap();
    assert_eq!((report.findings.len(), report.is_repaired()), (3, true), "{:?}", report.findings);
    assert!(world.store.check(false, &mut |_| {}).unwrap().is_clean());
}

#[test]
fn two_who_finish_the_same_deletion_in_one_batch_do_not_hinder_each_other() {
    let world = World::new(|_| {}, u64::MAX);
    world.append(&inbox(&world.alice), "one").unwrap();
    let account = world.alice.id();
    let shard = &world.store.shards()[0];
    let twice = shard.write(move |batch| {
        account::delete(batch, account)?;
        account::step(batch, account, ROWS)?;
        account::step(batch, account, ROWS).map(|step| matches!(step, drop::Step::More))
    });
    assert!(twice.wait().unwrap());
    finish_deletions(shard).unwrap();
    assert_eq!((world.rows(Table::DeletedAccount), world.rows(Table::DeletedMailbox)), (0, 0));
}
