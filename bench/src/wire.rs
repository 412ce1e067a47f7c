//! A plain connection: lines, octets, and the few dialogues that every workload needs.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::Options;

pub struct Wire {
    stream: BufReader<TcpStream>,
    line: Vec<u8>,
    tag: usize,
}

impl Wire {
    pub async fn open(address: SocketAddr) -> Result<Wire> {
        let socket =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        socket.set_nodelay(true)?;
        Ok(Wire { stream: BufReader::with_capacity(64 * 1024, socket), line: Vec::new(), tag: 0 })
    }

    /// An IMAP connection after LOGIN.
    pub async fn imap(options: &Options) -> Result<Wire> {
        let mut wire = Wire::open(options.imap).await?;
        wire.line().await?;
        wire.imap_command(&format!("LOGIN {} {}", options.user, options.password)).await?;
        Ok(wire)
    }

    /// A POP3 connection after PASS.
    pub async fn pop3(options: &Options) -> Result<Wire> {
        let mut wire = Wire::open(options.pop3).await?;
        wire.pop3_status().await?;
        wire.pop3_command(&format!("USER {}", options.user)).await?;
        wire.pop3_command(&format!("PASS {}", options.password)).await?;
        Ok(wire)
    }

    /// An LMTP connection after LHLO.
    pub async fn lmtp(options: &Options) -> Result<Wire> {
        let mut wire = Wire::open(options.lmtp).await?;
        wire.lmtp_reply("220").await?;
        wire.lmtp_command("LHLO bench.example.test", "250").await?;
        Ok(wire)
    }

    pub async fn send(&mut self, octets: &[u8]) -> Result<()> {
        Ok(self.stream.get_mut().write_all(octets).await?)
    }

    /// The next line without its CRLF.
    pub async fn line(&mut self) -> Result<&[u8]> {
        self.line.clear();
        let count = self.stream.read_until(b'\n', &mut self.line).await?;
        ensure!(count > 0, "the server closed the connection");
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }

    pub async fn octets(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut octets = vec![0; count];
        self.stream.read_exact(&mut octets).await?;
        Ok(octets)
    }

    pub fn next_tag(&mut self) -> String {
        self.tag += 1;
        format!("b{}", self.tag)
    }

    /// Sends a command and hands every untagged line, with the octets of its literals, to `each`, up to the tagged OK.
    pub async fn imap_each(
        &mut self,
        command: &str,
        mut each: impl FnMut(&[u8], &[Vec<u8>]) -> Result<()>,
    ) -> Result<()> {
        let tag = self.next_tag();
        self.send(format!("{tag} {command}\r\n").as_bytes()).await?;
        loop {
            let (line, literals) = self.response().await?;
            if let Some(rest) = line.strip_prefix(format!("{tag} ").as_bytes()) {
                ensure!(rest.starts_with(b"OK"), "{command}: {}", String::from_utf8_lossy(rest));
                return Ok(());
            }
            each(&line, &literals)?;
        }
    }

    pub async fn imap_command(&mut self, command: &str) -> Result<()> {
        self.imap_each(command, |_, _| Ok(())).await
    }

    /// Whether CAPABILITY has this word.
    pub async fn imap_capability(&mut self, word: &str) -> Result<bool> {
        let mut has = false;
        self.imap_each("CAPABILITY", |line, _| {
            has |= line.split(|&octet| octet == b' ').any(|one| one == word.as_bytes());
            Ok(())
        })
        .await?;
        Ok(has)
    }

    /// EXAMINE; how many messages there are.
    pub async fn examine(&mut self, mailbox: &str) -> Result<usize> {
        self.opened(&format!("EXAMINE {mailbox}")).await
    }

    /// SELECT of a mailbox that is made first where there is none; how many messages there are.
    pub async fn open_mailbox(&mut self, mailbox: &str) -> Result<usize> {
        let mut is_there = false;
        self.imap_each(&format!("LIST \"\" {mailbox}"), |_, _| {
            is_there = true;
            Ok(())
        })
        .await?;
        if !is_there {
            self.imap_command(&format!("CREATE {mailbox}")).await?;
        }
        self.opened(&format!("SELECT {mailbox}")).await
    }

    async fn opened(&mut self, command: &str) -> Result<usize> {
        let mut exists = None;
        self.imap_each(command, |line, _| {
            if let Some(number) = line.strip_prefix(b"* ").and_then(|rest| rest.strip_suffix(b" EXISTS")) {
                exists = Some(std::str::from_utf8(number)?.parse()?);
            }
            Ok(())
        })
        .await?;
        exists.with_context(|| format!("{command}: no EXISTS"))
    }

    /// All in one MULTIAPPEND (RFC 3502), or an APPEND each, all under way at once. With non-synchronizing literals.
    pub async fn append(&mut self, mailbox: &str, messages: &[Vec<u8>], multiappend: bool) -> Result<()> {
        let together = if multiappend { messages.len() } else { 1 };
        let mut tags = Vec::new();
        let mut octets = Vec::new();
        for messages in messages.chunks(together.max(1)) {
            let tag = self.next_tag();
            octets.extend(format!("{tag} APPEND {mailbox}").as_bytes());
            for message in messages {
                octets.extend(format!(" {{{}+}}\r\n", message.len()).as_bytes());
                octets.extend(message);
            }
            octets.extend(b"\r\n");
            tags.push(tag);
        }
        self.send(&octets).await?;
        for tag in tags {
            self.tagged(&tag).await?;
        }
        Ok(())
    }

    async fn tagged(&mut self, tag: &str) -> Result<()> {
        loop {
            let line = self.line().await?;
            if let Some(rest) = line.strip_prefix(format!("{tag} ").as_bytes()) {
                ensure!(rest.starts_with(b"OK"), "{}", String::from_utf8_lossy(rest));
                return Ok(());
            }
        }
    }

    /// A whole response: its text, and the octets of its literals apart.
    async fn response(&mut self) -> Result<(Vec<u8>, Vec<Vec<u8>>)> {
        let (mut text, mut literals) = (Vec::new(), Vec::new());
        loop {
            text.extend(self.line().await?);
            let Some(size) = literal_size(&text) else { return Ok((text, literals)) };
            literals.push(self.octets(size).await?);
        }
    }

    pub async fn pop3_status(&mut self) -> Result<String> {
        let line = String::from_utf8_lossy(self.line().await?).into_owned();
        ensure!(line.starts_with("+OK"), "POP3: {line}");
        Ok(line)
    }

    pub async fn pop3_command(&mut self, command: &str) -> Result<String> {
        self.send(format!("{command}\r\n").as_bytes()).await?;
        self.pop3_status().await
    }

    /// The lines of a multi-line answer up to the lone dot; counts octets as RFC 1939 does.
    pub async fn pop3_lines(&mut self, mut each: impl FnMut(&[u8])) -> Result<usize> {
        let mut octets = 0;
        loop {
            match self.line().await? {
                b"." => return Ok(octets),
                line => {
                    let line = if line.starts_with(b".") { &line[1..] } else { line };
                    octets += line.len() + 2;
                    each(line);
                }
            }
        }
    }

    pub async fn lmtp_command(&mut self, command: &str, want: &str) -> Result<()> {
        self.send(format!("{command}\r\n").as_bytes()).await?;
        self.lmtp_reply(want).await
    }

    pub async fn lmtp_reply(&mut self, want: &str) -> Result<()> {
        loop {
            let line = self.line().await?;
            if !line.starts_with(want.as_bytes()) {
                bail!("LMTP: expected {want}, got {}", String::from_utf8_lossy(line));
            }
            if line.get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }
}

fn literal_size(line: &[u8]) -> Option<usize> {
    let inner = line.strip_suffix(b"}")?;
    let start = inner.iter().rposition(|&octet| octet == b'{')?;
    std::str::from_utf8(&inner[start + 1..]).ok()?.parse().ok()
}
