//! A server on a free port with a store of its own, and the MTA's side of the dialogue.

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
use store::{Account, AccountName, MailboxName, Store, Uid};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::{Options, Service};

pub(crate) struct Server {
    pub service: Arc<Service>,
    pub store: Store,
    /// The root that clients trust.
    pub certificate: PathBuf,
    _directory: TempDir,
}

impl Server {
    pub fn new() -> Server {
        Server::with(Options::default())
    }

    /// With the accounts of RFC 2033's example, `pat@foo.edu` and `green@foo.edu`.
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
            retain_expunged: Duration::ZERO,
            message_limit: options.message_limit,
            limits: store::Limits::default(),
            compression: 1,
            new_account_mailboxes: Vec::new(),
        })
        .unwrap();
        let names = ["pat@foo.edu", "green@foo.edu"].map(|name| (AccountName::new(name).unwrap(), None));
        block(|| store.directory().add(names.to_vec()).unwrap());
        let limits = LimitOptions {
            connections: 0,
            connections_per_address: 0,
            connections_per_account: 0,
            rate_per_address: 0,
        };
        let files = CertificateFiles {
            certificate: directory.path().join("certificate.pem"),
            key: directory.path().join("key.pem"),
        };
        let tls = offered.then(|| acceptor(&files));
        let shared = Shared {
            hostname: "foo.edu".into(),
            sessions: Sessions::new(),
            limits: Limits::new(limits),
            authenticator: authenticator(),
            tls,
        };
        let service = Arc::new(Service { shared, store: store.clone(), options });
        Server { service, store, certificate: files.certificate, _directory: directory }
    }

    pub fn account(&self, name: &str) -> Account {
        self.store.account(&AccountName::new(name).unwrap()).unwrap()
    }

    pub fn change(&self, name: &str, change: &mut dyn FnMut(&mut store::AccountRecord)) {
        block(|| self.store.directory().update(&AccountName::new(name).unwrap(), change)).unwrap();
    }

    /// The messages of a mailbox, whole.
    pub fn messages(&self, account: &str, mailbox: &str) -> Vec<String> {
        let mailbox = self.account(account).mailbox(&MailboxName::new(mailbox).unwrap()).unwrap();
        let snapshot = mailbox.snapshot().unwrap();
        let uids: Vec<Uid> = mailbox.live().unwrap().state().rows().map(|row| row.uid).collect();
        let read = |uid| {
            let body = snapshot.message(uid).unwrap().unwrap().body().unwrap();
            String::from_utf8(body.read(0..body.len()).unwrap().to_vec()).unwrap()
        };
        uids.into_iter().map(read).collect()
    }

    /// A connection whose greeting has been read.
    pub async fn connect(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, accepted) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (socket, peer) = accepted.unwrap();
        let service = self.service.clone();
        tokio::spawn(async move { crate::serve(Stream::tcp(socket, peer), service).await });
        let mut client = Client { stream: BufReader::new(Box::new(client.unwrap())) };
        client.expect("220 foo.edu ").await;
        client
    }

    /// A session after LHLO.
    pub async fn greeted(&self) -> Client {
        let mut client = self.connect().await;
        client.command("LHLO foo.edu").await;
        client
    }
}

pub(crate) struct Client {
    stream: BufReader<Box<dyn Transport>>,
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
        Client { stream: BufReader::new(Box::new(stream)) }
    }

    pub async fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
    }

    /// A reply, its lines joined by LF.
    pub async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await.unwrap();
            assert!(line.ends_with("\r\n"), "closed, or no line: {line:?}");
            reply.push_str(line.trim_end());
            if line.as_bytes()[3] == b' ' {
                return reply;
            }
            reply.push('\n');
        }
    }

    pub async fn expect(&mut self, begin: &str) {
        let reply = self.reply().await;
        assert!(reply.starts_with(begin), "expected {begin}, got {reply}");
    }

    pub async fn command(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// Sends commands, each with the beginning of the reply to it.
    pub async fn play(&mut self, steps: &[(&str, &str)]) {
        for (command, begin) in steps {
            let reply = self.command(command).await;
            assert!(reply.starts_with(begin), "{command}: expected {begin}, got {reply}");
        }
    }

    /// MAIL, RCPT for each, DATA: ready for the message.
    pub async fn data(&mut self, recipients: &[&str]) {
        self.play(&[("MAIL FROM:<chris@bar.com>", "250 2.1.0")]).await;
        for recipient in recipients {
            self.play(&[(&format!("RCPT TO:<{recipient}>"), "250 2.1.5")]).await;
        }
        self.play(&[("DATA", "354")]).await;
    }

    /// Whether nothing more comes and the connection is closed.
    pub async fn closed(&mut self) -> bool {
        matches!(self.stream.read_u8().await, Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof)
    }
}

/// LMTP logs nobody in.
struct Nobody;

impl Directory for Nobody {
    fn find(&self, _: &str) -> Result<Option<Credentials>, Unavailable> {
        Ok(None)
    }
    fn upgrade(&self, _: &str, _: &str, _: String) {}
    fn logged_in(&self, _: &str, _: Protocol, _: Option<&str>) {}
}

fn authenticator() -> Authenticator {
    let options = AuthOptions { hostname: "foo.edu".into(), ..AuthOptions::default() };
    Authenticator::new(options, Arc::new(Nobody)).unwrap()
}

fn acceptor(files: &CertificateFiles) -> Acceptor {
    common::tls::ensure_self_signed(files, &["localhost".to_owned()]).unwrap();
    Acceptor::new(TlsOptions { certificates: vec![files.clone()], client_ca: None }).unwrap()
}
