//! The two dialogues of a crash test. A lost connection is no failure but the crash.

use std::net::SocketAddr;

use crate::support::connection::{Connection, PATIENCE};
use crate::support::server::{ACCOUNTS, PASSWORD};
use crate::support::{Outcome, fail};

/// An answer, or that the server was gone before it came.
pub enum Answer {
    Ok(Vec<String>),
    Gone,
}

pub struct Imap {
    connection: Connection,
    tag: u32,
}

impl Imap {
    /// `None` when the server is gone already.
    pub fn open(address: SocketAddr) -> Outcome<Option<Imap>> {
        let Ok(connection) = Connection::open(address) else { return Ok(None) };
        let mut imap = Imap { connection, tag: 0 };
        if imap.line().is_none() {
            return Ok(None);
        }
        match imap.command(&format!("LOGIN {} {PASSWORD}", ACCOUNTS[0]))? {
            Answer::Ok(_) => Ok(Some(imap)),
            Answer::Gone => Ok(None),
        }
    }

    /// Sends a command and reads to its tagged answer, which must be OK; all lines, the tagged one last.
    pub fn command(&mut self, text: &str) -> Outcome<Answer> {
        self.tag += 1;
        let tag = format!("c{}", self.tag);
        if self.connection.send(format!("{tag} {text}\r\n").as_bytes()).is_err() {
            return Ok(Answer::Gone);
        }
        let mut lines = Vec::new();
        loop {
            let Some(line) = self.line() else { return Ok(Answer::Gone) };
            let tagged = line.strip_prefix(&format!("{tag} ")).map(str::to_owned);
            lines.push(line);
            match tagged {
                Some(rest) if rest.starts_with("OK") => return Ok(Answer::Ok(lines)),
                // A server that is being killed may still say that it cannot; only a crash follows.
                Some(rest) => return fail(format!("{text}: {rest}")),
                None => {}
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        let line = self.connection.line(PATIENCE).ok()??;
        Some(String::from_utf8_lossy(&line).into_owned())
    }
}

pub struct Lmtp {
    connection: Connection,
}

impl Lmtp {
    pub fn open(address: SocketAddr) -> Option<Lmtp> {
        let mut lmtp = Lmtp { connection: Connection::open(address).ok()? };
        lmtp.reply()?;
        lmtp.say("LHLO crash.example.test")?;
        Some(lmtp)
    }

    /// The reply to the message itself; `None` when the server was gone before it.
    pub fn deliver(&mut self, recipient: &str, message: &str) -> Option<String> {
        self.say("MAIL FROM:<sender@example.test>")?;
        self.say(&format!("RCPT TO:<{recipient}>"))?;
        self.say("DATA")?;
        self.connection.send(format!("{message}.\r\n").as_bytes()).ok()?;
        self.reply()
    }

    fn say(&mut self, text: &str) -> Option<String> {
        self.connection.send(format!("{text}\r\n").as_bytes()).ok()?;
        self.reply()
    }

    fn reply(&mut self) -> Option<String> {
        loop {
            let line = self.connection.line(PATIENCE).ok()??;
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.as_bytes().get(3) == Some(&b' ') {
                return Some(line);
            }
        }
    }
}
