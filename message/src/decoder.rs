//! Content-Transfer-Encoding undone a piece at a time, for parts that are too large to be held.
//!
//! - As lenient as the decoding of whole bodies: what is not valid stands for itself or is left out.
//! - However the pieces are cut, the outcome is that of the whole; memory stays small whatever the octets are.

use crate::summary::{Kind, Part};
use crate::transfer;

/// What a part's Content-Transfer-Encoding asks for. RFC 2045 section 6
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `7bit`, `8bit`, `binary`: the octets stand for themselves.
    Identity,
    Base64,
    QuotedPrintable,
}

impl Encoding {
    /// `None`: a name that nobody here knows. A multipart is never encoded itself, whatever it says (RFC 2045 section 6.4).
    pub fn of(part: &Part) -> Option<Encoding> {
        let encoding = part.encoding.as_deref();
        let is = |name: &[u8]| encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case(name));
        match &part.kind {
            Kind::Multipart(_) => Some(Encoding::Identity),
            _ if transfer::is_identity(encoding) => Some(Encoding::Identity),
            _ if is(b"base64") => Some(Encoding::Base64),
            _ if is(b"quoted-printable") => Some(Encoding::QuotedPrintable),
            _ => None,
        }
    }
}

/// Decodes one body.
#[derive(Debug, Clone)]
pub struct Decoder(State);

#[derive(Debug, Clone)]
enum State {
    Identity,
    Base64(Group),
    /// A line whose end has not come.
    QuotedPrintable(Vec<u8>),
}

impl Decoder {
    pub fn new(encoding: Encoding) -> Decoder {
        Decoder(match encoding {
            Encoding::Identity => State::Identity,
            Encoding::Base64 => State::Base64(Group::default()),
            Encoding::QuotedPrintable => State::QuotedPrintable(Vec::new()),
        })
    }

    /// Appends what the next octets of the body stand for.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            State::Identity => out.extend_from_slice(octets),
            State::Base64(group) => group.push(octets, out),
            State::QuotedPrintable(held) => {
                octets.split_inclusive(|&octet| octet == b'\n').for_each(|piece| line(held, piece, out));
            }
        }
    }

    /// Appends what is still held at the end of the body.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match &mut self.0 {
            State::Identity => {}
            State::Base64(group) => group.end(out),
            State::QuotedPrintable(held) => transfer::quoted_line(&std::mem::take(held), out),
        }
    }
}

/// Characters of base64 that are not yet octets. RFC 2045 section 6.8
#[derive(Debug, Clone, Default)]
struct Group {
    bits: u32,
    characters: u8,
}

impl Group {
    fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        out.reserve(octets.len() / 4 * 3);
        let mut rest = octets;
        while let Some((&first, behind)) = rest.split_first() {
            if self.characters == 0
                && let Some((four, behind)) = rest.split_first_chunk::<4>()
                && let Some(three) = three(four)
            {
                out.extend_from_slice(&three);
                rest = behind;
                continue;
            }
            self.character(first, out);
            rest = behind;
        }
    }

    /// Characters outside of the alphabet are ignored; `=` ends a group.
    fn character(&mut self, octet: u8, out: &mut Vec<u8>) {
        match VALUES[usize::from(octet)] {
            NONE if octet == b'=' => self.end(out),
            NONE => {}
            value => {
                self.bits = self.bits << 6 | u32::from(value);
                self.characters += 1;
                if self.characters == 4 {
                    out.extend_from_slice(&self.bits.to_be_bytes()[1..]);
                    *self = Group::default();
                }
            }
        }
    }

    /// The octets of a group that is cut short.
    fn end(&mut self, out: &mut Vec<u8>) {
        let Group { bits, characters } = std::mem::take(self);
        match characters {
            2 => out.extend_from_slice(&(bits << 12).to_be_bytes()[1..2]),
            3 => out.extend_from_slice(&(bits << 6).to_be_bytes()[1..3]),
            _ => {}
        }
    }
}

/// Four characters of the alphabet as three octets.
fn three(four: &[u8; 4]) -> Option<[u8; 3]> {
    let [a, b, c, d] = four.map(|octet| VALUES[usize::from(octet)]);
    if (a | b | c | d) & NONE != 0 {
        return None;
    }
    let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
    let [_, first, second, third] = bits.to_be_bytes();
    Some([first, second, third])
}

/// Not of the alphabet: a bit that no value has.
const NONE: u8 = 0x80;

const VALUES: [u8; 256] = {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < 64 {
        values[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    values
};

/// RFC 2045 section 6.7 has lines of at most 76 characters; what is much longer is decoded before its end comes.
const LONG_LINE: usize = 4096;

/// Takes a piece of a line; `held` has what came of it before.
fn line(held: &mut Vec<u8>, piece: &[u8], out: &mut Vec<u8>) {
    if held.is_empty() && piece.ends_with(b"\n") {
        return transfer::quoted_line(piece, out);
    }
    held.extend_from_slice(piece);
    if held.ends_with(b"\n") {
        transfer::quoted_line(held, out);
        held.clear();
    } else if held.len() > LONG_LINE {
        let sure = sure(held);
        transfer::quoted(&held[..sure], out);
        held.drain(..sure);
    }
}

/// How much of a long line can be decoded without knowing what follows: not white space that may end it, and no `=` whose
/// digits are to come. All of it where there is nothing but white space.
fn sure(held: &[u8]) -> usize {
    let text = held.trim_ascii_end().len();
    let tail = text.saturating_sub(2);
    match held[tail..text].iter().position(|&octet| octet == b'=') {
        _ if text == 0 => held.len(),
        Some(at) if tail + at > 0 => tail + at,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(encoding: Encoding, pieces: &[&[u8]]) -> Vec<u8> {
        let (mut decoder, mut out) = (Decoder::new(encoding), Vec::new());
        pieces.iter().for_each(|piece| decoder.push(piece, &mut out));
        decoder.finish(&mut out);
        out
    }

    fn part(encoding: Option<&[u8]>) -> Part {
        Part { encoding: encoding.map(<[u8]>::to_vec), ..Part::default() }
    }

    #[test]
    fn encodings_by_name() {
        assert_eq!(Encoding::of(&part(None)), Some(Encoding::Identity));
        assert_eq!(Encoding::of(&part(Some(b"8BIT"))), Some(Encoding::Identity));
        assert_eq!(Encoding::of(&part(Some(b"Binary"))), Some(Encoding::Identity));
        assert_eq!(Encoding::of(&part(Some(b"BASE64"))), Some(Encoding::Base64));
        assert_eq!(Encoding::of(&part(Some(b"Quoted-Printable"))), Some(Encoding::QuotedPrintable));
        assert_eq!(Encoding::of(&part(Some(b"x-uuencode"))), None);
        let multipart = Part { kind: Kind::Multipart(Vec::new()), ..part(Some(b"base64")) };
        assert_eq!(Encoding::of(&multipart), Some(Encoding::Identity));
    }

    #[test]
    fn base64_in_pieces() {
        for (encoded, expected) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
            ("Zm9v\r\nYmFy\r\n", "foobar"),
            ("Zm9vYg", "foob"),
            ("SGVsbG8=SGVsbG8=", "HelloHello"),
            ("SG!Vs*bG8", "Hello"),
        ] {
            assert_eq!(decoded(Encoding::Base64, &[encoded.as_bytes()]), expected.as_bytes(), "{encoded}");
            let single: Vec<&[u8]> = encoded.as_bytes().chunks(1).collect();
            assert_eq!(decoded(Encoding::Base64, &single), expected.as_bytes(), "{encoded}");
        }
        assert_eq!(decoded(Encoding::Base64, &[b"AAECAw=="]), [0, 1, 2, 3]);
    }

    #[test]
    fn a_line_without_end_is_not_held() {
        let (mut decoder, mut out) = (Decoder::new(Encoding::QuotedPrintable), Vec::new());
        for _ in 0..1000 {
            decoder.push(&[b' '; 1000], &mut out);
            decoder.push(b"=4", &mut out);
            decoder.push(b"1", &mut out);
        }
        let State::QuotedPrintable(held) = &decoder.0 else { panic!("another encoding") };
        assert!(held.len() <= 2 * LONG_LINE && held.capacity() <= 4 * LONG_LINE);
        decoder.finish(&mut out);
        assert_eq!(out.iter().filter(|&&octet| octet == b'A').count(), 1000);
    }

    proptest! {
        /// Pieces are as good as the whole, and as what SEARCH decodes.
        #[test]
        fn cuts_change_nothing(
            text in "[AQg=4\\r\\n \\t!ö]{0,200}", cuts in proptest::collection::vec(0usize..220, 0..6),
        ) {
            let octets = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(octets.len())).collect();
            cuts.extend([0, octets.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &octets[cut[0]..cut[1]]).collect();
            for encoding in [Encoding::Identity, Encoding::Base64, Encoding::QuotedPrintable] {
                prop_assert_eq!(decoded(encoding, &pieces), decoded(encoding, &[octets]));
            }
            let quoted = decoded(Encoding::QuotedPrintable, &[octets]);
            prop_assert_eq!(quoted, transfer::quoted_printable(octets));
        }
    }
}
