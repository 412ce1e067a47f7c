//! Reading commands: lines, literals, limits.
//!
//! - A command with its literals never takes more memory than the limit of the session's state.
//! - A synchronizing literal that is refused is refused before the client sends it; a non-synchronizing one (RFC 7888) is
//!   read and thrown away, or, when that would be absurd, the connection is closed.
//! - The messages of APPEND and REPLACE are not read here: `incoming` streams them.

use bytes::{Bytes, BytesMut};
use common::stream::StreamError;
use tokio::time::Instant;

use crate::Literals;
use crate::command::Numbers;
use crate::error::Error;
use crate::notify;
use crate::response::Writer;
use crate::session::{Session, bye};
use crate::syntax::{LiteralHeader, literal_header};

/// How much of a refused command is read to keep the connection; before login the command limit holds.
const SKIP_AT_MOST: u64 = 256 * 1024 * 1024;
/// RFC 7888 section 5: LITERAL-.
const UNWAITED_AT_MOST: u64 = 4096;
const PIECE: usize = 64 * 1024;

impl Session {
    /// Waits for a command's first line: a place where the session may be ended by others or by the login deadline.
    pub async fn first_line(&mut self) -> Result<Bytes, Error> {
        let (limit, deadline) = (self.command_limit(), self.login_deadline());
        loop {
            if self.notify.is_some() {
                Box::pin(self.push()).await?;
            }
            self.stream.flush_unless_pipelined().await?;
            let Session { stream, entry, selected, notify, .. } = self;
            let line = tokio::select! {
                biased;
                end = entry.ended() => return Err(bye(end)),
                line = stream.read_line(limit) => line,
                () = notify::changed(selected.as_deref_mut(), notify.as_deref_mut(), false) => continue,
                () = until(deadline) => return Err(Error::bye("Too slow to log in")),
            };
            return self.judge(line).map(compact);
        }
    }

    /// The next line of a command whose literal has been read.
    pub async fn next_line(&mut self, limit: usize) -> Result<Bytes, Error> {
        let line = self.within_login_deadline(limit).await?;
        self.unread = literal_header(&line);
        Ok(line)
    }

    /// The whole command as one text: lines and literals. Where the row says that a literal is the handler's to read, the
    /// text ends with its announcement and [`Session::unread`] holds it.
    pub async fn assemble(&mut self, line: Bytes, arguments: usize) -> Result<Bytes, Error> {
        refuse_nul(&line)?;
        let Some(mut literal) = self.literal_to_read(&line, 0, arguments) else { return Ok(line) };
        let limit = self.command_limit();
        let mut text = BytesMut::from(&line[..]);
        loop {
            let room = limit.saturating_sub(text.len());
            if literal.size > room as u64 {
                return Err(too_long(limit));
            }
            text.extend_from_slice(b"\r\n");
            self.accept_literal().await?;
            self.read_literal(literal.size, &mut text).await?;
            let start = text.len();
            let line = self.next_line(limit).await?;
            if start + line.len() > limit {
                return Err(too_long(limit));
            }
            refuse_nul(&line)?;
            text.extend_from_slice(&line);
            match self.literal_to_read(&line, start, arguments) {
                Some(next) => literal = next,
                None => return Ok(text.freeze()),
            }
        }
    }

    /// Takes over the announced literal: from here on the caller reads its octets. RFC 9051 section 7.6
    pub async fn accept_literal(&mut self) -> Result<Option<LiteralHeader>, Error> {
        if self.unread.is_some_and(|literal| self.is_oversize(literal)) {
            // It stays unread, and so is skipped. RFC 7888 section 5
            return Err(Error::bad(format!(
                "A literal that is not waited for has at most {UNWAITED_AT_MOST} octets here"
            )));
        }
        let literal = self.unread.take();
        if literal.is_some_and(|literal| literal.synchronizing) {
            self.request_continuation("OK").await?;
        }
        Ok(literal)
    }

    fn is_oversize(&self, literal: LiteralHeader) -> bool {
        let limited = self.service.options.literals == Literals::Minus;
        limited && !literal.synchronizing && literal.size > UNWAITED_AT_MOST
    }

    /// `+ text`
    pub async fn request_continuation(&mut self, text: &str) -> Result<(), Error> {
        Writer::new(&mut self.stream).raw("+ ").raw(text).crlf();
        Ok(self.stream.flush().await?)
    }

    /// Skips what the client has announced and sends anyway, and the rest of that command. A synchronizing literal needs
    /// nothing: the client waits, and the tagged line tells it not to send.
    pub async fn skip_unread(&mut self) -> Result<(), Error> {
        let mut left = if self.user.is_some() { SKIP_AT_MOST } else { self.command_limit() as u64 };
        while let Some(literal) = self.unread.take().filter(|literal| !literal.synchronizing) {
            left = left.checked_sub(literal.size).ok_or_else(|| Error::bye("Literal too large"))?;
            self.skip(literal.size).await?;
            let limit = self.command_limit();
            let line = match self.next_line(limit).await {
                Ok(line) => line,
                // The end of the line is gone, and with it whether a literal follows.
                Err(Error::Bad(text)) => return Err(Error::bye(text)),
                Err(other) => return Err(other),
            };
            // A command that goes on for ever in small literals is no better than a large one.
            left = left.checked_sub(line.len() as u64).ok_or_else(|| Error::bye("Command too long"))?;
        }
        Ok(())
    }

    /// Reads and forgets so many octets.
    pub async fn skip(&mut self, mut octets: u64) -> Result<(), Error> {
        while octets > 0 {
            octets -= self.piece(octets).await?.len() as u64;
        }
        Ok(())
    }

    /// The next octets of a literal, at least one and at most `left`.
    pub async fn piece(&mut self, left: u64) -> Result<Bytes, Error> {
        let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let deadline = self.login_deadline();
        tokio::select! {
            piece = self.stream.read_some(most) => Ok(piece?),
            () = until(deadline) => Err(Error::bye("Too slow to log in")),
        }
    }

    async fn read_literal(&mut self, size: u64, text: &mut BytesMut) -> Result<(), Error> {
        let mut left = size;
        while left > 0 {
            let piece = self.piece(left).await?;
            left -= piece.len() as u64;
            text.extend_from_slice(&piece);
        }
        Ok(())
    }

    /// The literal announced at the end of `line`, which begins at `start` of the command, if it is ours to read.
    fn literal_to_read(&self, line: &[u8], start: usize, arguments: usize) -> Option<LiteralHeader> {
        let literal = literal_header(line)?;
        // The mailbox may be a literal: APPEND's first argument, REPLACE's second. What comes behind it is the handler's.
        let before = line.get(arguments..literal.at).unwrap_or_default();
        let argument = before.iter().filter(|&&octet| octet == b' ').count();
        let mailbox = if self.command.numbers == Numbers::None { 1 } else { 2 };
        let is_mailbox = start == 0 && argument == mailbox && before.ends_with(b" ");
        (!self.command.streamed || is_mailbox).then_some(literal)
    }

    async fn within_login_deadline(&mut self, limit: usize) -> Result<Bytes, Error> {
        let deadline = self.login_deadline();
        let line = tokio::select! {
            line = self.stream.read_line(limit) => line,
            () = until(deadline) => return Err(Error::bye("Too slow to log in")),
        };
        self.judge(line)
    }

    /// Over-long lines count against the peer's address.
    fn judge(&self, line: Result<Bytes, StreamError>) -> Result<Bytes, Error> {
        if let Err(StreamError::LineTooLong | StreamError::Endless) = line {
            self.service.shared.authenticator.misbehaved(&self.auth_context());
        }
        Ok(line?)
    }
}

fn too_long(limit: usize) -> Error {
    Error::bad(format!("Command with its literals is longer than {limit} octets"))
}

/// A short line is copied, so that IDLE does not hold the input buffer that it shares.
fn compact(line: Bytes) -> Bytes {
    const SHORT: usize = 256;
    if line.len() <= SHORT { Bytes::copy_from_slice(&line) } else { line }
}

fn refuse_nul(line: &[u8]) -> Result<(), Error> {
    if line.contains(&0) { Err(Error::bad("NUL in a command")) } else { Ok(()) }
}

/// Never, without a deadline.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
