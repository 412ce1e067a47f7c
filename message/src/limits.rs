//! Bounds on what one message may make the server remember.
//!
//! A summary is stored and read again with each FETCH, so it must stay small however the message is made. What is over
//! a bound is still mail: its octets are fetched as they stand, only its structure is no longer told apart.

/// Multiparts and messages inside one another, counted from the message itself. Deeper ones are leaves.
pub(crate) const MAX_DEPTH: usize = 100;

/// Body parts and attached messages in one message. The last one takes all the octets that remain.
const MAX_PARTS: usize = 10_000;

/// Addresses, parameters and language tags in one message. Those beyond are not remembered. Each takes about a hundred
/// octets and more in memory, whenever the summary is read.
const MAX_ITEMS: usize = 10_000;

/// Octets of header fields that are read in one message, all parts together. Fields beyond are not seen.
const MAX_HEADER: usize = 1 << 20;

/// What may still be used of the bounds while one message is parsed.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) parts: usize,
    items: usize,
    header: usize,
}

impl Limits {
    pub(crate) fn new() -> Limits {
        Limits { parts: MAX_PARTS, items: MAX_ITEMS, header: MAX_HEADER }
    }

    /// Counts a body part.
    pub(crate) fn part(&mut self) {
        self.parts = self.parts.saturating_sub(1);
    }

    /// Counts one item of a list; false when it must be left out.
    pub(crate) fn item(&mut self) -> bool {
        self.items(1)
    }

    /// Counts `n` items; false, and none counted, when they must all be left out.
    pub(crate) fn items(&mut self, n: usize) -> bool {
        let left = self.items.checked_sub(n);
        self.items = left.unwrap_or(self.items);
        left.is_some()
    }

    /// As much of a header block as may be read.
    pub(crate) fn header<'a>(&mut self, block: &'a [u8]) -> &'a [u8] {
        let seen = block.get(..self.header).unwrap_or(block);
        self.header -= seen.len();
        seen
    }
}
