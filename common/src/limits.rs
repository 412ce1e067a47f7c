//! Connection limits: of all, per address (IPv6 by /64), per account.

use std::net::IpAddr;

/// 0 means no limit. Generous by default: a home or a webmail shares one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitOptions {
    pub connections: usize,
    pub connections_per_address: usize,
    pub connections_per_account: usize,
    /// New connections a second from one address.
    pub rate_per_address: u32,
}

/// Counts. Cheap to clone; memory is bounded by the connections there are.
#[derive(Clone)]
pub struct Limits {}

/// Holds a place; dropping it gives the place back.
pub struct Permit {}

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

impl Limits {
    pub fn new(options: LimitOptions) -> Limits {
        let _ = options;
        unimplemented!()
    }
    /// A connection from this address (`None`: unix socket, exempt from the per-address limits).
    pub fn connection(&self, peer: Option<IpAddr>) -> Result<Permit, Refused> {
        let _ = peer;
        unimplemented!()
    }
    /// A session of this account.
    pub fn account(&self, account: &str) -> Result<Permit, Refused> {
        let _ = account;
        unimplemented!()
    }
}
