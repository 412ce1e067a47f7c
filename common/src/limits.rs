//! Connection limits: of all, per address (IPv6 by /64), per account.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// 0 means no limit. Generous by default: a home or a webmail shares one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitOptions {
    pub connections: usize,
    pub connections_per_address: usize,
    pub connections_per_account: usize,
    /// New connections a second from one address.
    pub rate_per_address: u32,
}

impl Default for LimitOptions {
    fn default() -> LimitOptions {
        LimitOptions {
            connections: 20_000,
            connections_per_address: 1_000,
            connections_per_account: 100,
            rate_per_address: 100,
        }
    }
}

/// Counts. Cheap to clone; memory is bounded by the connections there are.
#[derive(Clone)]
pub struct Limits {
    shared: Arc<Shared>,
}

struct Shared {
    options: LimitOptions,
    counts: Mutex<Counts>,
    rate: Option<DefaultKeyedRateLimiter<Block>>,
}

#[derive(Default)]
struct Counts {
    total: usize,
    addresses: HashMap<Block, usize>,
    accounts: HashMap<Box<str>, usize>,
    /// Addresses whose rate was kept when they were last swept.
    kept: usize,
}

/// Holds a place; dropping it gives the place back.
pub struct Permit {
    shared: Arc<Shared>,
    place: Place,
}

enum Place {
    Connection(Option<Block>),
    Account(Box<str>),
}

/// Which limit is reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("too many connections")]
    Server,
    #[error("too many connections from your address")]
    Address,
    #[error("too many connections for this account")]
    Account,
    #[error("connecting too fast")]
    Rate,
}

/// What counts as one address: an IPv4 address, or an IPv6 /64, since a single customer has at least that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Block(IpAddr);

impl Block {
    /// An IPv4 address mapped into IPv6 counts as the IPv4 address.
    pub fn of(address: IpAddr) -> Block {
        match address.to_canonical() {
            IpAddr::V4(address) => Block(IpAddr::V4(address)),
            IpAddr::V6(address) => Block(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64))),
        }
    }
}

impl std::fmt::Display for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

/// Below this many addresses their rates are not swept.
const SWEEP_FROM: usize = 1024;

impl Limits {
    /// With nobody connected yet.
    pub fn new(options: LimitOptions) -> Limits {
        let rate =
            NonZeroU32::new(options.rate_per_address).map(|rate| RateLimiter::keyed(Quota::per_second(rate)));
        Limits { shared: Arc::new(Shared { options, counts: Mutex::default(), rate }) }
    }

    /// A connection from this address (`None`: unix socket, exempt from the per-address limits).
    pub fn connection(&self, peer: Option<IpAddr>) -> Result<Permit, Refused> {
        let options = &self.shared.options;
        let block = peer.map(Block::of);
        let mut counts = self.shared.counts();
        if full(counts.total, options.connections) {
            return Err(Refused::Server);
        }
        if let Some(block) = block {
            self.shared.check_rate(block, &mut counts)?;
            take(&mut counts.addresses, block, options.connections_per_address).ok_or(Refused::Address)?;
        }
        counts.total += 1;
        Ok(self.permit(Place::Connection(block)))
    }

    /// A session of this account.
    pub fn account(&self, account: &str) -> Result<Permit, Refused> {
        let limit = self.shared.options.connections_per_account;
        take(&mut self.shared.counts().accounts, account.into(), limit).ok_or(Refused::Account)?;
        Ok(self.permit(Place::Account(account.into())))
    }

    fn permit(&self, place: Place) -> Permit {
        Permit { shared: self.shared.clone(), place }
    }
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Every change under this lock is whole: a panic elsewhere spoils nothing.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_rate(&self, block: Block, counts: &mut Counts) -> Result<(), Refused> {
        let Some(rate) = &self.rate else { return Ok(()) };
        // What is forgotten has its whole allowance back. Sweeping at twice what was left keeps the cost constant.
        if rate.len() > SWEEP_FROM.max(counts.kept * 2) {
            rate.retain_recent();
            rate.shrink_to_fit();
            counts.kept = rate.len();
        }
        rate.check_key(&block).map_err(|_| Refused::Rate)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.shared.counts();
        match &self.place {
            Place::Connection(block) => {
                counts.total = counts.total.saturating_sub(1);
                if let Some(block) = block {
                    give_back(&mut counts.addresses, block);
                }
            }
            Place::Account(account) => give_back(&mut counts.accounts, account),
        }
    }
}

fn full(count: usize, limit: usize) -> bool {
    limit != 0 && count >= limit
}

fn take<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: K, limit: usize) -> Option<()> {
    // The entry of a refused one exists already, since its count is not zero.
    let count = counts.entry(key).or_default();
    if full(*count, limit) {
        return None;
    }
    *count += 1;
    Some(())
}

fn give_back<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: LimitOptions = LimitOptions {
        connections: 0,
        connections_per_address: 0,
        connections_per_account: 0,
        rate_per_address: 0,
    };

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn zero_is_no_limit() {
        let limits = Limits::new(NONE);
        let permits: Vec<Permit> = (0..1000)
            .flat_map(|_| [limits.connection(ip("192.0.2.1")), limits.account("alice")])
            .map(|permit| permit.unwrap_or_else(|refused| panic!("{refused}")))
            .collect();
        drop(permits);
        let counts = limits.shared.counts();
        assert_eq!((counts.total, counts.addresses.len(), counts.accounts.len()), (0, 0, 0));
    }

    #[test]
    fn a_place_comes_back_when_its_permit_is_dropped() {
        let limits = Limits::new(LimitOptions { connections: 2, ..NONE });
        let first = limits.connection(ip("192.0.2.1"));
        let _second = limits.connection(None);
        assert_eq!(limits.connection(ip("192.0.2.2")).err(), Some(Refused::Server));
        drop(first);
        assert!(limits.connection(ip("192.0.2.2")).is_ok());
    }

    #[test]
    fn addresses_count_apart_and_ipv6_by_its_64_bit_prefix() {
        let limits = Limits::new(LimitOptions { connections_per_address: 1, ..NONE });
        let _a = limits.connection(ip("2001:db8:0:1::1")).ok().unwrap();
        assert_eq!(limits.connection(ip("2001:db8:0:1:ffff::2")).err(), Some(Refused::Address));
        let _b = limits.connection(ip("2001:db8:0:2::1")).ok().unwrap();
        let _c = limits.connection(ip("192.0.2.1")).ok().unwrap();
        assert_eq!(limits.connection(ip("::ffff:192.0.2.1")).err(), Some(Refused::Address));
        let _d = limits.connection(ip("192.0.2.2")).ok().unwrap();
        // A unix socket has no address.
        assert!(limits.connection(None).is_ok() && limits.connection(None).is_ok());
    }

    #[test]
    fn a_refused_connection_takes_no_place() {
        let limits = Limits::new(LimitOptions { connections_per_address: 1, connections: 2, ..NONE });
        let _held = limits.connection(ip("192.0.2.1")).ok().unwrap();
        for _ in 0..5 {
            assert_eq!(limits.connection(ip("192.0.2.1")).err(), Some(Refused::Address));
        }
        assert!(limits.connection(ip("192.0.2.2")).is_ok());
    }

    #[test]
    fn accounts_are_limited_on_their_own() {
        let limits = Limits::new(LimitOptions { connections_per_account: 2, ..NONE });
        let _a = limits.account("alice").ok().unwrap();
        let b = limits.account("alice").ok().unwrap();
        assert_eq!(limits.account("alice").err(), Some(Refused::Account));
        assert!(limits.account("bob").is_ok());
        drop(b);
        assert!(limits.account("alice").is_ok());
    }

    #[test]
    fn the_rate_is_by_address_and_its_memory_bounded() {
        let limits = Limits::new(LimitOptions { rate_per_address: 3, ..NONE });
        for _ in 0..3 {
            assert!(limits.connection(ip("192.0.2.1")).is_ok());
        }
        assert_eq!(limits.connection(ip("192.0.2.1")).err(), Some(Refused::Rate));
        assert!(limits.connection(ip("192.0.2.2")).is_ok());

        let limits = Limits::new(LimitOptions { rate_per_address: u32::MAX, ..NONE });
        for n in 0..20_000u32 {
            assert!(limits.connection(Some(IpAddr::V4(n.into()))).is_ok());
        }
        assert!(limits.shared.rate.as_ref().unwrap().len() <= SWEEP_FROM + 1);
    }

    #[test]
    fn blocks_name_their_prefix() {
        let named = |text: &str| Block::of(text.parse().unwrap()).to_string();
        assert_eq!(named("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(named("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
