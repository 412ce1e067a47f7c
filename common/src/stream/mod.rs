//! One connection: lines and literals in, bytes out, limits and timeouts on both; TCP, unix socket or TLS, compressed or not.
//!
//! Rules: no buffer is held while the connection waits for input with nothing buffered; no input makes a buffer grow
//! past the limit its reader gave; every wait on the peer but [`Stream::readable`] has an end; a cancelled read or
//! flush loses nothing.

mod compressors;
mod deflate;
mod input;
mod output;
mod transport;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::time::timeout;

use crate::tls::{Acceptor, TlsInfo};
use input::Input;
use output::Output;
use transport::{Socket, Transport};

/// What one read asks for while lines are expected.
const LINE_CHUNK: usize = 8 * 1024;
/// What one read asks for at most while a literal or message is expected.
const BULK_CHUNK: usize = 64 * 1024;
/// Output is sent when there is so much of it, and made in pieces of about this size: nothing is ever held whole.
pub const BATCH: usize = 256 * 1024;
/// RFC 9051 section 5.4 asks for 30 minutes; this holds until the session sets its own.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// A handshake is a few round trips: nobody needs longer.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(60);
/// A compressed connection on which nothing comes for so long gives its compressor back. Short, because what a thousand
/// clients hold at once after they have logged in is what the allocator keeps for good; the price is a table to clear when
/// the next answer goes out.
const REST_AFTER: Duration = Duration::from_millis(250);
/// How long [`Stream::shutdown`] tries to send what is queued.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long, and for how many octets, the end waits for the peer's end, so that the last reply is not lost in a reset.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
const LINGER_OCTETS: usize = 1024 * 1024;

/// Why a connection cannot go on, or a line was refused.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error("connection closed by peer")]
    Closed,
    /// No input for the time that [`Stream::set_timeout`] allows, or output not taken.
    #[error("timed out")]
    Timeout,
    /// The line is longer than allowed. The rest of it has been discarded up to and including its end; the stream goes on.
    #[error("line too long")]
    LineTooLong,
    /// The line is longer than allowed and did not end within ten times the limit: close.
    #[error("endless line")]
    Endless,
    #[error("TLS: {0}")]
    Tls(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl StreamError {
    /// What an error of the socket means for the session.
    fn of(error: io::Error) -> StreamError {
        use io::ErrorKind::*;
        match error.kind() {
            UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected => {
                StreamError::Closed
            }
            InvalidData => StreamError::Tls(error.to_string()),
            TimedOut => StreamError::Timeout,
            _ => StreamError::Io(error),
        }
    }
}

/// A buffered connection. Buffers are freed while it waits for input with nothing buffered (IDLE, idle clients).
pub struct Stream {
    transport: Transport,
    input: Input,
    output: Output,
    peer: Peer,
    tls: Option<Arc<TlsInfo>>,
    /// Compression has ended, and the rest of the peer's last flush may not have come yet.
    skips_flush_mark: bool,
    timeout: Duration,
    received: u64,
    sent: u64,
}

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    Tcp(SocketAddr),
    Unix,
}

impl Peer {
    /// `None` for a unix socket.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Peer::Tcp(address) => Some(address.ip()),
            Peer::Unix => None,
        }
    }

    /// Loopback address or unix socket.
    pub fn is_local(&self) -> bool {
        self.ip().is_none_or(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Tcp(address) => address.fmt(f),
            Peer::Unix => f.write_str("unix"),
        }
    }
}

impl Stream {
    /// An IPv4 peer on a socket for both families is shown, counted and trusted as the IPv4 address that it is.
    pub fn tcp(socket: tokio::net::TcpStream, peer: SocketAddr) -> Stream {
        if let Err(error) = socket.set_nodelay(true) {
            // Slower, not wrong; and a socket that is already dead says so at the first read.
            tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
        }
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        Stream::new(Socket::Tcp(socket), Peer::Tcp(peer))
    }

    /// The peer is local, and has no address that limits could count.
    pub fn unix(socket: tokio::net::UnixStream) -> Stream {
        Stream::new(Socket::Unix(socket), Peer::Unix)
    }

    fn new(socket: Socket, peer: Peer) -> Stream {
        Stream {
            transport: Transport::Plain(socket),
            input: Input::default(),
            output: Output::default(),
            peer,
            tls: None,
            skips_flush_mark: false,
            timeout: DEFAULT_TIMEOUT,
            received: 0,
            sent: 0,
        }
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Loopback address or unix socket: plain-text login is safe there.
    pub fn is_local(&self) -> bool {
        self.peer.is_local()
    }

    /// How long to wait for input, and for output to be taken. A line must come whole within this time; output only has
    /// to move on.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// One line without its CRLF (a bare LF ends a line too). `limit` counts without the line end. Cancel-safe.
    ///
    /// The line shares the input buffer: copy what is kept beyond the command.
    pub async fn read_line(&mut self, limit: usize) -> Result<Bytes, StreamError> {
        if let Some(line) = self.input.line(limit) {
            return line;
        }
        let patience = self.timeout;
        timeout(patience, self.wait_for_line(limit)).await.unwrap_or(Err(StreamError::Timeout))
    }

    async fn wait_for_line(&mut self, limit: usize) -> Result<Bytes, StreamError> {
        loop {
            self.fill(LINE_CHUNK).await?;
            if let Some(line) = self.input.line(limit) {
                return line;
            }
        }
    }

    /// At least one octet, at most `max`, of what comes next. For literals and DATA. Cancel-safe. `max` 0 gives nothing
    /// at once.
    pub async fn read_some(&mut self, max: usize) -> Result<Bytes, StreamError> {
        if self.input.is_empty() && max > 0 {
            let patience = self.timeout;
            timeout(patience, self.fill(max.clamp(LINE_CHUNK, BULK_CHUNK)))
                .await
                .unwrap_or(Err(StreamError::Timeout))?;
        }
        Ok(self.input.some(max))
    }

    /// What has been received and not yet read: a pipelining client's next command.
    pub fn buffered(&self) -> &[u8] {
        self.input.octets()
    }

    /// Waits until there is input, without a timeout and without a buffer. Cancel-safe.
    pub async fn readable(&mut self) -> Result<(), StreamError> {
        if self.input.is_empty() {
            self.fill(LINE_CHUNK).await?;
        }
        Ok(())
    }

    /// Whether the peer has closed the connection, found out without waiting. A peer that has sent commands which nobody
    /// has read yet counts as there: it may have closed its side behind the last of them and wait for the answers.
    pub async fn is_gone(&mut self) -> bool {
        if !self.input.is_empty() {
            return false;
        }
        let filled = poll_fn(|context| Poll::Ready(self.poll_fill(context, LINE_CHUNK))).await;
        match filled {
            Poll::Pending => false,
            Poll::Ready(Ok(0) | Err(_)) => true,
            Poll::Ready(Ok(count)) => {
                self.received += count as u64;
                false
            }
        }
    }

    /// Waits for input and adds it to the buffer, at most about `want` octets.
    async fn fill(&mut self, want: usize) -> Result<(), StreamError> {
        if self.transport.is_compressed() {
            let first = timeout(REST_AFTER, poll_fn(|context| self.poll_fill(context, want))).await;
            match first {
                Ok(filled) => return self.filled(filled),
                Err(_) => self.transport.rest(),
            }
        }
        let filled = poll_fn(|context| self.poll_fill(context, want)).await;
        self.filled(filled)
    }

    fn filled(&mut self, filled: io::Result<usize>) -> Result<(), StreamError> {
        let count = filled.map_err(StreamError::of)?;
        self.received += count as u64;
        if count == 0 { Err(StreamError::Closed) } else { Ok(()) }
    }

    fn poll_fill(&mut self, context: &mut Context<'_>, want: usize) -> Poll<io::Result<usize>> {
        let filled = self.poll_transport(context, want);
        if filled.is_pending() {
            // The wait may be long: IDLE, or a client that polls every ten minutes.
            self.input.release();
            self.output.release();
        }
        filled
    }

    fn poll_transport(&mut self, context: &mut Context<'_>, want: usize) -> Poll<io::Result<usize>> {
        while self.skips_flush_mark {
            let mut octets = BytesMut::new();
            if ready!(self.transport.poll_fill(context, &mut octets, want))? == 0 {
                return Poll::Ready(Ok(0));
            }
            let count = self.take_plain(octets);
            if count > 0 {
                return Poll::Ready(Ok(count));
            }
        }
        self.transport.poll_fill(context, self.input.buffer(), want)
    }

    /// Adds the first octets after compression, without what is left of a flush: no command begins like that.
    fn take_plain(&mut self, mut octets: BytesMut) -> usize {
        let mark = octets.iter().take_while(|octet| matches!(octet, 0 | 0xff)).count();
        octets.advance(mark);
        self.skips_flush_mark = octets.is_empty();
        self.input.buffer().extend_from_slice(&octets);
        octets.len()
    }

    /// The output buffer. Nothing is sent before [`Stream::flush`]; callers flush it as a [`BATCH`].
    pub fn out(&mut self) -> &mut BytesMut {
        self.output.tail()
    }

    /// Queues octets without copying them (large ones), in order with what is in [`Stream::out`].
    pub fn put(&mut self, octets: Bytes) {
        self.output.put(octets);
    }

    /// How many octets wait to be sent.
    pub fn queued(&self) -> usize {
        self.output.len()
    }

    /// Sends all that is queued, with vectored writes. Cancel-safe: the next flush goes on where this one stopped.
    pub async fn flush(&mut self) -> Result<(), StreamError> {
        self.output.seal();
        let patience = self.timeout;
        while !self.output.is_empty() {
            // Each step has the whole time: a slow link is no fault as long as something moves.
            within(patience, poll_fn(|context| self.poll_send(context))).await?;
        }
        within(patience, poll_fn(|context| self.transport.poll_flush(context))).await
    }

    /// Sends what is queued once it is a [`BATCH`].
    pub async fn flush_batch(&mut self) -> Result<(), StreamError> {
        if self.queued() >= BATCH { self.flush().await } else { Ok(()) }
    }

    /// Before the wait for a command. Answers to pipelined commands go out together, but none is held back for a command
    /// that has not come whole yet.
    // RFC 2449 section 6.6, RFC 2920 section 3.2
    pub async fn flush_unless_pipelined(&mut self) -> Result<(), StreamError> {
        if self.buffered().contains(&b'\n') { self.flush_batch().await } else { self.flush().await }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let count = ready!(self.output.poll_write(context, &mut self.transport))?;
        self.sent += count as u64;
        Poll::Ready(Ok(()))
    }

    /// The server's side of a TLS handshake. Refuses when plain-text octets are already buffered (command injection).
    /// Not cancel-safe: drop the connection when this fails or is cancelled.
    pub async fn start_tls(&mut self, acceptor: &Acceptor) -> Result<(), StreamError> {
        self.flush().await?;
        // RFC 9051 section 6.2.1
        if !self.input.is_empty() {
            return Err(StreamError::Tls("plain text sent before the handshake".into()));
        }
        let socket = self.transport.take_plain().ok_or_else(|| StreamError::Tls("already in use".into()))?;
        let patience = self.timeout.min(HANDSHAKE_TIMEOUT);
        let (stream, info) = match timeout(patience, acceptor.accept(socket)).await {
            Ok(accepted) => accepted.map_err(|error| handshake_error(&error))?,
            Err(_) => return Err(StreamError::Timeout),
        };
        self.transport = Transport::Tls(Box::new(stream));
        self.tls = Some(Arc::new(info));
        Ok(())
    }

    /// From here on both directions are compressed with raw deflate; what has been written before is sent as it is. What has
    /// come already is taken for compressed.
    // RFC 4978 section 3
    pub async fn start_compression(&mut self) -> Result<(), StreamError> {
        self.flush().await?;
        let received = std::mem::take(self.input.buffer());
        self.input = Input::default();
        self.transport.compress(received);
        Ok(())
    }

    /// Ends compression in both directions: what has been written before is still compressed, what the peer sent behind the
    /// flush that was read last is plain. Without compression it only flushes.
    // RFC 8437 section 4.1
    pub async fn end_compression(&mut self) -> Result<(), StreamError> {
        self.flush().await?;
        if self.is_compressed() {
            let received = self.transport.decompress();
            self.take_plain(received);
        }
        Ok(())
    }

    pub fn is_compressed(&self) -> bool {
        self.transport.is_compressed()
    }

    /// `None` in plain text.
    pub fn tls(&self) -> Option<&Arc<TlsInfo>> {
        self.tls.as_ref()
    }

    /// Sends what is queued and closes in good order (close_notify). Waits a moment for the peer to close too: octets
    /// that nobody read would turn the close into a reset, which can destroy the last reply on its way.
    pub async fn shutdown(&mut self) {
        let patience = self.timeout.min(GOODBYE_TIMEOUT);
        let goodbye = async {
            self.flush().await?;
            poll_fn(|context| self.transport.poll_shutdown(context)).await.map_err(StreamError::of)
        };
        if timeout(patience, goodbye).await.is_ok_and(|sent| sent.is_ok()) {
            // Whether the peer closes in time or not, the connection ends here.
            let _ = timeout(LINGER_TIMEOUT, self.linger()).await;
        }
        self.transport = Transport::Gone;
    }

    async fn linger(&mut self) {
        let mut octets = 0;
        while octets < LINGER_OCTETS {
            self.input = Input::default();
            if self.fill(LINE_CHUNK).await.is_err() {
                return;
            }
            octets += self.input.octets().len();
        }
    }

    /// Octets received and sent so far, for the log line at the end of a session. Inside TLS and compression, where there are.
    pub fn transferred(&self) -> (u64, u64) {
        (self.received, self.sent)
    }
}

async fn within(patience: Duration, step: impl Future<Output = io::Result<()>>) -> Result<(), StreamError> {
    match timeout(patience, step).await {
        Ok(done) => done.map_err(StreamError::of),
        Err(_) => Err(StreamError::Timeout),
    }
}

fn handshake_error(error: &io::Error) -> StreamError {
    use rustls::{Error, InvalidMessage};
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<Error>());
    match (error.kind(), cause) {
        (_, Some(Error::InvalidMessage(InvalidMessage::InvalidContentType))) => {
            StreamError::Tls("the client did not begin a handshake (plain text sent to a TLS port?)".into())
        }
        (_, Some(cause)) => StreamError::Tls(cause.to_string()),
        (io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset, None) => StreamError::Closed,
        (_, None) => StreamError::Tls(error.to_string()),
    }
}

#[cfg(test)]
mod compressed;
#[cfg(test)]
mod tests;
