//! Connections that can be trusted to be read to the right place, and one that only pours.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::server::{PASSWORD, Server};
use crate::support::{Outcome, fail};

/// How long any single answer may take, however hostile the question.
pub const PATIENCE: Duration = Duration::from_secs(40);

pub const ALICE: &str = "alice@example.test";
pub const BOB: &str = "bob@example.test";

/// A client of any of the three protocols.
pub struct Client {
    socket: TcpStream,
    buffer: Vec<u8>,
    at: usize,
    tag: u32,
}

impl Client {
    pub fn open(address: SocketAddr) -> Outcome<Client> {
        let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Client { socket, buffer: Vec::new(), at: 0, tag: 0 })
    }

    pub fn send(&mut self, octets: impl AsRef<[u8]>) -> Outcome {
        self.socket.write_all(octets.as_ref()).map_err(|error| format!("cannot send: {error}").into())
    }

    /// A line without its end; `None` at the end of the stream.
    pub fn line(&mut self) -> Outcome<Option<Vec<u8>>> {
        let mut searched = self.at;
        loop {
            if let Some(end) = self.buffer[searched..].iter().position(|&octet| octet == b'\n') {
                let line = self.buffer[self.at..searched + end].to_vec();
                self.at = searched + end + 1;
                return Ok(Some(line.strip_suffix(b"\r").map(<[u8]>::to_vec).unwrap_or(line)));
            }
            searched = self.buffer.len() - self.at;
            self.buffer.drain(..self.at);
            self.at = 0;
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// A line that must come, as text.
    pub fn text(&mut self) -> Outcome<String> {
        let line = self.line()?.ok_or("the server closed the connection")?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    /// Exactly so many octets.
    pub fn octets(&mut self, count: usize) -> Outcome<Vec<u8>> {
        while self.buffer.len() - self.at < count {
            if !self.fill()? {
                return fail(format!("closed within {count} octets"));
            }
        }
        let octets = self.buffer[self.at..self.at + count].to_vec();
        self.at += count;
        Ok(octets)
    }

    /// Whether the server closes the connection within this time; what it says before that is thrown away.
    pub fn closes(&mut self, within: Duration) -> Outcome<bool> {
        let deadline = Instant::now() + within;
        self.socket.set_read_timeout(Some(within))?;
        while Instant::now() < deadline {
            self.buffer.clear();
            self.at = 0;
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return Ok(true),
                Err(_) => return Ok(false),
            }
        }
        Ok(false)
    }

    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    fn fill(&mut self) -> Outcome<bool> {
        let mut chunk = [0; 64 * 1024];
        match self.socket.read(&mut chunk) {
            Ok(0) => Ok(false),
            Ok(count) => {
                self.buffer.extend_from_slice(&chunk[..count]);
                Ok(true)
            }
            Err(error) if is_gone(&error) => Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => self.fill(),
            Err(error) => fail(format!("no answer: {error}")),
        }
    }
}

fn is_gone(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted)
}

/// IMAP's answer to one command.
pub struct Answer {
    /// Untagged lines; a literal stands in its line.
    pub lines: Vec<Vec<u8>>,
    /// The tagged line without its tag.
    pub tagged: String,
}

impl Answer {
    pub fn is(&self, word: &str) -> bool {
        self.tagged.starts_with(word)
    }

    pub fn must(self, word: &str) -> Outcome<Answer> {
        if self.is(word) {
            return Ok(self);
        }
        fail(format!("{word} expected, came {}", self.tagged))
    }

    pub fn all(&self) -> Vec<u8> {
        self.lines.join(&b'\n')
    }
}

// IMAP
impl Client {
    pub fn imap(server: &Server, user: &str) -> Outcome<Client> {
        let mut client = Client::open(server.address("imap")?)?;
        client.text()?;
        client.command(format!("LOGIN {user} {PASSWORD}"))?.must("OK")?;
        Ok(client)
    }

    /// Sends a command (octets behind the tag) and reads up to its tagged line.
    pub fn command(&mut self, text: impl AsRef<[u8]>) -> Outcome<Answer> {
        self.tag += 1;
        let tag = format!("t{}", self.tag);
        self.send([tag.as_bytes(), b" ", text.as_ref(), b"\r\n"].concat())?;
        self.answer(&tag).map_err(|error| {
            let start = &text.as_ref()[..text.as_ref().len().min(60)];
            format!("{}: {error}", String::from_utf8_lossy(start)).into()
        })
    }

    /// What an over-long command gets, whose tag the server may not have kept.
    pub fn answer(&mut self, tag: &str) -> Outcome<Answer> {
        let mut lines = Vec::new();
        loop {
            let line = self.response()?.ok_or("the server closed the connection")?;
            if let Some(tagged) = line.strip_prefix(format!("{tag} ").as_bytes()) {
                return Ok(Answer { lines, tagged: String::from_utf8_lossy(tagged).into_owned() });
            }
            let untagged_bad = line.strip_prefix(b"* ").filter(|rest| rest.starts_with(b"BAD"));
            if let Some(bad) = untagged_bad {
                return Ok(Answer { lines, tagged: String::from_utf8_lossy(bad).into_owned() });
            }
            lines.push(line);
        }
    }

    /// A line with its literals.
    fn response(&mut self) -> Outcome<Option<Vec<u8>>> {
        let Some(mut whole) = self.line()? else { return Ok(None) };
        while let Some(size) = announced(&whole) {
            whole.push(b'\n');
            whole.extend(self.octets(size)?);
            whole.extend(self.line()?.ok_or("closed behind a literal")?);
        }
        Ok(Some(whole))
    }
}

fn announced(line: &[u8]) -> Option<usize> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|&octet| octet == b'{')?;
    std::str::from_utf8(&inner[open + 1..]).ok()?.parse().ok()
}

// LMTP
impl Client {
    pub fn lmtp(server: &Server) -> Outcome<Client> {
        let mut client = Client::open(server.address("lmtp")?)?;
        client.reply()?;
        client.say("LHLO hostile.example.test")?;
        Ok(client)
    }

    /// The last line of the reply to a command.
    pub fn say(&mut self, text: &str) -> Outcome<String> {
        self.send(format!("{text}\r\n"))?;
        self.reply()
    }

    /// The reply to a message, whose octets are sent as they are (no line begins with a dot).
    pub fn deliver(&mut self, recipient: &str, message: &[u8]) -> Outcome<String> {
        for (command, wanted) in [
            ("MAIL FROM:<m@example.test>", "250"),
            (&*format!("RCPT TO:<{recipient}>"), "250"),
            ("DATA", "354"),
        ] {
            let reply = self.say(command)?;
            if !reply.starts_with(wanted) {
                self.say("RSET")?;
                return Ok(reply);
            }
        }
        self.send(message)?;
        self.send(if message.ends_with(b"\r\n") { &b".\r\n"[..] } else { b"\r\n.\r\n" })?;
        self.reply()
    }

    pub fn reply(&mut self) -> Outcome<String> {
        loop {
            let line = self.text()?;
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line);
            }
        }
    }
}

// POP3
impl Client {
    pub fn pop3(server: &Server, user: &str) -> Outcome<Client> {
        let mut client = Client::open(server.address("pop3")?)?;
        client.text()?;
        client.say_ok(&format!("USER {user}"))?;
        client.say_ok(&format!("PASS {PASSWORD}"))?;
        Ok(client)
    }

    pub fn status(&mut self, text: &str) -> Outcome<String> {
        self.send(format!("{text}\r\n"))?;
        self.text()
    }

    pub fn say_ok(&mut self, text: &str) -> Outcome<String> {
        let status = self.status(text)?;
        if status.starts_with("+OK") { Ok(status) } else { fail(format!("{text}: {status}")) }
    }

    /// A multi-line answer with its dots undone, or the `-ERR` line.
    pub fn retrieve(&mut self, text: &str) -> Outcome<Result<Vec<u8>, String>> {
        let status = self.status(text)?;
        if !status.starts_with("+OK") {
            return Ok(Err(status));
        }
        let mut octets = Vec::new();
        loop {
            let line = self.line()?.ok_or("closed within a message")?;
            match line.strip_prefix(b".") {
                Some(b"") => return Ok(Ok(octets)),
                Some(stuffed) => octets.extend_from_slice(stuffed),
                None => octets.extend_from_slice(&line),
            }
            octets.extend_from_slice(b"\r\n");
        }
    }
}

/// What became of octets that were poured.
pub struct Poured {
    pub sent: u64,
    /// What the server said, the first megabyte of it.
    pub said: Vec<u8>,
}

impl Poured {
    pub fn said(&self, text: &str) -> bool {
        self.said.windows(text.len()).any(|window| window == text.as_bytes())
    }

    pub fn must_say(&self, text: &str) -> Outcome {
        if self.said(text) {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&self.said[..self.said.len().min(2000)]).into_owned();
        fail(format!("{text} expected after {} octets, the server said: {said}", self.sent))
    }
}

/// Sends everything while it reads what comes, then waits for the server to close.
pub fn pour(address: SocketAddr, pieces: impl IntoIterator<Item = Vec<u8>>) -> Outcome<Poured> {
    let mut socket = TcpStream::connect_timeout(&address, PATIENCE)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let reading = socket.try_clone()?;
    let reader = thread::spawn(move || collect(reading));
    let mut sent = 0;
    for piece in pieces {
        match socket.write_all(&piece) {
            Ok(()) => sent += piece.len() as u64,
            Err(error) if is_gone(&error) => break,
            Err(error) => return fail(format!("after {sent} octets the server does not read: {error}")),
        }
    }
    // A server that has closed already is not told again.
    let _ = socket.shutdown(Shutdown::Write);
    let said = reader.join().map_err(|_| "the reader panicked")??;
    Ok(Poured { sent, said })
}

fn collect(mut socket: TcpStream) -> Outcome<Vec<u8>> {
    const KEPT: usize = 1 << 20;
    let (mut said, mut chunk) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match socket.read(&mut chunk) {
            Ok(0) => return Ok(said),
            Ok(count) => said.extend_from_slice(&chunk[..count.min(KEPT - said.len())]),
            Err(error) if is_gone(&error) => return Ok(said),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return fail(format!("the server neither speaks nor closes: {error}")),
        }
    }
}

/// So many octets, in pieces.
pub fn flood(pattern: &[u8], total: usize) -> impl Iterator<Item = Vec<u8>> + use<> {
    let piece = pattern.repeat((64 * 1024 / pattern.len()).max(1));
    let count = total.div_ceil(piece.len());
    std::iter::repeat_n(piece, count)
}
