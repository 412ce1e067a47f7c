//! POP3 steps.

use crate::support::server::PASSWORD;
use crate::support::{Outcome, fail};

use super::parse::{Expected, Piece, State, Step};
use super::play::{Session, expect_line, logged_in};

/// From the greeting to the state.
pub fn begin(mut session: Session, user: &str, state: State) -> Outcome<Session> {
    expect_ok(&mut session)?;
    if logged_in(state) {
        for command in [format!("USER {user}\r\n"), format!("PASS {PASSWORD}\r\n")] {
            session.connection.send(command.as_bytes())?;
            expect_ok(&mut session)?;
        }
    }
    Ok(session)
}

pub fn step(session: &mut Session, step: &Step, rest: &[Piece]) -> Outcome {
    if step.verb == "starttls" {
        session.connection.send(b"STLS\r\n")?;
        expect_ok(&mut *session)?;
        return session.connection.start_tls();
    }
    let text: String = rest
        .iter()
        .filter_map(|piece| if let Piece::Text(text) = piece { Some(text.as_str()) } else { None })
        .collect();
    let (verb, text) = match step.verb.as_str() {
        "finish" => text
            .split_once(' ')
            .map(|(verb, text)| (verb.to_owned(), text.to_owned()))
            .ok_or("finish what?")?,
        verb => (verb.to_owned(), text),
    };
    let (code, command) = match (verb.as_str(), text.starts_with('['), text.split_once("] ")) {
        ("err", true, Some((code, command))) => (Some(format!("{code}]")), command.to_owned()),
        _ => (None, text),
    };
    session.connection.send(format!("{command}\r\n").as_bytes())?;
    let status = session.line()?;
    match verb.as_str() {
        "ok" if status.starts_with("+OK") => lines(session, step, &command, &status),
        "err" if status.starts_with("-ERR") => match code {
            Some(code) if !status.starts_with(&format!("-ERR {code}")) => {
                fail(format!("expected {code}: {status}"))
            }
            _ => Ok(()),
        },
        "cont" | "more" if status.starts_with('+') && !status.starts_with("+OK") => Ok(()),
        "ok" | "err" | "cont" | "more" => fail(format!("expected {verb}, got: {status}")),
        verb => fail(format!("no POP3 step `{verb}`")),
    }
}

/// A multi-line answer, where the command has one (RFC 1939 section 3).
fn lines(session: &mut Session, step: &Step, command: &str, status: &str) -> Outcome {
    if !multi_line(command) {
        return compare(
            &step.expected,
            &[status.strip_prefix("+OK").unwrap_or(status).trim_start().to_owned()],
        );
    }
    let mut got = Vec::new();
    loop {
        match session.line()?.as_str() {
            "." => break,
            line => got.push(line.strip_prefix('.').unwrap_or(line).to_owned()),
        }
    }
    compare(&step.expected, &got)
}

fn multi_line(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let word = words.next().unwrap_or_default().to_ascii_uppercase();
    let arguments = words.count();
    match word.as_str() {
        "RETR" | "TOP" | "CAPA" => true,
        "LIST" | "UIDL" | "LANG" | "AUTH" => arguments == 0,
        _ => false,
    }
}

/// In order; `...` stands for any lines between.
pub fn compare(expected: &[Expected], got: &[String]) -> Outcome {
    if expected.is_empty() {
        return Ok(());
    }
    let mut next = 0;
    let mut others = false;
    for line in expected {
        match line {
            Expected::Others => others = true,
            Expected::Line(pattern) => {
                let found = (next..got.len()).find(|&index| expect_line(pattern, &got[index]).is_ok());
                match found {
                    Some(found) if others || found == next => next = found + 1,
                    _ => {
                        return fail(format!(
                            "expected the line\n  {pattern}\ngot\n  {}",
                            got[next..].join("\n  ")
                        ));
                    }
                }
                others = false;
            }
            Expected::Banned(pattern) => {
                if got.iter().any(|line| expect_line(pattern, line).is_ok()) {
                    return fail(format!("must not come: {pattern}"));
                }
            }
            _ => return fail("POP3 and LMTP steps expect `|` and `!` lines"),
        }
    }
    match others || next == got.len() || expected.iter().all(|line| matches!(line, Expected::Banned(_))) {
        true => Ok(()),
        false => fail(format!("more lines than expected:\n  {}", got[next..].join("\n  "))),
    }
}

fn expect_ok(session: &mut Session) -> Outcome {
    let line = session.line()?;
    match line.starts_with("+OK") {
        true => Ok(()),
        false => fail(line),
    }
}
