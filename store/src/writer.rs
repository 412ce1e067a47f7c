//! The one thread that writes to a shard: group commit.
//!
//! Rules:
//! - All verbs that wait run in one transaction, in the order in which they came; bodies are synced before the commit,
//!   changes published after it, answers given last.
//! - A verb that fails half-way takes no other with it: the transaction is thrown away and each runs again alone.
//! - After a failed commit nobody is told that it worked, even where the files, opened anew, show that it did: after a
//!   sync that failed, what can be read need not be on the disk.
//! - The thread lives as long as the shard is open, whatever the disk or a verb does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::batch::{Batch, Effects};
use crate::engine::{Outcome, WriteError};
use crate::queue::{Job, Next};
use crate::schema::Counters;
use crate::shard::Shard;
use crate::{Error, Result};

/// How often a broken disk is tried again when nobody writes: readers wait for it, too.
const RETRY: Duration = Duration::from_millis(200);
/// How long nothing must come before the engine is told to rest.
const QUIET: Duration = Duration::from_millis(300);
/// Nothing is to be done but wait.
const IDLE: Duration = Duration::from_secs(3600);

pub(crate) struct Writer {
    shard: Arc<Shard>,
    /// As committed last.
    counters: Counters,
    /// The state of the files is not known: open them anew first.
    broken: bool,
    /// Something was committed since the engine was told to rest.
    restless: bool,
}

/// Why a batch was not committed.
enum Failure {
    /// A verb failed, so the others may still succeed.
    Verb(Error),
    /// Everything failed.
    Batch(Error),
}

impl Writer {
    pub fn new(shard: Arc<Shard>, counters: Counters) -> Writer {
        Writer { shard, counters, broken: false, restless: true }
    }

    /// Until the queue is closed and empty.
    pub fn run(mut self) {
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.turn())) {
                Ok(true) => {}
                Ok(false) => return,
                // Those whose verbs these were get an error when they are dropped.
                Err(_) => self.broken = true,
            }
        }
    }

    /// False when there is nothing to do any more.
    fn turn(&mut self) -> bool {
        match self.shard.queue.take(self.patience()) {
            Next::Jobs(jobs) => self.process(jobs),
            // The error was reported when it began; the next verb gets it, too.
            Next::Idle if self.broken => drop(self.recover()),
            Next::Idle => self.rest(),
            Next::Closed => return false,
        }
        true
    }

    fn patience(&self) -> Duration {
        match (self.broken, self.restless) {
            (true, _) => RETRY,
            (false, true) => QUIET,
            (false, false) => IDLE,
        }
    }

    fn rest(&mut self) {
        if self.restless {
            self.restless = false;
            if let Err(error) = self.shard.engine.rest() {
                tracing::error!(shard = self.shard.number, %error, "the index cannot be written");
                self.broken = true;
            }
        }
    }

    fn process(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        match self.attempt(&mut jobs) {
            Ok(effects) => {
                self.publish(effects);
                jobs.into_iter().for_each(|job| job.answer());
            }
            Err(Failure::Verb(_)) if jobs.len() > 1 => {
                jobs.into_iter().for_each(|job| self.process(vec![job]));
            }
            Err(Failure::Verb(error) | Failure::Batch(error)) => {
                if !error.is_refusal() {
                    tracing::error!(shard = self.shard.number, %error, verbs = jobs.len(), "nothing was stored");
                }
                jobs.into_iter().for_each(|job| job.fail(error.clone()));
            }
        }
    }

    fn attempt(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<Effects, Failure> {
        if self.broken {
            self.recover().map_err(Failure::Batch)?;
        }
        let mut effects = None;
        let mut verbs_done = false;
        let (shard, counters) = (self.shard.clone(), self.counters);
        let written = catch_unwind(AssertUnwindSafe(|| {
            shard.engine.write(&mut |tx| {
                let mut batch = Batch::new(tx, &shard, counters);
                for job in jobs.iter_mut() {
                    job.run(&mut batch)?;
                }
                verbs_done = true;
                if !batch.has_changed() {
                    return Ok(Outcome::Abort);
                }
                shard.claims.write(&mut batch)?;
                effects = Some(batch.finish()?);
                Ok(Outcome::Commit)
            })
        }));
        let error = match written {
            Ok(Ok(())) => return Ok(self.committed(effects)),
            Ok(Err(WriteError::Unknown(error))) => {
                // Should this fail, too, it is tried again with the next verb.
                let _ = self.recover();
                return Err(Failure::Batch(error));
            }
            Ok(Err(WriteError::Refused(error) | WriteError::NotBegun(error))) => error,
            Err(_) => Error::Unavailable("a bug stopped this; the log has the details".to_owned()),
        };
        self.roll_back();
        Err(if verbs_done { Failure::Batch(error) } else { Failure::Verb(error) })
    }

    fn committed(&mut self, effects: Option<Effects>) -> Effects {
        let effects = effects.unwrap_or_default();
        self.counters = effects.counters.unwrap_or(self.counters);
        self.restless |= effects.counters.is_some();
        effects
    }

    /// Throws away what the batch appended, and looks whether the engine still works.
    fn roll_back(&mut self) {
        let engine = self.shard.engine.write(&mut |_| Ok(Outcome::Abort)).is_ok();
        let bodies = self.shard.bodies.reset(self.counters.tail).is_ok();
        self.broken = !(engine && bodies);
        if self.broken {
            // The verbs' error is what is reported; should this fail too, it is tried again with the next verb.
            let _ = self.recover();
        }
    }

    /// Opens the files anew and takes what they have for the truth.
    fn recover(&mut self) -> Result<()> {
        self.broken = true;
        self.shard.engine.reopen()?;
        let snapshot = self.shard.engine.read()?;
        let counters = self.shard.counters(&*snapshot)?;
        self.shard.bodies.reset(counters.tail)?;
        if counters.commit != self.counters.commit {
            self.shard.registry.reload(&*snapshot)?;
        }
        self.counters = counters;
        self.broken = false;
        self.restless = true;
        tracing::info!(shard = self.shard.number, "the files are open again");
        Ok(())
    }

    fn publish(&self, effects: Effects) {
        self.shard.claims.written(&effects.recent);
        self.shard.registry.publish(effects);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::engine::Table;
    use crate::shard::Shard;
    use crate::*;

    struct World {
        store: Store,
        alice: Account,
        shard: Arc<Shard>,
        /// Goes last.
        _directory: tempfile::TempDir,
    }

    impl World {
        fn new() -> World {
            let directory = tempfile::tempdir().unwrap();
            let store = Store::open(crate::testing::options(directory.path())).unwrap();
            let name = AccountName::new("alice").unwrap();
            store.directory().add(vec![(name.clone(), None)]).unwrap();
            let (alice, shard) = (store.account(&name).unwrap(), store.shards()[0].clone());
            World { store, alice, shard, _directory: directory }
        }
    }

    #[test]
    fn a_verb_that_panics_takes_no_other_with_it() {
        let world = World::new();
        let World { store, alice, shard, .. } = &world;
        for round in 0..5 {
            let before = alice.create(&MailboxName::new(&format!("before-{round}")).unwrap(), None);
            let bug = shard.write(|batch| -> Result<()> {
                // Half done: what it has written must not be kept.
                batch.delete_usage(AccountId(1));
                panic!("on purpose")
            });
            let after = alice.create(&MailboxName::new(&format!("after-{round}")).unwrap(), None);
            assert!(matches!(bug.wait(), Err(Error::Unavailable(_))));
            before.wait().unwrap();
            after.wait().unwrap();
        }
        assert_eq!(alice.mailboxes().unwrap().len(), 11);
        let report = store.check(false, &mut |_| {}).unwrap();
        assert!(report.is_clean(), "{report:?}");
    }

    #[test]
    fn a_verb_that_is_refused_leaves_no_trace() {
        let world = World::new();
        let World { store, alice, shard, .. } = &world;
        for round in 0..3 {
            let before = alice.create(&MailboxName::new(&format!("before-{round}")).unwrap(), None);
            let refused = shard.write(|batch| -> Result<()> {
                batch.put(Table::MailboxName, &crate::schema::name_key(AccountId(1), "ghost"), &[0; 8])?;
                batch.delete_usage(AccountId(1));
                Err(Error::Expunged)
            });
            let after = alice.create(&MailboxName::new(&format!("after-{round}")).unwrap(), None);
            assert!(matches!(refused.wait(), Err(Error::Expunged)));
            before.wait().unwrap();
            after.wait().unwrap();
        }
        let report = store.check(false, &mut |_| {}).unwrap();
        assert!(report.is_clean(), "{report:?}");
    }

    #[test]
    fn verbs_that_wait_together_are_one_commit() {
        let world = World::new();
        let World { alice, shard, .. } = &world;
        let commit = || shard.counters(&*shard.read().unwrap()).unwrap().commit;
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let first = shard.write(move |_| {
            // Until all the others are in the queue.
            let _ = held.recv();
            Ok(())
        });
        let before = commit();
        let names = (0..50).map(|n| MailboxName::new(&n.to_string()).unwrap());
        let pending: Vec<_> = names.map(|name| alice.create(&name, None)).collect();
        drop(hold);
        first.wait().unwrap();
        pending.into_iter().for_each(|pending| drop(pending.wait().unwrap()));
        assert!(commit() - before <= 2, "{}", commit() - before);
    }
}
