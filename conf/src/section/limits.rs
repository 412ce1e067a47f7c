//! `[limits]`

use std::time::Duration;

use crate::reader::Reader;

/// How much of everything. 0 is no limit where nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub connections: usize,
    pub connections_per_address: usize,
    pub connections_per_account: usize,
    /// New ones a second.
    pub rate_per_address: u32,
    pub handshake_timeout: Duration,
    /// Octets; never 0.
    pub message: u64,
    pub account_bytes: u64,
    pub account_messages: u64,
    pub account_mailboxes: u64,
}

impl Limits {
    pub(super) fn read(reader: &mut Reader) -> Limits {
        Limits {
            connections: count(reader, "limits.connections"),
            connections_per_address: count(reader, "limits.connections_per_address"),
            connections_per_account: count(reader, "limits.connections_per_account"),
            rate_per_address: u32::try_from(reader.number("limits.rate_per_address", 0, 1_000_000))
                .unwrap_or(0),
            handshake_timeout: reader.duration("limits.handshake_timeout", 1),
            message: message(reader),
            account_bytes: reader.size("limits.account_bytes"),
            account_messages: reader.number("limits.account_messages", 0, u64::from(u32::MAX)),
            account_mailboxes: reader.number("limits.account_mailboxes", 0, u64::from(u32::MAX)),
        }
    }
}

fn count(reader: &mut Reader, key: &str) -> usize {
    usize::try_from(reader.number(key, 0, 10_000_000)).unwrap_or(0)
}

/// IMAP's sizes are 63-bit numbers, but literals of rev1 clients, and memory, end at 4 GiB.
fn message(reader: &mut Reader) -> u64 {
    let key = "limits.message";
    let size = reader.size(key);
    if !(1024..1 << 32).contains(&size) {
        reader.problem(key, "the largest message must be at least 1 KiB and less than 4 GiB".into());
    }
    size
}
