//! Accepts connections and gives each its session: limits, TLS from the first octet where the port is for that.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use common::limits::Refused;
use common::stream::Stream;
use common::tls::{Acceptor, TlsInfo};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use web::{Client, Web};

use crate::service::Services;
use crate::sockets::{Bound, Socket, Speaks};

/// After accepting failed, which mostly means that there are no more file descriptors.
const BACK_OFF: Duration = Duration::from_millis(200);

/// How long a refused client may take to take the refusal.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves the socket until `stop` turns true. Must run inside the runtime.
pub fn spawn(bound: Bound, services: Arc<Services>, stop: watch::Receiver<bool>) -> Result<()> {
    let context = || format!("the socket for {} cannot be used", bound.speaks.name());
    let encrypted = matches!(&bound.socket, Socket::Tcp(listener) if !is_loopback(listener));
    let listener = match bound.socket {
        Socket::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener).with_context(context)?),
        Socket::Unix(listener, _) => {
            listener.set_nonblocking(true).with_context(context)?;
            Listener::Unix(UnixListener::from_std(listener).with_context(context)?)
        }
    };
    let speaks = bound.speaks;
    tokio::spawn(run(listener, Listening { speaks, encrypted }, services, stop));
    Ok(())
}

/// What is spoken at a listener, and whether HTTP begins with TLS there.
#[derive(Clone, Copy)]
struct Listening {
    speaks: Speaks,
    encrypted: bool,
}

fn is_loopback(listener: &std::net::TcpListener) -> bool {
    listener.local_addr().is_ok_and(|address| address.ip().is_loopback())
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

enum Connection {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Listener {
    async fn accept(&self) -> std::io::Result<Connection> {
        match self {
            Listener::Tcp(listener) => {
                listener.accept().await.map(|(socket, peer)| Connection::Tcp(socket, peer))
            }
            Listener::Unix(listener) => listener.accept().await.map(|(socket, _)| Connection::Unix(socket)),
        }
    }
}

async fn run(
    listener: Listener,
    listening: Listening,
    services: Arc<Services>,
    mut stop: watch::Receiver<bool>,
) {
    let speaks = listening.speaks;
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            // The sender lives as long as the server, so an error here means that it is gone too.
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(connection) => {
                if std::mem::take(&mut failing) {
                    services.failing.fetch_sub(1, Ordering::Relaxed);
                }
                tokio::spawn(serve(connection, listening, Arc::clone(&services), stop.clone()));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    services.failing.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(
                        listener = speaks.name(),
                        "no connection can be accepted: {error}; raise the limit of open files (LimitNOFILE=) or lower limits.connections"
                    );
                }
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

/// The client was gone before it was accepted.
fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as E;
    matches!(error.kind(), E::ConnectionAborted | E::ConnectionReset | E::ConnectionRefused | E::Interrupted)
}

async fn serve(
    connection: Connection,
    listening: Listening,
    services: Arc<Services>,
    stop: watch::Receiver<bool>,
) {
    let speaks = listening.speaks;
    let peer = match &connection {
        Connection::Tcp(_, peer) => Some(peer.ip().to_canonical()),
        Connection::Unix(_) => None,
    };
    // Held until the session ends.
    let _permit = match services.shared.limits.connection(peer) {
        Ok(permit) => permit,
        Err(reason) => return refuse(connection, speaks, &reason).await,
    };
    if let (Speaks::Http, Some(web)) = (speaks, services.web.get()) {
        return http(connection, listening.encrypted.then_some(&services), web.clone(), stop).await;
    }
    let mut stream = match connection {
        Connection::Tcp(socket, peer) => {
            // Replies are written whole, so waiting for more to send would only cost time.
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%peer, "TCP_NODELAY cannot be set: {error}");
            }
            Stream::tcp(socket, peer)
        }
        Connection::Unix(socket) => Stream::unix(socket),
    };
    if matches!(speaks, Speaks::Imaps | Speaks::Pop3s) && !handshake(&mut stream, &services).await {
        return;
    }
    match speaks {
        Speaks::Imap | Speaks::Imaps => imap::serve(stream, Arc::clone(&services.imap)).await,
        Speaks::Pop3 | Speaks::Pop3s => pop3::serve(stream, Arc::clone(&services.pop3)).await,
        Speaks::Lmtp => lmtp::serve(stream, Arc::clone(&services.lmtp)).await,
        // Taken above: the web is there before its listeners are.
        Speaks::Http => {}
        Speaks::Mta(interface) => mta::serve(stream, Arc::clone(&services.mta), interface).await,
    }
}

/// HTTP; with services to encrypt with, TLS comes first.
async fn http(
    connection: Connection,
    encryption: Option<&Arc<Services>>,
    web: Web,
    stop: watch::Receiver<bool>,
) {
    match connection {
        Connection::Unix(socket) => {
            let user = socket.peer_cred().ok();
            let (uid, pid) =
                (user.as_ref().map(|user| user.uid()), user.as_ref().and_then(|user| user.pid()));
            web::serve(socket, Client { uid, pid, ..Client::default() }, web, stop).await;
        }
        Connection::Tcp(socket, peer) => {
            let client = Client { peer: Some(peer.ip().to_canonical()), ..Client::default() };
            let Some(services) = encryption else { return web::serve(socket, client, web, stop).await };
            let handshake = http_handshake(&services.acceptor, socket);
            match tokio::time::timeout(services.handshake_timeout, handshake).await {
                Ok(Ok((stream, tls))) => {
                    web::serve(stream, Client { tls: Some(Arc::new(tls)), ..client }, web, stop).await;
                }
                Ok(Err(error)) => tracing::info!(%peer, "TLS handshake failed: {error}"),
                Err(_) => tracing::info!(%peer, "TLS handshake took too long"),
            }
        }
    }
}

async fn http_handshake(
    acceptor: &Acceptor,
    socket: TcpStream,
) -> std::io::Result<(impl AsyncRead + AsyncWrite + Unpin + Send + 'static, TlsInfo)> {
    acceptor.accept_http(socket).await
}

/// TLS before anything else. False: there is nobody to speak with.
async fn handshake(stream: &mut Stream, services: &Services) -> bool {
    let peer = stream.peer().clone();
    let handshake = stream.start_tls(&services.acceptor);
    match tokio::time::timeout(services.handshake_timeout, handshake).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::info!(?peer, "TLS handshake failed: {error}");
            false
        }
        Err(_) => {
            tracing::info!(?peer, "TLS handshake took too long");
            false
        }
    }
}

/// Says why in the protocol's own words. On ports that begin with TLS there is nobody to say it to without spending
/// what the limit is there to save.
async fn refuse(connection: Connection, speaks: Speaks, reason: &Refused) {
    let peer = match &connection {
        Connection::Tcp(_, peer) => peer.to_string(),
        Connection::Unix(_) => "unix socket".into(),
    };
    tracing::info!(listener = speaks.name(), peer, "connection refused: {reason}");
    let line = match speaks {
        // RFC 9051 section 7.1.5, RFC 5530.
        Speaks::Imap => format!("* BYE [UNAVAILABLE] {reason}\r\n"),
        // RFC 3206 section 4.
        Speaks::Pop3 => format!("-ERR [SYS/TEMP] {reason}\r\n"),
        // RFC 5321 section 3.8, RFC 3463 section 3.5.
        Speaks::Lmtp => format!("421 4.3.2 {reason}\r\n"),
        // RFC 9110 section 15.6.4
        Speaks::Http => format!(
            "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nX-Reason: {reason}\r\n\r\n"
        ),
        Speaks::Mta(interface) => match mta::refusal(interface, &reason.to_string()) {
            Some(refusal) => refusal,
            None => return,
        },
        Speaks::Imaps | Speaks::Pop3s => return,
    };
    let told = tokio::time::timeout(REFUSAL_TIMEOUT, async {
        match connection {
            Connection::Tcp(mut socket, _) => tell(&mut socket, &line).await,
            Connection::Unix(mut socket) => tell(&mut socket, &line).await,
        }
    });
    if !matches!(told.await, Ok(Ok(()))) {
        tracing::debug!(peer, "the refused client did not take the refusal");
    }
}

async fn tell(socket: &mut (impl AsyncWriteExt + Unpin), line: &str) -> std::io::Result<()> {
    socket.write_all(line.as_bytes()).await?;
    socket.shutdown().await
}
