//! Headers for clients that have not said UTF8: what is outside ASCII is recoded or taken out (RFC 6856 section 2.1, RFC 6858).
//!
//! Only fields that have something outside ASCII are touched; all others stay octet for octet. The body is never changed.
//! More is kept than RFC 6858 asks for: file names are recoded by RFC 2231 instead of removed, and so are comments and
//! fields of free text by RFC 2047.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// RFC 6858 section 2.1
const INVALID: &str = "<invalid@internationalized-address.invalid>";

/// The header block with nothing outside ASCII in it; `None` when it has nothing to begin with.
pub(crate) fn header(block: &[u8]) -> Option<Vec<u8>> {
    if block.is_ascii() {
        return None;
    }
    let mut out = Vec::with_capacity(block.len());
    for field in fields(block) {
        if field.is_ascii() {
            out.extend_from_slice(field);
        } else if let Some(field) = recoded(field) {
            out.extend_from_slice(field.as_bytes());
        }
    }
    Some(out)
}

/// The fields, each with its line end and the lines folded below it.
fn fields(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = block;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let ends = rest.iter().enumerate().filter(|(_, octet)| **octet == b'\n').map(|(at, _)| at + 1);
        let end = ends.into_iter().find(|&end| !matches!(rest.get(end), Some(b' ' | b'\t')));
        let (field, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(field)
    })
}

/// A field with something outside ASCII; `None`: it has no form without and is left out (RFC 6858 section 2.4).
fn recoded(field: &[u8]) -> Option<String> {
    let colon = field.iter().position(|&octet| octet == b':')?;
    let name = std::str::from_utf8(&field[..colon]).ok().filter(|name| name.is_ascii())?;
    let value = unfolded(&field[colon + 1..]);
    let value = match name.trim_end().to_ascii_lowercase().as_str() {
        "from" | "sender" | "reply-to" | "to" | "cc" | "bcc" | "resent-from" | "resent-sender"
        | "resent-to" | "resent-cc" | "resent-bcc" | "resent-reply-to" => addresses(&value),
        "content-type" | "content-disposition" => parameters(&value),
        "subject" | "comments" | "content-description" | "organization" | "thread-topic" => encoded(&value),
        other if other.starts_with("x-") => encoded(&value),
        _ => return None,
    };
    Some(format!("{name}: {value}\r\n"))
}

/// The value as text: UTF-8 or, as some programs still write, Latin-1.
fn unfolded(value: &[u8]) -> String {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|&octet| char::from(octet)).collect(),
    };
    let text: String =
        text.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect();
    text.trim().to_owned()
}

/// Encoded words of UTF-8 (RFC 2047 section 2: at most 75 characters each), folded.
fn encoded(text: &str) -> String {
    const OCTETS: usize = 45;
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end =
            rest.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|&end| end <= OCTETS).last();
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        words.push(format!("=?utf-8?B?{}?=", BASE64.encode(piece)));
        rest = after;
    }
    words.join("\r\n ")
}

/// An address list: addresses outside ASCII become one that is marked as invalid and named like the original.
// RFC 6858 section 2.1
fn addresses(list: &str) -> String {
    let mut out = String::new();
    let mut item = String::new();
    let mut place = Place::default();
    for c in list.chars() {
        match c {
            ',' | ';' if place.is_top() => {
                out.push_str(&address(&std::mem::take(&mut item)));
                out.push(c);
                out.push_str("\r\n ");
            }
            // The name of a group.
            ':' if place.is_top() => {
                out.push_str(&phrase(&std::mem::take(&mut item)));
                out.push_str(": ");
            }
            c => item.push(c),
        }
        place.step(c);
    }
    out.push_str(&address(&item));
    out.trim_end().to_owned()
}

/// Whether a character is in quotes, in a comment, in angle brackets or in an address literal.
#[derive(Default)]
struct Place {
    quoted: bool,
    escaped: bool,
    comment: u32,
    angle: bool,
    literal: bool,
}

impl Place {
    fn is_top(&self) -> bool {
        !(self.quoted || self.escaped || self.comment > 0 || self.angle || self.literal)
    }

    fn step(&mut self, c: char) {
        if std::mem::take(&mut self.escaped) {
            return;
        }
        match c {
            '\\' if self.quoted || self.comment > 0 => self.escaped = true,
            '"' if self.comment == 0 => self.quoted = !self.quoted,
            _ if self.quoted => {}
            '(' => self.comment += 1,
            ')' => self.comment = self.comment.saturating_sub(1),
            _ if self.comment > 0 => {}
            '<' => self.angle = true,
            '>' => self.angle = false,
            '[' => self.literal = true,
            ']' => self.literal = false,
            _ => {}
        }
    }
}

fn address(item: &str) -> String {
    let item = item.trim();
    if item.is_ascii() {
        return item.to_owned();
    }
    match item.rfind('<').map(|at| item.split_at(at)) {
        Some((name, angle)) if angle.is_ascii() => format!("{} {angle}", phrase(name)),
        Some((name, angle)) => format!("{} {INVALID}", encoded(format!("{} {angle}", unquoted(name)).trim())),
        None => match without_comments(item) {
            bare if bare.is_ascii() => bare,
            _ => format!("{} {INVALID}", encoded(item)),
        },
    }
}

fn phrase(text: &str) -> String {
    let text = text.trim();
    if text.is_ascii() { text.to_owned() } else { encoded(&unquoted(text)) }
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let Some(inside) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut escaped = false;
    inside
        .chars()
        .filter(|&c| {
            escaped = c == '\\' && !escaped;
            !escaped
        })
        .collect()
}

fn without_comments(item: &str) -> String {
    let mut place = Place::default();
    let mut out = String::new();
    for c in item.chars() {
        let before = place.comment;
        place.step(c);
        if before == 0 && place.comment == 0 {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

/// Content-Type and Content-Disposition: parameters outside ASCII in the form of RFC 2231 section 4.
fn parameters(value: &str) -> String {
    let mut place = Place::default();
    let pieces = value.split(|c| {
        let splits = c == ';' && !place.quoted && !place.escaped;
        if !matches!(c, '(' | ')' | '<' | '>' | '[' | ']') {
            place.step(c);
        }
        splits
    });
    let pieces: Vec<String> = pieces.map(parameter).filter(|piece| !piece.is_empty()).collect();
    pieces.join(";\r\n ")
}

fn parameter(piece: &str) -> String {
    let piece = piece.trim();
    if piece.is_ascii() {
        return piece.to_owned();
    }
    match piece.split_once('=') {
        Some((name, value)) if name.is_ascii() && !name.contains('*') => {
            extended(name.trim(), &unquoted(value))
        }
        _ => piece.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect(),
    }
}

/// RFC 2231 section 4, and in pieces by section 4.1 where a line would grow long.
fn extended(name: &str, value: &str) -> String {
    const LINE: usize = 60;
    let mut lines = vec![String::new()];
    for octet in value.bytes() {
        if lines.last().is_some_and(|line| line.len() >= LINE) {
            lines.push(String::new());
        }
        let Some(line) = lines.last_mut() else { continue };
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            line.push(char::from(octet));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(line, "%{octet:02X}");
        }
    }
    if let [line] = &*lines {
        return format!("{name}*=utf-8''{line}");
    }
    let pieces = lines.iter().enumerate().map(|(at, line)| {
        let charset = if at == 0 { "utf-8''" } else { "" };
        format!("{name}*{at}*={charset}{line}")
    });
    pieces.collect::<Vec<_>>().join(";\r\n ")
}

/// A header too long to be recoded: what is outside ASCII is shown as question marks.
pub(crate) fn ascii(octets: &mut [u8]) {
    octets.iter_mut().filter(|octet| !octet.is_ascii()).for_each(|octet| *octet = b'?');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> String {
        String::from_utf8(header(text.as_bytes()).unwrap()).unwrap()
    }

    /// The text of the encoded words, for comparison: RFC 2047 section 6.2 ignores the space between them.
    fn decoded(text: &str) -> String {
        let mut out = Vec::new();
        for word in text.split_ascii_whitespace() {
            let encoded = word.strip_prefix("=?utf-8?B?").and_then(|word| word.strip_suffix("?="));
            assert!(word.len() <= 75, "{word}");
            out.extend(BASE64.decode(encoded.expect("an encoded word")).unwrap());
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ascii_is_left_alone() {
        assert_eq!(header(b"From: a@x\r\nSubject: x\r\n\r\n"), None);
        let mixed = "Received: by x\r\n\tid 1\r\nSubject: \u{fc}\r\nTo:  a@x,\r\n b@x\r\n\r\n";
        let out = field(mixed);
        assert!(out.starts_with("Received: by x\r\n\tid 1\r\nSubject: =?utf-8?B?w7w=?=\r\n"));
        assert!(out.ends_with("\r\nTo:  a@x,\r\n b@x\r\n\r\n"));
    }

    #[test]
    fn free_text_becomes_encoded_words() {
        let long = "Gr\u{fc}\u{df}e aus \u{4eac}\u{90fd} ".repeat(20);
        let out = field(&format!("Subject: {long}\r\n"));
        assert!(out.is_ascii() && out.lines().all(|line| line.len() <= 90));
        assert_eq!(decoded(out.strip_prefix("Subject:").unwrap()), long.trim());
        let latin1 = header(b"Subject: Gr\xfc\xdfe\r\n").unwrap();
        let latin1 = String::from_utf8(latin1).unwrap();
        assert_eq!(decoded(latin1.strip_prefix("Subject:").unwrap()), "Gr\u{fc}\u{df}e");
    }

    /// RFC 6858 section 2.1
    #[test]
    fn addresses_outside_ascii_become_the_invalid_one() {
        let out = field("From: Jos\u{e9} <jos\u{e9}@ex\u{e4}mple.com>\r\n");
        let name = out.strip_prefix("From: ").unwrap().strip_suffix(&format!(" {INVALID}\r\n")).unwrap();
        assert_eq!(decoded(name), "Jos\u{e9} <jos\u{e9}@ex\u{e4}mple.com>");

        let out =
            field("To: \"Zo\u{eb}, the \\\"x\\\"\" <zoe@x.org>, a@x, gr\u{fc}n@x.org, b@x (Gr\u{fc}n)\r\n");
        let items: Vec<&str> = out.strip_prefix("To: ").unwrap().trim_end().split(",\r\n ").collect();
        assert_eq!(items.len(), 4, "{out}");
        assert_eq!(decoded(items[0].strip_suffix(" <zoe@x.org>").unwrap()), "Zo\u{eb}, the \"x\"");
        assert_eq!((items[1], items[3]), ("a@x", "b@x"));
        assert_eq!(decoded(items[2].strip_suffix(INVALID).unwrap().trim()), "gr\u{fc}n@x.org");

        let out = field("Cc: Gr\u{fc}ne: a@x, b@[IPv6:2001:db8::1]; c@x\r\n");
        assert!(out.ends_with(": a@x,\r\n b@[IPv6:2001:db8::1];\r\n c@x\r\n"), "{out}");
    }

    #[test]
    fn file_names_survive() {
        let out =
            field("Content-Disposition: attachment;\r\n filename=\"r\u{e9}sum\u{e9}; 1.pdf\"; size=5\r\n");
        assert_eq!(
            out,
            "Content-Disposition: attachment;\r\n filename*=utf-8''r%C3%A9sum%C3%A9%3B%201.pdf;\r\n size=5\r\n"
        );
        let out = field(&format!("Content-Type: text/plain; name={}\r\n", "\u{e9}".repeat(30)));
        assert!(out.contains("name*0*=utf-8''%C3%A9") && out.contains(";\r\n name*2*=%C3"), "{out}");
    }

    /// RFC 6858 section 2.4
    #[test]
    fn other_fields_are_left_out() {
        assert_eq!(field("Message-ID: <\u{e9}@x>\r\nSubject: a\r\n\u{e9}: b\r\n\r\n"), "Subject: a\r\n\r\n");
        assert_eq!(field("Subject: a\r\ngarbage \u{e9}\r\n\r\n"), "Subject: a\r\n\r\n");
    }

    #[test]
    fn nothing_outside_ascii_comes_out_of_anything() {
        let pieces = [
            "From: ",
            "Content-Type: ",
            "\u{e9}",
            "\"",
            "(",
            ")",
            "<",
            ">",
            ";",
            ":",
            ",",
            "\\",
            "=",
            "\r\n ",
            "\r\n",
        ];
        let mut state = 7_u64;
        for _ in 0..20_000 {
            let mut block = String::from("To: ");
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                block.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            let out = header(block.as_bytes()).unwrap_or_else(|| block.clone().into_bytes());
            assert!(out.is_ascii(), "{block:?}");
        }
    }
}
