//! Passwords that were right a moment ago, so that a client which logs in every few seconds does not cost an Argon2id
//! computation each time.
//!
//! Kept is only a keyed digest with a key of this process; it covers the stored hash, so that a changed password is not
//! taken for the old one.

use std::time::Duration;

use quick_cache::sync::Cache;
use sha2::Sha256;
use tokio::time::Instant;

use crate::crypto;

const CAPACITY: usize = 8192;
const LIFETIME: Duration = Duration::from_secs(600);

pub(super) struct Recent {
    key: [u8; 32],
    /// Until when.
    good: Cache<Vec<u8>, Instant>,
}

impl Recent {
    pub fn new() -> Recent {
        Recent { key: crypto::random(), good: Cache::new(CAPACITY) }
    }

    pub fn remember(&self, account: &str, stored: &str, password: &[u8]) {
        self.good.insert(self.digest(account, stored, password), Instant::now() + LIFETIME);
    }

    pub fn knows(&self, account: &str, stored: &str, password: &[u8]) -> bool {
        self.good.get(&self.digest(account, stored, password)).is_some_and(|until| Instant::now() < until)
    }

    fn digest(&self, account: &str, stored: &str, password: &[u8]) -> Vec<u8> {
        // The lengths keep the parts apart.
        let lengths = [account.len(), stored.len()].map(|length| (length as u64).to_be_bytes());
        let parts = [&lengths[0], &lengths[1], account.as_bytes(), stored.as_bytes(), password];
        crypto::hmac::<Sha256>(&self.key, &parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_the_same_and_only_for_a_time() {
        let recent = Recent::new();
        recent.remember("alice", "{X}hash", b"secret");
        assert!(recent.knows("alice", "{X}hash", b"secret"));
        assert!(!recent.knows("alice", "{X}hash", b"Secret"));
        assert!(!recent.knows("alice", "{X}new", b"secret"));
        assert!(!recent.knows("bob", "{X}hash", b"secret"));
        assert!(!recent.knows("alic", "e{X}hash", b"secret"));
        assert!(!recent.knows("alice", "{X}hashs", b"ecret"));
        tokio::time::advance(LIFETIME).await;
        assert!(!recent.knows("alice", "{X}hash", b"secret"));
    }
}
