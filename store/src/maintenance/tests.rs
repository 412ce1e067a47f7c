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
