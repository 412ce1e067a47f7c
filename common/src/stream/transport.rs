//! The layers under a stream: socket, TLS, compression (RFC 4978). A layer is a variant of [`Transport`] that boxes the
//! one below it and answers the same questions.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

use super::deflate::Deflate;

pub(super) enum Transport {
    Plain(Socket),
    /// Boxed: about a kilobyte that a plain connection need not carry.
    Tls(Box<TlsStream<Socket>>),
    /// Over one of those above.
    Deflate(Box<Deflate>),
    /// Closed, or lost in a handshake.
    Gone,
}

pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Transport {
    /// The bare socket, for a handshake over it; `None`: there is another layer already.
    pub fn take_plain(&mut self) -> Option<Socket> {
        match std::mem::replace(self, Transport::Gone) {
            Transport::Plain(socket) => Some(socket),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Puts the compression layer over this one; `received` are octets of it that have come already.
    pub fn compress(&mut self, received: BytesMut) {
        let below = std::mem::replace(self, Transport::Gone);
        *self = Transport::Deflate(Box::new(Deflate::new(below, received)));
    }

    /// Takes the compression layer away; gives what has come and is not inflated. Nothing without that layer.
    pub fn decompress(&mut self) -> BytesMut {
        match std::mem::replace(self, Transport::Gone) {
            Transport::Deflate(deflate) => {
                let (below, received) = deflate.into_below();
                *self = below;
                received
            }
            other => {
                *self = other;
                BytesMut::new()
            }
        }
    }

    pub fn is_compressed(&self) -> bool {
        matches!(self, Transport::Deflate(_))
    }

    /// Frees what is not needed until the next octet comes or goes.
    pub fn rest(&mut self) {
        if let Transport::Deflate(deflate) = self {
            deflate.rest();
        }
    }

    /// Adds what has come to `buffer`, at most about `want` octets; 0 is the end. The buffer grows only when there is
    /// something to put in.
    pub fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
        want: usize,
    ) -> Poll<io::Result<usize>> {
        match self {
            Transport::Plain(socket) => socket.poll_fill(context, buffer, want),
            Transport::Tls(stream) => {
                let mut stream = Pin::new(stream.as_mut());
                let octets = ready!(stream.as_mut().poll_fill_buf(context))?;
                let count = octets.len().min(want);
                buffer.extend_from_slice(&octets[..count]);
                stream.consume(count);
                Poll::Ready(Ok(count))
            }
            Transport::Deflate(deflate) => deflate.poll_fill(context, buffer, want),
            Transport::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    pub fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self {
            Transport::Plain(socket) => Pin::new(socket).poll_write_vectored(context, slices),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_write_vectored(context, slices),
            Transport::Deflate(deflate) => deflate.poll_write(context, slices),
            Transport::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(_) => Poll::Ready(Ok(())),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
            Transport::Deflate(deflate) => deflate.poll_flush(context),
            Transport::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Ends our direction: close_notify in TLS, FIN below it.
    pub fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(socket) => Pin::new(socket).poll_shutdown(context),
            Transport::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
            Transport::Deflate(deflate) => deflate.poll_shutdown(context),
            Transport::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl Socket {
    fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
        want: usize,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_read_ready(context))?;
            buffer.reserve(want);
            match self.try_read_buf(buffer) {
                // Readiness was stale; the failed read has cleared it.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Tcp(socket) => socket.poll_read_ready(context),
            Socket::Unix(socket) => socket.poll_read_ready(context),
        }
    }

    fn try_read_buf(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket) => socket.try_read_buf(buffer),
            Socket::Unix(socket) => socket.try_read_buf(buffer),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_read(context, buffer),
            Socket::Unix(socket) => Pin::new(socket).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_write(context, octets),
            Socket::Unix(socket) => Pin::new(socket).poll_write(context, octets),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_write_vectored(context, slices),
            Socket::Unix(socket) => Pin::new(socket).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Sockets have no buffer of ours to flush.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(socket) => Pin::new(socket).poll_shutdown(context),
            Socket::Unix(socket) => Pin::new(socket).poll_shutdown(context),
        }
    }
}
