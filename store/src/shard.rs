//! A shard: one index and one body log, one writer, and who looks on.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::batch::{Batch, now};
use crate::bodies::{self, Bodies, Log, LogOptions};
use crate::claims::Claims;
use crate::engine::redb::{Config, Redb, SHARD_CACHE};
use crate::engine::{self, Engine, Outcome, Read, Snapshot, Table, WriteError};
use crate::fuzzy::FuzzyState;
use crate::index::Index;
use crate::maintenance::Wake;
use crate::queue::Queue;
use crate::registry::{Registry, lock};
use crate::schema::{self, Counters, FORMAT, Identity};
use crate::testing::Faults;
use crate::writer::Writer;
use crate::*;

/// The limits in force for an account, from the directory's memory.
pub(crate) type LimitsOf = Arc<dyn Fn(AccountId) -> Limits + Send + Sync>;

/// What a shard is opened with.
#[derive(Clone)]
pub(crate) struct ShardOptions {
    pub number: u16,
    pub path: PathBuf,
    /// How long expunged messages are retained, in seconds; 0: not at all.
    pub retain: i64,
    pub new_account_mailboxes: Vec<(MailboxName, Option<SpecialUse>)>,
    pub limits: LimitsOf,
    pub wake: Arc<Wake>,
    /// There is a search index.
    pub index: bool,
    pub segment_limit: u64,
    pub faults: Option<Faults>,
}

pub(crate) struct Shard {
    pub number: u16,
    pub engine: Box<dyn Engine>,
    pub bodies: Box<dyn Bodies>,
    pub queue: Queue,
    pub registry: Arc<Registry>,
    pub claims: Claims,
    pub index: Index,
    pub fuzzy: FuzzyState,
    pub options: ShardOptions,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Shard {
    /// Opens the shard or makes it, and starts its writer.
    pub fn open(options: ShardOptions) -> Result<Arc<Shard>> {
        let path = &options.path;
        disk::make_directory(path)?;
        let engine = Redb::open(Config {
            path: layout::index_path(path),
            tables: engine::SHARD,
            cache: SHARD_CACHE,
            faults: options.faults.as_ref().map(|faults| faults.index.clone()),
        })?;
        let stored = stored_counters(&engine, options.number)?;
        let bodies = open_bodies(&options, stored.map(|counters| counters.tail))?;
        let counters = match stored {
            Some(counters) => counters,
            None => first_commit(&engine, &*bodies, options.number)?,
        };
        let shard = Arc::new(Shard {
            number: options.number,
            engine: Box::new(engine),
            bodies,
            queue: Queue::default(),
            registry: Arc::default(),
            claims: Claims::default(),
            index: Index::default(),
            fuzzy: FuzzyState::default(),
            options,
            writer: Mutex::new(None),
        });
        shard.start(counters)?;
        Ok(shard)
    }

    fn start(self: &Arc<Shard>, counters: Counters) -> Result<()> {
        let writer = Writer::new(self.clone(), counters);
        let thread = std::thread::Builder::new().name(format!("store-{}", self.number));
        let thread = thread.spawn(move || writer.run());
        let thread = thread.map_err(|error| Error::Unavailable(format!("cannot start a thread: {error}")))?;
        *lock(&self.writer) = Some(thread);
        Ok(())
    }

    /// Puts a verb into the queue. It may run more than once, in batches of which only the last is committed.
    pub fn write<T, F>(&self, run: F) -> Pending<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T> + Send + 'static,
    {
        self.queue.push(0, run)
    }

    pub fn read(&self) -> Result<Box<dyn Snapshot>> {
        self.engine.read()
    }

    pub fn counters(&self, read: &dyn Read) -> Result<Counters> {
        let octets = read.get(Table::Meta, schema::COUNTERS)?;
        Counters::decode(&octets.ok_or_else(|| Error::Damaged("the index has no counters".to_owned()))?)
    }

    /// Unique in the whole store: the shard's number stands before the shard's own.
    pub fn numbered(&self, number: u64) -> u64 {
        u64::from(self.number) << 48 | number
    }

    /// There is more to do than fits into one verb.
    pub fn wake_maintenance(&self) {
        self.options.wake.wake();
    }

    /// Does what waits, refuses what comes later, and closes the files, whatever fails of it. The second time it does
    /// nothing.
    pub fn close(&self) -> Result<()> {
        let Some(writer) = lock(&self.writer).take() else { return Ok(()) };
        let written = if self.claims.is_empty() {
            Ok(())
        } else {
            self.write(|batch| batch.shard.claims.write(batch)).wait()
        };
        self.queue.close();
        if writer.join().is_err() {
            tracing::error!(shard = self.number, "the writer stopped by a bug");
        }
        self.engine.close().and(written)
    }
}

fn stored_counters(engine: &dyn Engine, number: u16) -> Result<Option<Counters>> {
    let read = engine.read()?;
    let Some(identity) = read.get(Table::Meta, schema::IDENTITY)? else { return Ok(None) };
    let identity = Identity::decode(&identity)?;
    if identity.shard != number {
        return Err(Error::Damaged(format!(
            "shard {number} holds the index of shard {}: put the directories of the shards back where they were",
            identity.shard
        )));
    }
    upgrade::run(engine, identity)?;
    let counters = read.get(Table::Meta, schema::COUNTERS)?;
    let counters = counters.ok_or_else(|| Error::Damaged("the index has no counters".to_owned()))?;
    Counters::decode(&counters).map(Some)
}

fn open_bodies(options: &ShardOptions, tail: Option<(u32, u64)>) -> Result<Box<dyn Bodies>> {
    let log = Log::open(
        LogOptions {
            directory: options.path.join("bodies"),
            shard: options.number,
            segment_limit: options.segment_limit,
        },
        tail,
    )?;
    Ok(match &options.faults {
        Some(faults) => Box::new(bodies::Faulty { inner: log, faults: faults.bodies.clone() }),
        None => Box::new(log),
    })
}

fn first_commit(engine: &dyn Engine, bodies: &dyn Bodies, shard: u16) -> Result<Counters> {
    let made = now();
    let counters = Counters::first(made, bodies.tail());
    let identity = Identity { format: FORMAT, shard, made };
    let written = engine.write(&mut |tx| {
        tx.put(Table::Meta, schema::IDENTITY, &identity.encode())?;
        tx.put(Table::Meta, schema::COUNTERS, &counters.encode())?;
        Ok(Outcome::Commit)
    });
    written.map_err(WriteError::into_error)?;
    Ok(counters)
}
