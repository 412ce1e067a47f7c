//! SEARCH: keys, what they match, and how the result is told. RFC 9051 section 6.4.4, RFC 3501 section 6.4.4
//!
//! Which messages are looked at ([`candidates`]) is kept apart from whether they match ([`eval`]): an index may narrow the
//! first, and the second decides.

pub mod candidates;
pub mod charset;
pub mod eval;
pub mod key;
pub mod result;
pub mod sent;
pub mod text;
mod turn;
