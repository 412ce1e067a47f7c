//! The lexical tokens of RFC 5322 section 3.2: atoms, quoted strings, comments, domain literals.
//!
//! One pass over an unfolded value. A quote or comment that never closes is an ordinary character; it is looked for
//! once, which keeps the pass linear.

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Atoms with their dots, domain literals, and anything that is not understood.
    Atom,
    /// The inside of a quoted string.
    Quoted,
    /// The inside of a comment.
    Comment,
    /// One of `<>@,;:`.
    Special(u8),
}

/// A token: a range of the value.
#[derive(Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    start: usize,
    end: usize,
    /// White space or a comment stands before it.
    pub(crate) spaced: bool,
}

impl Token {
    pub(crate) fn text<'a>(&self, value: &'a [u8]) -> &'a [u8] {
        &value[self.start..self.end]
    }

    /// Appends the text with quoted pairs undone.
    pub(crate) fn write(&self, value: &[u8], out: &mut Vec<u8>) {
        let text = self.text(value);
        if matches!(self.kind, Kind::Quoted | Kind::Comment) && text.contains(&b'\\') {
            unescape(text, out);
        } else {
            out.extend_from_slice(text);
        }
    }
}

/// Undoes the quoted pairs of RFC 5322 section 3.2.1.
pub(crate) fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut octets = text.iter();
    while let Some(&octet) = octets.next() {
        out.push(if octet == b'\\' { *octets.next().unwrap_or(&octet) } else { octet });
    }
}

/// The tokens of an unfolded structured value.
pub(crate) struct Lexer<'a> {
    value: &'a [u8],
    at: usize,
    /// False after a quote that does not close: from then on it is an ordinary character.
    quotes: bool,
    /// The same for `(`.
    comments: bool,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Lexer<'a> {
        Lexer { value, at: 0, quotes: true, comments: true }
    }

    /// Skips what encloses the token and returns the token between.
    fn enclosed(&mut self, kind: Kind, length: usize, spaced: bool) -> Token {
        let token = Token { kind, start: self.at + 1, end: self.at + length - 1, spaced };
        self.at += length;
        token
    }

    fn atom(&mut self, spaced: bool) -> Token {
        let start = self.at;
        while let Some(&octet) = self.value.get(self.at) {
            let ends = match octet {
                b'"' => self.quotes && self.at > start,
                b'(' => self.comments && self.at > start,
                b'[' => {
                    self.at += literal_length(&self.value[self.at..]);
                    continue;
                }
                _ => octet.is_ascii_whitespace() || is_special(octet),
            };
            if ends {
                break;
            }
            self.at += 1;
        }
        Token { kind: Kind::Atom, start, end: self.at, spaced }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let start = self.at;
        self.at += self.value[start..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        let follows_comment = start > 0 && self.comments && self.value[start - 1] == b')';
        let spaced = self.at > start || follows_comment;
        let rest = &self.value[self.at..];
        match rest.first()? {
            b'"' if self.quotes => match quoted_length(rest) {
                Some(length) => return Some(self.enclosed(Kind::Quoted, length, spaced)),
                None => self.quotes = false,
            },
            b'(' if self.comments => match comment_length(rest) {
                Some(length) => return Some(self.enclosed(Kind::Comment, length, spaced)),
                None => self.comments = false,
            },
            &special if is_special(special) => {
                self.at += 1;
                return Some(Token {
                    kind: Kind::Special(special),
                    start: self.at - 1,
                    end: self.at,
                    spaced,
                });
            }
            _ => {}
        }
        Some(self.atom(spaced))
    }
}

fn is_special(octet: u8) -> bool {
    matches!(octet, b'<' | b'>' | b'@' | b',' | b';' | b':')
}

/// The length of the quoted string that `text` starts with, quotes included; `None` where it does not close.
pub(crate) fn quoted_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The length of the comment that `text` starts with, nested ones included; `None` where it does not close.
pub(crate) fn comment_length(text: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(at + 1),
            b')' => depth -= 1,
            b'\\' => at += 1,
            _ => {}
        }
        at += 1;
    }
}

/// The length of the domain literal that `text` starts with; 1, the bracket alone, where it is none.
fn literal_length(text: &[u8]) -> usize {
    let inside =
        text.iter().skip(1).take_while(|b| !matches!(b, b']' | b'[' | b'\\' | b'<' | b'>' | b',' | b';'));
    let length = 1 + inside.count();
    if text.get(length) == Some(&b']') { length + 1 } else { 1 }
}
