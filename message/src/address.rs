//! Address lists of RFC 5322, with the obsolete syntax of its section 4 and what is broken beyond that.
//!
//! Each element between commas is understood by itself, so that a broken one costs only itself.

use crate::lexer::{Kind, Lexer, Token};
use crate::limits::Limits;
use crate::summary::Address;

/// Reads an unfolded address list. Never fails; an address without `@` has an empty host.
pub(crate) fn parse(value: &[u8], limits: &mut Limits) -> Vec<Address> {
    let mut list =
        List { value, found: Vec::new(), element: Vec::new(), state: State::Outside, group: false };
    for token in Lexer::new(value) {
        if !list.token(token, limits) {
            break;
        }
    }
    list.end_element(limits);
    list.end_group();
    list.found
}

struct List<'a> {
    value: &'a [u8],
    found: Vec<Address>,
    /// The tokens since the last comma.
    element: Vec<Token>,
    state: State,
    /// Inside of a group.
    group: bool,
}

/// Where in an element the last token was.
#[derive(PartialEq, Clone, Copy)]
enum State {
    Outside,
    /// After `@` outside of angle brackets: a colon no longer names a group.
    Domain,
    /// Just after `<`.
    AngleStart,
    Angle,
    /// In the route of `<@a,@b:c@d>`, where commas separate domains.
    Route,
    /// After a comma of a route, which must have a domain behind it.
    RouteComma,
}

impl List<'_> {
    /// Takes the next token; false when the limits forbid more addresses.
    fn token(&mut self, token: Token, limits: &mut Limits) -> bool {
        if self.state == State::RouteComma
            && !matches!(token.kind, Kind::Special(b'@' | b',') | Kind::Comment)
        {
            while self.element.pop_if(|last| last.kind == Kind::Special(b',')).is_some() {}
            self.end_element(limits);
        }
        match token.kind {
            Kind::Special(b',') if matches!(self.state, State::Route | State::RouteComma) => {
                self.element.push(token);
                self.state = State::RouteComma;
            }
            Kind::Special(b',') => return self.end_element(limits),
            Kind::Special(b';') => {
                let more = self.end_element(limits);
                self.end_group();
                return more;
            }
            Kind::Special(b':') if self.state == State::Outside && !self.group => {
                return self.start_group(limits);
            }
            _ => {
                self.state = self.state.after(token.kind);
                self.element.push(token);
            }
        }
        true
    }

    fn end_element(&mut self, limits: &mut Limits) -> bool {
        self.state = State::Outside;
        let room = match mailbox(self.value, &self.element) {
            Some(address) if limits.item() => {
                self.found.push(address);
                true
            }
            Some(_) => false,
            None => true,
        };
        self.element.clear();
        room
    }

    // RFC 9051 section 7.5.2: a group is its name, its members and an end, in one flat list.
    fn start_group(&mut self, limits: &mut Limits) -> bool {
        let name = phrase(self.value, &self.element).unwrap_or_default();
        self.element.clear();
        self.group = limits.items(2);
        if self.group {
            self.found.push(Address::GroupStart(name));
        }
        self.group
    }

    fn end_group(&mut self) {
        if std::mem::take(&mut self.group) {
            self.found.push(Address::GroupEnd);
        }
    }
}

impl State {
    fn after(self, token: Kind) -> State {
        match (self, token) {
            (_, Kind::Special(b'<')) => State::AngleStart,
            (_, Kind::Special(b'>')) => State::Domain,
            (State::AngleStart | State::RouteComma, Kind::Special(b'@')) => State::Route,
            (State::AngleStart | State::Route, Kind::Comment) => self,
            (State::Route, Kind::Special(b':')) => State::Angle,
            (State::AngleStart, _) => State::Angle,
            (State::Outside, Kind::Special(b'@')) => State::Domain,
            (state, _) => state,
        }
    }
}

/// One element of the list as a mailbox; `None` where there is nothing but white space and comments.
fn mailbox(value: &[u8], element: &[Token]) -> Option<Address> {
    if element.iter().all(|token| token.kind == Kind::Comment) {
        return None;
    }
    let Some(open) = element.iter().position(|token| token.kind == Kind::Special(b'<')) else {
        // RFC 5322 section 3.4: before display names there were comments, `a@b (Name)`.
        let (local, host) = addr_spec(value, element);
        return Some(Address::Mailbox { name: comment(value, element), route: None, local, host });
    };
    let inner = &element[open + 1..];
    let close = inner.iter().position(|token| token.kind == Kind::Special(b'>')).unwrap_or(inner.len());
    let (route, spec) = split_route(value, &inner[..close]);
    let (local, host) = addr_spec(value, spec);
    let name = phrase(value, &element[..open]).or_else(|| comment(value, element));
    Some(Address::Mailbox { name, route, local, host })
}

/// RFC 5322 section 4.4, obs-route: `@a,@b:` before the address.
fn split_route<'t>(value: &[u8], angle: &'t [Token]) -> (Option<Vec<u8>>, &'t [Token]) {
    let first = angle.iter().find(|token| token.kind != Kind::Comment);
    let colon = angle.iter().position(|token| token.kind == Kind::Special(b':'));
    match (first.map(|token| token.kind), colon) {
        (Some(Kind::Special(b'@')), Some(colon)) => {
            (Some(join(value, &angle[..colon], false)), &angle[colon + 1..])
        }
        _ => (None, angle),
    }
}

/// `local@host`, split at the last `@`; both without the white space that obsolete syntax allows around dots.
fn addr_spec(value: &[u8], tokens: &[Token]) -> (Vec<u8>, Vec<u8>) {
    match tokens.iter().rposition(|token| token.kind == Kind::Special(b'@')) {
        Some(at) => (join(value, &tokens[..at], true), join(value, &tokens[at + 1..], false)),
        None => (join(value, tokens, true), Vec::new()),
    }
}

/// Tokens without comments, written together; words that nothing connects keep one space where `spaces` says so.
fn join(value: &[u8], tokens: &[Token], spaces: bool) -> Vec<u8> {
    let mut joined = Vec::new();
    for token in
        tokens.iter().filter(|token| !matches!(token.kind, Kind::Comment | Kind::Special(b'<' | b'>')))
    {
        let text = token.text(value);
        let connected =
            matches!(joined.last(), None | Some(b'.' | b'@')) || matches!(text, [b'.' | b'@', ..]);
        if spaces && token.spaced && !connected {
            joined.push(b' ');
        }
        token.write(value, &mut joined);
    }
    joined
}

/// A display name: its words with one space between them, quotes undone; `None` where it is empty.
fn phrase(value: &[u8], tokens: &[Token]) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    for token in tokens.iter().filter(|token| token.kind != Kind::Comment) {
        if token.spaced && !name.is_empty() {
            name.push(b' ');
        }
        token.write(value, &mut name);
    }
    let kept = name.trim_ascii_end().len();
    name.truncate(kept);
    (!name.is_empty()).then_some(name)
}

/// The last comment that is not empty.
fn comment(value: &[u8], tokens: &[Token]) -> Option<Vec<u8>> {
    let comments = tokens.iter().rev().filter(|token| token.kind == Kind::Comment);
    comments
        .map(|token| {
            let mut text = Vec::new();
            token.write(value, &mut text);
            text.trim_ascii().to_vec()
        })
        .find(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(value: &str) -> Vec<Address> {
        parse(value.as_bytes(), &mut Limits::new())
    }

    fn full(name: &str, route: &str, local: &str, host: &str) -> Address {
        let optional = |text: &str| (!text.is_empty()).then(|| text.as_bytes().to_vec());
        Address::Mailbox {
            name: optional(name),
            route: optional(route),
            local: local.as_bytes().to_vec(),
            host: host.as_bytes().to_vec(),
        }
    }

    fn one(name: &str, local: &str, host: &str) -> Address {
        full(name, "", local, host)
    }

    fn start(name: &str) -> Address {
        Address::GroupStart(name.as_bytes().to_vec())
    }

    // RFC 5322 appendix A.1.
    #[test]
    fn addresses_of_appendix_a_1() {
        assert_eq!(list("John Doe <jdoe@machine.example>"), [one("John Doe", "jdoe", "machine.example")]);
        assert_eq!(
            list(r#""Joe Q. Public" <john.q.public@example.com>"#),
            [one("Joe Q. Public", "john.q.public", "example.com")]
        );
        assert_eq!(
            list("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>"),
            [
                one("Mary Smith", "mary", "x.test"),
                one("", "jdoe", "example.org"),
                one("Who?", "one", "y.test")
            ]
        );
        assert_eq!(
            list(r#"<boss@nil.test>, "Giant; \"Big\" Box" <sysservices@example.net>"#),
            [one("", "boss", "nil.test"), one(r#"Giant; "Big" Box"#, "sysservices", "example.net")]
        );
        assert_eq!(
            list("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;"),
            [
                start("A Group"),
                one("Ed Jones", "c", "a.test"),
                one("", "joe", "where.test"),
                one("John", "jdoe", "one.test"),
                Address::GroupEnd
            ]
        );
        assert_eq!(list("Undisclosed recipients:;"), [start("Undisclosed recipients"), Address::GroupEnd]);
    }

    // RFC 5322 appendix A.5 and A.6.1.
    #[test]
    fn obsolete_addresses_of_appendix_a() {
        assert_eq!(
            list(r"Pete(A nice \) chap) <pete(his account)@silly.test(his host)>"),
            [one("Pete", "pete", "silly.test")]
        );
        assert_eq!(
            list(
                "A Group(Some people)\t:Chris Jones <c@(Chris's host.)public.example>,\t  joe@example.org,   John <jdoe@one.test> (my dear friend); (the end of the group)"
            ),
            [
                start("A Group"),
                one("Chris Jones", "c", "public.example"),
                one("", "joe", "example.org"),
                one("John", "jdoe", "one.test"),
                Address::GroupEnd
            ]
        );
        assert_eq!(list("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;").len(), 2);
        assert_eq!(
            list("Joe Q. Public <john.q.public@example.com>"),
            [one("Joe Q. Public", "john.q.public", "example.com")]
        );
        assert_eq!(
            list("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example"),
            [full("Mary Smith", "@node.test", "mary", "example.net"), one("", "jdoe", "test.example")]
        );
        assert_eq!(
            list("Mary <@a.test,@b.test , @c.test: mary@d.test>,x@y"),
            [full("Mary", "@a.test,@b.test,@c.test", "mary", "d.test"), one("", "x", "y")]
        );
    }

    #[test]
    fn comments_serve_as_names_where_there_are_none() {
        assert_eq!(list("a@b (Jane (J.) Doe)"), [one("Jane (J.) Doe", "a", "b")]);
        assert_eq!(list("<a@b> (Jane)"), [one("Jane", "a", "b")]);
        assert_eq!(list(r"a@b ( esc\)aped )"), [one("esc)aped", "a", "b")]);
        assert_eq!(list("a@b ()"), [one("", "a", "b")]);
        assert_eq!(list("(only a comment)"), []);
    }

    #[test]
    fn local_parts_lose_their_quotes() {
        assert_eq!(list(r#""john doe"@x"#), [one("", "john doe", "x")]);
        assert_eq!(list(r#""a\"b".c@x"#), [one("", "a\"b.c", "x")]);
        assert_eq!(list("john . doe @ example . com"), [one("", "john.doe", "example.com")]);
        assert_eq!(list("me@[192.0.2.1], you@[IPv6:2001:db8::1]").len(), 2);
        assert_eq!(list("you@[IPv6:2001:db8::1]"), [one("", "you", "[IPv6:2001:db8::1]")]);
    }

    #[test]
    fn names_stay_encoded() {
        assert_eq!(
            list("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>"),
            [one("=?US-ASCII?Q?Keith_Moore?=", "moore", "cs.utk.edu")]
        );
        assert_eq!(list("J\u{f6}rg <j@x>"), [one("J\u{f6}rg", "j", "x")]);
        assert_eq!(list("foo@bar.com <foo@bar.com>"), [one("foo@bar.com", "foo", "bar.com")]);
    }

    #[test]
    fn a_missing_host_is_empty() {
        assert_eq!(list("root"), [one("", "root", "")]);
        assert_eq!(list("Daemon <>"), [one("Daemon", "", "")]);
        assert_eq!(list("Fred <fred>, b@c"), [one("Fred", "fred", ""), one("", "b", "c")]);
    }

    #[test]
    fn broken_elements_cost_only_themselves() {
        assert_eq!(list("<joe@x, Mary <mary@y>"), [one("", "joe", "x"), one("Mary", "mary", "y")]);
        assert_eq!(list("a@b c d, e@f"), [one("", "a", "bcd"), one("", "e", "f")]);
        assert_eq!(list("<@a, b@c>, d@e").last(), Some(&one("", "d", "e")));
        assert_eq!(list(",,, a@b ,,"), [one("", "a", "b")]);
        assert_eq!(list("a@b; c@d"), [one("", "a", "b"), one("", "c", "d")]);
        assert_eq!(list("\"open <a@b>, c@d").last(), Some(&one("", "c", "d")));
        assert_eq!(list("(open <a@b>, c@d").last(), Some(&one("", "c", "d")));
        assert_eq!(list("x: a@b").last(), Some(&Address::GroupEnd));
        assert_eq!(list(""), []);
    }

    #[test]
    fn hostile_lists_are_linear() {
        for piece in ["\"\\", "(", "[", "<", "@", ":", ";", ",", "a", "<@", "[a ", "\"\\\"", "((\\", "<@a,"] {
            // Quadratic work on this would not end in reasonable time.
            let value = piece.repeat(1 << 19);
            let found = list(&value);
            assert!(found.len() <= 100_002, "{piece}: {}", found.len());
        }
    }
}
