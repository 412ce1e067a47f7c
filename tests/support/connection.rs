//! A plain connection of a test to the server: lines and octets with a deadline, and a record of the dialogue.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use super::tls::{self, TlsSocket};
use super::{Outcome, fail};

/// How long the server may take for an answer before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub struct Connection {
    socket: TcpStream,
    /// Over `socket`, once TLS has begun.
    tls: Option<TlsSocket>,
    /// Over both, once compression has begun.
    deflate: Option<(Compress, Decompress)>,
    buffer: Vec<u8>,
    /// The dialogue so far, `C:` and `S:`.
    pub log: String,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Outcome<Connection> {
        let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
        socket.set_nodelay(true)?;
        Ok(Connection { socket, tls: None, deflate: None, buffer: Vec::new(), log: String::new() })
    }

    /// From here on everything goes through TLS.
    pub fn start_tls(&mut self) -> Outcome {
        if !self.buffer.is_empty() {
            return fail(format!("the server sent this in plain text before TLS: {:?}", self.buffer));
        }
        self.socket.set_read_timeout(Some(PATIENCE))?;
        self.tls = Some(tls::client(self.socket.try_clone()?)?);
        self.log.push_str("--- TLS\n");
        Ok(())
    }

    /// From here on everything is compressed (RFC 4978). A command is flushed in the middle, too.
    pub fn start_compression(&mut self) -> Outcome {
        if !self.buffer.is_empty() {
            return fail(format!("the server sent this before compression: {:?}", self.buffer));
        }
        self.deflate = Some((Compress::new(Compression::default(), false), Decompress::new(false)));
        self.log.push_str("--- compressed\n");
        Ok(())
    }

    /// From here on nothing is compressed.
    pub fn end_compression(&mut self) {
        self.deflate = None;
        self.log.push_str("--- no longer compressed\n");
    }

    pub fn send(&mut self, octets: &[u8]) -> Outcome {
        self.note("C: ", octets);
        let squeezed = self.deflate.as_mut().map(|(compress, _)| squeeze(compress, octets)).transpose()?;
        let octets = squeezed.as_deref().unwrap_or(octets);
        match &mut self.tls {
            Some(tls) => {
                tls.write_all(octets)?;
                tls.flush()?;
            }
            None => self.socket.write_all(octets)?,
        }
        Ok(())
    }

    /// A line without its CRLF; `None` when the server closed the connection.
    pub fn line(&mut self, patience: Duration) -> Outcome<Option<Vec<u8>>> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(end) = self.buffer.iter().position(|&octet| octet == b'\n') {
                let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
                line.pop();
                if line.pop() != Some(b'\r') {
                    return fail(format!("a line of the server ends with a bare LF: {line:?}"));
                }
                self.note("S: ", &line);
                return Ok(Some(line));
            }
            if !self.fill(deadline)? {
                return Ok(None);
            }
        }
    }

    pub fn exactly(&mut self, count: usize) -> Outcome<Vec<u8>> {
        let deadline = Instant::now() + PATIENCE;
        while self.buffer.len() < count {
            if !self.fill(deadline)? {
                return fail(format!("closed within {count} octets"));
            }
        }
        let octets: Vec<u8> = self.buffer.drain(..count).collect();
        self.note("S: ", &octets);
        Ok(octets)
    }

    /// Whether there is something to read within this time.
    pub fn ready(&mut self, patience: Duration) -> Outcome<bool> {
        let deadline = Instant::now() + patience;
        if !self.buffer.is_empty() {
            return Ok(true);
        }
        match self.fill(deadline) {
            Ok(open) => Ok(open || !self.buffer.is_empty()),
            Err(error) if error.to_string().contains("no answer") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the server has closed the connection, reading and dropping what it still sent.
    pub fn closed(&mut self) -> Outcome<bool> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.fill(deadline) {
                Ok(true) => {
                    let dropped = std::mem::take(&mut self.buffer);
                    self.note("S: ", &dropped);
                }
                Ok(false) => return Ok(true),
                Err(_) => return Ok(false),
            }
        }
    }

    /// False at the end of the stream.
    fn fill(&mut self, deadline: Instant) -> Outcome<bool> {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.socket.set_read_timeout(Some(left))?;
        let mut chunk = [0; 16 * 1024];
        let read = match &mut self.tls {
            // The end without close_notify is an error here: it must not pass for an end of the session.
            Some(tls) => tls.read(&mut chunk),
            None => self.socket.read(&mut chunk),
        };
        match read {
            Ok(0) => Ok(false),
            Ok(count) => {
                match &mut self.deflate {
                    Some((_, inflate)) => inflated(inflate, &chunk[..count], &mut self.buffer)?,
                    None => self.buffer.extend_from_slice(&chunk[..count]),
                }
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                fail("no answer in time")
            }
            Err(error) => Err(error.into()),
        }
    }

    fn note(&mut self, who: &str, octets: &[u8]) {
        for line in String::from_utf8_lossy(octets).lines().take(200) {
            let shown: String = line.chars().take(500).collect();
            self.log.push_str(who);
            self.log.push_str(&shown);
            self.log.push('\n');
        }
    }
}

fn squeeze(compress: &mut Compress, octets: &[u8]) -> Outcome<Vec<u8>> {
    let mut out = Vec::with_capacity(octets.len() + 1024);
    let (first, second) = octets.split_at(octets.len() / 2);
    for (part, flush) in [(first, FlushCompress::Partial), (second, FlushCompress::Sync)] {
        let (start, mut at) = (compress.total_in(), 0);
        loop {
            out.reserve(part.len() + 1024);
            compress.compress_vec(&part[at..], &mut out, flush)?;
            at = usize::try_from(compress.total_in() - start)?;
            if at == part.len() && out.len() < out.capacity() {
                break;
            }
        }
    }
    Ok(out)
}

fn inflated(inflate: &mut Decompress, octets: &[u8], buffer: &mut Vec<u8>) -> Outcome {
    let start = inflate.total_in();
    loop {
        buffer.reserve(64 * 1024);
        let at = usize::try_from(inflate.total_in() - start)?;
        inflate.decompress_vec(&octets[at..], buffer, FlushDecompress::None)?;
        let at = usize::try_from(inflate.total_in() - start)?;
        if at == octets.len() && buffer.len() < buffer.capacity() {
            return Ok(());
        }
    }
}
