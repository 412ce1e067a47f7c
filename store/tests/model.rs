//! Random verbs against the store and against a plain model in memory: both must answer the same, hold the same, and
//! `Store::check` must be clean at the end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod plain;
mod support;

use plain::{Model, Place};
use proptest::collection::vec;
use proptest::prelude::*;
use store::testing::Setup;
use store::*;
use support::*;

/// One step. Numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Append {
        place: Place,
        contents: Vec<u8>,
        flags: u8,
        keyword: Option<u8>,
    },
    Copy {
        from: Place,
        mask: u16,
        to: Place,
    },
    Move {
        from: Place,
        mask: u16,
        to: Place,
    },
    Replace {
        from: Place,
        pick: u8,
        to: Place,
        content: u8,
        flags: u8,
        keyword: Option<u8>,
    },
    Store {
        place: Place,
        mask: u16,
        operation: u8,
        flags: u8,
        keyword: Option<u8>,
        unchanged_since: Option<u8>,
    },
    Expunge {
        place: Place,
        mask: Option<u16>,
    },
    Remove {
        place: Place,
        mask: u16,
    },
    Create {
        account: u8,
        name: u8,
    },
    Rename {
        account: u8,
        from: u8,
        to: u8,
    },
    Delete {
        account: u8,
        name: u8,
    },
    Subscribe {
        account: u8,
        name: u8,
        subscribed: bool,
    },
    Restore {
        place: Place,
        mask: u16,
    },
    ClaimRecent {
        place: Place,
    },
    Purge,
    Compact,
    Reopen,
}

fn place() -> impl Strategy<Value = Place> {
    (0..2u8, 0..6u8).prop_map(|(account, mailbox)| Place { account, mailbox })
}

fn mask() -> impl Strategy<Value = u16> {
    prop_oneof![Just(u16::MAX), any::<u16>()]
}

fn step() -> impl Strategy<Value = Step> {
    let keyword = || proptest::option::of(0..4u8);
    prop_oneof![
        8 => (place(), vec(0..12u8, 1..4), 0..32u8, keyword())
            .prop_map(|(place, contents, flags, keyword)| Step::Append { place, contents, flags, keyword }),
        3 => (place(), mask(), place()).prop_map(|(from, mask, to)| Step::Copy { from, mask, to }),
        3 => (place(), mask(), place()).prop_map(|(from, mask, to)| Step::Move { from, mask, to }),
        3 => (place(), any::<u8>(), place(), 0..12u8, 0..32u8, keyword()).prop_map(
            |(from, pick, to, content, flags, keyword)| Step::Replace { from, pick, to, content, flags, keyword }
        ),
        5 => (place(), mask(), 0..3u8, 0..32u8, keyword(), proptest::option::of(0..20u8)).prop_map(
            |(place, mask, operation, flags, keyword, unchanged_since)| Step::Store {
                place, mask, operation, flags, keyword, unchanged_since
            }
        ),
        3 => (place(), proptest::option::of(mask())).prop_map(|(place, mask)| Step::Expunge { place, mask }),
        1 => (place(), mask()).prop_map(|(place, mask)| Step::Remove { place, mask }),
        3 => (0..2u8, 0..8u8).prop_map(|(account, name)| Step::Create { account, name }),
        2 => (0..2u8, 0..8u8, 0..8u8).prop_map(|(account, from, to)| Step::Rename { account, from, to }),
        2 => (0..2u8, 0..8u8).prop_map(|(account, name)| Step::Delete { account, name }),
        1 => (0..2u8, 0..8u8, any::<bool>())
            .prop_map(|(account, name, subscribed)| Step::Subscribe { account, name, subscribed }),
        2 => (place(), mask()).prop_map(|(place, mask)| Step::Restore { place, mask }),
        1 => place().prop_map(|place| Step::ClaimRecent { place }),
        1 => Just(Step::Purge),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ]
}

const OPERATIONS: [FlagsOperation; 3] =
    [FlagsOperation::Add, FlagsOperation::Remove, FlagsOperation::Replace];

/// The store under test, its accounts, and handles that stay open through all steps.
struct World {
    directory: tempfile::TempDir,
    shards: u16,
    store: Option<Store>,
    lives: Vec<(u8, MailboxId, Live)>,
    model: Model,
}

impl World {
    fn new(shards: u16) -> World {
        let directory = tempfile::tempdir().unwrap();
        let mut world = World { directory, shards, store: None, lives: Vec::new(), model: Model::new() };
        world.open();
        for name in ["alice", "bob"] {
            account(world.store(), name);
        }
        let limits = Limits { bytes: 0, messages: plain::MESSAGES, mailboxes: 0 };
        world.store().directory().update(&account_name("bob"), &mut |record| record.limits = limits).unwrap();
        for number in 0..2 {
            let info = world.account(number).mailboxes().unwrap().remove(0);
            world.model.adopt(number, &info);
        }
        world
    }

    fn open(&mut self) {
        self.lives.clear();
        self.store = None;
        let options = Options { shards: self.shards, ..options(self.directory.path()) };
        let setup = Setup { segment_limit: 3000, ..Setup::default() };
        self.store = Some(store::testing::open(options, setup).unwrap());
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn account(&self, number: u8) -> Account {
        account(self.store(), ["alice", "bob"][usize::from(number)])
    }

    fn mailbox(&self, place: Place) -> Mailbox {
        let name = self.model.name(place);
        self.account(place.account).mailbox(&mailbox_name(&name)).unwrap()
    }

    fn message(&self, content: u8, flags: u8, keyword: Option<u8>) -> NewMessage {
        NewMessage {
            flags: Flags(flags),
            keywords: plain::keywords(keyword),
            internal_date: Some(DateTime { seconds: i64::from(content), offset: 60 }),
            trace: plain::trace(content).into(),
            ..new_message(self.store(), &plain::octets(content))
        }
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Append { place, contents, flags, keyword } => {
                let messages =
                    contents.iter().map(|content| self.message(*content, *flags, *keyword)).collect();
                let answer = self.mailbox(*place).append(messages).wait();
                self.model.append(*place, contents, Flags(*flags), *keyword, answer);
            }
            Step::Copy { from, mask, to } => {
                let uids = self.model.uids(*from, *mask);
                let answer = self.mailbox(*from).copy_to(&uids, &self.mailbox(*to)).wait();
                self.model.copy(*from, &uids, *to, false, answer);
            }
            Step::Move { from, mask, to } => {
                let uids = self.model.uids(*from, *mask);
                let answer = self.mailbox(*from).move_to(&uids, &self.mailbox(*to)).wait();
                self.model.copy(*from, &uids, *to, true, answer);
            }
            Step::Replace { from, pick, to, content, flags, keyword } => {
                let uid = self.model.uid(*from, *pick);
                let message = self.message(*content, *flags, *keyword);
                let answer = self.mailbox(*from).replace(uid, &self.mailbox(*to), message).wait();
                self.model.replace((*from, uid), *to, (*content, *flags, *keyword), answer);
            }
            Step::Store { place, mask, operation, flags, keyword, unchanged_since } => {
                let uids = self.model.uids(*place, *mask);
                let change = StoreFlags {
                    operation: OPERATIONS[usize::from(*operation)],
                    flags: Flags(*flags),
                    keywords: plain::keywords(*keyword),
                    unchanged_since: unchanged_since.map(|modseq| ModSeq(u64::from(modseq))),
                };
                let answer = self.mailbox(*place).store_flags(&uids, change.clone()).wait().unwrap();
                self.model.store_flags(*place, &uids, &change, answer);
            }
            Step::Expunge { place, mask } => {
                let uids = mask.map(|mask| self.model.uids(*place, mask));
                let answer = self.mailbox(*place).expunge(uids.as_ref()).wait().unwrap();
                self.model.expunge(*place, uids.as_ref(), true, answer);
            }
            Step::Remove { place, mask } => {
                let uids = self.model.uids(*place, *mask);
                let answer = self.mailbox(*place).remove(&uids).wait().unwrap();
                self.model.expunge(*place, Some(&uids), false, answer);
            }
            Step::Restore { place, mask } => {
                let account = self.account(place.account);
                let retained = account.retained().unwrap();
                let chosen = retained.iter().enumerate().filter(|(at, _)| mask >> (at % 16) & 1 == 1);
                let chosen: Vec<usize> = chosen.map(|(at, _)| at).collect();
                let ids = chosen.iter().map(|at| retained[*at].id).collect();
                let answer = account.restore(ids, &self.mailbox(*place)).wait();
                self.model.restore(*place, &chosen, answer);
            }
            Step::ClaimRecent { place } => {
                let answer = self.mailbox(*place).claim_recent().unwrap();
                self.model.claim_recent(*place, answer);
            }
            other => self.run_on_names(other),
        }
    }

    fn run_on_names(&mut self, step: &Step) {
        match step {
            Step::Create { account, name } => {
                let name = mailbox_name(plain::NAMES[usize::from(*name)]);
                let answer = self.account(*account).create(&name, None).wait();
                let infos = self.account(*account).mailboxes().unwrap();
                self.model.create(*account, name.as_str(), answer, &infos);
            }
            Step::Rename { account, from, to } => {
                let [from, to] = [from, to].map(|name| mailbox_name(plain::NAMES[usize::from(*name)]));
                let answer = self.account(*account).rename(&from, &to).wait();
                let infos = self.account(*account).mailboxes().unwrap();
                self.model.rename(*account, from.as_str(), to.as_str(), answer, &infos);
            }
            Step::Delete { account, name } => {
                let name = mailbox_name(plain::NAMES[usize::from(*name)]);
                let answer = self.account(*account).delete(&name).wait();
                self.model.delete(*account, name.as_str(), answer);
            }
            Step::Subscribe { account, name, subscribed } => {
                let name = mailbox_name(plain::NAMES[usize::from(*name)]);
                self.account(*account).subscribe(&name, *subscribed).wait().unwrap();
                self.model.subscribe(*account, name.as_str(), *subscribed);
            }
            Step::Purge => {
                self.store().purge_retained(std::time::Duration::ZERO).unwrap();
                self.model.purge();
            }
            Step::Compact => self.store().compact().unwrap(),
            _ => self.open(),
        }
    }

    /// Everything that can be read, against the model. Mailboxes are opened at first sight and stay open.
    fn compare(&mut self) {
        for number in 0..2 {
            let account = self.account(number);
            let infos = account.mailboxes().unwrap();
            self.model.compare_account(number, &account, &infos);
            for info in infos {
                let mailbox = account.mailbox_by_id(info.id).unwrap();
                if !self.lives.iter().any(|(_, id, _)| *id == info.id) {
                    self.lives.push((number, info.id, mailbox.live().unwrap()));
                }
                let (_, _, live) = self.lives.iter().find(|(_, id, _)| *id == info.id).unwrap();
                self.model.compare_mailbox(number, &info, &mailbox, &live.state());
            }
        }
        let model = &self.model;
        self.lives.retain(|(number, id, live)| {
            let exists = model.has(*number, *id);
            assert_eq!(live.state().deleted(), !exists);
            exists
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_does(shards in 1..=2u16, steps in vec(step(), 1..50)) {
        let mut world = World::new(shards);
        for step in &steps {
            world.run(step);
            world.compare();
        }
        let report = world.store().check(false, &mut |_| {}).unwrap();
        prop_assert!(report.is_clean(), "{:?}", report.findings);
        world.open();
        world.compare();
        let report = world.store().check(false, &mut |_| {}).unwrap();
        prop_assert!(report.is_clean(), "{:?}", report.findings);
    }
}
