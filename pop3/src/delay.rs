//! LOGIN-DELAY (RFC 2449 section 6.5): the least time between two logins of one account.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many accounts may be waiting before old entries are looked for. Entries older than the delay are worthless.
const PRUNE: usize = 1024;

/// Remembers logins for as long as the delay lasts. Clones share the memory.
#[derive(Debug, Clone)]
pub struct LoginDelay {
    delay: Duration,
    logins: Arc<Mutex<Logins>>,
}

#[derive(Debug, Default)]
struct Logins {
    last: HashMap<String, Instant>,
    prune_at: usize,
}

impl LoginDelay {
    pub fn new(delay: Duration) -> LoginDelay {
        LoginDelay { delay, logins: Arc::default() }
    }

    /// For the capability: whole seconds, rounded up.
    pub fn seconds(&self) -> u64 {
        self.delay.as_secs() + u64::from(self.delay.subsec_nanos() > 0)
    }

    /// Whether the account's last login is too recent.
    pub(crate) fn refuses(&self, account: &str) -> bool {
        self.refuses_at(account, Instant::now())
    }

    /// A session has begun.
    pub(crate) fn logged_in(&self, account: &str) {
        self.logged_in_at(account, Instant::now());
    }

    fn refuses_at(&self, account: &str, now: Instant) -> bool {
        let logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.last.get(account).is_some_and(|&last| now.duration_since(last) < self.delay)
    }

    fn logged_in_at(&self, account: &str, now: Instant) {
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        if logins.last.len() >= logins.prune_at.max(PRUNE) {
            logins.last.retain(|_, &mut last| now.duration_since(last) < self.delay);
            logins.prune_at = logins.last.len() * 2;
        }
        logins.last.insert(account.to_owned(), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_login_waits_for_the_delay() {
        let delay = LoginDelay::new(Duration::from_secs(60));
        let start = Instant::now();
        assert!(!delay.refuses_at("a", start));
        delay.logged_in_at("a", start);
        assert!(!delay.refuses_at("b", start));
        assert!(delay.refuses_at("a", start + Duration::from_secs(59)));
        assert!(!delay.refuses_at("a", start + Duration::from_secs(60)));
        assert_eq!(LoginDelay::new(Duration::from_millis(1500)).seconds(), 2);
    }

    #[test]
    fn memory_holds_only_those_who_wait() {
        let delay = LoginDelay::new(Duration::from_secs(1));
        let start = Instant::now();
        for n in 0..10 * PRUNE {
            delay.logged_in_at(&n.to_string(), start + Duration::from_millis(n as u64 * 2));
        }
        assert!(delay.logins.lock().unwrap().last.len() <= 2 * PRUNE);
    }
}
