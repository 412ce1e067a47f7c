//! HEADER.FIELDS and HEADER.FIELDS.NOT over a header that comes in pieces: memory does not grow with the header, nor time
//! with the number of names.

use std::collections::HashSet;

/// White space between a name and its colon that is looked through. Nobody writes more, so more makes it no field.
const SPACE: usize = 1024;

/// Selects the fields that are (or, with `not`, are not) named, octet for octet, and the blank line where the header has
/// one. RFC 9051 section 6.4.5.1
#[derive(Debug, Clone)]
pub struct FieldSelector {
    /// In small letters.
    names: HashSet<Vec<u8>>,
    longest: usize,
    not: bool,
    state: State,
    /// Octets of a field whose name is not whole yet.
    held: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of a line, after a field that was kept or not; `None`: at the start of the header.
    Line(Option<bool>),
    /// After a CR that began a line.
    Cr,
    /// Within a name.
    Name,
    /// Behind a name, where the colon may still come.
    Space { after_line_end: bool },
    /// Within a field that is kept or not.
    Field(bool),
    /// Behind the blank line.
    End,
}

impl FieldSelector {
    pub fn new(names: &[&[u8]], not: bool) -> FieldSelector {
        let names: HashSet<_> =
            names.iter().filter(|name| !name.is_empty()).map(|name| name.to_ascii_lowercase()).collect();
        let longest = names.iter().map(Vec::len).max().unwrap_or(0);
        FieldSelector { names, longest, not, state: State::Line(None), held: Vec::new() }
    }

    /// Takes the next octets of the header (what follows the blank line is not looked at) and adds what is selected.
    pub fn push(&mut self, mut octets: &[u8], selected: &mut Vec<u8>) {
        while !octets.is_empty() && self.state != State::End {
            let taken = match self.state {
                State::Field(keep) => self.field(keep, octets, selected),
                _ => self.step(octets[0], selected),
            };
            octets = &octets[taken..];
        }
    }

    /// The header ends here.
    pub fn finish(&mut self, selected: &mut Vec<u8>) {
        self.decide(self.not, selected);
        self.state = State::End;
    }

    /// To the end of the line.
    fn field(&mut self, keep: bool, octets: &[u8], selected: &mut Vec<u8>) -> usize {
        let length = crate::header::line_length(octets);
        let line = &octets[..length];
        if keep {
            selected.extend_from_slice(line);
        }
        if line.ends_with(b"\n") {
            self.state = State::Line(Some(keep));
        }
        length
    }

    /// One octet where no field is under way; 0: it is to be looked at again.
    fn step(&mut self, octet: u8, selected: &mut Vec<u8>) -> usize {
        match (self.state, octet) {
            (State::Line(_), b'\n') | (State::Cr, b'\n') => {
                selected.append(&mut self.held);
                selected.push(octet);
                self.state = State::End;
            }
            (State::Line(_), b'\r') => self.hold(octet, State::Cr),
            (State::Line(Some(keep)), b' ' | b'\t') => {
                self.state = State::Field(keep);
                return 0;
            }
            (State::Line(_) | State::Name, b'!'..=b'~')
                if octet != b':' && self.held.len() <= self.longest =>
            {
                self.hold(octet, State::Name);
            }
            (State::Name | State::Space { after_line_end: false }, b':') => {
                let is_named = self.names.contains(&self.held.trim_ascii_end().to_ascii_lowercase());
                self.decide(is_named != self.not, selected);
                return 0;
            }
            (State::Space { after_line_end: true }, _) if !matches!(octet, b' ' | b'\t') => {
                self.decide(self.not, selected);
                self.state = State::Line(Some(self.not));
                return 0;
            }
            (State::Name | State::Space { .. }, _)
                if octet.is_ascii_whitespace() && self.held.len() < self.longest + SPACE =>
            {
                self.hold(octet, State::Space { after_line_end: octet == b'\n' });
            }
            _ => {
                self.decide(self.not, selected);
                return 0;
            }
        }
        1
    }

    fn hold(&mut self, octet: u8, state: State) {
        self.held.push(octet);
        self.state = state;
    }

    fn decide(&mut self, keep: bool, selected: &mut Vec<u8>) {
        if keep {
            selected.extend_from_slice(&self.held);
        }
        self.held.clear();
        self.state = State::Field(keep);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::header::{blank_line, fields};

    fn select(pieces: &[&[u8]], names: &[&[u8]], not: bool) -> Vec<u8> {
        let (mut selector, mut selected) = (FieldSelector::new(names, not), Vec::new());
        for piece in pieces {
            selector.push(piece, &mut selected);
        }
        selector.finish(&mut selected);
        selected
    }

    /// The definition: each field as a whole, and the blank line.
    fn defined(header: &[u8], names: &[&[u8]], not: bool) -> Vec<u8> {
        let mut selected = Vec::new();
        let mut at = 0;
        for field in fields(header) {
            at += field.octets.len();
            if names.iter().any(|name| field.is(name) && !name.is_empty()) != not {
                selected.extend_from_slice(field.octets);
            }
        }
        selected.extend_from_slice(&header[at..at + blank_line(&header[at..])]);
        selected
    }

    #[test]
    fn a_name_may_be_folded_before_its_colon() {
        let header = b"Subject\r\n \t: a\r\n b\r\nTo\r\nX: y\r\n\r\nSubject: body";
        assert_eq!(select(&[header], &[b"subject"], false), b"Subject\r\n \t: a\r\n b\r\n\r\n");
        assert_eq!(select(&[header], &[b"subject"], true), b"To\r\nX: y\r\n\r\n");
    }

    #[test]
    fn nothing_is_held_of_a_long_line() {
        let (mut selector, mut selected) = (FieldSelector::new(&[b"subject"], true), Vec::new());
        for piece in [vec![b'x'; 1 << 20], b"\r\nSubject".to_vec(), b" \r\n".repeat(1 << 18)] {
            selector.push(&piece, &mut selected);
            assert!(selector.held.len() <= 7 + SPACE);
        }
        assert_eq!(selected.len(), (1 << 20) + 2 + 7 + (3 << 18));
    }

    proptest! {
        #[test]
        fn pieces_select_what_the_whole_does(
            pieces in prop::collection::vec("([aAbBcC: \t\r\n\u{0}]|\r\n|a:|ab: |\r\n\r\n){0,12}", 0..8),
            not: bool,
        ) {
            let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
            let whole = pieces.concat();
            let names: [&[u8]; 3] = [b"a", b"AB", b""];
            prop_assert_eq!(select(&pieces, &names, not), defined(&whole, &names, not));
            prop_assert_eq!(select(&[&whole], &names, not), defined(&whole, &names, not));
        }
    }
}
