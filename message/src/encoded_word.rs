//! RFC 2047 encoded words in a header value.
//!
//! More is understood than the RFC allows, since mail has more: words inside quotes and touching other text, blanks
//! inside words. What is not a word stands for itself. A word ends at the first `?` after its encoding, so the search
//! for the end never looks at an octet twice.

use crate::charset;
use crate::header::unfold;
use crate::transfer;

/// The text of a header value, folded or not.
pub(crate) fn decode(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    decode_into(raw, &mut text);
    text
}

/// Appends the text of a header value.
pub(crate) fn decode_into(raw: &[u8], text: &mut String) {
    let value = unfold(raw);
    let mut decoder = Decoder { text, charset: Vec::new(), octets: Vec::new() };
    let mut rest = &value[..];
    while let Some((before, word)) = next_word(rest) {
        decoder.plain(before);
        decoder.word(&word);
        rest = word.rest;
    }
    decoder.plain(rest);
    decoder.flush();
}

/// The text so far, and the octets of words that wait for a next word in the same character set: a character may be
/// split between them.
struct Decoder<'a> {
    text: &'a mut String,
    charset: Vec<u8>,
    octets: Vec<u8>,
}

impl Decoder<'_> {
    // RFC 2047 section 6.2: white space between encoded words is not displayed.
    fn plain(&mut self, text: &[u8]) {
        if !self.charset.is_empty() && text.trim_ascii().is_empty() {
            return;
        }
        self.flush();
        self.text.push_str(&charset::guess(text));
    }

    fn word(&mut self, word: &Word<'_>) {
        if !self.charset.eq_ignore_ascii_case(word.charset) {
            self.flush();
            self.charset = word.charset.to_vec();
        }
        self.octets.extend_from_slice(&word.octets);
    }

    fn flush(&mut self) {
        if !self.charset.is_empty() {
            self.text.push_str(&charset::decode(&self.charset, &self.octets));
        }
        self.charset.clear();
        self.octets.clear();
    }
}

struct Word<'a> {
    charset: &'a [u8],
    octets: Vec<u8>,
    /// What follows the word.
    rest: &'a [u8],
}

/// The next encoded word and the text before it.
fn next_word(value: &[u8]) -> Option<(&[u8], Word<'_>)> {
    let mut from = 0;
    loop {
        let at = from + value[from..].windows(2).position(|pair| pair == b"=?")?;
        match Word::parse(&value[at + 2..]) {
            Some(word) => return Some((&value[..at], word)),
            None => from = at + 2,
        }
    }
}

impl<'a> Word<'a> {
    /// `charset[*language]?encoding?text?=`, RFC 2047 section 2 and RFC 2231 section 5.
    fn parse(value: &'a [u8]) -> Option<Word<'a>> {
        let (charset, value) = until_question_mark(value)?;
        let (encoding, value) = until_question_mark(value)?;
        let (text, value) = until_question_mark(value)?;
        let rest = value.strip_prefix(b"=")?;
        let charset = charset.split(|&b| b == b'*').next().unwrap_or(charset);
        if charset.is_empty() || !charset.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let octets = match encoding {
            b"Q" | b"q" => q(text),
            b"B" | b"b" => transfer::base64_strict(text)?,
            _ => return None,
        };
        Some(Word { charset, octets, rest })
    }
}

fn until_question_mark(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = value.iter().position(|&b| b == b'?')?;
    Some((&value[..at], &value[at + 1..]))
}

/// RFC 2047 section 4.2: as quoted-printable, with `_` for a space.
fn q(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|&b| if b == b'_' { b' ' } else { b }).collect();
    let mut octets = Vec::with_capacity(spaced.len());
    transfer::quoted(&spaced, &mut octets);
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> String {
        decode(value.as_bytes())
    }

    // RFC 2047 section 8.
    #[test]
    fn examples_of_rfc_2047() {
        for (value, expected) in [
            ("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),
            ("=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>", "Keld Jørn Simonsen <keld@dkuug.dk>"),
            ("=?ISO-8859-1?Q?Andr=E9?= Pirard <PIRARD@vm1.ulg.ac.be>", "André Pirard <PIRARD@vm1.ulg.ac.be>"),
            (
                "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
                "If you can read this you understand the example.",
            ),
            ("(=?ISO-8859-1?Q?a?=)", "(a)"),
            ("(=?ISO-8859-1?Q?a?= b)", "(a b)"),
            ("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
            ("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"),
            ("(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"),
            ("(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
            ("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    // RFC 2231 section 5.
    #[test]
    fn a_language_is_not_of_the_character_set() {
        assert_eq!(text("=?US-ASCII*EN?Q?Keith_Moore?="), "Keith Moore");
    }

    #[test]
    fn characters_may_be_split_between_words() {
        assert_eq!(text("=?utf-8?B?5pel5pw=?= =?UTF-8?B?rOiqng==?="), "日本語");
        assert_eq!(text("=?utf-8?Q?=E6=97?==?utf-8?B?pQ==?="), "日");
        assert_eq!(text("=?utf-8?Q?=C3?= x =?utf-8?Q?=A4?="), "\u{fffd} x \u{fffd}");
    }

    #[test]
    fn broken_words_stay() {
        for value in [
            "=?utf-8?Q?no end",
            "=?utf-8?X?text?=",
            "=?utf-8?B?%%%?=",
            "=??Q?a?=",
            "=?utf-8?Q?a",
            "=?",
            "=?=",
            "=?a b?Q?c?=",
            "a =?utf-8?Q?=?",
        ] {
            assert_eq!(text(value), value);
        }
        assert_eq!(text("=?x?=?utf-8?Q?a?="), "=?x?a");
        assert_eq!(text("=?utf-8?Q?a=ZZ b?= c"), "a=ZZ b c");
    }

    #[test]
    fn raw_text_is_utf_8_or_windows_1252() {
        assert_eq!(decode("Grüße =?utf-8?Q?=C3=A4?= ö".as_bytes()), "Grüße ä ö");
        assert_eq!(decode(b"Gr\xfc\xdfe"), "Grüße");
        assert_eq!(decode(b"  folded\r\n\tvalue \r\n"), "folded\tvalue");
    }

    #[test]
    fn hostile_values_are_linear() {
        // Quadratic work on these would not end in reasonable time.
        for piece in ["=?", "=?a?q?", "=?a?q?x ", "=?a", "?", "=", "=?a?q?a?=", "=?a?q?=?a?q?a?="] {
            let value = piece.repeat(1 << 19);
            assert!(text(&value).len() <= value.len());
        }
    }
}
