//! Logins on their way to the disk: noted at once, written together some seconds later.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::{AccountRecord, Inner, LastLogin};
use crate::{AccountId, Error, Result};

/// How long a login may wait to be written. A crash loses so much of "last login", and nothing else.
const DELAY: Duration = Duration::from_secs(10);

pub(super) struct Logins {
    noted: Mutex<HashMap<AccountId, LastLogin>>,
    /// Wakes the thread that writes. Its end ends the thread.
    due: Mutex<Sender<()>>,
}

impl Logins {
    pub(super) fn new() -> (Logins, Receiver<()>) {
        let (sender, receiver) = channel();
        (Logins { noted: Mutex::default(), due: Mutex::new(sender) }, receiver)
    }

    pub(super) fn note(&self, account: AccountId, pop3: bool) {
        let now = Some(now());
        let login =
            if pop3 { LastLogin { imap: None, pop3: now } } else { LastLogin { imap: now, pop3: None } };
        let mut noted = self.lock();
        let first = noted.is_empty();
        let entry = noted.entry(account).or_default();
        *entry = entry.latest(login);
        if first {
            // Without the thread they are written with the next change, and at the end.
            let _ = self.due.lock().unwrap_or_else(PoisonError::into_inner).send(());
        }
    }

    /// The record with what is noted and not written.
    pub(super) fn current(&self, mut record: AccountRecord) -> AccountRecord {
        if let Some(&login) = self.lock().get(&AccountId(record.id)) {
            record.last_login = record.last_login.latest(login);
        }
        record
    }

    pub(super) fn noted(&self) -> HashMap<AccountId, LastLogin> {
        self.lock().clone()
    }

    /// Forgets these, except where a newer login has come meanwhile. What is left was not the first, so nobody has told
    /// of it yet.
    pub(super) fn written(&self, logins: &HashMap<AccountId, LastLogin>) {
        let mut noted = self.lock();
        noted.retain(|account, login| logins.get(account) != Some(login));
        if !noted.is_empty() {
            self.remind();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, LastLogin>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the thread that writes them. It sleeps while there is nothing, and ends with the directory.
pub(super) fn write_regularly(directory: &Arc<Inner>, due: Receiver<()>) -> Result<()> {
    let directory = Arc::downgrade(directory);
    let run = move || {
        while due.recv().is_ok() {
            if due.recv_timeout(DELAY) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            let Some(directory) = directory.upgrade() else { return };
            if let Err(error) = directory.write_logins() {
                tracing::warn!(%error, "cannot write when accounts logged in last; trying again later");
                directory.logins.remind();
            }
        }
    };
    let started = std::thread::Builder::new().name("last-login".into()).spawn(run);
    started.map(drop).map_err(|error| Error::Unavailable(format!("cannot start a thread: {error}")))
}

impl Logins {
    fn remind(&self) {
        let _ = self.due.lock().unwrap_or_else(PoisonError::into_inner).send(());
    }
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_that_comes_while_others_are_written_is_told_of() {
        let (logins, due) = Logins::new();
        logins.note(AccountId(1), false);
        assert_eq!(due.try_iter().count(), 1);
        let writing = logins.noted();
        logins.note(AccountId(2), true);
        logins.written(&writing);
        assert_eq!(logins.noted().keys().collect::<Vec<_>>(), [&AccountId(2)]);
        assert!(due.try_recv().is_ok(), "nobody would write it");
        logins.written(&logins.noted());
        assert!(logins.noted().is_empty() && due.try_recv().is_err());
    }
}
