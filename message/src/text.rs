//! Decoded text: for SEARCH, previews and sort keys.

use std::ops::ControlFlow;

use crate::summary::Summary;

/// Undoes RFC 2047 encoded words (and raw UTF-8 or, failing that, Windows-1252) in a header value, folded or not.
pub fn decode_header(raw: &[u8]) -> String {
    let _ = raw;
    unimplemented!()
}

/// The decoded text of one header block, field names included, one `Name: value\n` a field.
pub fn header_text(header: &[u8]) -> String {
    let _ = header;
    unimplemented!()
}

/// Visits the decoded text of the message's body: every text part with its transfer encoding and charset undone, the
/// headers of attached messages, part headers (so that file names are found). Stops when `visit` breaks.
pub fn body_texts(
    summary: &Summary,
    raw: &[u8],
    visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let _ = (summary, raw, visit);
    unimplemented!()
}

/// Folds case (and normalizes, RFC 5255 i;unicode-casemap) so that two strings that differ in case alone become equal.
pub fn fold_case(text: &str) -> String {
    let _ = text;
    unimplemented!()
}
