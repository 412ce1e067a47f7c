//! A script's text into header and steps.

use std::path::Path;

use crate::support::{Outcome, fail};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Imap,
    Pop3,
    Lmtp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    NonAuth,
    Auth,
    Selected,
}

/// A connection as the header names it.
pub struct Endpoint {
    pub protocol: Protocol,
    /// TLS from the first octet.
    pub tls: bool,
    pub user: String,
    /// Opened before the first step.
    pub opened: bool,
}

impl Endpoint {
    /// The kind of listener that it connects to.
    pub fn listener(&self) -> &'static str {
        match (self.protocol, self.tls) {
            (Protocol::Imap, false) => "imap",
            (Protocol::Imap, true) => "imaps",
            (Protocol::Pop3, false) => "pop3",
            (Protocol::Pop3, true) => "pop3s",
            (Protocol::Lmtp, _) => "lmtp",
        }
    }
}

pub struct Script {
    pub connections: Vec<Endpoint>,
    pub state: State,
    pub messages: usize,
    pub config: String,
    pub steps: Vec<Step>,
}

pub struct Step {
    /// Line in the file, from 1.
    pub line: usize,
    /// Index into the connections.
    pub connection: usize,
    pub verb: String,
    pub rest: Vec<Piece>,
    pub expected: Vec<Expected>,
}

/// A command's text and literals, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Literal { octets: Vec<u8>, synchronizing: bool },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    Untagged(String),
    Banned(String),
    Line(String),
    Reply(String),
    Others,
}

impl Script {
    pub fn read(file: &Path) -> Outcome<Script> {
        let text = std::fs::read_to_string(file)?;
        let folder = file.parent().and_then(|folder| folder.file_name()).unwrap_or_default();
        let mut script = Script {
            connections: Vec::new(),
            state: State::Selected,
            messages: 0,
            config: String::new(),
            steps: Vec::new(),
        };
        let mut lines = Lines { lines: text.lines().collect(), next: 0 };
        script.header(&mut lines)?;
        if script.connections.is_empty() {
            script.connections.push(connection(&folder.to_string_lossy())?);
        }
        while let Some((number, line)) = lines.next() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            script.line(number, line, &mut lines).map_err(|error| format!("line {number}: {error}"))?;
        }
        Ok(script)
    }

    fn header(&mut self, lines: &mut Lines<'_>) -> Outcome {
        let mut seen = false;
        while let Some((number, line)) = lines.next() {
            if line.starts_with('#') {
                continue;
            }
            let Some((key, value)) = line.split_once(": ") else {
                if line.trim().is_empty() {
                    match seen || !lines.header_follows() {
                        true => return Ok(()),
                        false => continue,
                    }
                }
                return fail(format!("line {number}: a header line is `key: value`"));
            };
            seen = true;
            self.setting(key, value).map_err(|error| format!("line {number}: {error}"))?;
        }
        Ok(())
    }

    fn setting(&mut self, key: &str, value: &str) -> Outcome {
        match key {
            "connections" => {
                self.connections = value.split_whitespace().map(connection).collect::<Outcome<_>>()?;
            }
            "messages" => self.messages = value.parse()?,
            "config" => self.config.push_str(&format!("{value}\n")),
            "state" => {
                self.state = match value {
                    "nonauth" => State::NonAuth,
                    "auth" => State::Auth,
                    "selected" => State::Selected,
                    _ => return fail("state is nonauth, auth or selected"),
                }
            }
            _ => return fail(format!("unknown header `{key}`")),
        }
        Ok(())
    }

    fn line(&mut self, number: usize, line: &str, lines: &mut Lines<'_>) -> Outcome {
        if let Some(expected) = expectation(line) {
            let expected = expected.with_block(lines)?;
            let step = self.steps.last_mut().ok_or("an expected line before the first step")?;
            step.expected.push(expected);
            return Ok(());
        }
        let (connection, line) = match line.split_once(' ') {
            Some((word, rest)) if self.connections.len() > 1 && word.parse::<usize>().is_ok() => {
                (word.parse::<usize>()?, rest)
            }
            _ => (1, line),
        };
        if connection == 0 || connection > self.connections.len() {
            return fail(format!("no connection {connection}"));
        }
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = pieces(rest, lines)?;
        let step =
            Step { line: number, connection: connection - 1, verb: verb.into(), rest, expected: Vec::new() };
        self.steps.push(step);
        Ok(())
    }
}

impl Step {
    /// The step's text where it has no literals.
    pub fn text(&self) -> String {
        let texts = self.rest.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Literal { .. } => None,
        });
        texts.collect()
    }

    /// The octets of its block or literals.
    pub fn block(&self) -> Vec<u8> {
        let blocks = self.rest.iter().filter_map(|piece| match piece {
            Piece::Literal { octets, .. } => Some(octets.as_slice()),
            Piece::Text(_) => None,
        });
        blocks.collect::<Vec<_>>().concat()
    }
}

impl Expected {
    /// A pattern line that ends in `{{{` goes on with a block, which becomes a quoted string of the pattern.
    fn with_block(self, lines: &mut Lines<'_>) -> Outcome<Expected> {
        let Expected::Untagged(mut pattern) = self else { return Ok(self) };
        while let Some(start) = pattern.strip_suffix("{{{") {
            let (octets, rest) = lines.block()?;
            pattern = format!("{start}\"{}\"{rest}", escape(&octets));
        }
        Ok(Expected::Untagged(pattern))
    }
}

fn expectation(line: &str) -> Option<Expected> {
    if line == "..." {
        return Some(Expected::Others);
    }
    if line == "|" {
        return Some(Expected::Line(String::new()));
    }
    let (mark, rest) = line.split_once(' ')?;
    match mark {
        "*" => Some(Expected::Untagged(rest.into())),
        "!" => Some(Expected::Banned(rest.into())),
        "|" => Some(Expected::Line(rest.into())),
        ">" => Some(Expected::Reply(rest.into())),
        _ => None,
    }
}

fn connection(word: &str) -> Outcome<Endpoint> {
    let inner = word.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
    let (word, opened) = inner.map_or((word, true), |word| (word, false));
    let (protocol, user) = word.split_once(':').unwrap_or((word, "alice"));
    let (protocol, tls) = match protocol {
        "imap" | "imaps" => (Protocol::Imap, protocol == "imaps"),
        "pop3" | "pop3s" => (Protocol::Pop3, protocol == "pop3s"),
        "lmtp" => (Protocol::Lmtp, false),
        _ => return fail(format!("no protocol `{protocol}`; name the connections in the header")),
    };
    let user = if user == "public" { user.into() } else { format!("{user}@example.test") };
    Ok(Endpoint { protocol, tls, user, opened })
}

fn pieces(text: &str, lines: &mut Lines<'_>) -> Outcome<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut text = text.to_owned();
    loop {
        let block = text.strip_suffix("{{{").map(|start| (start, true));
        let block = block.or_else(|| text.strip_suffix("{{{+").map(|start| (start, false)));
        let Some((start, synchronizing)) = block else {
            inline(&text, &mut pieces)?;
            return Ok(pieces);
        };
        inline(start, &mut pieces)?;
        let (octets, rest) = lines.block()?;
        pieces.push(Piece::Literal { octets, synchronizing });
        text = rest;
    }
}

fn inline(mut text: &str, pieces: &mut Vec<Piece>) -> Outcome {
    while let Some((before, after)) = text.split_once("{{") {
        let (literal, rest) = after.split_once("}}").ok_or("`{{` without `}}`")?;
        pieces.push(Piece::Text(repeated(before)?));
        let (literal, synchronizing) =
            literal.strip_prefix('+').map_or((literal, true), |text| (text, false));
        pieces.push(Piece::Literal { octets: unescape(literal)?, synchronizing });
        text = rest;
    }
    pieces.push(Piece::Text(repeated(text)?));
    Ok(())
}

/// A command's own backslashes stand for themselves, but for `\{300 ab}`.
fn repeated(text: &str) -> Outcome<String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\{") {
        whole.push_str(&rest[..at]);
        let (octets, taken) = repetition(&rest.as_bytes()[at + 1..])?.ok_or("`\\{count text}`")?;
        whole.push_str(std::str::from_utf8(&octets)?);
        rest = &rest[at + 1 + taken..];
    }
    Ok(whole + rest)
}

struct Lines<'a> {
    lines: Vec<&'a str>,
    next: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<(usize, &'a str)> {
        let line = self.lines.get(self.next)?;
        self.next += 1;
        Some((self.next, line))
    }

    /// Whether the next line that is no comment is a header line.
    fn header_follows(&self) -> bool {
        let rest = &self.lines[self.next..];
        let next = rest.iter().find(|line| !line.starts_with('#') && !line.trim().is_empty());
        let keys = ["connections: ", "messages: ", "config: ", "state: "];
        next.is_some_and(|line| keys.iter().any(|key| line.starts_with(key)))
    }

    /// The lines up to `}}}` with CRLFs, and what follows `}}}`. A line `\xHH...` escape is undone.
    fn block(&mut self) -> Outcome<(Vec<u8>, String)> {
        let mut octets = Vec::new();
        while let Some((_, line)) = self.next() {
            if let Some(rest) = line.strip_prefix("}}}") {
                return Ok((octets, rest.into()));
            }
            octets.extend(unescape(line)?);
            octets.extend(b"\r\n");
        }
        fail("`{{{` without `}}}`")
    }
}

/// Undoes `\r \n \t \0 \" \\ \xHH`, and `\{300 ab}`, which is `ab` 300 times; any other backslash stands for itself.
pub fn unescape(text: &str) -> Outcome<Vec<u8>> {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        if let Some((repeated, taken)) = repetition(after)? {
            octets.extend(repeated);
            rest = &after[taken..];
            continue;
        }
        let (value, taken) = match after {
            [b'r', ..] => (b'\r', 1),
            [b'n', ..] => (b'\n', 1),
            [b't', ..] => (b'\t', 1),
            [b'0', ..] => (0, 1),
            [b'"', ..] => (b'"', 1),
            [b'\\', ..] => (b'\\', 1),
            [b'x', high, low, ..] => (u8::from_str_radix(std::str::from_utf8(&[*high, *low])?, 16)?, 3),
            _ => (b'\\', 0),
        };
        octets.push(value);
        rest = &after[taken..];
    }
    Ok(octets)
}

/// `{300 ab}`: what it stands for and how long it is.
fn repetition(text: &[u8]) -> Outcome<Option<(Vec<u8>, usize)>> {
    let Some(inner) = text.strip_prefix(b"{") else { return Ok(None) };
    let end = inner.iter().position(|&octet| octet == b'}').ok_or("`\\{` without `}`")?;
    let (count, text) = std::str::from_utf8(&inner[..end])?.split_once(' ').ok_or("`\\{count text}`")?;
    Ok(Some((unescape(text)?.repeat(count.parse()?), end + 2)))
}

fn escape(octets: &[u8]) -> String {
    let mut text = String::new();
    for &octet in octets {
        match octet {
            b'"' | b'\\' => text.extend(['\\', octet as char]),
            b' '..=b'~' => text.push(octet as char),
            _ => text.push_str(&format!("\\x{octet:02x}")),
        }
    }
    text
}
