//! THREAD: messages as trees. RFC 5256 section 3
//!
//! Nothing here recurses and nothing walks a thread from end to end for each of its messages, so that threads may be as deep
//! as a mailbox is long.

mod ordered;
mod paths;
mod references;
pub mod result;
mod siblings;

pub use ordered::ordered_subject;
pub use references::{references, refs};

/// A message as the algorithms see it. They name it by its place in the list, which is in mailbox order.
#[derive(Debug, Clone, Default)]
pub struct Item {
    /// Seconds since 1970.
    pub sent: i64,
    pub arrival: i64,
    /// The base subject as the comparator sees it. `None`: it is empty.
    pub subject: Option<Box<[u8]>>,
    pub reply: bool,
    pub id: Option<u64>,
    pub references: Box<[u64]>,
}

/// A place in the list of messages, or, from the length of the list on, a dummy.
pub type Node = u32;

/// The threads, in the order in which they are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Threads {
    pub roots: Vec<Node>,
    /// By node.
    pub children: Vec<Vec<Node>>,
}

#[cfg(test)]
mod tests;
