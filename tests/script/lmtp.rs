//! LMTP steps, and deliveries for scripts of the other protocols.

use crate::support::connection::Connection;
use crate::support::server::Server;
use crate::support::{Outcome, fail};

use super::parse::{Expected, Piece, State, Step};
use super::play::{Session, logged_in};
use super::pop3::compare;

pub fn open(server: &Server, state: State) -> Outcome<Session> {
    begin(Session::new(Connection::open(server.address("lmtp")?)?), state)
}

/// From the greeting to the state.
pub fn begin(mut session: Session, state: State) -> Outcome<Session> {
    reply(&mut session, "220")?;
    if logged_in(state) {
        command(&mut session, "LHLO client.example.test", "250")?;
    }
    Ok(session)
}

/// Delivers one message to one recipient.
pub fn deliver(server: &Server, recipient: &str, message: &[u8]) -> Outcome {
    let mut session = open(server, State::Auth)?;
    command(&mut session, "MAIL FROM:<sender@example.test>", "250")?;
    command(&mut session, &format!("RCPT TO:<{recipient}>"), "250")?;
    command(&mut session, "DATA", "354")?;
    session.connection.send(&stuffed(message))?;
    reply(&mut session, "250")?;
    command(&mut session, "QUIT", "221").map(drop)
}

pub fn step(session: &mut Session, step: &Step, rest: &[Piece]) -> Outcome {
    if step.verb == "starttls" {
        command(session, "STARTTLS", "220")?;
        return session.connection.start_tls();
    }
    if step.verb == "content" {
        session.connection.send(&stuffed(&step.block()))?;
        return replies(session, &step.expected);
    }
    if step.verb == "data" {
        command(session, "DATA", "354")?;
        session.connection.send(&stuffed(&step.block()))?;
        return replies(session, &step.expected);
    }
    if step.verb.len() != 3 || step.verb.parse::<u16>().is_err() {
        return fail(format!("no LMTP step `{}`", step.verb));
    }
    let mut text: String = String::new();
    for piece in rest {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Literal { octets, .. } => {
                session.connection.send(&[text.trim_end().as_bytes(), b"\r\n", octets].concat())?;
                text.clear();
            }
        }
    }
    let (enhanced, text) = match text.split_once(' ') {
        Some((word, rest)) if is_enhanced(word) => (word.to_owned(), rest.to_owned()),
        _ => (String::new(), text),
    };
    if !text.is_empty() {
        session.connection.send(format!("{text}\r\n").as_bytes())?;
    }
    let got = reply(session, format!("{} {enhanced}", step.verb).trim_end())?;
    compare(&step.expected, &got)
}

fn is_enhanced(word: &str) -> bool {
    word.split('.').count() == 3 && word.split('.').all(|number| number.parse::<u16>().is_ok())
}

/// One reply for each `>` line, in order.
fn replies(session: &mut Session, expected: &[Expected]) -> Outcome {
    for line in expected {
        match line {
            Expected::Reply(want) => drop(reply(session, want)?),
            _ => return fail("`data` expects `>` lines"),
        }
    }
    Ok(())
}

fn command(session: &mut Session, text: &str, want: &str) -> Outcome<Vec<String>> {
    session.connection.send(format!("{text}\r\n").as_bytes())?;
    reply(session, want)
}

/// A reply, whose lines must begin with the code (and enhanced code) wanted; the texts of its lines.
fn reply(session: &mut Session, want: &str) -> Outcome<Vec<String>> {
    let (code, enhanced) = want.split_once(' ').unwrap_or((want, ""));
    let mut texts = Vec::new();
    loop {
        let line = session.line()?;
        let text = line.strip_prefix(code).filter(|text| text.starts_with([' ', '-']));
        let Some(text) = text else { return fail(format!("expected {want}, got: {line}")) };
        if !text[1..].starts_with(enhanced) {
            return fail(format!("expected {want}, got: {line}"));
        }
        texts.push(text[1..].to_owned());
        if text.starts_with(' ') {
            return Ok(texts);
        }
    }
}

/// RFC 5321 section 4.5.2, with the final dot.
pub fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        if line.starts_with(b".") {
            octets.push(b'.');
        }
        octets.extend(line);
    }
    if !octets.ends_with(b"\r\n") && !octets.is_empty() {
        octets.extend(b"\r\n");
    }
    octets.extend(b".\r\n");
    octets
}
