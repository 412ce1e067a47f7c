//! A bound on the memory of looking into large messages, for all sessions together. RFC 9051 section 6.4.4 has no other
//! way than to decode them whole.

use store::{Budget, Turn};

/// Octets of large messages in work at a time.
static BUDGET: Budget = Budget::new(256 << 20);

/// What is smaller does not count.
const SMALL: u64 = 1 << 20;

/// The octets as they are, decoded, with their case folded, and what is on the way from one to the other.
const COPIES: u64 = 4;

/// Waits until a text of so many octets may be searched. Blocks. One at a time for a thread, or two could wait for one
/// another.
pub fn wait(octets: u64) -> Option<Turn<'static>> {
    (octets > SMALL).then(|| BUDGET.take(octets.saturating_mul(COPIES)))
}
