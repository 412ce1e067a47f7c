//! Raw header fields: found, selected and unfolded without decoding.
//!
//! A line ends with LF or CRLF. A header ends with the first empty line. A line that opens with white space belongs to
//! the field before it (RFC 5322 section 2.2.3); a line that is no field at all is kept, with an empty name.

use std::borrow::Cow;
use std::io::BufRead;

pub use crate::field_selector::FieldSelector;

/// One header field, folded or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The field name without white space; empty for a line that is not a field.
    pub name: &'a [u8],
    /// All that follows the colon, still folded, without the last line end.
    pub value: &'a [u8],
    /// The whole field with its continuation lines and line ends.
    pub octets: &'a [u8],
}

/// The fields of a header, in order. What [`fields`] returns.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

/// The fields of a header block (or of a whole message: the body is not looked at).
pub fn fields(header: &[u8]) -> Fields<'_> {
    Fields { rest: header }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if self.rest.is_empty() || blank_line(self.rest) > 0 {
            return None;
        }
        let mut end = line_length(self.rest);
        while let [b' ' | b'\t', ..] = self.rest[end..] {
            end += line_length(&self.rest[end..]);
        }
        let (octets, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(Field::new(octets))
    }
}

impl<'a> Field<'a> {
    fn new(octets: &'a [u8]) -> Field<'a> {
        let text = without_line_end(octets);
        match text.iter().position(|&b| b == b':') {
            // RFC 5322 section 4.5: white space may stand before the colon.
            Some(colon) if is_field_name(text[..colon].trim_ascii_end()) => {
                Field { name: text[..colon].trim_ascii_end(), value: &text[colon + 1..], octets }
            }
            _ => Field { name: b"", value: text, octets },
        }
    }

    /// Whether the field has this name, whatever the case of its letters.
    pub fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// RFC 5322 section 2.2: printable US-ASCII without the colon; RFC 6532 does not change that.
fn is_field_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|b| b.is_ascii_graphic() && *b != b':')
}

/// Where the header ends: the offset of the first body octet (after the blank line), or the length where there is none.
pub fn header_end(raw: &[u8]) -> usize {
    let mut at = 0;
    while at < raw.len() {
        let line = &raw[at..];
        let blank = blank_line(line);
        if blank > 0 {
            return at + blank;
        }
        at += line_length(line);
    }
    raw.len()
}

/// The raw values of the fields with this name, in order, as they stand (still folded, leading white space kept).
pub fn field_values<'a>(header: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    fields(header).filter(move |field| field.is(name)).map(|field| field.value)
}

/// The fields that are (or, with `not`, are not) named, octet for octet, and the blank line where the header has one.
/// RFC 9051 section 6.4.5.1, HEADER.FIELDS and HEADER.FIELDS.NOT.
pub fn select_fields(header: &[u8], names: &[&[u8]], not: bool) -> Vec<u8> {
    let (mut selector, mut selected) = (FieldSelector::new(names, not), Vec::new());
    selector.push(header, &mut selected);
    selector.finish(&mut selected);
    selected
}

/// A value on one line: line ends removed (RFC 5322 section 2.2.3), white space around it trimmed.
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if !value.contains(&b'\n') {
        return Cow::Borrowed(value);
    }
    let mut line = Vec::with_capacity(value.len());
    for part in value.split_inclusive(|&b| b == b'\n') {
        line.extend_from_slice(without_line_end(part));
    }
    Cow::Owned(line)
}

/// The length of the first line with its line end.
pub(crate) fn line_length(raw: &[u8]) -> usize {
    // `skip_until` on a slice is the standard library's memchr; it cannot fail.
    let mut rest = raw;
    rest.skip_until(b'\n').unwrap_or(raw.len())
}

/// The length of the empty line that the octets start with; 0 where they do not.
pub(crate) fn blank_line(raw: &[u8]) -> usize {
    match raw {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => 0,
    }
}

/// A line without its LF or CRLF.
pub(crate) fn without_line_end(line: &[u8]) -> &[u8] {
    match line {
        [text @ .., b'\r', b'\n'] | [text @ .., b'\n'] => text,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] =
        b"Subject: one\r\n two\r\nTO : a@b\r\ngarbage\r\nsubject:\tthree\r\n\r\nSubject: body";

    #[test]
    fn the_header_ends_after_the_blank_line() {
        assert_eq!(header_end(b"A: b\r\n\r\nbody"), 8);
        assert_eq!(header_end(b"A: b\n\nbody"), 6);
        assert_eq!(header_end(b"\r\nbody"), 2);
        assert_eq!(header_end(b"A: b\r\n"), 6);
        assert_eq!(header_end(b"A: b"), 4);
        assert_eq!(header_end(b""), 0);
        // A line of white space is a continuation, not a blank line.
        assert_eq!(header_end(b"A: b\r\n \r\n\r\nbody"), 11);
        assert_eq!(header_end(b"A: b\r\rbody"), 10);
    }

    #[test]
    fn values_are_found_without_case_and_stay_folded() {
        let values: Vec<&[u8]> = field_values(HEADER, b"SUBJECT").collect();
        assert_eq!(values, [&b" one\r\n two"[..], b"\tthree"]);
        assert_eq!(field_values(HEADER, b"to").collect::<Vec<_>>(), [b" a@b"]);
        assert_eq!(field_values(HEADER, b"").count(), 1, "the line that is no field");
        assert_eq!(field_values(b"Subject: end", b"subject").collect::<Vec<_>>(), [b" end"]);
    }

    #[test]
    fn selected_fields_keep_every_octet() {
        assert_eq!(
            select_fields(HEADER, &[b"subject"], false),
            b"Subject: one\r\n two\r\nsubject:\tthree\r\n\r\n"
        );
        assert_eq!(select_fields(HEADER, &[b"Subject"], true), b"TO : a@b\r\ngarbage\r\n\r\n");
        assert_eq!(select_fields(HEADER, &[b"X-None"], false), b"\r\n");
        assert_eq!(select_fields(HEADER, &[], true), &HEADER[..header_end(HEADER)]);
    }

    #[test]
    fn a_header_without_blank_line_gets_none() {
        assert_eq!(select_fields(b"A: b\r\nC: d\r\n", &[b"a"], false), b"A: b\r\n");
        assert_eq!(select_fields(b"A: b", &[b"a"], false), b"A: b");
        assert_eq!(select_fields(b"", &[b"a"], true), b"");
    }

    #[test]
    fn a_line_with_blanks_in_its_name_is_no_field() {
        let header = b"From me@here Mon Jan  1 10:00:00\r\nFrom: b\r\n\r\n";
        assert_eq!(field_values(header, b"from").collect::<Vec<_>>(), [b" b"]);
    }

    #[test]
    fn unfolding_removes_line_ends_only() {
        assert_eq!(&*unfold(b" a\r\n\tb\n c \r\n"), b"a\tb c");
        assert_eq!(&*unfold(b"   "), b"");
    }

    #[test]
    fn millions_of_short_lines_are_linear() {
        // Quadratic work on two million lines would not end in reasonable time.
        let header = b"a\n ".repeat(1 << 20);
        assert_eq!(header_end(&header), header.len());
        assert_eq!(fields(&header).count(), 1);
        assert_eq!(fields(&b":\n".repeat(1 << 20)).count(), 1 << 20);
    }
}
