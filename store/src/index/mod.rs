//! The search index: which messages can hold a string. It only narrows; whether they do, their text says.
//!
//! Rules:
//! - It knows bodies, not messages: copies and moves within a shard never touch it, and what a mailbox holds is read from
//!   the mailbox.
//! - A *run* is immutable: the grams of all bodies of a range of numbers. Runs grow as in a log-structured merge tree:
//!   new bodies make small ones, several small ones one large one, up to a range of 65,536 bodies.
//! - A body that no run covers can hold anything. So mail that is not indexed yet is found at once, and an index that
//!   lags, is damaged or not there changes only the time.
//! - Everything is written in verbs of bounded size, the run's own row last; delivery never waits long for it, and a
//!   crash leaves rows that no run owns, which the next start deletes.
//! - What cannot be read is made anew: its run is dropped, and the range is a gap that is filled as any other.

mod build;
mod merge;
mod query;
mod run;
mod trace;
mod worker;

pub use query::Query;
pub(crate) use run::{runs, verify};
pub(crate) use worker::{Index, compact, start};

#[cfg(test)]
mod tests;
