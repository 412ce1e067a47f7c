//! Damaged and missing rows, and what a kill leaves: they cost time and never a match.

use super::Query;
use crate::engine::{KeyRange, Outcome, Table, Write};
use crate::testing::options;
use crate::*;

struct World {
    store: Store,
    inbox: Mailbox,
    /// Goes last.
    _directory: tempfile::TempDir,
}

impl World {
    /// 400 messages, of which every 40th has the word.
    fn new() -> World {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(options(directory.path())).unwrap();
        let name = AccountName::new("alice").unwrap();
        store.directory().add(vec![(name.clone(), None)]).unwrap().remove(0).unwrap();
        let inbox = store.account(&name).unwrap().mailbox(&MailboxName::inbox()).unwrap();
        let messages = (0..400u32).map(|n| {
            let word = if n % 40 == 0 { "zebra" } else { "horse" };
            let mut spool = store.spool();
            spool.write(format!("Subject: {:x}\r\n\r\n{word} {n}\r\n", n * 7919).as_bytes()).unwrap();
            NewMessage {
                staged: store.stage(spool).unwrap(),
                trace: bytes::Bytes::new(),
                flags: Flags::default(),
                keywords: Vec::new(),
                internal_date: None,
            }
        });
        inbox.append(messages.collect()).wait().unwrap();
        let world = World { store, inbox, _directory: directory };
        world.index();
        world
    }

    fn index(&self) {
        self.store.update_index(&mut |_| {}).unwrap();
    }

    fn zebras(&self) -> UidSet {
        let query = Query::Text { folded: "ZEBRA".to_owned(), header: true, trace: true, body: true };
        self.inbox.narrow(&query, &UidSet::from_ranges([1..=400])).unwrap()
    }

    fn keys(&self, table: Table) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        let read = self.store.shards()[0].read().unwrap();
        read.scan(table, KeyRange::all(), &mut |key, _| {
            keys.push(key.to_vec());
            Ok(std::ops::ControlFlow::Continue(()))
        })
        .unwrap();
        keys
    }

    fn write(&self, change: impl Fn(&mut dyn Write)) {
        let written = self.store.shards()[0].engine.write(&mut |tx| {
            change(tx);
            Ok(Outcome::Commit)
        });
        assert!(written.is_ok());
    }

    fn is_clean(&self) -> bool {
        self.store.check(false, &mut |_| {}).unwrap().is_clean()
    }
}

/// Every 40th, from the first on.
fn right() -> UidSet {
    (0..10).map(|n| Uid(n * 40 + 1)).collect()
}

#[test]
fn a_damaged_or_missing_row_is_made_anew() {
    let world = World::new();
    assert_eq!(world.zebras(), right());
    assert!(world.is_clean());
    for (table, missing) in [
        (Table::GramPosting, true),
        (Table::GramPosting, false),
        (Table::GramRun, true),
        (Table::GramRun, false),
    ] {
        let keys = world.keys(table);
        for key in keys.iter().step_by(keys.len().div_ceil(4)) {
            // It was made anew with other keys meanwhile.
            if !world.keys(table).contains(key) {
                continue;
            }
            world.write(|tx| match missing {
                true => tx.delete(table, key).unwrap(),
                false => {
                    let mut value = tx.get(table, key).unwrap().unwrap();
                    let at = value.len() / 2;
                    value[at] ^= 0x20;
                    tx.put(table, key, &value).unwrap();
                }
            });
            assert!(world.zebras().difference(&right()).union(&right()) == world.zebras(), "one is hidden");
            // A missing run is a gap and no damage.
            assert!(table == Table::GramRun && missing || !world.is_clean(), "{table:?} {missing}");
            world.store.check(true, &mut |_| {}).unwrap();
            world.index();
            assert_eq!(world.zebras(), right());
            assert!(world.is_clean());
        }
    }
}

#[test]
fn a_search_reports_the_damage_it_meets() {
    let world = World::new();
    let keys = world.keys(Table::GramPosting);
    world.write(|tx| keys.iter().for_each(|key| tx.put(Table::GramPosting, key, b"garbage").unwrap()));
    assert_eq!(world.zebras().len(), 400);
    world.index();
    assert_eq!(world.zebras(), right());
    assert!(world.is_clean());
}

#[test]
fn what_a_kill_left_half_made_goes() {
    let world = World::new();
    let rows = world.keys(Table::GramPosting).len();
    let number = 7u64;
    let key = crate::schema::gram::posting_key(number, crate::schema::gram::Part::Body, 5);
    world.write(|tx| tx.put(Table::GramPosting, &key, b"half").unwrap());
    assert_eq!(world.zebras(), right());
    let next = super::run::delete_orphans(&world.store.shards()[0]).unwrap();
    assert_eq!(next, number, "its number is not given again");
    assert_eq!(world.keys(Table::GramPosting).len(), rows);
}
