//! RFC 5322 and MIME, as a mail server sees them: envelope, body structure, part offsets, preview, decoded text.
//!
//! Pure: no I/O, no store, no IMAP syntax. Everything works on the raw octets of one message and nothing here
//! panics or costs more than linear time, whatever the octets are (see `limits.rs` for the bounds that keep it so).
//!
//! [`Summary::parse`] runs once, at delivery; the store keeps [`Summary::encode`]d bytes. ENVELOPE and BODYSTRUCTURE
//! come from raw header values (unfolded, not decoded); the text for SEARCH and previews is decoded.
//!
//! mail-parser serves what it does well: character sets, base64, HTML entities. Its MIME parser is not used: it finds
//! boundaries in mid-line, scans to the end of the message for each boundary that is missing (quadratic for a hostile
//! message) and follows messages inside messages without a limit, so `structure.rs` has its own scanner of lines.

mod address;
mod casemap;
mod charset;
mod date;
mod decoder;
mod encoded_word;
mod envelope;
mod field_selector;
pub mod grams;
pub mod header;
mod html;
mod lexer;
mod limits;
mod mime;
mod parameter;
mod preview;
mod section;
mod sort;
mod stored;
mod structure;
mod subject;
mod summary;
pub mod text;
mod thread;
mod transfer;
mod transport;

pub use decoder::{Decoder, Encoding};
pub use sort::{MAX_TEXT, SortKeys};
pub use subject::BaseSubject;
pub use summary::{Address, Disposition, Envelope, Kind, Parameter, Part, Summary};
pub use thread::{ThreadKeys, thread_keys};
pub use transport::{Unkeepable, encode_binary};
