//! What clients write: the grammar of RFC 9051 section 9 (and RFC 3501 section 9), one method a rule.
//!
//! A [`Parser`] walks over one whole command: its lines with the literals in place (`{3}` CRLF and three octets). It
//! borrows, never recurses, and its errors say where in the command what was expected.

use std::borrow::Cow;

use store::{DateTime, Flags, Keyword, ModSeq};

use crate::date::{self, Date};
use crate::error::Error;
use crate::session::Enabled;

/// One command's text behind its name.
pub struct Parser<'a> {
    input: &'a [u8],
    at: usize,
    limits: Limits,
}

/// Bounds of what one command may ask for, and the mode that it is read in.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How deep search keys may nest.
    pub nesting: usize,
    pub keywords: usize,
    pub enabled: Enabled,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { nesting: 20, keywords: 128, enabled: Enabled::default() }
    }
}

/// Flags as a client names them in STORE and APPEND.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlagList {
    pub flags: Flags,
    pub keywords: Vec<Keyword>,
}

/// The announcement of a literal at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiteralHeader {
    pub size: u64,
    /// The client waits for a continuation request before it sends the octets (no `+`, RFC 7888).
    pub synchronizing: bool,
    /// `~{`: RFC 3516 literal8, which may hold NUL.
    pub binary: bool,
    /// Where in the line it begins.
    pub at: usize,
}

type Result<T> = std::result::Result<T, Error>;

impl<'a> Parser<'a> {
    /// A parser over `input` that begins at the offset `at`, so that errors count from the command's first octet.
    pub fn new(input: &'a [u8], at: usize, limits: Limits) -> Parser<'a> {
        Parser { input, at, limits }
    }

    /// A parser over other octets with the same limits.
    pub fn over<'b>(&self, input: &'b [u8]) -> Parser<'b> {
        Parser::new(input, 0, self.limits)
    }

    /// What the client has switched on.
    pub fn enabled(&self) -> Enabled {
        self.limits.enabled
    }

    /// The next octet, not consumed.
    pub fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    /// What is not yet read.
    pub fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    /// The command must end here. One trailing space is let pass: it can mean nothing else.
    pub fn end(&self) -> Result<()> {
        match self.rest() {
            b"" | b" " => Ok(()),
            _ => Err(self.expected("the end of the command")),
        }
    }

    /// Consumes a space that something follows: an optional argument.
    pub fn more(&mut self) -> bool {
        self.rest().len() > 1 && self.take(b' ')
    }

    /// A syntax error at this place.
    pub fn expected(&self, what: &str) -> Error {
        let place = match self.peek() {
            None => "the end of the command".into(),
            Some(octet @ b'!'..=b'~') => format!("octet {} (\"{}\")", self.at + 1, char::from(octet)),
            Some(octet) => format!("octet {} ({octet:#04x})", self.at + 1),
        };
        Error::bad(format!("Expected {what} at {place}"))
    }

    /// Consumes the octet if it is the next one.
    pub fn take(&mut self, octet: u8) -> bool {
        let found = self.peek() == Some(octet);
        self.at += usize::from(found);
        found
    }

    /// Consumes this octet or fails.
    pub fn expect(&mut self, octet: u8) -> Result<()> {
        if self.take(octet) { Ok(()) } else { Err(self.expected(&format!("\"{}\"", char::from(octet)))) }
    }

    /// SP. Exactly one, as the grammar has it.
    pub fn space(&mut self) -> Result<()> {
        if self.take(b' ') { Ok(()) } else { Err(self.expected("a space")) }
    }

    /// Consumes the word, in any case, if it comes next and ends there (an atom character must not follow).
    pub fn word(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let fits = rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes());
        let ends = fits && !rest.get(word.len()).is_some_and(|&c| is_atom_char(c));
        self.at += if ends { word.len() } else { 0 };
        ends
    }

    /// The octets up to the first that `is_part` refuses; may be empty.
    pub fn take_while(&mut self, is_part: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|&c| !is_part(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// `atom = 1*ATOM-CHAR`
    pub fn atom(&mut self) -> Result<&'a str> {
        self.token("an atom", is_atom_char)
    }

    /// 1*`is_part`, where `is_part` accepts nothing but ASCII.
    pub fn token(&mut self, what: &str, is_part: impl Fn(u8) -> bool) -> Result<&'a str> {
        let before = self.at;
        match std::str::from_utf8(self.take_while(is_part)) {
            Ok(token) if !token.is_empty() => Ok(token),
            _ => {
                self.at = before;
                Err(self.expected(what))
            }
        }
    }

    /// `number = 1*DIGIT ; 0 <= n < 4,294,967,296`
    pub fn number(&mut self) -> Result<u32> {
        let before = self.at;
        u32::try_from(self.number64()?).map_err(|_| self.back(before, "a number below 4294967296"))
    }

    /// `nz-number = digit-nz *DIGIT`
    pub fn nz_number(&mut self) -> Result<u32> {
        let before = self.at;
        match self.number()? {
            0 => Err(self.back(before, "a number above 0")),
            number => Ok(number),
        }
    }

    /// `number64 = 1*DIGIT ; 0 <= n <= 9,223,372,036,854,775,807`
    pub fn number64(&mut self) -> Result<u64> {
        let before = self.at;
        let digits = self.token("a number", |c| c.is_ascii_digit())?;
        match digits.parse::<u64>() {
            Ok(number) if number <= i64::MAX as u64 => Ok(number),
            _ => Err(self.back(before, "a number below 2^63")),
        }
    }

    /// `mod-sequence-valzer` (RFC 7162 section 7): 0 is allowed, whoever needs more checks it.
    pub fn modseq(&mut self) -> Result<ModSeq> {
        self.number64().map(ModSeq)
    }

    /// `astring = 1*ASTRING-CHAR / string`
    pub fn astring(&mut self) -> Result<Cow<'a, [u8]>> {
        match self.peek() {
            Some(b'"' | b'{' | b'~') if self.starts_string() => self.string(),
            _ => self.token("an astring", is_astring_char).map(|token| Cow::Borrowed(token.as_bytes())),
        }
    }

    /// An astring that must be UTF-8.
    pub fn utf8_astring(&mut self) -> Result<Cow<'a, str>> {
        let before = self.at;
        utf8(self.astring()?).ok_or_else(|| self.back(before, "valid UTF-8"))
    }

    /// `string = quoted / literal`
    pub fn string(&mut self) -> Result<Cow<'a, [u8]>> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal().map(Cow::Borrowed),
            Some(b'~') if self.starts_string() => self.literal().map(Cow::Borrowed),
            _ => Err(self.expected("a string")),
        }
    }

    /// `nstring = string / nil`
    pub fn nstring(&mut self) -> Result<Option<Cow<'a, [u8]>>> {
        if self.word("NIL") { Ok(None) } else { self.string().map(Some) }
    }

    /// `mailbox = "INBOX" / astring`, decoded as the mode has it, not yet resolved: hand it to [`crate::name::resolve`].
    pub fn mailbox(&mut self) -> Result<String> {
        let name = self.astring()?;
        self.mailbox_name(&name)
    }

    /// UTF-8, or modified UTF-7. RFC 9051 section 5.1, RFC 3501 section 5.1.3
    fn mailbox_name(&self, wire: &[u8]) -> Result<String> {
        if !self.limits.enabled.utf8() {
            return crate::name::decode(wire);
        }
        match std::str::from_utf8(wire) {
            Ok(name) => Ok(name.into()),
            Err(_) => Err(Error::bad("The mailbox name is not valid UTF-8")),
        }
    }

    /// `list-mailbox = 1*list-char / string`, decoded.
    pub fn list_mailbox(&mut self) -> Result<String> {
        let pattern = match self.peek() {
            Some(b'"' | b'{') => self.string()?,
            _ => Cow::Borrowed(self.token("a mailbox pattern", is_list_char)?.as_bytes()),
        };
        self.mailbox_name(&pattern)
    }

    /// `flag-list = "(" [flag *(SP flag)] ")"`
    pub fn flag_list(&mut self) -> Result<FlagList> {
        self.expect(b'(')?;
        let mut list = FlagList::default();
        if self.take(b')') {
            return Ok(list);
        }
        self.flags(&mut list)?;
        self.expect(b')')?;
        Ok(list)
    }

    /// `flag *(SP flag)`: STORE allows it without parentheses.
    pub fn flags(&mut self, list: &mut FlagList) -> Result<()> {
        self.flag(list)?;
        while self.take(b' ') {
            self.flag(list)?;
        }
        Ok(())
    }

    /// `flag = "\Answered" / ... / flag-keyword`, which does not include \Recent.
    fn flag(&mut self, list: &mut FlagList) -> Result<()> {
        if !self.take(b'\\') {
            return self.keyword(list);
        }
        let word = self.atom()?;
        let known =
            crate::response::SYSTEM_FLAGS.iter().find(|(_, name)| name[1..].eq_ignore_ascii_case(word));
        let Some((flag, _)) = known else {
            return Err(Error::bad(format!("Unknown system flag \\{word}")));
        };
        list.flags = list.flags.with(*flag);
        Ok(())
    }

    /// `flag-keyword = atom`
    fn keyword(&mut self, list: &mut FlagList) -> Result<()> {
        const LONGEST: usize = 255;
        let word = self.atom()?;
        if word.len() > LONGEST {
            return Err(Error::bad(format!("Keyword longer than {LONGEST} octets")));
        }
        if list.keywords.iter().any(|known| known.0.eq_ignore_ascii_case(word)) {
            return Ok(());
        }
        if list.keywords.len() >= self.limits.keywords {
            return Err(Error::bad(format!("More than {} keywords in one command", self.limits.keywords)));
        }
        list.keywords.push(Keyword(word.into()));
        Ok(())
    }

    /// `date = date-text / DQUOTE date-text DQUOTE`
    pub fn date(&mut self) -> Result<Date> {
        let before = self.at;
        let is_quoted = self.take(b'"');
        let text = self.take_while(|c| c.is_ascii_alphanumeric() || c == b'-');
        if is_quoted {
            self.expect(b'"')?;
        }
        date::parse_date(text).ok_or_else(|| self.back(before, "a date like 1-Feb-2026"))
    }

    /// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`
    pub fn date_time(&mut self) -> Result<DateTime> {
        let before = self.at;
        let text = self.quoted()?;
        date::parse_date_time(&text)
            .ok_or_else(|| self.back(before, "a date-time like \" 1-Feb-2026 12:00:00 +0000\""))
    }

    /// `quoted = DQUOTE *QUOTED-CHAR DQUOTE`. Octets above 127 are taken as they are (UTF-8 in passwords and searches).
    pub fn quoted(&mut self) -> Result<Cow<'a, [u8]>> {
        self.expect(b'"')?;
        let plain = self.take_while(is_quoted_char);
        if self.take(b'"') {
            return Ok(Cow::Borrowed(plain));
        }
        let mut text = plain.to_vec();
        while self.take(b'\\') {
            match self.peek() {
                Some(octet @ (b'"' | b'\\')) => text.push(octet),
                _ => return Err(self.expected("\\ or \" after a backslash")),
            }
            self.at += 1;
            text.extend_from_slice(self.take_while(is_quoted_char));
        }
        self.expect(b'"')?;
        Ok(Cow::Owned(text))
    }

    /// `literal = "{" number64 ["+"] "}" CRLF *CHAR8`, and literal8.
    pub fn literal(&mut self) -> Result<&'a [u8]> {
        let line_end = self.rest().windows(2).position(|two| two == b"\r\n");
        let header =
            line_end.and_then(|end| literal_header(&self.rest()[..end])).filter(|header| header.at == 0);
        let (Some(end), Some(header)) = (line_end, header) else {
            return Err(self.expected("a literal"));
        };
        let start = end + 2;
        let length = usize::try_from(header.size).unwrap_or(usize::MAX);
        let octets = start.checked_add(length).and_then(|end| self.rest().get(start..end));
        let octets = octets.ok_or_else(|| self.expected("a whole literal"))?;
        if !header.binary && octets.contains(&0) {
            return Err(Error::bad("NUL in a literal"));
        }
        self.at += start + length;
        Ok(octets)
    }

    fn starts_string(&self) -> bool {
        let rest = self.rest();
        rest.first() != Some(&b'~') || rest.get(1) == Some(&b'{')
    }

    fn back(&mut self, at: usize, what: &str) -> Error {
        self.at = at;
        self.expected(what)
    }
}

fn utf8(octets: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    match octets {
        Cow::Borrowed(octets) => std::str::from_utf8(octets).ok().map(Cow::Borrowed),
        Cow::Owned(octets) => String::from_utf8(octets).ok().map(Cow::Owned),
    }
}

/// The literal that a line (without its CRLF) announces at its end.
pub fn literal_header(line: &[u8]) -> Option<LiteralHeader> {
    let inner = line.strip_suffix(b"}")?;
    let (inner, synchronizing) = match inner.strip_suffix(b"+") {
        Some(inner) => (inner, false),
        None => (inner, true),
    };
    let digits = inner.iter().rev().take_while(|c| c.is_ascii_digit()).count();
    let (before, digits) = inner.split_at(inner.len() - digits);
    let before = before.strip_suffix(b"{")?;
    if digits.is_empty() {
        return None;
    }
    // More digits than fit mean a size that no limit allows, whatever it is.
    let size = std::str::from_utf8(digits).ok()?.parse().unwrap_or(u64::MAX);
    let binary = before.ends_with(b"~");
    Some(LiteralHeader { size, synchronizing, binary, at: before.len() - usize::from(binary) })
}

/// `ATOM-CHAR = <any CHAR except atom-specials>`
pub fn is_atom_char(octet: u8) -> bool {
    matches!(octet, b'!'..=b'~') && !matches!(octet, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

/// `ASTRING-CHAR = ATOM-CHAR / resp-specials`
pub fn is_astring_char(octet: u8) -> bool {
    is_atom_char(octet) || octet == b']'
}

/// `list-char = ATOM-CHAR / list-wildcards / resp-specials`
pub fn is_list_char(octet: u8) -> bool {
    is_astring_char(octet) || matches!(octet, b'%' | b'*')
}

/// `tag = 1*<any ASTRING-CHAR except "+">`
pub fn is_tag_char(octet: u8) -> bool {
    is_astring_char(octet) && octet != b'+'
}

fn is_quoted_char(octet: u8) -> bool {
    !matches!(octet, b'"' | b'\\' | 0 | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parser(input: &str) -> Parser<'_> {
        Parser::new(input.as_bytes(), 0, Limits::default())
    }

    fn is_bad<T>(result: Result<T>) -> bool {
        matches!(result, Err(Error::Bad(_)))
    }

    #[test]
    fn atoms_end_at_atom_specials() {
        for (input, atom, rest) in
            [("FETCH 1", "FETCH", " 1"), ("a(b", "a", "(b"), ("a]b", "a", "]b"), ("$Junk)", "$Junk", ")")]
        {
            let mut parser = parser(input);
            assert_eq!(parser.atom().unwrap(), atom);
            assert_eq!(parser.rest(), rest.as_bytes());
        }
        for input in ["", " a", "(", "{3}", "%", "*", "\"a\"", "\\Seen", "]", "\u{7f}", "\u{e4}"] {
            assert!(is_bad(parser(input).atom()), "{input:?}");
        }
    }

    #[test]
    fn astring_takes_atoms_with_bracket_quoted_and_literals() {
        assert_eq!(&*parser("a]b c").astring().unwrap(), b"a]b");
        assert_eq!(&*parser("\"a \\\"b\\\\c\" d").astring().unwrap(), b"a \"b\\c");
        assert_eq!(&*parser("\"\"").astring().unwrap(), b"");
        assert_eq!(&*parser("{3}\r\na b c").astring().unwrap(), b"a b");
        assert_eq!(&*parser("{2+}\r\n\r\n").astring().unwrap(), b"\r\n");
        assert_eq!(&*parser("{0}\r\n").astring().unwrap(), b"");
        assert_eq!(&*parser("~peter x").astring().unwrap(), b"~peter");
        for input in ["", "(", "\"a", "\"a\\n\"", "\"a\r\n\"", "{4}\r\nabc", "{3}abc", "{-1}\r\n", "\"a\0\""]
        {
            assert!(is_bad(parser(input).astring()), "{input:?}");
        }
    }

    #[test]
    fn literals_refuse_nul_and_literal8_allows_it() {
        assert!(is_bad(parser("{1}\r\n\0").astring()));
        assert_eq!(parser("~{1}\r\n\0").literal().unwrap(), b"\0");
    }

    #[test]
    fn numbers_keep_their_ranges() {
        assert_eq!(parser("4294967295").number().unwrap(), u32::MAX);
        assert_eq!(parser("007").number().unwrap(), 7);
        assert_eq!(parser("9223372036854775807").number64().unwrap(), i64::MAX as u64);
        assert!(is_bad(parser("4294967296").number()));
        assert!(is_bad(parser("9223372036854775808").number64()));
        assert!(is_bad(parser("99999999999999999999999999").number64()));
        assert!(is_bad(parser("0").nz_number()));
        assert!(is_bad(parser("x").number()));
    }

    #[test]
    fn words_end_where_atoms_end() {
        let mut parser = parser("uid uidonly");
        assert!(parser.word("UID"));
        parser.space().unwrap();
        assert!(!parser.word("UID"));
        assert!(parser.word("UIDONLY"));
        parser.end().unwrap();
    }

    #[test]
    fn one_trailing_space_is_let_pass() {
        let mut parser = parser("a ");
        parser.atom().unwrap();
        assert!(!parser.more());
        parser.end().unwrap();
        let mut parser = self::parser("a b");
        parser.atom().unwrap();
        assert!(is_bad(parser.end()));
        assert!(parser.more());
        assert_eq!(parser.atom().unwrap(), "b");
        assert!(is_bad(self::parser("  ").end()));
    }

    #[test]
    fn flag_lists() {
        let list = parser("(\\Seen \\deleted $Forwarded $forwarded)").flag_list().unwrap();
        assert_eq!(list.flags, Flags::SEEN.with(Flags::DELETED));
        assert_eq!(list.keywords, [Keyword("$Forwarded".into())]);
        assert_eq!(parser("()").flag_list().unwrap(), FlagList::default());
        for input in ["(\\Bogus)", "(\\Recent)", "(\\Seen", "( \\Seen)", "(\\*)", "\\Seen", "(a  b)", "(\\)"]
        {
            assert!(is_bad(parser(input).flag_list()), "{input:?}");
        }
    }

    #[test]
    fn literal_headers_are_seen_at_line_ends_only() {
        let header = literal_header(b"a1 LOGIN {11}").unwrap();
        assert_eq!((header.size, header.synchronizing, header.binary, header.at), (11, true, false, 9));
        let header = literal_header(b"x ~{5+}").unwrap();
        assert_eq!((header.size, header.synchronizing, header.binary, header.at), (5, false, true, 2));
        assert_eq!(literal_header(b"{99999999999999999999999}").unwrap().size, u64::MAX);
        for line in [&b"{}"[..], b"{5} ", b"{+}", b"5}", b"{5", b"\"{5}\"", b"{5-}", b""] {
            assert_eq!(literal_header(line), None);
        }
    }

    #[test]
    fn errors_name_the_place() {
        let mut parser = parser("abc (");
        parser.atom().unwrap();
        parser.space().unwrap();
        let Err(Error::Bad(text)) = parser.atom() else { panic!("an atom of (") };
        assert_eq!(text, "Expected an atom at octet 5 (\"(\")");
    }
}
