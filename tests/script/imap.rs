//! IMAP steps.

use crate::support::connection::{Connection, PATIENCE};
use crate::support::server::{PASSWORD, Server};
use crate::support::{Outcome, fail};

use super::parse::{Expected, Piece, State, Step};
use super::play::{Session, logged_in};
use super::tokens::{self, Bindings, Token};

pub fn open(server: &Server, user: &str, state: State) -> Outcome<Session> {
    let session = Session::new(Connection::open(server.address("imap")?)?);
    begin(session, user, state)
}

/// From the greeting to the state.
pub fn begin(mut session: Session, user: &str, state: State) -> Outcome<Session> {
    let greeting = session.line()?;
    if !greeting.starts_with("* OK ") {
        return fail(format!("greeting: {greeting}"));
    }
    if logged_in(state) {
        plain(&mut session, &format!("LOGIN {user} {PASSWORD}"))?;
    }
    if state == State::Selected {
        plain(&mut session, "SELECT INBOX")?;
    }
    Ok(session)
}

/// Appends messages to alice's INBOX.
pub fn fill(server: &Server, messages: &[(String, Vec<u8>)]) -> Outcome {
    let mut session = open(server, "alice@example.test", State::Auth)?;
    for (date, message) in messages {
        let tag = tag(&mut session);
        let line = format!("{tag} APPEND INBOX \"{date}\" {{{}+}}\r\n", message.len());
        session.connection.send(&[line.as_bytes(), message, b"\r\n"].concat())?;
        expect_ok(&mut session, &tag)?;
    }
    // SELECT by the script's first connection finds no message \Recent that this one was told of.
    plain(&mut session, "LOGOUT")
}

pub fn step(session: &mut Session, step: &Step, rest: &[Piece], bindings: &mut Bindings) -> Outcome {
    match step.verb.as_str() {
        "ok" | "no" | "bad" => {
            let (code, command) = code(rest);
            let tag = tag(session);
            send(session, Some(&tag), &command)?;
            finish(session, step, &tag, code.as_deref(), bindings)
        }
        "cont" => {
            let tag = tag(session);
            send(session, Some(&tag), rest)?;
            session.open = Some(tag);
            until_continuation(session, step, bindings)
        }
        "more" => {
            send(session, None, rest)?;
            until_continuation(session, step, bindings)
        }
        "finish" => {
            let tag = session.open.take().ok_or("no command waits for its continuation")?;
            let (verb, command) = first_word(rest);
            let (code, command) = code(&command);
            send(session, None, &command)?;
            let step = Step { verb, rest: Vec::new(), expected: step.expected.clone(), ..*step };
            finish(session, &step, &tag, code.as_deref(), bindings)
        }
        "wait" => wait(session, step, bindings),
        "send" => {
            let tag = tag(session);
            send(session, Some(&tag), rest)?;
            session.open = Some(tag);
            Ok(())
        }
        "result" => {
            let tag = session.open.take().ok_or("no command waits for its result")?;
            let (verb, rest) = first_word(rest);
            let (code, _) = code(&rest);
            let step = Step { verb, rest: Vec::new(), expected: step.expected.clone(), ..*step };
            finish(session, &step, &tag, code.as_deref(), bindings)
        }
        "compress" => {
            plain(session, "COMPRESS DEFLATE")?;
            session.connection.start_compression()
        }
        "uncompress" => {
            plain(session, "UNAUTHENTICATE")?;
            session.connection.end_compression();
            Ok(())
        }
        "starttls" => {
            plain(session, "STARTTLS")?;
            session.connection.start_tls()
        }
        verb => fail(format!("no IMAP step `{verb}`")),
    }
}

fn plain(session: &mut Session, command: &str) -> Outcome {
    let tag = tag(session);
    session.connection.send(format!("{tag} {command}\r\n").as_bytes())?;
    expect_ok(session, &tag)
}

fn expect_ok(session: &mut Session, tag: &str) -> Outcome {
    loop {
        let line = response(session)?;
        if let Some(rest) = line.strip_prefix(format!("{tag} ").as_bytes()) {
            return match rest.starts_with(b"OK") {
                true => Ok(()),
                false => fail(String::from_utf8_lossy(&line)),
            };
        }
    }
}

fn tag(session: &mut Session) -> String {
    session.tag += 1;
    format!("a{}", session.tag)
}

/// Sends a command; a synchronizing literal waits for its continuation request.
fn send(session: &mut Session, tag: Option<&str>, pieces: &[Piece]) -> Outcome {
    let mut buffer: Vec<u8> = tag.map(|tag| format!("{tag} ").into_bytes()).unwrap_or_default();
    for piece in pieces {
        match piece {
            Piece::Text(text) => buffer.extend(text.as_bytes()),
            Piece::Literal { octets, synchronizing: false } => {
                buffer.extend(format!("{{{}+}}\r\n", octets.len()).as_bytes());
                buffer.extend(octets);
            }
            Piece::Literal { octets, synchronizing: true } => {
                buffer.extend(format!("{{{}}}\r\n", octets.len()).as_bytes());
                session.connection.send(&std::mem::take(&mut buffer))?;
                let answer = session.line()?;
                if !answer.starts_with('+') {
                    return fail(format!("expected a continuation request for a literal, got: {answer}"));
                }
                buffer.extend(octets);
            }
        }
    }
    buffer.extend(b"\r\n");
    session.connection.send(&buffer)
}

/// Reads up to the tagged answer and holds everything against what is expected.
fn finish(
    session: &mut Session,
    step: &Step,
    tag: &str,
    code: Option<&str>,
    bindings: &mut Bindings,
) -> Outcome {
    let mut untagged = Vec::new();
    let tagged = loop {
        let line = response(session)?;
        if let Some(rest) = line.strip_prefix(b"* ") {
            untagged.push(rest.to_vec());
        } else if let Some(rest) = line.strip_prefix(format!("{tag} ").as_bytes()) {
            break rest.to_vec();
        } else {
            return fail(format!("neither untagged nor of this command: {}", String::from_utf8_lossy(&line)));
        }
    };
    compare(&step.expected, untagged, bindings)?;
    if step.verb == "any" {
        return Ok(());
    }
    let mut pattern = vec![Token::Atom(step.verb.clone())];
    if let Some(code) = code {
        pattern = tokens::pattern(&format!("{} {code}", step.verb))?;
    }
    match tokens::matches(&pattern, &tokens::response(&tagged)?, bindings) {
        true => Ok(()),
        false => fail(format!(
            "expected {} {}, got: {}",
            step.verb,
            code.unwrap_or(""),
            String::from_utf8_lossy(&tagged)
        )),
    }
}

fn until_continuation(session: &mut Session, step: &Step, bindings: &mut Bindings) -> Outcome {
    let mut untagged = Vec::new();
    loop {
        let line = response(session)?;
        match line.strip_prefix(b"* ") {
            Some(rest) => untagged.push(rest.to_vec()),
            None if line.starts_with(b"+") => break,
            None => return fail(format!("no continuation request: {}", String::from_utf8_lossy(&line))),
        }
    }
    compare(&step.expected, untagged, bindings)
}

/// Reads untagged responses until each expected one has come.
fn wait(session: &mut Session, step: &Step, bindings: &mut Bindings) -> Outcome {
    let expected = step.expected.iter().filter(|expected| matches!(expected, Expected::Untagged(_))).count();
    let mut untagged: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut trial = bindings.clone();
        let complete =
            untagged.len() >= expected && compare(&step.expected, untagged.clone(), &mut trial).is_ok();
        if complete {
            *bindings = trial;
            return Ok(());
        }
        if untagged.len() > expected + 100 {
            return compare(&step.expected, untagged, bindings);
        }
        match response(session) {
            Ok(line) => untagged.push(line.strip_prefix(b"* ").unwrap_or(&line).to_vec()),
            Err(error) => {
                compare(&step.expected, untagged, bindings)?;
                return Err(error);
            }
        }
    }
}

/// One response with its literals.
fn response(session: &mut Session) -> Outcome<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let line = session.connection.line(PATIENCE)?.ok_or("the server closed the connection")?;
        let size = literal_size(&line);
        whole.extend(line);
        let Some(size) = size else { return Ok(whole) };
        whole.extend(b"\r\n");
        whole.extend(session.connection.exactly(size)?);
    }
}

fn literal_size(line: &[u8]) -> Option<usize> {
    let inner = line.strip_suffix(b"}")?;
    let start = inner.iter().rposition(|&octet| octet == b'{')?;
    std::str::from_utf8(&inner[start + 1..]).ok()?.parse().ok()
}

fn compare(expected: &[Expected], untagged: Vec<Vec<u8>>, bindings: &mut Bindings) -> Outcome {
    let mut got = Vec::new();
    for line in &untagged {
        let parsed =
            tokens::response(line).map_err(|error| format!("{error}: {}", String::from_utf8_lossy(line)))?;
        got.push((parsed, line));
    }
    let others = expected.contains(&Expected::Others);
    let all = got.clone();
    for line in expected {
        match line {
            Expected::Untagged(text) => {
                let pattern = tokens::pattern(text)?;
                let found =
                    got.iter().position(|(response, _)| tokens::matches(&pattern, response, bindings));
                match found {
                    Some(found) => drop(got.remove(found)),
                    None => return fail(format!("missing: * {text}\nleft: {}", show(&got))),
                }
            }
            Expected::Banned(text) => {
                let pattern = tokens::pattern(text.strip_prefix("* ").unwrap_or(text))?;
                if all.iter().any(|(response, _)| tokens::matches(&pattern, response, &mut bindings.clone()))
                {
                    return fail(format!("must not come: {text}"));
                }
            }
            Expected::Others => {}
            Expected::Line(_) | Expected::Reply(_) => return fail("IMAP steps expect `*` and `!` lines"),
        }
    }
    match others || got.is_empty() {
        true => Ok(()),
        false => fail(format!("not expected: {}", show(&got))),
    }
}

fn show(got: &[(Vec<Token>, &Vec<u8>)]) -> String {
    got.iter().map(|(_, line)| format!("\n  * {}", String::from_utf8_lossy(line))).collect()
}

/// `[CODE] command` into both.
fn code(pieces: &[Piece]) -> (Option<String>, Vec<Piece>) {
    if let Some(Piece::Text(text)) = pieces.first()
        && text.starts_with('[')
        && let Some(end) = text.find(']')
    {
        let mut rest = pieces.to_vec();
        rest[0] = Piece::Text(text[end + 1..].trim_start().to_owned());
        return (Some(text[..=end].to_owned()), rest);
    }
    (None, pieces.to_vec())
}

fn first_word(pieces: &[Piece]) -> (String, Vec<Piece>) {
    let mut rest = pieces.to_vec();
    match rest.first_mut() {
        Some(Piece::Text(text)) => {
            let (word, after) = text
                .split_once(' ')
                .map_or((text.clone(), String::new()), |(word, after)| (word.to_owned(), after.to_owned()));
            *text = after;
            (word, rest)
        }
        _ => (String::new(), rest),
    }
}
