//! What failed logins cost: time, and after enough of them an address its access for a while.
//!
//! Addresses are counted by [`Block`]. Memory is bounded: when a table is full, what is stale goes, then every second entry.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::conclude::Claim;
use super::{AuthError, Context};
use crate::limits::Block;

/// Entries in each table.
const CAPACITY: usize = 65_536;
/// The first failure is answered after this, each further one after twice as long.
const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(4);
/// How long a login from a new address waits while the account is guessed at.
const HOLD: Duration = Duration::from_secs(2);
/// How long an address stays known to an account.
const KNOWN: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Without a lockout, failures are forgotten after this.
const MEMORY: Duration = Duration::from_secs(600);
/// Different failures that are told apart where no lockout limits them.
const COUNTED: u32 = 64;
/// More failures than this are never waited for: each takes memory.
const MOST: u32 = 1000;
/// Names longer than any account's share their ends.
const NAME: usize = 256;

pub(super) struct Throttle {
    /// 0: addresses are never locked out.
    failures: u32,
    lockout: Duration,
    names: RandomState,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    addresses: HashMap<Block, Address>,
    accounts: HashMap<Box<str>, Account>,
    /// From where accounts (by hash) were used: when last.
    known: HashMap<(Block, u64), Instant>,
}

struct Address {
    /// Different failures, no more than lock it out.
    failures: Vec<Failure>,
    last: Instant,
    locked_until: Option<Instant>,
}

#[derive(Clone, Copy, PartialEq)]
struct Failure {
    /// Hash of the name.
    account: u64,
    /// The same for the same wrong password.
    fingerprint: Option<u64>,
}

struct Account {
    failures: u32,
    last: Instant,
}

impl Throttle {
    pub fn new(failures: u32, lockout_seconds: u64) -> Throttle {
        let lockout = Duration::from_secs(lockout_seconds);
        let failures = if lockout.is_zero() { 0 } else { failures.min(MOST) };
        Throttle { failures, lockout, names: RandomState::new(), state: Mutex::default() }
    }

    /// Refuses an address that is locked out.
    pub fn admit(&self, context: &Context) -> Result<(), AuthError> {
        let Some(block) = outside(context) else { return Ok(()) };
        let state = self.state();
        let until = state.addresses.get(&block).and_then(|address| address.locked_until);
        match until.and_then(remaining) {
            Some(seconds) => Err(AuthError::LockedOut { seconds }),
            None => Ok(()),
        }
    }

    /// How long a login must wait before it is looked at.
    pub fn hold(&self, context: &Context, account: &str) -> Option<Duration> {
        let state = self.state();
        let guessed_at = state.accounts.get(&key(account)).is_some_and(|account| self.is_guessed_at(account));
        let known =
            state.known.get(&(block(context), self.hash(account))).is_some_and(|last| last.elapsed() < KNOWN);
        (guessed_at && !known).then_some(HOLD)
    }

    /// Counts a failure. Gives the time after which it is to be answered.
    pub fn failed(&self, context: &Context, claim: &Claim) -> Duration {
        let mut state = self.state();
        let of_account = self.count_for_account(&mut state, claim.key());
        let of_address = match outside(context) {
            Some(block) => {
                let failure = Failure { account: self.hash(claim.key()), fingerprint: claim.fingerprint };
                self.count_for_address(&mut state, block, failure)
            }
            // Behind a webmail's address are all its users: each is slowed by their own failures.
            None => 0,
        };
        delay(of_account.max(of_address))
    }

    pub fn misbehaved(&self, context: &Context) {
        if let Some(block) = outside(context) {
            let failure = Failure { account: 0, fingerprint: None };
            self.count_for_address(&mut self.state(), block, failure);
        }
    }

    /// Forgives the address what it did wrong for this account, and knows it from now on. The account begins anew: whoever
    /// only guesses at it cannot come here.
    pub fn succeeded(&self, context: &Context, account: &str) {
        let mut state = self.state();
        state.accounts.remove(&key(account));
        let (block, hash) = (block(context), self.hash(account));
        if let Some(address) = state.addresses.get_mut(&block) {
            address.failures.retain(|failure| failure.account != hash);
        }
        make_room(&mut state.known, |last| last.elapsed() >= KNOWN);
        state.known.insert((block, hash), Instant::now());
    }

    pub fn list(&self) -> Vec<(String, u64)> {
        let state = self.state();
        let addresses = state.addresses.iter().filter_map(|(block, address)| {
            Some((block.to_string(), address.locked_until.and_then(remaining)?))
        });
        let guessed_at = state.accounts.iter().filter(|(_, account)| self.is_guessed_at(account));
        let accounts = guessed_at
            .filter_map(|(name, account)| Some((name.to_string(), remaining(account.last + self.memory())?)));
        let mut all: Vec<_> = addresses.chain(accounts).collect();
        all.sort();
        all
    }

    /// False: nothing was held against them.
    pub fn forget(&self, who: &str) -> bool {
        let mut state = self.state();
        match who.trim_end_matches("/64").parse::<IpAddr>() {
            Ok(address) => {
                let address = state.addresses.remove(&Block::of(address));
                address.is_some_and(|address| address.locked_until.and_then(remaining).is_some())
            }
            Err(_) => {
                let account = state.accounts.remove(&key(who));
                account.is_some_and(|account| self.is_guessed_at(&account))
            }
        }
    }

    fn count_for_account(&self, state: &mut State, account: &str) -> u32 {
        let memory = self.memory();
        make_room(&mut state.accounts, |account| account.last.elapsed() >= memory);
        let new = Account { failures: 0, last: Instant::now() };
        let account = state.accounts.entry(key(account)).or_insert(new);
        if account.last.elapsed() >= memory {
            account.failures = 0;
        }
        account.failures = account.failures.saturating_add(1);
        account.last = Instant::now();
        account.failures
    }

    fn count_for_address(&self, state: &mut State, block: Block, failure: Failure) -> u32 {
        let memory = self.memory();
        make_room(&mut state.addresses, |address| address.last.elapsed() >= memory);
        let now = Instant::now();
        let new = Address { failures: Vec::new(), last: now, locked_until: None };
        let address = state.addresses.entry(block).or_insert(new);
        if address.last.elapsed() >= memory {
            address.failures.clear();
        }
        address.last = now;
        let most = if self.failures == 0 { COUNTED } else { self.failures };
        let again = failure.fingerprint.is_some() && address.failures.contains(&failure);
        if !again && address.failures.len() < most as usize {
            address.failures.push(failure);
        }
        let count = u32::try_from(address.failures.len()).unwrap_or(u32::MAX);
        if !again && self.failures != 0 && count >= self.failures {
            address.locked_until = Some(now + self.lockout);
            address.failures.clear();
            tracing::warn!(address = %block, seconds = self.lockout.as_secs(), "locked out after too many failures");
        }
        count
    }

    fn is_guessed_at(&self, account: &Account) -> bool {
        self.failures != 0 && account.failures >= self.failures && account.last.elapsed() < self.memory()
    }

    fn hash(&self, account: &str) -> u64 {
        self.names.hash_one(key(account))
    }

    fn memory(&self) -> Duration {
        self.lockout.max(MEMORY)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Counts that a panic left half done are still only counts.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None`: loopback or unix socket, behind which may be everyone.
fn outside(context: &Context) -> Option<Block> {
    context.peer.filter(|_| !context.local).map(Block::of)
}

/// All that is local is one place.
fn block(context: &Context) -> Block {
    outside(context).unwrap_or(Block::of(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)))
}

fn key(account: &str) -> Box<str> {
    account.chars().take(NAME).flat_map(char::to_lowercase).collect::<String>().into()
}

/// Whole seconds, at least one; `None`: past.
fn remaining(until: Instant) -> Option<u64> {
    let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
    Some(left.as_secs() + u64::from(left.subsec_nanos() > 0))
}

fn delay(failures: u32) -> Duration {
    let doubled = failures.saturating_sub(1).min(16);
    FIRST_DELAY.saturating_mul(1 << doubled).min(LONGEST_DELAY)
}

fn make_room<K: Hash + Eq, V>(table: &mut HashMap<K, V>, stale: impl Fn(&V) -> bool) {
    if table.len() < CAPACITY {
        return;
    }
    table.retain(|_, value| !stale(value));
    if table.len() > CAPACITY / 2 {
        let mut keep = false;
        table.retain(|_, _| {
            keep = !keep;
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Protocol;

    fn from(address: &str) -> Context {
        let peer: IpAddr = address.parse().unwrap();
        Context { protocol: Protocol::Imap, peer: Some(peer), local: peer.is_loopback(), tls: None }
    }

    fn claim(name: &str, fingerprint: u64) -> Claim {
        Claim { name: name.into(), account: None, fingerprint: Some(fingerprint) }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_take_longer_and_longer() {
        let throttle = Throttle::new(20, 600);
        let delays: Vec<u128> =
            (0..6).map(|n| throttle.failed(&from("192.0.2.1"), &claim("alice", n)).as_millis()).collect();
        assert_eq!(delays, [500, 1000, 2000, 4000, 4000, 4000]);
        assert_eq!(throttle.failed(&from("192.0.2.2"), &claim("bob", 0)).as_millis(), 500);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_is_locked_out_for_its_time() {
        let throttle = Throttle::new(3, 600);
        let (here, same) = (from("2001:db8::1"), from("2001:db8::2"));
        for n in 0..3 {
            assert_eq!(throttle.admit(&here), Ok(()));
            throttle.failed(&here, &claim(["alice", "bob", "carol"][n], 0));
        }
        assert_eq!(throttle.admit(&same), Err(AuthError::LockedOut { seconds: 600 }));
        assert_eq!(throttle.admit(&from("2001:db8:0:1::1")), Ok(()));
        assert_eq!(throttle.list(), [("2001:db8::/64".to_owned(), 600)]);
        tokio::time::advance(Duration::from_millis(599_500)).await;
        assert_eq!(throttle.admit(&here), Err(AuthError::LockedOut { seconds: 1 }));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(throttle.admit(&here), Ok(()));
        assert_eq!(throttle.list(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_forgotten_telephone_does_not_lock_out_its_home() {
        let throttle = Throttle::new(3, 600);
        let home = from("192.0.2.1");
        for _ in 0..100 {
            throttle.failed(&home, &claim("alice", 7));
        }
        assert_eq!(throttle.admit(&home), Ok(()));
        // Proofs that do not show the password are all different.
        for _ in 0..2 {
            throttle.failed(&home, &Claim::new("bob"));
        }
        assert!(throttle.admit(&home).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_login_forgives_only_its_own_account() {
        let throttle = Throttle::new(3, 600);
        let here = from("192.0.2.1");
        throttle.failed(&here, &claim("alice", 1));
        throttle.failed(&here, &claim("bob", 1));
        throttle.succeeded(&here, "Alice");
        throttle.failed(&here, &claim("alice", 2));
        assert_eq!(throttle.admit(&here), Ok(()));
        throttle.failed(&here, &claim("carol", 1));
        assert!(throttle.admit(&here).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_locked_out_of_an_account_by_others() {
        let throttle = Throttle::new(3, 600);
        let (home, travelling) = (from("192.0.2.1"), from("198.51.100.1"));
        throttle.succeeded(&home, "alice");
        assert_eq!(throttle.hold(&travelling, "alice"), None);
        for n in 0..10u8 {
            throttle.failed(&from(&format!("203.0.113.{n}")), &claim("alice", n.into()));
        }
        assert_eq!((throttle.admit(&home), throttle.admit(&travelling)), (Ok(()), Ok(())));
        assert_eq!(throttle.hold(&home, "alice"), None);
        assert_eq!(throttle.hold(&travelling, "ALICE"), Some(HOLD));
        assert_eq!(throttle.list(), [("alice".to_owned(), 600)]);
        assert!(throttle.forget("alice") && !throttle.forget("alice"));
        assert_eq!(throttle.hold(&travelling, "alice"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn local_peers_are_slowed_but_never_locked_out() {
        let throttle = Throttle::new(3, 600);
        let webmail = from("127.0.0.1");
        for n in 0..10 {
            throttle.failed(&webmail, &claim("alice", n));
            throttle.misbehaved(&webmail);
        }
        assert_eq!(throttle.admit(&webmail), Ok(()));
        assert_eq!(throttle.failed(&webmail, &claim("alice", 11)), LONGEST_DELAY);
        assert_eq!(throttle.failed(&webmail, &claim("bob", 1)), FIRST_DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_login_ends_the_delays_of_its_account() {
        let throttle = Throttle::new(20, 600);
        let webmail = from("127.0.0.1");
        for n in 0..5 {
            throttle.failed(&webmail, &claim("alice", n));
        }
        throttle.succeeded(&webmail, "alice");
        assert_eq!(throttle.failed(&webmail, &claim("alice", 6)), FIRST_DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn misbehaviour_counts_and_an_administrator_forgives() {
        let throttle = Throttle::new(2, 60);
        let here = from("192.0.2.9");
        assert!(!throttle.forget("192.0.2.9"));
        throttle.misbehaved(&here);
        throttle.misbehaved(&here);
        assert_eq!(throttle.admit(&here), Err(AuthError::LockedOut { seconds: 60 }));
        assert!(throttle.forget("192.0.2.9"));
        assert_eq!(throttle.admit(&here), Ok(()));
        assert!(!throttle.forget("192.0.2.9"));
    }

    #[tokio::test(start_paused = true)]
    async fn zero_failures_means_no_lockout() {
        let throttle = Throttle::new(0, 600);
        for n in 0..1000 {
            throttle.failed(&from("192.0.2.1"), &claim("alice", n));
        }
        assert_eq!(throttle.admit(&from("192.0.2.1")), Ok(()));
        assert!(
            throttle.state().addresses.values().all(|address| address.failures.len() <= COUNTED as usize)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_tables_stay_bounded() {
        let throttle = Throttle::new(3, 600);
        for n in 0..150_000u32 {
            let address = IpAddr::V4(n.into());
            let context = Context { peer: Some(address), ..from("192.0.2.1") };
            throttle.failed(&context, &claim(&format!("name{n}"), 0));
            throttle.succeeded(&context, &format!("name{n}"));
        }
        let state = throttle.state();
        assert!(state.addresses.len() <= CAPACITY && state.accounts.len() <= CAPACITY);
        assert!(state.known.len() <= CAPACITY);
    }
}
