//! Raw header fields: found, selected and unfolded without decoding.

/// Where the header ends: the offset of the first body octet (after the blank line), or the length where there is none.
pub fn header_end(raw: &[u8]) -> usize {
    let _ = raw;
    unimplemented!()
}

/// The raw values of the fields with this name, in order, as they stand (still folded, leading white space kept).
pub fn field_values<'a>(header: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let _ = (header, name);
    std::iter::empty()
}

/// The fields that are (or, with `not`, are not) named, octet for octet, and the blank line.
/// RFC 9051 section 6.4.5.1, HEADER.FIELDS and HEADER.FIELDS.NOT.
pub fn select_fields(header: &[u8], names: &[&[u8]], not: bool) -> Vec<u8> {
    let _ = (header, names, not);
    unimplemented!()
}
