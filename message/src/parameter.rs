//! The values of Content-Type and Content-Disposition, and their parameters.
//!
//! RFC 2231 pieces (`name*0=`, `name*1*=`) are joined as its section 6 asks of IMAP servers; the character set mark
//! stays in the value of `name*`, which is not decoded. Pieces are sorted, not searched for, so a field of nothing but
//! pieces costs what sorting costs.

use std::borrow::Cow;

use crate::charset;
use crate::lexer::{comment_length, quoted_length, unescape};
use crate::limits::Limits;
use crate::summary::{Disposition, Parameter};

/// A media type, its subtype and their parameters.
pub(crate) struct MediaType {
    pub(crate) media_type: Vec<u8>,
    pub(crate) subtype: Vec<u8>,
    pub(crate) parameters: Vec<Parameter>,
}

/// RFC 2045 section 5.1, from an unfolded value. `None` where it is not valid: the default then applies.
pub(crate) fn media_type(value: &[u8], limits: &mut Limits) -> Option<MediaType> {
    let mut cursor = Cursor { rest: value };
    let media_type = cursor.token();
    cursor.skip_blanks();
    cursor.rest = cursor.rest.strip_prefix(b"/")?;
    let subtype = cursor.token();
    if media_type.is_empty() || subtype.is_empty() {
        return None;
    }
    let parameters = cursor.parameters(limits);
    Some(MediaType { media_type: media_type.to_vec(), subtype: subtype.to_vec(), parameters })
}

/// RFC 2183 section 2, from an unfolded value. `None` where there is no disposition type.
pub(crate) fn disposition(value: &[u8], limits: &mut Limits) -> Option<Disposition> {
    let mut cursor = Cursor { rest: value };
    let token = cursor.token();
    (!token.is_empty()).then(|| Disposition { value: token.to_vec(), parameters: cursor.parameters(limits) })
}

/// The first token of an unfolded value, such as a Content-Transfer-Encoding.
pub(crate) fn first_token(value: &[u8]) -> Option<&[u8]> {
    let token = Cursor { rest: value }.token();
    (!token.is_empty()).then_some(token)
}

/// The value of a parameter by its name, with RFC 2231's percent signs undone but its character set not.
pub(crate) fn value_of<'a>(parameters: &'a [Parameter], name: &[u8]) -> Option<Cow<'a, [u8]>> {
    let plain = parameters.iter().find(|parameter| parameter.name.eq_ignore_ascii_case(name));
    if let Some(parameter) = plain {
        return Some(Cow::Borrowed(&parameter.value));
    }
    let extended = |parameter: &&Parameter| {
        parameter.name.strip_suffix(b"*").is_some_and(|base| base.eq_ignore_ascii_case(name))
    };
    parameters.iter().find(extended).map(|parameter| Cow::Owned(split_charset(&parameter.value).1))
}

/// The decoded text of a parameter whose name ends with `*` (RFC 2231 section 4); `None` for any other.
pub(crate) fn extended_text(parameter: &Parameter) -> Option<String> {
    parameter.name.strip_suffix(b"*")?;
    let (charset, octets) = split_charset(&parameter.value);
    Some(charset::decode(charset, &octets))
}

/// `charset'language'text`: the character set and the octets of the text.
fn split_charset(value: &[u8]) -> (&[u8], Vec<u8>) {
    let mut pieces = value.splitn(3, |&b| b == b'\'');
    match (pieces.next(), pieces.next(), pieces.next()) {
        (Some(charset), Some(_), Some(text)) => (charset, percent_decode(text)),
        _ => (b"", percent_decode(value)),
    }
}

fn percent_decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        match (octet, crate::transfer::hex_pair(tail)) {
            (b'%', Some(value)) => {
                decoded.push(value);
                rest = &tail[2..];
            }
            _ => decoded.push(octet),
        }
    }
    decoded
}

/// Reads tokens, comments and quoted strings from the front of a value.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Takes `length` octets.
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Skips white space and comments; one that does not close is the rest of the value.
    fn skip_blanks(&mut self) {
        loop {
            self.rest = self.rest.trim_ascii_start();
            if !self.rest.starts_with(b"(") {
                return;
            }
            self.take(comment_length(self.rest).unwrap_or(usize::MAX));
        }
    }

    /// RFC 2045 section 5.1, `token`; empty where there is none.
    fn token(&mut self) -> &'a [u8] {
        self.skip_blanks();
        self.take(self.rest.iter().take_while(|b| is_token(**b)).count())
    }

    fn parameters(&mut self, limits: &mut Limits) -> Vec<Parameter> {
        let mut found = Vec::new();
        while self.skip_to_semicolon() {
            if let Some(parameter) = self.parameter() {
                if !limits.item() {
                    break;
                }
                found.push(parameter);
            }
        }
        join_pieces(found)
    }

    /// Skips what is left of a parameter and its semicolon; false at the end.
    fn skip_to_semicolon(&mut self) -> bool {
        loop {
            self.skip_blanks();
            match self.rest.first() {
                None => return false,
                Some(b'"') => self.take(quoted_length(self.rest).unwrap_or(usize::MAX)),
                Some(b';') => {
                    self.take(1);
                    return true;
                }
                Some(_) => self.take(1),
            };
        }
    }

    fn parameter(&mut self) -> Option<Parameter> {
        self.skip_blanks();
        let ends = |b: &&u8| !matches!(b, b'=' | b';' | b'"' | b'(') && !b.is_ascii_whitespace();
        let name = self.take(self.rest.iter().take_while(ends).count());
        self.skip_blanks();
        self.rest = self.rest.strip_prefix(b"=")?;
        self.skip_blanks();
        let value = if self.rest.starts_with(b"\"") { self.quoted() } else { self.unquoted(name) };
        (!name.is_empty()).then(|| Parameter { name: name.to_vec(), value })
    }

    /// A quoted string; one that does not close reaches to the end of the field.
    fn quoted(&mut self) -> Vec<u8> {
        let length = quoted_length(self.rest);
        let text = self.take(length.unwrap_or(usize::MAX));
        let inside = &text[1..text.len() - usize::from(length.is_some())];
        let mut value = Vec::with_capacity(inside.len());
        unescape(inside, &mut value);
        value
    }

    /// A value without quotes: more than a token, since `boundary=a=b` and `name=my file.txt` are often seen.
    fn unquoted(&mut self, name: &[u8]) -> Vec<u8> {
        let blanks = name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"name"))
            || name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"filename"));
        let mut length = 0;
        let mut last = b' ';
        for &octet in self.rest {
            let blank = octet.is_ascii_whitespace();
            if octet == b';' || (blank && !blanks) || (octet == b'(' && last.is_ascii_whitespace()) {
                break;
            }
            last = octet;
            length += 1;
        }
        self.take(length).trim_ascii_end().to_vec()
    }
}

/// RFC 2045 section 5.1: no blanks, controls or tspecials. Octets above US-ASCII are let through.
fn is_token(octet: u8) -> bool {
    !(octet <= b' ' || octet == 0x7f || b"()<>@,;:\\\"/[]?=".contains(&octet))
}

/// A parameter that is a piece of another: `base*section` or `base*section*`.
struct Piece {
    base: Vec<u8>,
    section: u32,
    /// Where it stands among the parameters.
    index: usize,
    /// Its value has percent signs (and, in section 0, a character set).
    extended: bool,
}

impl Piece {
    // RFC 2231 section 3: sections count from 0, without leading zeros.
    fn new(index: usize, name: &[u8]) -> Option<Piece> {
        let (name, extended) = match name.strip_suffix(b"*") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let star = name.iter().rposition(|&b| b == b'*')?;
        let digits = &name[star + 1..];
        let canonical =
            digits == b"0" || (!digits.starts_with(b"0") && digits.iter().all(u8::is_ascii_digit));
        let section = std::str::from_utf8(digits).ok()?.parse().ok().filter(|_| canonical && star > 0)?;
        Some(Piece { base: name[..star].to_ascii_lowercase(), section, index, extended })
    }
}

/// Puts the pieces of each parameter together. Pieces that do not follow from section 0 stay as they are.
fn join_pieces(parameters: Vec<Parameter>) -> Vec<Parameter> {
    let named = parameters.iter().enumerate();
    let mut pieces: Vec<Piece> = named.filter_map(|(index, p)| Piece::new(index, &p.name)).collect();
    if pieces.is_empty() {
        return parameters;
    }
    pieces.sort_by(|a, b| (&a.base, a.section, a.index).cmp(&(&b.base, b.section, b.index)));
    let mut slots: Vec<Option<Parameter>> = parameters.into_iter().map(Some).collect();
    for same in pieces.chunk_by(|a, b| a.base == b.base) {
        join_sections(same, &mut slots);
    }
    slots.into_iter().flatten().collect()
}

/// Joins the sections of one parameter into the slot of section 0, whose name it keeps.
fn join_sections(pieces: &[Piece], slots: &mut [Option<Parameter>]) {
    let mut chain: Vec<&Piece> = Vec::new();
    for piece in pieces {
        if piece.section as usize == chain.len() {
            chain.push(piece);
        }
    }
    let Some(first) = chain.first() else { return };
    let extended = chain.iter().any(|piece| piece.extended);
    let mut value = Vec::new();
    if extended && !first.extended {
        value.extend_from_slice(b"''");
    }
    let mut name = Vec::new();
    for piece in &chain {
        let Some(part) = slots[piece.index].take() else { continue };
        if piece.index == first.index {
            name = part.name[..piece.base.len()].to_vec();
        }
        if extended && !piece.extended {
            percent_encode(&part.value, &mut value);
        } else {
            value.extend_from_slice(&part.value);
        }
    }
    if extended {
        name.push(b'*');
    }
    slots[first.index] = Some(Parameter { name, value });
}

/// RFC 2231 section 7, `attribute-char`; everything else becomes a percent sign and two digits.
fn percent_encode(text: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &octet in text {
        if is_token(octet) && octet.is_ascii() && !matches!(octet, b'*' | b'\'' | b'%') {
            out.push(octet);
        } else {
            out.extend([b'%', DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> (String, Vec<(String, String)>) {
        let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
        let media = media_type(value.as_bytes(), &mut Limits::new()).unwrap();
        let parameters = media.parameters.iter().map(|p| (text(&p.name), text(&p.value))).collect();
        (format!("{}/{}", text(&media.media_type), text(&media.subtype)), parameters)
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    // RFC 2045 section 5.1: the two forms are equivalent.
    #[test]
    fn quotes_and_comments_are_not_of_the_value() {
        for value in ["text/plain; charset=us-ascii (Plain text)", "text/plain; charset=\"us-ascii\""] {
            assert_eq!(parse(value), ("text/plain".into(), pairs(&[("charset", "us-ascii")])));
        }
        let nested = "(a (b)) Text / (c) Plain (d) ; (e) Charset (f) = (g) utf-8 (h)";
        assert_eq!(parse(nested), ("Text/Plain".into(), pairs(&[("Charset", "utf-8")])));
        assert_eq!(parse(r#"a/b; c="d\"e;\\""#).1, pairs(&[("c", r#"d"e;\"#)]));
    }

    #[test]
    fn values_that_should_have_been_quoted() {
        let value = "multipart/mixed; boundary=----=_Part:1/2?x; name=my file.txt ;;foo;=x; bar= ; type=a b";
        let expected =
            [("boundary", "----=_Part:1/2?x"), ("name", "my file.txt"), ("bar", ""), ("type", "a")];
        assert_eq!(parse(value).1, pairs(&expected));
        assert_eq!(parse("a/b; x=\"open; y=z").1, pairs(&[("x", "open; y=z")]));
    }

    #[test]
    fn an_invalid_type_is_none() {
        for value in ["", "text", "text/", "/plain", "te xt/plain", ";charset=x", "text;/plain"] {
            assert!(media_type(value.as_bytes(), &mut Limits::new()).is_none(), "{value}");
        }
    }

    // RFC 2231 section 3.
    #[test]
    fn continuations_are_joined() {
        let value = r#"message/external-body; access-type=URL; URL*0="ftp://"; URL*1="cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar""#;
        let expected =
            [("access-type", "URL"), ("URL", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar")];
        assert_eq!(parse(value).1, pairs(&expected));
    }

    // RFC 2231 section 4.
    #[test]
    fn an_extended_value_keeps_its_character_set() {
        let value = "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A";
        assert_eq!(parse(value).1, pairs(&[("title*", "us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A")]));
    }

    // RFC 2231 section 4.1.
    #[test]
    fn extended_continuations_are_joined() {
        let value = r#"application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn't it!""#;
        let joined = "us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!";
        assert_eq!(parse(value).1, pairs(&[("title*", joined)]));
        let media = media_type(value.as_bytes(), &mut Limits::new()).unwrap();
        assert_eq!(extended_text(&media.parameters[0]).unwrap(), "This is even more ***fun*** isn't it!");
        assert_eq!(
            &*value_of(&media.parameters, b"TITLE").unwrap(),
            b"This is even more ***fun*** isn't it!"
        );
    }

    #[test]
    fn pieces_may_come_in_any_order_but_not_with_gaps() {
        assert_eq!(parse("a/b; t*1=two; x=y; T*0=one").1, pairs(&[("x", "y"), ("T", "onetwo")]));
        assert_eq!(parse("a/b; t*0=one; t*2=three").1, pairs(&[("t", "one"), ("t*2", "three")]));
        assert_eq!(parse("a/b; t*1=two").1, pairs(&[("t*1", "two")]));
        assert_eq!(
            parse("a/b; t*0=one; t*0=two; t*00=x").1,
            pairs(&[("t", "one"), ("t*0", "two"), ("t*00", "x")])
        );
        assert_eq!(parse("a/b; t*0=a b; t*1*=%20c").1, pairs(&[("t*", "''a%20c")]));
        assert_eq!(parse("a/b; t*99999999999=x; *0=y").1, pairs(&[("t*99999999999", "x"), ("*0", "y")]));
    }

    #[test]
    fn dispositions() {
        let found = disposition(b"attachment; filename=\"a b.txt\"; size=12", &mut Limits::new()).unwrap();
        assert_eq!(found.value, b"attachment");
        assert_eq!(found.parameters.len(), 2);
        assert_eq!(&*value_of(&found.parameters, b"FILENAME").unwrap(), b"a b.txt");
        assert!(disposition(b" ; filename=x", &mut Limits::new()).is_none());
    }

    #[test]
    fn hostile_parameters_are_linear() {
        // None would end in reasonable time if pieces were searched for or text was rescanned.
        let pieces: String = (0..400_000).rev().map(|n| format!(";a*{n}=x")).collect();
        assert_eq!(parse(&format!("a/b{pieces}")).1.len(), 10_000, "section 0 is over the limit of items");
        let pieces: String = (0..9_900).rev().map(|n| format!(";a*{n}*=%41")).collect();
        assert_eq!(parse(&format!("a/b{pieces}")).1[0].1.len(), 9_900 * 3);
        for piece in [";", "\"", "\"\\", "(", "=", ";a", ";a=", ";a*0=b", ";a=\"", "(\\", "a ", "; ;a*0*"] {
            let value = format!("a/b{}", piece.repeat(1 << 19));
            assert!(parse(&value).1.len() <= 10_000);
        }
    }
}
