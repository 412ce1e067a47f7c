//! One connection: HTTP/1.1 over whatever socket the listener gives, with an end to every wait.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use common::auth::{Context as AuthContext, Protocol};
use common::tls::TlsInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

use crate::Web;

/// How long a request's header may take, and how long a connection may rest between two.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to read what was sent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Octets of a request's header.
const HEADER_LIMIT: usize = 32 * 1024;
/// How long a stopping server lets requests finish.
const FAREWELL: Duration = Duration::from_secs(5);

/// Who is at the other end.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// `None`: a unix socket.
    pub peer: Option<IpAddr>,
    pub tls: Option<Arc<TlsInfo>>,
    /// The user and process at the other end of a unix socket.
    pub uid: Option<u32>,
    pub pid: Option<i32>,
}

impl Client {
    /// Loopback address or unix socket.
    pub(crate) fn is_local(&self) -> bool {
        self.peer.is_none_or(|peer| peer.is_loopback())
    }

    /// Root or the server's own user, over a unix socket: may do everything as it is.
    pub(crate) fn is_owner(&self) -> bool {
        self.peer.is_none() && self.uid.is_some_and(|uid| uid == 0 || uid == nix::unistd::geteuid().as_raw())
    }

    /// For the authenticator.
    pub(crate) fn context(&self, protocol: Protocol) -> AuthContext {
        AuthContext { protocol, peer: self.peer, local: self.is_local(), tls: self.tls.clone() }
    }

    pub(crate) fn address(&self) -> String {
        self.peer.map_or_else(|| "unix socket".to_owned(), |peer| peer.to_string())
    }
}

/// Serves a connection to its end, or until `stop` turns true and what is in work is done.
pub async fn serve<S>(stream: S, client: Client, web: Web, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let address = client.address();
    let router = web.router().layer(axum::Extension(client));
    let io = TokioIo::new(Patient { stream, deadline: None });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_LIMIT)
        .serve_connection(io, TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(FAREWELL, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(peer = address, "HTTP connection ended: {error}");
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender lives as long as the server, so an error here means that it is gone too.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A stream whose reader must take what is written within a time.
struct Patient<S> {
    stream: S,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    fn limit<T>(&mut self, context: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.deadline = None;
            return poll;
        }
        let new = || Box::pin(tokio::time::sleep_until(Instant::now() + WRITE_TIMEOUT));
        let deadline = self.deadline.get_or_insert_with(new);
        deadline.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_write(context, octets);
        this.limit(context, poll)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_flush(context);
        this.limit(context, poll)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_shutdown(context);
        this.limit(context, poll)
    }
}
