//! RFC 5322 and MIME, as a mail server sees them: envelope, body structure, part offsets, preview, decoded text.
//!
//! Pure: no I/O, no store, no IMAP syntax. Everything works on the raw octets of one message and nothing here
//! panics or costs more than linear time, whatever the octets are.
//!
//! [`Summary::parse`] runs once, at delivery; the store keeps [`Summary::encode`]d bytes. ENVELOPE and BODYSTRUCTURE
//! come from raw header values (unfolded, not decoded); the text for SEARCH and previews is decoded.

pub mod header;
mod summary;
pub mod text;

pub use summary::{Address, Disposition, Envelope, Kind, Parameter, Part, Summary};
