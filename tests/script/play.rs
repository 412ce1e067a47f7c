//! Plays a script: starts the server, opens the connections, runs the steps, proves the store in order at the end.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::connection::{Connection, PATIENCE};
use crate::support::server::{PASSWORD, Server};
use crate::support::{Outcome, fail};

use super::parse::{Expected, Piece, Protocol, Script, State, Step, unescape};
use super::tokens::{self, Bindings};
use super::{imap, lmtp, pop3};

pub struct Player {
    pub script: Script,
    pub server: Server,
    pub connections: Vec<Option<Session>>,
    pub bindings: Bindings,
}

/// A connection in use by the script.
pub struct Session {
    pub connection: Connection,
    /// Counts IMAP tags.
    pub tag: u32,
    /// The tag of a command that waits for its continuation.
    pub open: Option<String>,
}

pub fn play(file: &Path) -> Outcome {
    let script = Script::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let server = Server::start(&script.config)?;
    let mut player = Player { connections: Vec::new(), bindings: Bindings::new(), script, server };
    player.bindings.insert("password".into(), tokens::Token::Text(PASSWORD.into()));
    let played = player.prepare(file).and_then(|()| player.steps());
    if let Err(failure) = played {
        return fail(format!("{}: {failure}\n{}", file.display(), player.dialogue()));
    }
    player.connections.clear();
    player.server.finish()
}

impl Player {
    fn prepare(&mut self, file: &Path) -> Outcome {
        if self.script.messages > 0 {
            let messages = messages(file, self.script.messages)?;
            imap::fill(&self.server, &messages)?;
        }
        self.open_all()
    }

    fn open_all(&mut self) -> Outcome {
        self.connections.clear();
        for index in 0..self.script.connections.len() {
            let opened = self.script.connections[index].opened;
            let session = if opened { Some(self.open(index)?) } else { None };
            self.connections.push(session);
        }
        Ok(())
    }

    fn open(&self, index: usize) -> Outcome<Session> {
        let session = self.connect(index)?;
        let (endpoint, state) = (&self.script.connections[index], self.script.state);
        match endpoint.protocol {
            Protocol::Imap => imap::begin(session, &endpoint.user, state),
            Protocol::Pop3 => pop3::begin(session, &endpoint.user, state),
            Protocol::Lmtp => lmtp::begin(session, state),
        }
    }

    /// A connection that was closed just now may still count against the limits: what is refused is tried again.
    fn open_again(&self, index: usize) -> Outcome<Session> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.open(index) {
                Err(_) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
                opened => return opened,
            }
        }
    }

    /// A connection before its greeting.
    fn connect(&self, index: usize) -> Outcome<Session> {
        let endpoint = &self.script.connections[index];
        let mut connection = Connection::open(self.server.address(endpoint.listener())?)?;
        if endpoint.tls {
            connection.start_tls()?;
        }
        Ok(Session::new(connection))
    }

    fn steps(&mut self) -> Outcome {
        let steps = std::mem::take(&mut self.script.steps);
        for step in &steps {
            self.step(step).map_err(|error| format!("line {}: {error}", step.line))?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Outcome {
        match step.verb.as_str() {
            "deliver" => lmtp::deliver(&self.server, step.text().trim(), &step.block()),
            "cli" => self.command_line(step),
            "restart" => {
                self.server.kill()?;
                self.server.launch()?;
                self.open_all()
            }
            "terminate" => self.server.terminate(),
            "stop" => self.server.stop(),
            "start" => {
                self.server.launch()?;
                self.open_all()
            }
            "connect" => {
                self.connections[step.connection] = None;
                self.connections[step.connection] = Some(self.connect(step.connection)?);
                Ok(())
            }
            "open" => {
                self.connections[step.connection] = None;
                self.connections[step.connection] = Some(self.open_again(step.connection)?);
                Ok(())
            }
            "hangup" => {
                self.connections[step.connection] = None;
                Ok(())
            }
            _ => self.dialogue_step(step),
        }
    }

    fn dialogue_step(&mut self, step: &Step) -> Outcome {
        let protocol = self.script.connections[step.connection].protocol;
        let rest = self.bound(&step.rest);
        let Player { connections, bindings, .. } = self;
        let session = connections[step.connection].as_mut().ok_or("the connection is not open")?;
        match step.verb.as_str() {
            "raw" => session.connection.send(&unescape(text_of(&rest).trim_matches('"'))?),
            "closed" => match session.connection.closed()? {
                true => Ok(()),
                false => fail("the server did not close the connection"),
            },
            "nothing" => match session.connection.ready(Duration::from_millis(300))? {
                true => fail("the server sent something"),
                false => Ok(()),
            },
            "line" => {
                let line = session.line()?;
                expect_line(&step.text(), &line)
            }
            _ => match protocol {
                Protocol::Imap => imap::step(session, step, &rest, bindings),
                Protocol::Pop3 => pop3::step(session, step, &rest),
                Protocol::Lmtp => lmtp::step(session, step, &rest),
            },
        }
    }

    /// The command with `$name` replaced by what it is bound to.
    fn bound(&self, pieces: &[Piece]) -> Vec<Piece> {
        let replace = |piece: &Piece| match piece {
            Piece::Text(text) => {
                let mut text = text.clone();
                for (name, token) in self.bindings.iter().rev() {
                    text = text.replace(&format!("${name}"), &tokens::show(token));
                }
                Piece::Text(text)
            }
            literal => literal.clone(),
        };
        pieces.iter().map(replace).collect()
    }

    fn command_line(&mut self, step: &Step) -> Outcome {
        let text = text_of(&self.bound(&step.rest));
        let (text, must_fail) = text.strip_prefix("! ").map_or((text.as_str(), false), |text| (text, true));
        let arguments: Vec<&str> = text.split_whitespace().collect();
        let finished = self.server.cli(&arguments, &step.block())?;
        let shown = format!("{}{}", finished.stdout, finished.stderr);
        if (finished.code != Some(0)) != must_fail {
            return fail(format!("`restante {text}` ended with {:?}:\n{shown}", finished.code));
        }
        for expected in &step.expected {
            match expected {
                Expected::Line(line) if !found(line, &shown, &mut self.bindings) => {
                    return fail(format!("`restante {text}` did not print `{line}`:\n{shown}"));
                }
                Expected::Banned(line) if shown.contains(line.as_str()) => {
                    return fail(format!("`restante {text}` printed `{line}`:\n{shown}"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn dialogue(&self) -> String {
        let mut text = String::new();
        for (index, session) in self.connections.iter().enumerate() {
            if let Some(session) = session {
                text.push_str(&format!("--- connection {}\n{}", index + 1, session.connection.log));
            }
        }
        let log = self.server.log();
        let tail: Vec<&str> = log.lines().rev().take(15).collect();
        text.push_str("--- the end of the server's log\n");
        tail.iter().rev().for_each(|line| text.push_str(&format!("{line}\n")));
        text
    }
}

/// Whether the pattern stands somewhere in the output: `$` is any text within a line; `$name` at its end is bound to the
/// word there.
fn found(pattern: &str, shown: &str, bindings: &mut Bindings) -> bool {
    let name = pattern.rsplit_once('$').map(|(_, name)| name).filter(|name| !name.is_empty());
    let name = name.filter(|name| name.chars().all(char::is_alphanumeric));
    let fixed = name.map_or(pattern, |name| &pattern[..pattern.len() - name.len() - 1]);
    for line in shown.lines() {
        let Some(rest) = after_parts(fixed, line) else { continue };
        if let Some(name) = name {
            let word = rest.split([' ', ',', '"']).next().unwrap_or_default();
            bindings.insert(name.into(), tokens::Token::Atom(word.into()));
        }
        return true;
    }
    false
}

/// What follows the parts between the `$`s, in order, in a line.
fn after_parts<'a>(pattern: &str, line: &'a str) -> Option<&'a str> {
    let mut rest = line;
    for part in pattern.split('$') {
        rest = &rest[rest.find(part)? + part.len()..];
    }
    Some(rest)
}

fn text_of(pieces: &[Piece]) -> String {
    let texts = pieces.iter().map(|piece| if let Piece::Text(text) = piece { text.as_str() } else { "" });
    texts.collect()
}

impl Session {
    pub fn new(connection: Connection) -> Session {
        Session { connection, tag: 0, open: None }
    }

    /// A line, which must come.
    pub fn line(&mut self) -> Outcome<String> {
        let line = self.connection.line(PATIENCE)?;
        let line = line.ok_or("the server closed the connection")?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}

/// `$` in an expected line stands for anything; the line must match as a whole, without case.
pub fn expect_line(pattern: &str, line: &str) -> Outcome {
    let (want, got) = (pattern.to_ascii_lowercase(), line.to_ascii_lowercase());
    let mut rest = got.as_str();
    let mut parts = want.split('$');
    let first = parts.next().unwrap_or_default();
    let mut matched = rest.strip_prefix(first).map(|after| rest = after).is_some();
    let parts: Vec<&str> = parts.collect();
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len();
        let at = if last { rest.ends_with(part).then(|| rest.len() - part.len()) } else { rest.find(part) };
        match at {
            Some(at) => rest = &rest[at + part.len()..],
            None => matched = false,
        }
    }
    match matched && (rest.is_empty() || !parts.is_empty()) {
        true => Ok(()),
        false => fail(format!("expected the line\n  {pattern}\ngot\n  {line}")),
    }
}

/// The script's own mbox, or generated messages, each with its INTERNALDATE.
fn messages(file: &Path, count: usize) -> Outcome<Vec<(String, Vec<u8>)>> {
    let mbox = file.with_extension("mbox");
    if !mbox.exists() {
        return Ok((1..=count).map(generated).collect());
    }
    let text = std::fs::read(&mbox)?;
    let mut messages: Vec<(String, Vec<u8>)> = Vec::new();
    for line in text.split_inclusive(|&octet| octet == b'\n') {
        if line.starts_with(b"From ") {
            messages.push((dated(messages.len() + 1), Vec::new()));
            continue;
        }
        let (_, message) = messages.last_mut().ok_or("an mbox begins with a From_ line")?;
        message.extend(line.strip_suffix(b"\n").unwrap_or(line));
        message.extend(b"\r\n");
    }
    for (_, message) in &mut messages {
        // The blank line before the next From_ line is not of the message.
        if message.ends_with(b"\r\n\r\n") && !message.ends_with(b"\r\n\r\n\r\n")
            || message.ends_with(b"\r\n\r\n")
        {
            message.truncate(message.len() - 2);
        }
    }
    match messages.len() >= count {
        true => Ok(messages.into_iter().take(count).collect()),
        false => fail(format!("{} has only {} messages", mbox.display(), messages.len())),
    }
}

fn generated(number: usize) -> (String, Vec<u8>) {
    let text = format!(
        "From: sender{number}@example.test\r\nTo: alice@example.test\r\nSubject: message {number}\r\n\
         Date: Mon, {} Feb 2026 11:00:00 +0000\r\nMessage-ID: <m{number}@example.test>\r\n\r\nThis is message {number}.\r\n",
        number.min(28)
    );
    (dated(number), text.into_bytes())
}

fn dated(number: usize) -> String {
    format!("{:02}-Feb-2026 12:00:00 +0000", number.min(28))
}

/// The state that the script asks for, as far as the protocol knows it.
pub fn logged_in(state: State) -> bool {
    state != State::NonAuth
}
