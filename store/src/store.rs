//! The store as a whole: opening, closing, and what concerns every account.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::bodies::SEGMENT_LIMIT;
use crate::directory::{DirectoryOptions, Homes};
use crate::engine::{KeyRange, Table};
use crate::layout::{self, Layout};
use crate::lock::Lock;
use crate::maintenance::{self, Wake};
use crate::registry::lock;
use crate::schema;
use crate::shard::{Shard, ShardOptions};
use crate::staged::Staging;
use crate::testing::Setup;
use crate::verbs;
use crate::*;

/// Accounts that are made in one verb.
const ACCOUNTS: usize = 200;

/// The store. Cheap to clone; the last clone to go closes it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    shards: Arc<Shards>,
    directory: Directory,
    staging: Arc<Staging>,
    wake: Arc<Wake>,
    /// Maintenance, and the search index of each shard.
    threads: Mutex<Vec<JoinHandle<()>>>,
    _lock: Lock,
}

impl Store {
    /// Opens or makes a store; locks its directory against a second process.
    pub fn open(options: Options) -> Result<Store> {
        Store::open_with(options, Setup::default())
    }

    pub(crate) fn open_with(options: Options, setup: Setup) -> Result<Store> {
        let path = &options.path;
        disk::make_directory(path)?;
        let lock = Lock::take(path)?;
        let stored = Layout::read(path)?;
        stored.map_or(Ok(()), |layout| layout.check_files(path))?;
        let layout = stored.unwrap_or_else(|| Layout::new(options.shards));
        let directory = Directory::open(DirectoryOptions {
            path: layout::directory_path(path),
            shards: layout.shards,
            limits: options.limits,
            faults: None,
        })?;
        let wake = Arc::new(Wake::default());
        let shards = Arc::new(Shards::open(&options, &setup, layout.shards, (&directory, &wake))?);
        if stored.is_none() {
            layout.write(path)?;
        }
        let store = Store(Arc::new(Inner {
            shards: shards.clone(),
            directory,
            staging: Arc::new(Staging::new(&options)?),
            wake: wake.clone(),
            threads: Mutex::default(),
            _lock: lock,
        }));
        store.0.directory.attach(shards.clone())?;
        let mut threads = crate::registry::lock(&store.0.threads);
        threads.push(maintenance::start(shards.0.clone(), wake)?);
        for shard in &shards.0 {
            threads.push(index::start(shard.clone())?);
        }
        drop(threads);
        Ok(store)
    }

    /// The accounts with their passwords and limits.
    pub fn directory(&self) -> &Directory {
        &self.0.directory
    }

    /// [`Error::NoSuchAccount`] when there is none of that name.
    pub fn account(&self, name: &AccountName) -> Result<Account> {
        let record = self.directory().find(name)?;
        let record = record.ok_or_else(|| Error::NoSuchAccount(name.to_string()))?;
        let shard = self.0.shards.at(record.shard)?;
        Ok(Account::new(self.clone(), shard.clone(), AccountId(record.id), record.name))
    }

    /// The same by its id. [`Error::NoSuchAccount`] when it was deleted.
    pub fn account_by_id(&self, id: AccountId) -> Result<Account> {
        let record = self.directory().find_by_id(id)?;
        let record = record.ok_or_else(|| Error::NoSuchAccount(format!("with id {id}")))?;
        let shard = self.0.shards.at(record.shard)?;
        Ok(Account::new(self.clone(), shard.clone(), id, record.name))
    }

    /// The mailboxes whose access control lists give this user something, his own among them, by account. Looks at them
    /// alone, however many accounts there are.
    pub fn shared_with(&self, who: Who<'_>) -> Result<BTreeMap<AccountId, Vec<MailboxId>>> {
        let mut shared: BTreeMap<AccountId, BTreeSet<MailboxId>> = BTreeMap::new();
        for shard in &self.0.shards.0 {
            let read = shard.read()?;
            for subject in who.subjects() {
                let range = KeyRange::prefix(&schema::shared_prefix(subject));
                read.scan(Table::Shared, range, &mut |key, _| {
                    let (_, account, mailbox) = schema::shared_of_key(key)?;
                    shared.entry(account).or_default().insert(mailbox);
                    Ok(ControlFlow::Continue(()))
                })?;
            }
        }
        Ok(shared.into_iter().map(|(account, ids)| (account, ids.into_iter().collect())).collect())
    }

    /// An empty spool that refuses more than the message limit.
    pub fn spool(&self) -> Spool {
        Spool::new(self.0.staging.clone())
    }

    /// The same for a message that may have NUL and binary parts, which staging encodes. RFC 3516 section 4.4
    pub fn binary_spool(&self) -> Spool {
        Spool::binary(self.0.staging.clone())
    }

    /// Where the messages of one APPEND wait for its end. RFC 3502
    pub fn shelf(&self) -> Shelf {
        Shelf::new(self.0.staging.clone())
    }

    /// Normalizes, hashes, compresses and summarizes. Blocks and computes: call it through `common::block`.
    pub fn stage(&self, spool: Spool) -> Result<Staged> {
        staged::stage(spool)
    }

    /// Lets go for ever, in every account, what was expunged at least so long ago.
    pub fn purge_retained(&self, age: Duration) -> Result<()> {
        let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        self.0.shards.0.iter().try_for_each(|shard| maintenance::purge(shard, seconds))
    }

    /// Finishes deletions and gives the room of what is gone back to the disk.
    pub fn compact(&self) -> Result<()> {
        // One thing that fails keeps nothing else from being done.
        let each = self.0.shards.0.iter().map(|shard| {
            let finished = maintenance::finish_deletions(shard);
            finished.and(maintenance::compact(shard)).and(index::compact(shard)).and(fuzzy::tidy(shard))
        });
        each.fold(Ok(()), Result::and)
    }

    /// Adds up what is counted for each account and segment, and counts what is retained.
    pub fn statistics(&self) -> Result<Statistics> {
        let mut statistics = Statistics::default();
        self.0.shards.0.iter().try_for_each(|shard| statistics.add(shard))?;
        Ok(statistics)
    }

    /// How many changes wait for the disk.
    pub fn queued(&self) -> usize {
        self.0.shards.0.iter().map(|shard| shard.queue.len()).sum()
    }

    /// Whether it can be read: a file that is gone, or closed, is told.
    pub fn probe(&self) -> Result<()> {
        self.0.shards.0.iter().try_for_each(|shard| shard.counters(&*shard.read()?).map(drop))
    }

    pub(crate) fn shards(&self) -> &[Arc<Shard>] {
        &self.0.shards.0
    }

    /// Finishes what is queued, commits for the last time, refuses what comes later.
    pub fn close(&self) -> Result<()> {
        self.0.close()
    }
}

impl Inner {
    fn close(&self) -> Result<()> {
        self.wake.stop();
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!(thread = name, "a thread of the store was stopped by a bug");
            }
        }
        self.directory.close().and(self.shards.close())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the store was not closed well");
        }
    }
}

/// All shards, by number.
pub(crate) struct Shards(Vec<Arc<Shard>>);

impl Shards {
    fn open(
        options: &Options,
        setup: &Setup,
        count: u16,
        (directory, wake): (&Directory, &Arc<Wake>),
    ) -> Result<Shards> {
        let open = |number| {
            let limits = directory.limits().clone();
            Shard::open(ShardOptions {
                number,
                path: layout::shard_path(&options.path, number),
                retain: i64::try_from(options.retain_expunged.as_secs()).unwrap_or(i64::MAX),
                new_account_mailboxes: options.new_account_mailboxes.clone(),
                limits: Arc::new(move |account| limits.of(account)),
                wake: wake.clone(),
                index: options.index,
                segment_limit: if setup.segment_limit == 0 { SEGMENT_LIMIT } else { setup.segment_limit },
                faults: setup.faults.clone(),
            })
        };
        let mut shards = Shards(Vec::new());
        for number in 0..count {
            shards.0.push(open(number)?);
        }
        Ok(shards)
    }

    /// All are closed, whatever happens to one of them; the first error is told.
    fn close(&self) -> Result<()> {
        self.0.iter().map(|shard| shard.close()).fold(Ok(()), Result::and)
    }

    fn at(&self, number: u16) -> Result<&Arc<Shard>> {
        self.0.get(usize::from(number)).ok_or_else(|| {
            Error::Damaged(format!("an account is in shard {number}, and there are {}", self.0.len()))
        })
    }
}

/// Their writers would live on, and hold the files, when opening the store fails later on.
impl Drop for Shards {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "a shard was not closed well");
        }
    }
}

impl Homes for Shards {
    fn last_account(&self) -> Result<Option<AccountId>> {
        let mut last = None;
        for shard in &self.0 {
            let read = shard.read()?;
            for table in [Table::Usage, Table::DeletedAccount] {
                read.scan(table, KeyRange::all(), &mut |key, _| {
                    // A damaged key is told by the check, and no reason not to open.
                    last = last.max(schema::u32_of("usage", key).ok().map(AccountId));
                    Ok(ControlFlow::Continue(()))
                })?;
            }
        }
        Ok(last)
    }

    fn create(&self, shard: u16, accounts: &[AccountId]) -> Result<()> {
        let shard = self.at(shard)?;
        let pieces: Vec<_> = accounts
            .chunks(ACCOUNTS)
            .map(|piece| {
                let piece = piece.to_vec();
                shard.write(move |batch| {
                    piece.iter().try_for_each(|account| verbs::account::create(batch, *account))
                })
            })
            .collect();
        pieces.into_iter().try_for_each(Pending::wait)
    }

    fn delete(&self, shard: u16, account: AccountId) -> Result<()> {
        let shard = self.at(shard)?;
        let stored = shard.read()?.get(Table::Usage, &schema::account_key(account))?;
        if stored.is_some() {
            shard.write(move |batch| verbs::account::delete(batch, account)).wait()?;
        }
        shard.wake_maintenance();
        Ok(())
    }
}
