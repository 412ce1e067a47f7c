//! Damage of every kind is found, told, and repaired where it can be.

use super::*;
use crate::engine::{Outcome, Write};
use crate::schema::{self, BodyRow, Chunk, MailboxRow, SegmentRow};
use crate::testing::options;

fn message(store: &Store, text: &str) -> NewMessage {
    let mut spool = store.spool();
    spool.write(format!("Subject: {text}\r\n\r\n{text}\r\n").as_bytes()).unwrap();
    let staged = store.stage(spool).unwrap();
    NewMessage {
        staged,
        trace: bytes::Bytes::new(),
        flags: Flags::SEEN,
        keywords: vec![],
        internal_date: None,
    }
}

/// A store with a little of everything: messages 1 to 5 in INBOX, of which 2 is expunged and retained, one with a
/// unique-id, and a second mailbox.
struct World {
    directory: tempfile::TempDir,
    store: Store,
    account: AccountId,
    inbox: MailboxId,
}

impl World {
    fn new() -> World {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(options(directory.path())).unwrap();
        let name = AccountName::new("alice").unwrap();
        store.directory().add(vec![(name.clone(), None)]).unwrap().remove(0).unwrap();
        let alice = store.account(&name).unwrap();
        let inbox = alice.mailbox(&MailboxName::inbox()).unwrap();
        for n in 0..5 {
            inbox.append(vec![message(&store, &n.to_string())]).wait().unwrap();
        }
        inbox.import_unique_ids(vec![(Uid(3), "abc".to_owned())]).wait().unwrap();
        inbox.remove(&[Uid(2)].into_iter().collect()).wait().unwrap();
        alice.create(&MailboxName::new("a/b").unwrap(), None).wait().unwrap();
        let (account, inbox) = (alice.id(), inbox.id());
        World { directory, store, account, inbox }
    }

    fn damage(&self, damage: impl Fn(&World, &mut dyn Write)) {
        let written = self.store.shards()[0].engine.write(&mut |tx| {
            damage(self, tx);
            Ok(Outcome::Commit)
        });
        written.unwrap();
    }

    fn check(&self, repair: bool) -> CheckReport {
        self.store.check(repair, &mut |_| {}).unwrap()
    }

    fn mailbox_key(&self) -> [u8; 12] {
        schema::mailbox_key(self.account, self.inbox)
    }

    fn message_key(&self, uid: u32) -> [u8; 12] {
        schema::message_key(self.inbox, Uid(uid))
    }

    fn change_mailbox(&self, tx: &mut dyn Write, change: impl Fn(&mut MailboxRow)) {
        let mut row =
            MailboxRow::decode(&tx.get(Table::Mailbox, &self.mailbox_key()).unwrap().unwrap()).unwrap();
        change(&mut row);
        tx.put(Table::Mailbox, &self.mailbox_key(), &row.encode()).unwrap();
    }
}

/// Damages a store, and expects a finding with these words, repaired.
fn repairs(words: &str, damage: impl Fn(&World, &mut dyn Write)) -> World {
    let world = World::new();
    assert!(world.check(false).is_clean(), "{:#?}", world.check(false));
    world.damage(damage);
    let found = world.check(false);
    let told = found.findings.iter().any(|finding| finding.problem.contains(words) && !finding.repaired);
    assert!(told, "{words}: {found:#?}");
    assert_eq!(world.check(false), found, "a check changes nothing");
    let repaired = world.check(true);
    assert!(repaired.is_repaired(), "{words}: {repaired:#?}");
    let after = world.check(false);
    assert!(after.is_clean(), "{words}: {after:#?}");
    world
}

/// The same, where nothing can be derived.
fn tells(words: &str, damage: impl Fn(&World, &mut dyn Write)) -> World {
    let world = World::new();
    world.damage(damage);
    let report = world.check(true);
    let told = report.findings.iter().any(|finding| finding.problem.contains(words) && !finding.repaired);
    assert!(told, "{words}: {report:#?}");
    assert!(!report.is_repaired());
    world
}

fn first_body(tx: &mut dyn Write) -> (Vec<u8>, BodyRow) {
    let mut first = None;
    tx.scan(Table::Body, KeyRange::all(), &mut |key, octets| {
        first = Some((key.to_vec(), BodyRow::decode(octets)?));
        Ok(ControlFlow::Break(()))
    })
    .unwrap();
    first.unwrap()
}

#[test]
fn counters_of_a_mailbox() {
    let world = repairs("counters", |world, tx| {
        world.change_mailbox(tx, |row| {
            row.messages = 9;
            row.unseen = 7;
            row.bytes = 1;
            row.recent = 0;
        });
    });
    let name = AccountName::new("alice").unwrap();
    let info = world.store.account(&name).unwrap().mailboxes().unwrap().remove(0);
    assert_eq!((info.messages, info.unseen, info.recent), (4, 0, 4));
}

#[test]
fn numbers_that_may_not_come_again() {
    repairs("UIDNEXT", |world, tx| world.change_mailbox(tx, |row| row.uid_next = Uid(3)));
    repairs("MODSEQ", |world, tx| world.change_mailbox(tx, |row| row.highest_modseq = ModSeq(2)));
    repairs("UIDVALIDITY", |world, tx| {
        world.change_mailbox(tx, |row| row.uid_validity = UidValidity(crate::verbs::import::FOREIGN - 1));
    });
}

#[test]
fn usage() {
    repairs("should say", |world, tx| {
        let row = UsageRow { bytes: 1, messages: 100, mailboxes: 1 };
        tx.put(Table::Usage, &schema::account_key(world.account), &row.encode()).unwrap();
    });
    repairs("there is none", |world, tx| {
        tx.delete(Table::Usage, &schema::account_key(world.account)).unwrap();
    });
}

#[test]
fn names() {
    let key = |world: &World, name| schema::name_key(world.account, name);
    repairs("not found by its name", |world, tx| tx.delete(Table::MailboxName, &key(world, "a/b")).unwrap());
    repairs("names a mailbox that is not there", |world, tx| {
        tx.put(Table::MailboxName, &key(world, "ghost"), &77u64.to_be_bytes()).unwrap();
    });
    repairs("no mailbox name", |world, tx| tx.put(Table::Subscription, &key(world, "a//b"), &[]).unwrap());
    tells("same name", |world, tx| {
        let row = tx.get(Table::Mailbox, &world.mailbox_key()).unwrap().unwrap();
        let twin = MailboxId(world.inbox.0 + 2);
        tx.put(Table::Mailbox, &schema::mailbox_key(world.account, twin), &row).unwrap();
    });
}

#[test]
fn references_of_bodies() {
    for references in [0u64, 7] {
        repairs("references", |_, tx| {
            let (key, row) = first_body(tx);
            tx.put(Table::Body, &key, &BodyRow { references, ..row }.encode()).unwrap();
        });
    }
    let world = tells("it is lost", |_, tx| {
        let (key, _) = first_body(tx);
        tx.delete(Table::Body, &key).unwrap();
    });
    let name = AccountName::new("alice").unwrap();
    assert_eq!(world.store.account(&name).unwrap().mailboxes().unwrap()[0].messages, 4);
}

#[test]
fn rows_beside_the_bodies() {
    repairs("body_hash", |_, tx| {
        let (_, row) = first_body(tx);
        tx.delete(Table::BodyHash, &row.hash).unwrap();
    });
    repairs("body_location", |_, tx| {
        let (_, row) = first_body(tx);
        let key = schema::location_key(row.location.segment, row.location.offset);
        tx.put(Table::BodyLocation, &key, &99u64.to_be_bytes()).unwrap();
    });
    repairs("body that is not there", |_, tx| {
        tx.put(Table::BodyHash, &[1; 32], &99u64.to_be_bytes()).unwrap();
    });
    repairs("no summary", |_, tx| {
        let (key, _) = first_body(tx);
        tx.delete(Table::Summary, &key).unwrap();
    });
    repairs("summary is damaged", |_, tx| {
        let (key, _) = first_body(tx);
        tx.put(Table::Summary, &key, b"?").unwrap();
    });
    repairs("summary of no body", |_, tx| tx.put(Table::Summary, &99u64.to_be_bytes(), b"?").unwrap());
    repairs("sort keys of no body", |_, tx| tx.put(Table::Sort, &99u64.to_be_bytes(), b"?").unwrap());
    repairs("sort keys are damaged", |_, tx| {
        let (key, _) = first_body(tx);
        tx.put(Table::Sort, &key, b"?").unwrap();
    });
    repairs("should say", |_, tx| {
        let row = SegmentRow { records: 1, bytes: 1 };
        tx.put(Table::Segment, &schema::segment_key(1), &row.encode()).unwrap();
    });
}

#[test]
fn flags_and_messages() {
    let key = |world: &World| schema::flags_key(world.inbox, 0);
    repairs("it has no flags", |world, tx| tx.delete(Table::Flags, &key(world)).unwrap());
    repairs("flags row cannot be read", |world, tx| tx.put(Table::Flags, &key(world), b"?").unwrap());
    repairs("flags and nothing else", |world, tx| {
        let mut chunk = Chunk::decode(0, &tx.get(Table::Flags, &key(world)).unwrap().unwrap()).unwrap();
        let row = chunk.row(1).unwrap();
        chunk.put(Row { uid: Uid(2), ..row });
        tx.put(Table::Flags, &key(world), &chunk.encode()).unwrap();
    });
    repairs("flags and nothing else", |world, tx| tx.delete(Table::Message, &world.message_key(4)).unwrap());
    repairs("its mailbox does not exist", |_, tx| {
        tx.put(Table::Flags, &schema::flags_key(MailboxId(99), 0), b"?").unwrap();
    });
    repairs("unique-id of no message", |world, tx| {
        tx.put(Table::UniqueId, &world.message_key(2), b"abc").unwrap();
    });
    tells("its mailbox 99 does not exist", |world, tx| {
        let row = tx.get(Table::Message, &world.message_key(1)).unwrap().unwrap();
        tx.put(Table::Message, &schema::message_key(MailboxId(99), Uid(1)), &row).unwrap();
    });
    tells("message row cannot be read", |world, tx| {
        tx.put(Table::Message, &world.message_key(1), b"?").unwrap();
    });
    tells("vanished and exists", |world, tx| {
        for (first, value) in schema::vanished::encode(&[Uid(3)].into_iter().collect()) {
            tx.put(Table::Vanished, &schema::vanished::key(world.inbox, ModSeq(2), first), &value).unwrap();
        }
    });
}

#[test]
fn retained_messages() {
    repairs("not found by its UID", |world, tx| {
        tx.delete(Table::RetainedUid, &world.message_key(2)).unwrap();
    });
    repairs("names no retained message", |world, tx| {
        tx.put(Table::RetainedUid, &world.message_key(3), &[0; 16]).unwrap();
    });
}

#[test]
fn accounts_here_and_in_the_directory() {
    tells("not in the directory", |_, tx| {
        tx.put(Table::Usage, &schema::account_key(AccountId(77)), &UsageRow::default().encode()).unwrap();
    });
}

/// Every message whose octets cannot be read is named.
#[test]
fn octets_that_cannot_be_read() {
    let world = World::new();
    let segment = std::fs::read_dir(world.directory.path().join("shard-0000/bodies")).unwrap();
    let path = segment.map(|entry| entry.unwrap().path()).next().unwrap();
    let mut first = None;
    let read = world.store.shards()[0].engine.read().unwrap();
    read.scan(Table::Body, KeyRange::all(), &mut |_, octets| {
        first = Some(BodyRow::decode(octets)?);
        Ok(ControlFlow::Break(()))
    })
    .unwrap();
    let row = first.unwrap();
    let mut octets = std::fs::read(&path).unwrap();
    let at = (row.location.offset + u64::from(row.location.stored) - 3) as usize;
    octets[at] ^= 0x55;
    std::fs::write(&path, octets).unwrap();
    let report = world.check(true);
    assert_eq!(report.findings.len(), 1, "{report:#?}");
    assert!(report.findings[0].place.contains("message 1 of mailbox INBOX"), "{report:#?}");
    assert!(!report.findings[0].repaired);
}
