//! One connection: lines and literals in, bytes out, limits and timeouts on both; TCP, unix socket or TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::tls::{Acceptor, TlsInfo};

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
    Io(#[from] std::io::Error),
}

/// A buffered connection. Buffers are freed while it waits for input with nothing buffered (IDLE, idle clients).
pub struct Stream {}

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    Tcp(SocketAddr),
    Unix,
}

impl Stream {
    pub fn tcp(socket: tokio::net::TcpStream, peer: SocketAddr) -> Stream {
        let _ = (socket, peer);
        unimplemented!()
    }
    pub fn unix(socket: tokio::net::UnixStream) -> Stream {
        let _ = socket;
        unimplemented!()
    }
    pub fn peer(&self) -> &Peer {
        unimplemented!()
    }
    /// Loopback address or unix socket: plain-text login is safe there.
    pub fn is_local(&self) -> bool {
        unimplemented!()
    }
    /// How long to wait for input, and for output to be taken.
    pub fn set_timeout(&mut self, timeout: Duration) {
        let _ = timeout;
        unimplemented!()
    }
    /// One line without its CRLF (a bare LF ends a line too). `limit` counts without the line end. Cancel-safe.
    pub async fn read_line(&mut self, limit: usize) -> Result<Bytes, StreamError> {
        let _ = limit;
        unimplemented!()
    }
    /// At least one octet, at most `max`, of what comes next. For literals and DATA. Cancel-safe.
    pub async fn read_some(&mut self, max: usize) -> Result<Bytes, StreamError> {
        let _ = max;
        unimplemented!()
    }
    /// What has been received and not yet read: a pipelining client's next command.
    pub fn buffered(&self) -> &[u8] {
        unimplemented!()
    }
    /// Waits until there is input, without a timeout and without a buffer. Cancel-safe.
    pub async fn readable(&mut self) -> Result<(), StreamError> {
        unimplemented!()
    }
    /// The output buffer. Nothing is sent before [`Stream::flush`]; callers flush when it passes about 256 KiB.
    pub fn out(&mut self) -> &mut BytesMut {
        unimplemented!()
    }
    /// Queues octets without copying them (large ones), in order with what is in [`Stream::out`].
    pub fn put(&mut self, octets: Bytes) {
        let _ = octets;
        unimplemented!()
    }
    /// How many octets wait to be sent.
    pub fn queued(&self) -> usize {
        unimplemented!()
    }
    /// Sends all that is queued, with vectored writes.
    pub async fn flush(&mut self) -> Result<(), StreamError> {
        unimplemented!()
    }
    /// The server's side of a TLS handshake. Refuses when plain-text octets are already buffered (command injection).
    pub async fn start_tls(&mut self, acceptor: &Acceptor) -> Result<(), StreamError> {
        let _ = acceptor;
        unimplemented!()
    }
    /// `None` in plain text.
    pub fn tls(&self) -> Option<&Arc<TlsInfo>> {
        unimplemented!()
    }
    /// Sends what is queued and closes in good order (close_notify).
    pub async fn shutdown(&mut self) {
        unimplemented!()
    }
    /// Octets received and sent so far, for the log line at the end of a session.
    pub fn transferred(&self) -> (u64, u64) {
        unimplemented!()
    }
}
