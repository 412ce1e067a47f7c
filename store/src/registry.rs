//! Who looks on: the mailboxes that somebody has open, and those who wait for changes of an account.
//!
//! Rules:
//! - Only the writer changes a state, after its commit and before its next one.
//! - A state that is being loaded misses nothing: it is listed before its snapshot is taken, the updates that come
//!   meanwhile wait, and an update that the snapshot has already may be applied once more without harm.
//! - No lock is held while anything is read from the disk.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{broadcast, watch};

use crate::batch::{Effects, no_such};
use crate::engine::{KeyRange, Read, Table};
use crate::schema::{self, Chunk, MailboxRow};
use crate::*;

/// Changes that a slow reader may be behind before it is told that it lags.
const CHANGES: usize = 256;

/// What a commit did to a mailbox.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub header: Header,
    /// `None`: no message of this page is left.
    pub chunks: Vec<(u32, Option<Arc<Chunk>>)>,
}

/// What a [`State`] has of the mailbox's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// `None`: the mailbox was deleted.
    pub numbers: Option<Numbers>,
    pub keywords: Arc<[Keyword]>,
    pub acl: Option<Arc<Acl>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub uid_validity: UidValidity,
    pub uid_next: Uid,
    pub highest_modseq: ModSeq,
}

impl Update {
    pub fn of(row: Option<&MailboxRow>) -> Update {
        Update { header: Header::of(row), chunks: Vec::new() }
    }
}

impl Header {
    pub fn of(row: Option<&MailboxRow>) -> Header {
        let numbers = row.map(|row| Numbers {
            uid_validity: row.uid_validity,
            uid_next: row.uid_next,
            highest_modseq: row.highest_modseq,
        });
        Header {
            numbers,
            keywords: row.map_or_else(|| Arc::new([]) as Arc<[Keyword]>, |row| row.keywords.clone()),
            acl: row.and_then(|row| row.acl.clone()),
        }
    }
}

/// Who looks on, of one shard.
#[derive(Default)]
pub(crate) struct Registry {
    open: Mutex<HashMap<MailboxId, Weak<Shared>>>,
    accounts: Mutex<HashMap<AccountId, broadcast::Sender<Change>>>,
}

/// One open mailbox.
pub(crate) struct Shared {
    registry: Weak<Registry>,
    account: AccountId,
    mailbox: MailboxId,
    slot: Mutex<Slot>,
    loaded: Condvar,
}

enum Slot {
    /// The state, if one came that is newer than what is being loaded, and the updates that came after it.
    Loading(Option<State>, Vec<Update>),
    Ready(watch::Sender<Arc<State>>),
    Failed(Error),
}

impl Registry {
    /// The shared state of a mailbox, loaded from a snapshot if nobody has it open.
    pub fn open(
        self: &Arc<Registry>,
        account: AccountId,
        mailbox: MailboxId,
        snapshot: impl FnOnce() -> Result<Box<dyn crate::engine::Snapshot>>,
    ) -> Result<(Arc<Shared>, watch::Receiver<Arc<State>>)> {
        let mut open = lock(&self.open);
        if let Some(shared) = open.get(&mailbox).and_then(Weak::upgrade) {
            drop(open);
            let receiver = shared.wait(account)?;
            return Ok((shared, receiver));
        }
        let shared = Arc::new(Shared {
            registry: Arc::downgrade(self),
            account,
            mailbox,
            slot: Mutex::new(Slot::Loading(None, Vec::new())),
            loaded: Condvar::new(),
        });
        open.insert(mailbox, Arc::downgrade(&shared));
        // Taken while it is listed already: a commit after this moment finds it and adds its update.
        let snapshot = snapshot();
        drop(open);
        let state = snapshot.and_then(|snapshot| State::load(&*snapshot, account, mailbox));
        let receiver = shared.loaded(state)?;
        Ok((shared, receiver))
    }

    /// Tells everyone. Called by the writer alone, after each commit.
    pub fn publish(&self, effects: Effects) {
        for (mailbox, update) in effects.updates {
            // Not in the `if`: the last one to drop a `Shared` takes this lock.
            let shared = lock(&self.open).get(&mailbox).and_then(Weak::upgrade);
            if let Some(shared) = shared {
                shared.update(update);
            }
        }
        if effects.changes.is_empty() {
            return;
        }
        let mut accounts = lock(&self.accounts);
        for (account, change) in effects.changes {
            if let Some(sender) = accounts.get(&account)
                && sender.send(change).is_err()
            {
                accounts.remove(&account);
            }
        }
    }

    /// Loads every open state anew: after a failed commit of which it was not known at once whether it is durable.
    pub fn reload(&self, snapshot: &dyn Read) -> Result<()> {
        let open: Vec<_> = lock(&self.open).values().filter_map(Weak::upgrade).collect();
        for shared in open {
            match State::load(snapshot, shared.account, shared.mailbox) {
                Ok(state) => shared.replace(state),
                Err(Error::NoSuchMailbox(_)) => shared.update(Update::of(None)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub fn changes(&self, account: AccountId) -> broadcast::Receiver<Change> {
        let mut accounts = lock(&self.accounts);
        accounts.retain(|_, sender| sender.receiver_count() > 0);
        accounts.entry(account).or_insert_with(|| broadcast::channel(CHANGES).0).subscribe()
    }

    fn forget(&self, mailbox: MailboxId) {
        let mut open = lock(&self.open);
        // A new one may stand there already.
        if open.get(&mailbox).is_some_and(|shared| shared.strong_count() == 0) {
            open.remove(&mailbox);
        }
    }
}

impl Shared {
    /// Waits until it is loaded. An id is of one account: another one's does not exist for this.
    fn wait(&self, account: AccountId) -> Result<watch::Receiver<Arc<State>>> {
        if account != self.account {
            return Err(no_such(self.mailbox));
        }
        let slot = lock(&self.slot);
        let waited = self.loaded.wait_while(slot, |slot| matches!(slot, Slot::Loading(..)));
        match &*waited.unwrap_or_else(PoisonError::into_inner) {
            Slot::Ready(sender) if sender.borrow().deleted() => Err(no_such(self.mailbox)),
            Slot::Ready(sender) => Ok(sender.subscribe()),
            Slot::Failed(error) => Err(error.clone()),
            // The condition above excludes it.
            Slot::Loading(..) => Err(Error::ShuttingDown),
        }
    }

    fn loaded(&self, state: Result<State>) -> Result<watch::Receiver<Arc<State>>> {
        let mut slot = lock(&self.slot);
        let (next, answer) = match state {
            Ok(mut state) => {
                if let Slot::Loading(newer, updates) = &mut *slot {
                    state = newer.take().unwrap_or(state);
                    for update in updates {
                        state = state.updated(update);
                    }
                }
                let (sender, receiver) = watch::channel(Arc::new(state));
                (Slot::Ready(sender), Ok(receiver))
            }
            Err(error) => {
                // Whoever comes next tries again.
                if let Some(registry) = self.registry.upgrade() {
                    lock(&registry.open).remove(&self.mailbox);
                }
                (Slot::Failed(error.clone()), Err(error))
            }
        };
        *slot = next;
        self.loaded.notify_all();
        answer
    }

    fn update(&self, update: Update) {
        match &mut *lock(&self.slot) {
            Slot::Loading(_, updates) => updates.push(update),
            Slot::Ready(sender) => {
                let next = sender.borrow().updated(&update);
                if !next.is_same(&sender.borrow()) {
                    sender.send_replace(Arc::new(next));
                }
            }
            Slot::Failed(_) => {}
        }
    }

    fn replace(&self, state: State) {
        match &mut *lock(&self.slot) {
            Slot::Loading(newer, updates) => {
                *newer = Some(state);
                updates.clear();
            }
            Slot::Ready(sender) => drop(sender.send_replace(Arc::new(state))),
            Slot::Failed(_) => {}
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.forget(self.mailbox);
        }
    }
}

impl State {
    /// The mailbox as the snapshot has it.
    pub(crate) fn load(snapshot: &dyn Read, account: AccountId, mailbox: MailboxId) -> Result<State> {
        let row = snapshot.get(Table::Mailbox, &schema::mailbox_key(account, mailbox))?;
        let row = MailboxRow::decode(&row.ok_or_else(|| no_such(mailbox))?)?;
        let mut chunks = Vec::new();
        snapshot.scan(
            Table::Flags,
            KeyRange::prefix(&schema::mailbox_prefix(mailbox)),
            &mut |key, octets| {
                let (_, page) = schema::page_of_key(key)?;
                chunks.push(Arc::new(Chunk::decode(page, octets)?));
                Ok(ControlFlow::Continue(()))
            },
        )?;
        Ok(State::new(Header::of(Some(&row)), chunks))
    }
}

/// A thread that panicked with the lock left nothing half done: each change under these locks is one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
