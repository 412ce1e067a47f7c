//! The directory of accounts: names, credentials, switches, limits. Its own small redb file beside the shards.
//!
//! Rules:
//! - A change is durable when the call returns. Only logins are noted in memory first and written some seconds later.
//! - Ids are given out once; a deleted account's id is never used again.
//! - An account is seen when its mail has a home, and its mail goes after it is no longer seen. What a crash interrupts
//!   between the two is finished when the store is opened.

mod alias;
mod cache;
mod change;
mod check;
mod domains;
mod group;
mod logins;
mod metadata;
mod record;
mod resolve;
mod rows;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

pub use alias::AliasRecord;
pub(crate) use cache::LimitsTable;
use cache::RecordCache;
use domains::Domains;
pub use group::GroupRecord;
use group::GroupTable;
use logins::Logins;
pub use record::{AccountRecord, AppPassword, LastLogin, Limits, Pop3Delete, Pop3Policy, Switches};

use crate::engine::faults::DiskFaults;
use crate::engine::redb::{Config, DIRECTORY_CACHE, Redb};
use crate::engine::{Engine, KeyRange, Outcome, Table, Write, WriteError};
use crate::*;

/// The directory. Calls block and are durable when they return.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

/// Where the accounts' mail is, as the directory needs it.
pub(crate) trait Homes: Send + Sync {
    /// The largest id of an account that has mail anywhere.
    fn last_account(&self) -> Result<Option<AccountId>>;
    /// Makes INBOX and the other first mailboxes of the accounts; durable when it returns.
    fn create(&self, shard: u16, accounts: &[AccountId]) -> Result<()>;
    /// Deletes all mail of the account, or has noted durably that it goes. One that has none is no error.
    fn delete(&self, shard: u16, account: AccountId) -> Result<()>;
}

#[derive(Debug, Clone)]
pub(crate) struct DirectoryOptions {
    /// The file.
    pub path: PathBuf,
    pub shards: u16,
    /// For accounts that have none of their own.
    pub limits: Limits,
    /// For tests.
    pub faults: Option<DiskFaults>,
}

struct Inner {
    engine: Box<dyn Engine>,
    /// A commit failed and the file could not be opened again yet.
    broken: Mutex<bool>,
    homes: OnceLock<Arc<dyn Homes>>,
    shards: u16,
    /// One change at a time; how many accounts each shard has.
    accounts: Mutex<Vec<u64>>,
    records: RecordCache,
    limits: Arc<LimitsTable>,
    groups: GroupTable,
    domains: Domains,
    logins: Logins,
}

impl Directory {
    /// Opens the file or makes it. [`Directory::attach`] has to follow before anything is changed.
    pub(crate) fn open(options: DirectoryOptions) -> Result<Directory> {
        const TABLES: &[Table] = &[
            Table::Meta,
            Table::Account,
            Table::AccountName,
            Table::Group,
            Table::Alias,
            Table::ServerMetadata,
        ];
        let DirectoryOptions { path, shards, limits, faults } = options;
        let engine = Redb::open(Config { path, tables: TABLES, cache: DIRECTORY_CACHE, faults })?;
        let (logins, due) = Logins::new();
        let directory = Directory(Arc::new(Inner {
            engine: Box::new(engine),
            broken: Mutex::new(false),
            homes: OnceLock::new(),
            shards: shards.max(1),
            accounts: Mutex::default(),
            records: RecordCache::default(),
            limits: Arc::new(LimitsTable::new(limits)),
            groups: GroupTable::default(),
            domains: Domains::default(),
            logins,
        }));
        directory.0.prepare()?;
        logins::write_regularly(&directory.0, due)?;
        Ok(directory)
    }

    /// Tells where mail is, and finishes what a crash has left half-done.
    pub(crate) fn attach(&self, homes: Arc<dyn Homes>) -> Result<()> {
        // A second call changes nothing: the homes are those of the one store.
        let _ = self.0.homes.set(homes);
        let _changing = self.0.accounts();
        self.0.pass_over_ids()?;
        self.0.finish_interrupted()
    }

    /// The limits in force for every account, always current.
    pub(crate) fn limits(&self) -> &Arc<LimitsTable> {
        &self.0.limits
    }

    /// Writes what is noted and closes the file. Everything fails afterwards.
    pub(crate) fn close(&self) -> Result<()> {
        let written = self.0.write_logins();
        self.0.engine.close().and(written)
    }

    /// `None`: no such account. From memory when it was asked for before.
    pub fn find(&self, name: &AccountName) -> Result<Option<AccountRecord>> {
        let (cached, moment) = self.0.records.find(name);
        if let Some(record) = cached {
            return Ok(Some(self.0.logins.current((*record).clone())));
        }
        let snapshot = self.0.engine()?.read()?;
        let Some(id) = rows::id_of(&*snapshot, name)? else { return Ok(None) };
        let record = rows::named_record(&*snapshot, name, id)?;
        self.0.records.insert(moment, Arc::new(record.clone()));
        Ok(Some(self.0.logins.current(record)))
    }

    /// The same by its id, which it keeps when it is renamed.
    pub fn find_by_id(&self, id: AccountId) -> Result<Option<AccountRecord>> {
        let snapshot = self.0.engine()?.read()?;
        Ok(rows::record(&*snapshot, id)?.map(|record| self.0.logins.current(record)))
    }

    /// Sorted by name, from `after` on, at most `limit`.
    pub fn list(&self, after: Option<&AccountName>, limit: usize) -> Result<Vec<AccountRecord>> {
        let range = match after {
            Some(after) => KeyRange::prefix_after(b"", after.as_str().as_bytes()),
            None => KeyRange::all(),
        };
        let snapshot = self.0.engine()?.read()?;
        let records = rows::records(&*snapshot, range, limit)?;
        Ok(records.into_iter().map(|record| self.0.logins.current(record)).collect())
    }

    /// How many accounts there are.
    pub fn count(&self) -> u64 {
        self.0.accounts().iter().sum()
    }

    /// Makes accounts, all in one transaction; INBOX comes with the account. Names that exist are told, the others made.
    pub fn add(&self, accounts: Vec<(AccountName, Option<String>)>) -> Result<Vec<Result<AccountRecord>>> {
        self.0.add(accounts)
    }

    /// Changes a record under the directory's lock. Id, name and shard stay what they are.
    pub fn update(
        &self,
        name: &AccountName,
        change: &mut dyn FnMut(&mut AccountRecord),
    ) -> Result<AccountRecord> {
        self.0.update(name, change)
    }

    /// Gives the account another name; its mail stays where it is.
    pub fn rename(&self, from: &AccountName, to: &AccountName) -> Result<AccountRecord> {
        self.0.rename(from, to)
    }

    /// Deletes the account and its mail. Sessions that have it open get errors.
    pub fn delete(&self, name: &AccountName) -> Result<()> {
        self.0.delete(name)
    }

    /// Notes a login; written without waiting for the disk.
    pub fn record_login(&self, name: &AccountName, pop3: bool) {
        match self.find(name) {
            Ok(Some(record)) => self.0.logins.note(AccountId(record.id), pop3),
            Ok(None) => {}
            Err(error) => tracing::warn!(account = %name, %error, "cannot note a login"),
        }
    }
}

impl Inner {
    /// Checks the format and fills what is kept in memory.
    fn prepare(&self) -> Result<()> {
        if rows::check_format(&*self.engine.read()?)?.is_none() {
            self.transaction(&mut |writer| rows::put_format(writer))?;
        }
        self.accounts().clone_from(&self.load()?);
        Ok(())
    }

    /// Reads every account's limits, and how many accounts each shard has.
    fn load(&self) -> Result<Vec<u64>> {
        let snapshot = self.engine.read()?;
        let mut own_limits = Vec::new();
        let mut accounts = vec![0; usize::from(self.shards)];
        rows::each_record(&*snapshot, &mut |record| {
            own_limits.push((AccountId(record.id), record.limits));
            if let Some(count) = accounts.get_mut(usize::from(record.shard)) {
                *count += 1;
            }
        })?;
        self.limits.replace(own_limits);
        self.records.forget();
        self.domains.forget();
        self.groups.replace(rows::groups(&*snapshot)?);
        Ok(accounts)
    }

    /// The engine, opened again where a failed commit has closed it.
    fn engine(&self) -> Result<&dyn Engine> {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if *broken {
            // Whatever is on the disk is the truth from here on.
            self.engine.reopen()?;
            self.load()?;
            *broken = false;
        }
        Ok(&*self.engine)
    }

    /// Runs the closure in a transaction, writes noted logins with it, and commits.
    fn transaction<T>(&self, run: &mut dyn FnMut(&mut dyn Write) -> Result<T>) -> Result<T> {
        let logins = self.logins.noted();
        let mut answer = Err(Error::ShuttingDown);
        let written = self.engine()?.write(&mut |writer| {
            rows::put_logins(writer, &logins)?;
            answer = Ok(run(writer)?);
            Ok(Outcome::Commit)
        });
        match written {
            Ok(()) => {
                self.logins.written(&logins);
                self.records.forget();
                answer
            }
            Err(WriteError::Refused(error) | WriteError::NotBegun(error)) => Err(error),
            Err(WriteError::Unknown(error)) => {
                *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = true;
                self.records.forget();
                Err(error)
            }
        }
    }

    fn write_logins(&self) -> Result<()> {
        if self.logins.noted().is_empty() {
            return Ok(());
        }
        self.transaction(&mut |_| Ok(()))
    }

    fn accounts(&self) -> MutexGuard<'_, Vec<u64>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
