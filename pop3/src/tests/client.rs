//! A server on a free port with a store of its own, and a client that reads answers as RFC 1939 section 3 tells it to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::auth::{AuthOptions, Authenticator, Credentials, Directory, Protocol, Unavailable};
use common::block;
use common::limits::{LimitOptions, Limits};
use common::session::{Sessions, Shared};
use common::stream::Stream;
use common::tls::{Acceptor, CertificateFiles, TlsOptions};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use store::{AccountName, Flags, Mailbox, MailboxName, NewMessage, Store};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::{Options, Service};

/// RFC 1939 section 10 has this password.
pub(crate) const PASSWORD: &str = "tanstaaf";

pub(crate) struct Server {
    pub service: Arc<Service>,
    pub store: Store,
    /// The root that clients trust.
    pub certificate: PathBuf,
    directory: TempDir,
}

impl Server {
    pub fn new() -> Server {
        Server::with(Options::default())
    }

    /// With the account `mrose`, whose maildrop is empty.
    pub fn with(options: Options) -> Server {
        Server::make(options, false)
    }

    /// That offers TLS.
    pub fn secure() -> Server {
        Server::make(Options::default(), true)
    }

    fn make(options: Options, offered: bool) -> Server {
        let directory = TempDir::new().unwrap();
        let store = Store::open(store::Options {
            path: directory.path().to_owned(),
            shards: 1,
            retain_expunged: Duration::from_secs(3600),
            message_limit: 64 << 20,
            limits: store::Limits::default(),
            compression: 0,
            new_account_mailboxes: Vec::new(),
        })
        .unwrap();
        block(|| store.directory().add(vec![(AccountName::new("mrose").unwrap(), None)]).unwrap());
        let files = CertificateFiles {
            certificate: directory.path().join("certificate.pem"),
            key: directory.path().join("key.pem"),
        };
        let tls = offered.then(|| acceptor(&files));
        let shared = Shared {
            hostname: "dbc.mtview.ca.us".into(),
            sessions: Sessions::new(),
            limits: Limits::new(LimitOptions {
                connections: 0,
                connections_per_address: 0,
                connections_per_account: 3,
                rate_per_address: 0,
            }),
            authenticator: authenticator(),
            tls,
        };
        let service = Arc::new(Service { shared, store: store.clone(), options });
        Server { service, store, certificate: files.certificate, directory }
    }

    pub fn inbox(&self) -> Mailbox {
        let account = self.store.account(&AccountName::new("mrose").unwrap()).unwrap();
        account.mailbox(&MailboxName::inbox()).unwrap()
    }

    pub async fn append(&self, messages: &[&[u8]]) {
        let new = |octets: &&[u8]| {
            let mut spool = self.store.spool();
            spool.write(octets).unwrap();
            NewMessage {
                staged: self.store.stage(spool).unwrap(),
                trace: bytes::Bytes::new(),
                flags: Flags::default(),
                keywords: Vec::new(),
                internal_date: None,
            }
        };
        self.inbox().append(messages.iter().map(new).collect()).await.unwrap();
    }

    /// Changes every place on the disk where these octets stand. How many there were.
    pub fn damage(&self, octets: &[u8]) -> usize {
        let mut folders = vec![self.directory.path().to_owned()];
        let mut found = 0;
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let mut content = std::fs::read(&path).unwrap();
                let places: Vec<usize> =
                    (0..content.len()).filter(|&at| content[at..].starts_with(octets)).collect();
                for &at in &places {
                    content[at] ^= 0xff;
                }
                found += places.len();
                if !places.is_empty() {
                    std::fs::write(&path, content).unwrap();
                }
            }
        }
        found
    }

    /// A connection whose greeting has been read.
    pub async fn connect(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, accepted) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (socket, peer) = accepted.unwrap();
        let service = self.service.clone();
        tokio::spawn(async move { crate::serve(Stream::tcp(socket, peer), service).await });
        let mut client =
            Client { stream: BufReader::new(Box::new(client.unwrap())), greeting: String::new() };
        client.greeting = client.line().await;
        client
    }

    /// A session in the TRANSACTION state.
    pub async fn log_in(&self) -> Client {
        let mut client = self.connect().await;
        client.ok("USER mrose").await;
        client.ok(&format!("PASS {PASSWORD}")).await;
        client
    }
}

pub(crate) struct Client {
    stream: BufReader<Box<dyn Transport>>,
    pub greeting: String,
}

/// TCP or TLS over it.
trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

impl Client {
    /// The client's side of a handshake.
    pub async fn start_tls(self, certificate: &Path) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let stream =
            TlsConnector::from(Arc::new(config)).connect(name, self.stream.into_inner()).await.unwrap();
        Client { stream: BufReader::new(Box::new(stream)), ..self }
    }

    pub async fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
    }

    /// False when the server has closed the connection.
    pub async fn try_send(&mut self, octets: &[u8]) -> bool {
        self.stream.write_all(octets).await.is_ok()
    }

    /// A line without its CRLF; empty at the end of the stream.
    pub async fn line(&mut self) -> String {
        String::from_utf8(self.octets().await).unwrap().trim_end_matches("\r\n").to_owned()
    }

    async fn octets(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).await.unwrap();
        assert!(line.is_empty() || line.ends_with(b"\r\n"), "{line:?}");
        line
    }

    pub async fn command(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes()).await;
        self.line().await
    }

    /// What follows `+OK`.
    pub async fn ok(&mut self, command: &str) -> String {
        let line = self.command(command).await;
        line.strip_prefix("+OK").unwrap_or_else(|| panic!("{command}: {line}")).trim_start().to_owned()
    }

    /// What follows `-ERR`.
    pub async fn err(&mut self, command: &str) -> String {
        let line = self.command(command).await;
        line.strip_prefix("-ERR ").unwrap_or_else(|| panic!("{command}: {line}")).to_owned()
    }

    /// A multi-line answer as the client sees it: without byte-stuffing and without its end.
    pub async fn message(&mut self, command: &str) -> Vec<u8> {
        self.ok(command).await;
        self.rest_of_message().await
    }

    pub async fn rest_of_message(&mut self) -> Vec<u8> {
        let mut message = Vec::new();
        loop {
            let line = self.octets().await;
            assert!(!line.is_empty(), "closed within a message");
            if line == b".\r\n" {
                return message;
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    pub async fn lines(&mut self, command: &str) -> Vec<String> {
        let message = String::from_utf8(self.message(command).await).unwrap();
        message.lines().map(str::to_owned).collect()
    }

    /// All that comes until the connection is closed.
    pub async fn everything(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        self.stream.read_to_end(&mut octets).await.unwrap();
        octets
    }

    /// Whether nothing more comes and the connection is closed.
    pub async fn closed(&mut self) -> bool {
        matches!(self.stream.read_u8().await, Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof)
    }
}

/// Whoever is called `mrose`, and `off`, whom POP3 is denied.
struct Accounts;

impl Directory for Accounts {
    fn find(&self, name: &str) -> Result<Option<Credentials>, Unavailable> {
        if name == "fault" {
            return Err(Unavailable("disk".into()));
        }
        let credentials = Credentials {
            account: name.to_owned(),
            password: Some(format!("{{PLAIN}}{PASSWORD}")),
            app_passwords: Vec::new(),
            imap: true,
            pop3: name != "off",
            login: true,
        };
        Ok(["mrose", "off", "without mail"].contains(&name).then_some(credentials))
    }
    fn upgrade(&self, _: &str, _: &str, _: String) {}
    fn logged_in(&self, _: &str, _: Protocol, _: Option<&str>) {}
}

fn authenticator() -> Authenticator {
    let options = AuthOptions {
        challenge_mechanisms: true,
        scram: true,
        failures: 100,
        hostname: "dbc.mtview.ca.us".into(),
        ..AuthOptions::default()
    };
    Authenticator::new(options, Arc::new(Accounts)).unwrap()
}

/// A message of so many octets with CRLF line ends.
pub(crate) fn sized(octets: usize) -> Vec<u8> {
    let mut message = b"Subject: x\r\n\r\n".to_vec();
    message.resize(octets - 2, b'x');
    message.extend_from_slice(b"\r\n");
    message
}

fn acceptor(files: &CertificateFiles) -> Acceptor {
    common::tls::ensure_self_signed(files, &["localhost".to_owned()]).unwrap();
    Acceptor::new(TlsOptions { certificates: vec![files.clone()], client_ca: None }).unwrap()
}
