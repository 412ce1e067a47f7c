//! IMAP responses as tokens, and the patterns that they are held against.

use std::collections::BTreeMap;

use crate::support::{Outcome, fail};

use super::parse::unescape;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// `FLAGS`, `12`, `NIL`, `\Seen`, `BODY[HEADER.FIELDS (TO)]<0>`
    Atom(String),
    /// Quoted string or literal.
    Text(Vec<u8>),
    List(Vec<Token>),
    /// A response code.
    Code(Vec<Token>),
}

/// What `$name` stands for so far.
pub type Bindings = BTreeMap<String, Token>;

/// A response without its tag or `*`; literals stand in it as `{n}` CRLF octets.
pub fn response(octets: &[u8]) -> Outcome<Vec<Token>> {
    Reader { rest: octets, pattern: false }.tokens()
}

/// A pattern of a script.
pub fn pattern(text: &str) -> Outcome<Vec<Token>> {
    Reader { rest: text.as_bytes(), pattern: true }.tokens()
}

/// Whether a response is what the pattern says; binds names on success.
pub fn matches(pattern: &[Token], response: &[Token], bindings: &mut Bindings) -> bool {
    let mut trial = bindings.clone();
    let matched = match pattern.first() {
        Some(word) if is_status(word) => status_matches(pattern, response, &mut trial),
        _ => shaped(pattern, response, &mut trial),
    };
    if matched {
        *bindings = trial;
    }
    matched
}

fn status_matches(pattern: &[Token], response: &[Token], bindings: &mut Bindings) -> bool {
    // The human-readable text at the end is anyone's, unless the pattern has one.
    let shown = match pattern.len() < response.len() {
        true => &response[..pattern.len()],
        false => response,
    };
    sequence(pattern, shown, bindings)
}

/// FETCH, STATUS, LIST, LSUB and FLAGS hold parts whose order is free.
fn shaped(pattern: &[Token], response: &[Token], bindings: &mut Bindings) -> bool {
    match (pattern, response) {
        ([Token::Atom(word), Token::List(want)], [Token::Atom(got_word), Token::List(got)])
            if word.eq_ignore_ascii_case("FLAGS") =>
        {
            got_word.eq_ignore_ascii_case("FLAGS") && set(want, got, bindings)
        }
        (
            [Token::Atom(word), Token::List(want), rest @ ..],
            [Token::Atom(got_word), Token::List(got), got_rest @ ..],
        ) if word.eq_ignore_ascii_case("LIST") || word.eq_ignore_ascii_case("LSUB") => {
            got_word.eq_ignore_ascii_case(word)
                && set(want, got, bindings)
                && sequence(rest, got_rest, bindings)
        }
        (
            [number, Token::Atom(word), Token::List(want)],
            [got_number, Token::Atom(got_word), Token::List(got)],
        ) if word.eq_ignore_ascii_case("FETCH") => {
            got_word.eq_ignore_ascii_case("FETCH")
                && one(number, got_number, bindings)
                && pairs(want, got, bindings)
        }
        (
            [Token::Atom(word), name, Token::List(want)],
            [Token::Atom(got_word), got_name, Token::List(got)],
        ) if word.eq_ignore_ascii_case("STATUS") => {
            got_word.eq_ignore_ascii_case("STATUS")
                && one(name, got_name, bindings)
                && pairs(want, got, bindings)
        }
        _ => sequence(pattern, response, bindings),
    }
}

fn sequence(pattern: &[Token], response: &[Token], bindings: &mut Bindings) -> bool {
    match (pattern.first(), response.first()) {
        (None, None) => true,
        (Some(Token::Atom(any)), _) if any == "$$" => true,
        (Some(word), Some(got)) => {
            let after_flags =
                matches!(word, Token::Atom(word) if word.to_ascii_uppercase().ends_with("FLAGS"));
            if !one(word, got, bindings) {
                return false;
            }
            if let (true, [Token::List(want), rest @ ..], [Token::List(list), got_rest @ ..]) =
                (after_flags, &pattern[1..], &response[1..])
            {
                return set(want, list, bindings) && sequence(rest, got_rest, bindings);
            }
            sequence(&pattern[1..], &response[1..], bindings)
        }
        _ => false,
    }
}

fn one(pattern: &Token, got: &Token, bindings: &mut Bindings) -> bool {
    match (pattern, got) {
        (Token::Atom(any), _) if any == "$" => true,
        (Token::Atom(name), _)
            if name.starts_with('$') && name.len() > 1 && !name[1..].starts_with(char::is_uppercase) =>
        {
            match bindings.get(&name[1..]).cloned() {
                Some(bound) => one(&bound, got, bindings),
                None => bindings.insert(name[1..].to_owned(), got.clone()).is_none(),
            }
        }
        (Token::Atom(want), Token::Atom(got)) => want.eq_ignore_ascii_case(got),
        (Token::Text(want), Token::Text(got)) => want == got,
        // A server may send an astring either way; NIL is no string.
        (Token::Text(want), Token::Atom(got)) | (Token::Atom(got), Token::Text(want)) => {
            !got.eq_ignore_ascii_case("NIL") && want == got.as_bytes()
        }
        (Token::List(want), Token::List(got)) | (Token::Code(want), Token::Code(got)) => {
            sequence(want, got, bindings)
        }
        _ => false,
    }
}

fn set(want: &[Token], got: &[Token], bindings: &mut Bindings) -> bool {
    let mut left: Vec<&Token> = got.iter().collect();
    for token in want {
        if matches!(token, Token::Atom(any) if any == "$$") {
            return true;
        }
        let Some(found) = left.iter().position(|got| one(token, got, bindings)) else { return false };
        left.remove(found);
    }
    left.is_empty()
}

fn pairs(want: &[Token], got: &[Token], bindings: &mut Bindings) -> bool {
    let mut left: Vec<&[Token]> = got.chunks(2).collect();
    for pair in want.chunks(2) {
        if matches!(&pair[0], Token::Atom(any) if any == "$$") {
            return true;
        }
        let found = left.iter().position(|got| {
            let mut trial = bindings.clone();
            let matched = sequence(pair, got, &mut trial);
            if matched {
                *bindings = trial;
            }
            matched
        });
        let Some(found) = found else { return false };
        left.remove(found);
    }
    left.is_empty()
}

fn is_status(token: &Token) -> bool {
    let words = ["OK", "NO", "BAD", "BYE", "PREAUTH"];
    matches!(token, Token::Atom(word) if words.iter().any(|status| word.eq_ignore_ascii_case(status)))
}

struct Reader<'a> {
    rest: &'a [u8],
    /// Quoted strings of patterns know escapes that IMAP does not have.
    pattern: bool,
}

impl Reader<'_> {
    /// All of them. The text at the end of a status response is one token; a pattern has it as a pattern, or not at all.
    fn tokens(&mut self) -> Outcome<Vec<Token>> {
        let mut tokens = Vec::new();
        while let Some(token) = self.token()? {
            let status = tokens.is_empty() && is_status(&token);
            tokens.push(token);
            if !status {
                continue;
            }
            self.skip_space();
            if self.rest.first() == Some(&b'[') {
                tokens.push(self.code()?);
            }
            if !self.pattern {
                tokens.push(Token::Text(self.rest.trim_ascii().to_vec()));
                return Ok(tokens);
            }
        }
        Ok(tokens)
    }

    fn skip_space(&mut self) {
        while let [b' ', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn token(&mut self) -> Outcome<Option<Token>> {
        self.skip_space();
        match self.rest {
            [] => Ok(None),
            [b'(', rest @ ..] => {
                self.rest = rest;
                self.list(b')').map(|list| Some(Token::List(list)))
            }
            [b'"', ..] => self.quoted().map(|text| Some(Token::Text(text))),
            [b'{', ..] => self.literal().map(|text| Some(Token::Text(text))),
            // A literal8 is the text with a tilde before it, in a pattern as in a response.
            [b'~', rest @ ..] if matches!(rest, [b'{' | b'"', ..]) => {
                self.rest = rest;
                let text = if rest[0] == b'"' { self.quoted() } else { self.literal() };
                text.map(|text| Some(Token::Text([b"~".to_vec(), text].concat())))
            }
            [b')' | b']', ..] => fail("a bracket closes that was not opened"),
            _ => self.atom().map(|atom| Some(Token::Atom(atom))),
        }
    }

    fn code(&mut self) -> Outcome<Token> {
        self.rest = &self.rest[1..];
        self.list(b']').map(Token::Code)
    }

    fn list(&mut self, close: u8) -> Outcome<Vec<Token>> {
        let mut tokens = Vec::new();
        loop {
            self.skip_space();
            match self.rest.split_first() {
                None => return fail("a list does not end"),
                Some((&octet, rest)) if octet == close => {
                    self.rest = rest;
                    return Ok(tokens);
                }
                Some(_) => tokens.extend(self.token()?),
            }
        }
    }

    fn quoted(&mut self) -> Outcome<Vec<u8>> {
        let body = &self.rest[1..];
        let mut end = 0;
        while *body.get(end).ok_or("a quoted string does not end")? != b'"' {
            end += if body[end] == b'\\' { 2 } else { 1 };
        }
        self.rest = &body[end + 1..];
        if self.pattern {
            return unescape(std::str::from_utf8(&body[..end])?);
        }
        let mut text = Vec::new();
        let mut octets = body[..end].iter();
        while let Some(&octet) = octets.next() {
            text.push(if octet == b'\\' {
                *octets.next().ok_or("a quoted string ends in a backslash")?
            } else {
                octet
            });
        }
        Ok(text)
    }

    fn literal(&mut self) -> Outcome<Vec<u8>> {
        let end = self.rest.iter().position(|&octet| octet == b'\n').ok_or("a literal has no size line")?;
        let size: usize =
            std::str::from_utf8(&self.rest[1..end])?.trim_end_matches(['\r', '}', '+']).parse()?;
        let text = self.rest.get(end + 1..end + 1 + size).ok_or("a literal is cut off")?.to_vec();
        self.rest = &self.rest[end + 1 + size..];
        Ok(text)
    }

    /// An atom; `[` in it opens a section that goes to its `]`, whatever stands between.
    fn atom(&mut self) -> Outcome<String> {
        let mut atom = String::new();
        while let Some((&octet, rest)) = self.rest.split_first() {
            match octet {
                b' ' | b'(' | b')' | b'"' | b']' => break,
                b'[' => {
                    self.rest = rest;
                    atom.push('[');
                    atom.push_str(&self.list(b']')?.iter().map(show).collect::<Vec<_>>().join(" "));
                    atom.push(']');
                }
                _ => {
                    atom.push(octet as char);
                    self.rest = rest;
                }
            }
        }
        Ok(atom)
    }
}

/// A token as a person would write it.
pub fn show(token: &Token) -> String {
    match token {
        Token::Atom(atom) => atom.clone(),
        Token::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Token::List(list) => format!("({})", list.iter().map(show).collect::<Vec<_>>().join(" ")),
        Token::Code(code) => format!("[{}]", code.iter().map(show).collect::<Vec<_>>().join(" ")),
    }
}
