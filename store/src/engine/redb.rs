//! The engine in one redb file: one redb table of bytes for each [`Table`].
//!
//! Rules:
//! - Two-phase commit always: mail is input that an attacker chooses, and redb's one-phase commit trusts a checksum that
//!   he could aim at.
//! - Opening after a kill walks the whole file (about 1 s a GB) unless the very last commit saved the allocator's state
//!   (`quick_repair`). Saving it with every commit costs a third of the commits a second (a development build: 4,443 instead of
//!   6,375 appends a second in groups of 64, 119 instead of 205 one by one), so it is saved when the writer rests, when
//!   the file is closed, and with every commit only where the walk would take long.
//! - After an error of the disk redb refuses everything until it is opened anew, which [`Redb::reopen`] does. After a
//!   read that failed the next reader does it, so that one bad moment of the disk does not outlast itself.
//! - Nothing reads by [`Engine::read`] within [`Engine::write`]: the one who opens anew waits for both.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use redb::{
    Builder, CommitError, Database, DatabaseError, ReadOnlyTable, ReadableDatabase, ReadableTable,
    StorageError, TableDefinition, TableError, TransactionError,
};

use super::faults::DiskFaults;
use super::{Each, Engine, KeyRange, Outcome, Read, Snapshot, Table, Write, WriteError};
use crate::disk::{disk_error, make_file};
use crate::{Error, Result};

mod backend;
mod guard;

use guard::guarded;

type Bytes = &'static [u8];

/// From this size on, in octets, every commit saves the allocator's state.
const LARGE: u64 = 4 << 30;

/// Octets of pages that redb keeps in memory for one shard.
pub(crate) const SHARD_CACHE: usize = 256 << 20;
/// The same for the directory.
pub(crate) const DIRECTORY_CACHE: usize = 16 << 20;

/// How the file is opened, and opened again.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub path: PathBuf,
    pub tables: &'static [Table],
    pub cache: usize,
    /// Tests put faults between redb and the file.
    pub faults: Option<DiskFaults>,
}

/// One redb file.
pub(crate) struct Redb {
    config: Config,
    state: RwLock<State>,
    health: Arc<Health>,
}

#[derive(Default)]
struct Health {
    /// How often the file has been opened.
    generation: AtomicU64,
    /// A reader of this generation met an error.
    failed: AtomicBool,
}

enum State {
    Open(Database),
    /// Opening it again failed.
    Failed,
    Closed,
}

impl Redb {
    /// Opens the file or makes it, with all its tables.
    pub fn open(config: Config) -> Result<Redb> {
        let database = open(&config)?;
        let redb = Redb { config, state: RwLock::new(State::Open(database)), health: Arc::default() };
        redb.make_tables()?;
        Ok(redb)
    }

    /// So that readers find every table, even an empty one.
    fn make_tables(&self) -> Result<()> {
        let missing = self.with(|database| {
            guarded(|| {
                let transaction = database.begin_read().map_err(transaction_error)?;
                let names = transaction.list_tables().map_err(storage_error)?;
                Ok(names.count() < self.config.tables.len())
            })
        })?;
        if !missing {
            return Ok(());
        }
        self.write(&mut |_| Ok(Outcome::Commit)).map_err(WriteError::into_error)
    }

    fn with<T>(&self, run: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        run(self.database(&self.state.read().unwrap_or_else(PoisonError::into_inner))?)
    }

    /// Opens the file anew unless another reader has done so meanwhile.
    fn heal(&self) -> Result<()> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if self.health.failed.load(SeqCst) { self.open_again(&mut state) } else { Ok(()) }
    }

    fn open_again(&self, state: &mut State) -> Result<()> {
        if matches!(*state, State::Closed) {
            return Err(Error::ShuttingDown);
        }
        // Dropping the old one closes the file and frees its lock, which opening needs.
        let old = std::mem::replace(state, State::Failed);
        // What closing cannot write, opening finds out.
        let _ = guarded(|| {
            drop(old);
            Ok(())
        });
        self.health.generation.fetch_add(1, SeqCst);
        self.health.failed.store(true, SeqCst);
        *state = State::Open(open(&self.config)?);
        self.health.failed.store(false, SeqCst);
        Ok(())
    }

    fn database<'a>(&self, state: &'a State) -> Result<&'a Database> {
        match state {
            State::Open(database) => Ok(database),
            State::Failed => Err(Error::Unavailable(format!(
                "{} could not be opened again after an error of the disk",
                self.config.path.display()
            ))),
            State::Closed => Err(Error::ShuttingDown),
        }
    }
}

impl Engine for Redb {
    fn read(&self) -> Result<Box<dyn Snapshot>> {
        if self.health.failed.load(SeqCst) {
            self.heal()?;
        }
        self.with(|database| {
            let generation = self.health.generation.load(SeqCst);
            let note = Note { generation, health: self.health.clone() };
            let transaction = note.of(guarded(|| database.begin_read().map_err(transaction_error)))?;
            Ok(Box::new(Reader { transaction, tables: Default::default(), note }) as Box<dyn Snapshot>)
        })
    }

    fn write(&self, run: &mut dyn FnMut(&mut dyn Write) -> Result<Outcome>) -> Result<(), WriteError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let database = self.database(&state).map_err(WriteError::NotBegun)?;
        let save = self.size().is_ok_and(|size| size > LARGE);
        let begun = guarded(|| database.begin_write().map_err(transaction_error));
        let mut transaction = begun.map_err(WriteError::NotBegun)?;
        transaction.set_two_phase_commit(true);
        transaction.set_quick_repair(save);
        let outcome = Writer::open(&transaction, self.config.tables).and_then(|mut writer| run(&mut writer));
        match outcome {
            Ok(Outcome::Commit) => {
                guarded(|| transaction.commit().map_err(commit_error)).map_err(WriteError::Unknown)
            }
            Ok(Outcome::Abort) => {
                guarded(|| transaction.abort().map_err(storage_error)).map_err(WriteError::NotBegun)
            }
            Err(error) => {
                // The error that matters is the first one; a failed rollback shows in the next transaction.
                let _ = guarded(|| transaction.abort().map_err(storage_error));
                Err(WriteError::Refused(error))
            }
        }
    }

    fn rest(&self) -> Result<()> {
        self.with(|database| {
            guarded(|| {
                let mut transaction = database.begin_write().map_err(transaction_error)?;
                transaction.set_two_phase_commit(true);
                transaction.set_quick_repair(true);
                transaction.commit().map_err(commit_error)
            })
        })
    }

    fn reopen(&self) -> Result<()> {
        self.open_again(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn size(&self) -> Result<u64> {
        let path = &self.config.path;
        std::fs::metadata(path)
            .map(|metadata| metadata.len())
            .map_err(|error| disk_error("read the size of", path, &error))
    }

    fn close(&self) -> Result<()> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Closed) {
            State::Open(database) => {
                guarded(|| database.close().map_err(|error| database_error(&self.config.path, error)))
            }
            State::Failed | State::Closed => Ok(()),
        }
    }
}

impl Drop for Redb {
    /// Without [`Engine::close`], after an error: redb closes the file here, and may find more damage.
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let open = std::mem::replace(state, State::Closed);
        // The error that led here is the one to tell.
        let _ = guarded(|| {
            drop(open);
            Ok(())
        });
    }
}

fn open(config: &Config) -> Result<Database> {
    let path = &config.path;
    let mut builder = Builder::new();
    builder.set_cache_size(config.cache);
    let shown = path.display().to_string();
    builder.set_repair_callback(move |session| {
        tracing::info!(file = %shown, percent = (session.progress() * 100.0) as u32, "checking the index after a crash");
    });
    make_file(path)?;
    guarded(|| {
        let opened = match &config.faults {
            None => builder.create(path),
            Some(faults) => builder.create_with_backend(backend::Faulty::open(path, faults.clone())?),
        };
        opened.map_err(|error| database_error(path, error))
    })
}

fn definition(table: Table) -> TableDefinition<'static, Bytes, Bytes> {
    TableDefinition::new(table.name())
}

/// A read transaction with the tables that it has used so far.
struct Reader {
    transaction: redb::ReadTransaction,
    tables: [OnceLock<ReadOnlyTable<Bytes, Bytes>>; Table::ALL.len()],
    note: Note,
}

/// Has the next reader open the file anew when this one's reads fail.
struct Note {
    generation: u64,
    health: Arc<Health>,
}

impl Note {
    /// A reader that is older than the open file fails because of that, and no harm is done.
    fn of<T>(&self, result: Result<T>) -> Result<T> {
        let bad = matches!(result, Err(Error::Unavailable(_) | Error::DiskFull(_)));
        if bad && self.health.generation.load(SeqCst) == self.generation {
            self.health.failed.store(true, SeqCst);
        }
        result
    }
}

impl Reader {
    fn table(&self, table: Table) -> Result<&ReadOnlyTable<Bytes, Bytes>> {
        let slot = &self.tables[table as usize];
        if let Some(open) = slot.get() {
            return Ok(open);
        }
        let open = guarded(|| self.transaction.open_table(definition(table)).map_err(table_error));
        let open = self.note.of(open)?;
        Ok(slot.get_or_init(|| open))
    }
}

impl Read for Reader {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.note.of(get(self.table(table)?, key))
    }

    fn scan(&self, table: Table, range: KeyRange, each: &mut Each<'_>) -> Result<()> {
        // What `each` returns is not the disk's.
        let mut refused = None;
        let scanned = scan(self.table(table)?, range, &mut |key, value| match each(key, value) {
            Ok(flow) => Ok(flow),
            Err(error) => {
                refused = Some(error);
                Ok(ControlFlow::Break(()))
            }
        });
        self.note.of(scanned)?;
        refused.map_or(Ok(()), Err)
    }
}

impl Snapshot for Reader {}

/// A write transaction with all its tables open.
struct Writer<'t> {
    tables: Vec<Option<redb::Table<'t, Bytes, Bytes>>>,
}

impl<'t> Writer<'t> {
    fn open(transaction: &'t redb::WriteTransaction, tables: &[Table]) -> Result<Writer<'t>> {
        let mut open: Vec<_> = Table::ALL.iter().map(|_| None).collect();
        for table in tables {
            let opened = guarded(|| transaction.open_table(definition(*table)).map_err(table_error));
            open[*table as usize] = Some(opened?);
        }
        Ok(Writer { tables: open })
    }

    fn table(&self, table: Table) -> Result<&redb::Table<'t, Bytes, Bytes>> {
        self.tables[table as usize].as_ref().ok_or_else(|| absent(table))
    }

    fn table_mut(&mut self, table: Table) -> Result<&mut redb::Table<'t, Bytes, Bytes>> {
        self.tables[table as usize].as_mut().ok_or_else(|| absent(table))
    }
}

impl Read for Writer<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        get(self.table(table)?, key)
    }

    fn scan(&self, table: Table, range: KeyRange, each: &mut Each<'_>) -> Result<()> {
        scan(self.table(table)?, range, each)
    }
}

impl Write for Writer<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<()> {
        let table = self.table_mut(table)?;
        guarded(|| table.insert(key, value).map(drop).map_err(storage_error))
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<()> {
        let table = self.table_mut(table)?;
        guarded(|| table.remove(key).map(drop).map_err(storage_error))
    }
}

fn get(table: &impl ReadableTable<Bytes, Bytes>, key: &[u8]) -> Result<Option<Vec<u8>>> {
    guarded(|| {
        let value = table.get(key).map_err(storage_error)?;
        Ok(value.map(|value| value.value().to_vec()))
    })
}

fn scan(table: &impl ReadableTable<Bytes, Bytes>, range: KeyRange, each: &mut Each<'_>) -> Result<()> {
    if range.is_empty() {
        return Ok(());
    }
    let mut entries = guarded(|| between(table, &range))?;
    while let Some((key, value)) = guarded(|| entries.next().transpose().map_err(storage_error))? {
        let (key, value) = guarded(|| Ok((key.value(), value.value())))?;
        if each(key, value)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn between<'a>(
    table: &'a impl ReadableTable<Bytes, Bytes>,
    range: &KeyRange,
) -> Result<redb::Range<'a, Bytes, Bytes>> {
    let start = range.start.as_slice();
    match &range.end {
        Some(end) => table.range(start..end.as_slice()),
        None => table.range(start..),
    }
    .map_err(storage_error)
}

fn absent(table: Table) -> Error {
    Error::Unavailable(format!("the file has no table {}: this is a bug, please report it", table.name()))
}

fn storage_error(error: StorageError) -> Error {
    match error {
        StorageError::Io(error) => io_error(&error),
        StorageError::Corrupted(text) => {
            Error::Damaged(format!("the index is damaged ({text}): restore it from a backup"))
        }
        other => Error::Unavailable(format!("index: {other}")),
    }
}

/// The path is not known here; the disk's own words and the remedy are what matter.
fn io_error(error: &std::io::Error) -> Error {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => Error::DiskFull(format!("index: {error}")),
        _ => Error::Unavailable(format!("index: {error}: look at the disk and at the system's log")),
    }
}

fn table_error(error: TableError) -> Error {
    match error {
        TableError::Storage(error) => storage_error(error),
        other => Error::Damaged(format!("the index is not one of this program's: {other}")),
    }
}

fn transaction_error(error: TransactionError) -> Error {
    match error {
        TransactionError::Storage(error) => storage_error(error),
        other => Error::Unavailable(format!("index: {other}")),
    }
}

fn commit_error(error: CommitError) -> Error {
    match error {
        CommitError::Storage(error) => storage_error(error),
        other => Error::Unavailable(format!("index: {other}")),
    }
}

fn database_error(path: &Path, error: DatabaseError) -> Error {
    let path = path.display();
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Error::Unavailable(
            format!("{path} is open in another process: stop it, or let it do the work over its socket"),
        ),
        DatabaseError::UpgradeRequired(version) => Error::NewerFormat(format!(
            "{path} has the file format {version} of redb, which this version does not read: use the version that wrote it"
        )),
        DatabaseError::Storage(error) => match storage_error(error) {
            Error::DiskFull(text) => Error::DiskFull(format!("{path}: {text}")),
            Error::Damaged(text) => Error::Damaged(format!("{path}: {text}")),
            Error::Unavailable(text) => Error::Unavailable(format!("{path}: {text}")),
            other => other,
        },
        other => Error::Unavailable(format!("{path}: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(directory: &Path) -> Config {
        let tables = &[Table::Meta, Table::Body];
        Config { path: directory.join("index.redb"), tables, cache: 1 << 20, faults: None }
    }

    fn put(engine: &Redb, key: &[u8], value: &[u8], outcome: Outcome) {
        engine
            .write(&mut |writer| {
                writer.put(Table::Meta, key, value)?;
                assert_eq!(writer.get(Table::Meta, key)?.as_deref(), Some(value));
                Ok(outcome)
            })
            .unwrap();
    }

    fn keys(read: &dyn Read, range: KeyRange) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        read.scan(Table::Meta, range, &mut |key, _| {
            keys.push(key.to_vec());
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
        keys
    }

    #[test]
    fn commits_stay_and_aborts_do_not() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Redb::open(config(directory.path())).unwrap();
        put(&engine, b"kept", b"1", Outcome::Commit);
        put(&engine, b"lost", b"2", Outcome::Abort);
        let refused = engine.write(&mut |writer| {
            writer.put(Table::Meta, b"refused", b"3")?;
            Err(Error::Expunged)
        });
        assert!(matches!(refused, Err(WriteError::Refused(Error::Expunged))));
        let before = engine.read().unwrap();
        put(&engine, b"later", b"4", Outcome::Commit);
        assert_eq!(keys(&*before, KeyRange::all()), [b"kept"]);
        engine.close().unwrap();
        let engine = Redb::open(config(directory.path())).unwrap();
        assert_eq!(keys(&*engine.read().unwrap(), KeyRange::all()), [b"kept".to_vec(), b"later".to_vec()]);
    }

    #[test]
    fn ranges_are_half_open_and_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Redb::open(config(directory.path())).unwrap();
        for key in [b"a1", b"b1", b"b2", b"c1"] {
            put(&engine, key, b"", Outcome::Commit);
        }
        let read = engine.read().unwrap();
        assert_eq!(keys(&*read, KeyRange::prefix(b"b")), [b"b1".to_vec(), b"b2".to_vec()]);
        assert_eq!(keys(&*read, KeyRange::prefix_after(b"b", b"b1")), [b"b2".to_vec()]);
        assert_eq!(keys(&*read, KeyRange::inclusive(b"a1", b"b1")), [b"a1".to_vec(), b"b1".to_vec()]);
        assert!(keys(&*read, KeyRange::inclusive(b"c", b"b")).is_empty());
    }

    #[test]
    fn a_second_opener_is_told_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let _first = Redb::open(config(directory.path())).unwrap();
        let second = Redb::open(config(directory.path())).err().unwrap();
        assert!(second.to_string().contains("another process"), "{second}");
    }

    #[test]
    fn reopening_keeps_what_was_committed() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Redb::open(config(directory.path())).unwrap();
        put(&engine, b"kept", b"1", Outcome::Commit);
        engine.reopen().unwrap();
        assert_eq!(engine.read().unwrap().get(Table::Meta, b"kept").unwrap().as_deref(), Some(&b"1"[..]));
    }

    /// One bad moment of the disk does not outlast itself, even when nobody writes.
    #[test]
    fn reading_works_again_when_the_disk_does() {
        let directory = tempfile::tempdir().unwrap();
        let faults = DiskFaults::default();
        let config = Config { faults: Some(faults.clone()), ..config(directory.path()) };
        let engine = Redb::open(config.clone()).unwrap();
        // Several times what the cache holds.
        let written = engine.write(&mut |writer| {
            for key in 0..2000u32 {
                writer.put(Table::Meta, &key.to_be_bytes(), &[7; 3000])?;
            }
            Ok(Outcome::Commit)
        });
        written.unwrap();
        let older = engine.read().unwrap();
        faults.break_reads_after(1);
        let refused = (0..2000u32).find_map(|key| older.get(Table::Meta, &key.to_be_bytes()).err());
        assert!(matches!(refused, Some(Error::Unavailable(_))), "{refused:?}");
        assert!(engine.read().is_err(), "the disk is still broken");
        faults.clear();
        for key in 0..2000u32 {
            let value = engine.read().unwrap().get(Table::Meta, &key.to_be_bytes()).unwrap();
            assert_eq!(value.unwrap().len(), 3000);
        }
        // The old reader's file is closed; that is no new error of the disk.
        assert!(older.get(Table::Meta, &1500u32.to_be_bytes()).is_err());
        let generation = engine.health.generation.load(SeqCst);
        engine.read().unwrap();
        assert_eq!(engine.health.generation.load(SeqCst), generation);
    }
}
