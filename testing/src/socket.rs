//! A client's end of a connection: lines and octets, with an end to every wait.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::stream::Stream;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Nothing takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// TCP, or TLS over it.
pub struct Socket(BufReader<Box<dyn Transport>>);

trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Both ends of a connection over a free port of the loopback interface.
pub async fn pair() -> (Socket, Stream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, accepted) =
        tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    let (served, peer) = accepted.unwrap();
    (Socket::new(client.unwrap()), Stream::tcp(served, peer))
}

impl Socket {
    fn new(transport: impl Transport + 'static) -> Socket {
        Socket(BufReader::new(Box::new(transport)))
    }

    /// A connection whose other end is served in a task of its own.
    pub async fn connect<S>(serve: impl FnOnce(Stream) -> S) -> Socket
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let (socket, stream) = pair().await;
        tokio::spawn(serve(stream));
        socket
    }

    /// The client's side of a handshake with `localhost`, whose certificate this file has.
    pub async fn start_tls(self, certificate: &Path) -> Socket {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        Socket::new(connector.connect(name, self.0.into_inner()).await.unwrap())
    }

    pub async fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.0.write_all(octets.as_ref()).await.unwrap();
    }

    /// False when the server has closed the connection.
    pub async fn try_send(&mut self, octets: impl AsRef<[u8]>) -> bool {
        self.0.write_all(octets.as_ref()).await.is_ok()
    }

    /// Says that nothing more will be sent.
    pub async fn end(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    /// A line with its CRLF; empty at the end of the stream.
    pub async fn octets(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        timeout(PATIENCE, self.0.read_until(b'\n', &mut line)).await.unwrap().unwrap();
        assert!(line.is_empty() || line.ends_with(b"\r\n"), "{:?}", String::from_utf8_lossy(&line));
        line
    }

    /// A line without its CRLF; empty at the end of the stream.
    pub async fn line(&mut self) -> String {
        String::from_utf8(self.octets().await).unwrap().trim_end_matches("\r\n").to_owned()
    }

    /// So many octets.
    pub async fn exactly(&mut self, count: usize) -> Vec<u8> {
        let mut octets = vec![0; count];
        timeout(PATIENCE, self.0.read_exact(&mut octets)).await.unwrap().unwrap();
        octets
    }

    /// All that comes until the connection is closed.
    pub async fn everything(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        timeout(PATIENCE, self.0.read_to_end(&mut octets)).await.unwrap().unwrap();
        octets
    }

    /// Whether nothing more comes and the connection is closed.
    pub async fn closed(&mut self) -> bool {
        let next = timeout(PATIENCE, self.0.read_u8()).await.unwrap();
        matches!(next, Err(error) if error.kind() == ErrorKind::UnexpectedEof)
    }
}
