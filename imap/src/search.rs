//! SEARCH: keys, what they match, and how the result is told. RFC 9051 section 6.4.4, RFC 3501 section 6.4.4
//!
//! A [`program::Program`] is what a client looks for. [`find::find`] runs it over a mailbox and gives the messages that match; SEARCH,
//! SORT, THREAD, ESEARCH and contexts use it alike. Which messages are looked at ([`candidates`]) is kept apart from whether
//! they match ([`eval`]): an index may narrow the first, and the second decides.

pub mod candidates;
pub mod charset;
pub mod context;
pub mod eval;
pub mod find;
pub mod fuzzy;
mod helper;
pub mod key;
pub mod options;
pub mod parse;
pub mod program;
pub mod result;
pub mod sent;
pub mod sources;
pub mod text;
mod turn;
