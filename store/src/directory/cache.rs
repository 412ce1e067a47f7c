//! What of the directory is in memory: the limits of all accounts, and the records that logins and deliveries ask for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::{AccountRecord, Limits};
use crate::{AccountId, AccountName};

/// The limits in force. Only accounts that have limits of their own cost memory.
#[derive(Debug)]
pub(crate) struct LimitsTable {
    default: Limits,
    own: RwLock<HashMap<AccountId, Limits>>,
}

impl LimitsTable {
    pub(super) fn new(default: Limits) -> LimitsTable {
        LimitsTable { default, own: RwLock::default() }
    }

    /// 0 is unlimited.
    pub(crate) fn of(&self, account: AccountId) -> Limits {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        own.get(&account).copied().unwrap_or_default().or(self.default)
    }

    pub(super) fn replace(&self, limits: Vec<(AccountId, Limits)>) {
        let own = limits.into_iter().filter(|(_, limits)| *limits != Limits::default()).collect();
        *self.own.write().unwrap_or_else(PoisonError::into_inner) = own;
    }

    pub(super) fn set(&self, account: AccountId, limits: Limits) {
        let mut own = self.own.write().unwrap_or_else(PoisonError::into_inner);
        if limits == Limits::default() {
            own.remove(&account);
        } else {
            own.insert(account, limits);
        }
    }
}

/// Records in each half of the cache.
const HALF: usize = 2048;

/// Records by name, as of the last commit. Two halves: when the young one is full it becomes the old one, so what is
/// asked for again and again stays.
#[derive(Default)]
pub(super) struct RecordCache(Mutex<Halves>);

#[derive(Default)]
struct Halves {
    moment: Moment,
    young: HashMap<AccountName, Arc<AccountRecord>>,
    old: HashMap<AccountName, Arc<AccountRecord>>,
}

/// Between two commits. A record that was read in one is not put into the cache in a later one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Moment(u64);

impl RecordCache {
    pub(super) fn find(&self, name: &AccountName) -> (Option<Arc<AccountRecord>>, Moment) {
        let mut halves = self.lock();
        let moment = halves.moment;
        let found = match halves.young.get(name) {
            Some(record) => Some(Arc::clone(record)),
            None => halves.old.remove(name).inspect(|record| halves.put(Arc::clone(record))),
        };
        (found, moment)
    }

    pub(super) fn insert(&self, moment: Moment, record: Arc<AccountRecord>) {
        let mut halves = self.lock();
        if halves.moment == moment {
            halves.put(record);
        }
    }

    /// After a commit.
    pub(super) fn forget(&self) {
        let mut halves = self.lock();
        *halves = Halves { moment: Moment(halves.moment.0 + 1), ..Halves::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Halves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Halves {
    fn put(&mut self, record: Arc<AccountRecord>) {
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(record.name.clone(), record);
    }
}
