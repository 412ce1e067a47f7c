//! A server on a free port with a store of its own, and a client that reads responses with their literals.

use std::sync::Arc;
use std::time::Duration;

use common::auth::{AuthOptions, Authenticator, Credentials, Directory, Protocol, Unavailable};
use common::limits::{LimitOptions, Limits};
use common::session::{Sessions, Shared};
use common::stream::Stream;
use store::testing::{Faults, Setup};
use store::{AccountName, DateTime, Flags, Mailbox, MailboxName, NewMessage, Store};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::{Options, Service};

pub(crate) const PASSWORD: &str = "secret";

/// With the account `fred`, who has INBOX alone.
pub(crate) struct Server {
    pub service: Arc<Service>,
    pub store: Store,
    _directory: TempDir,
}

impl Drop for Server {
    /// Here, where it may block: sessions hold the store too, and the last of them might not.
    fn drop(&mut self) {
        let _ = common::block(|| self.store.close());
    }
}

impl Server {
    pub fn new() -> Server {
        Server::with(Options::default())
    }

    pub fn with(options: Options) -> Server {
        Server::open(options, Setup::default())
    }

    /// On a disk that fails when it is told to.
    pub fn with_faults(faults: &Faults) -> Server {
        Server::open(Options::default(), Setup { faults: Some(faults.clone()), ..Setup::default() })
    }

    fn open(options: Options, setup: Setup) -> Server {
        let directory = TempDir::new().unwrap();
        let settings = store::Options {
            path: directory.path().to_owned(),
            shards: 1,
            retain_expunged: Duration::from_secs(3600),
            message_limit: 64 << 20,
            limits: store::Limits::default(),
            compression: 1,
            new_account_mailboxes: Vec::new(),
        };
        let store = store::testing::open(settings, setup).unwrap();
        common::block(|| store.directory().add(vec![(AccountName::new("fred").unwrap(), None)]).unwrap());
        let shared = Shared {
            hostname: "imap.example.test".into(),
            sessions: Sessions::new(),
            limits: Limits::new(LimitOptions {
                connections: 0,
                connections_per_address: 0,
                connections_per_account: 0,
                rate_per_address: 0,
            }),
            authenticator: authenticator(),
            tls: None,
        };
        let service = Arc::new(Service { shared, store: store.clone(), options });
        Server { service, store, _directory: directory }
    }

    pub fn mailbox(&self, name: &str) -> Mailbox {
        let account = self.store.account(&AccountName::new("fred").unwrap()).unwrap();
        account.mailbox(&MailboxName::new(name).unwrap()).unwrap()
    }

    /// A message as a delivery would make it, with a trace before what its recipients share.
    pub fn message(&self, trace: &str, octets: impl AsRef<[u8]>) -> NewMessage {
        let mut spool = self.store.spool();
        spool.write(octets.as_ref()).unwrap();
        NewMessage {
            staged: self.store.stage(spool).unwrap(),
            trace: trace.to_owned().into(),
            flags: Flags::default(),
            keywords: Vec::new(),
            internal_date: Some(DateTime { seconds: 837_596_665, offset: -420 }),
        }
    }

    /// Puts messages into INBOX, each in CRLF form.
    pub async fn deliver(&self, messages: &[&str]) {
        let messages = messages.iter().map(|message| self.message("", message)).collect();
        self.mailbox("INBOX").append(messages).await.unwrap();
    }

    /// A connection whose greeting has been read.
    pub async fn connect(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, accepted) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (socket, peer) = accepted.unwrap();
        let service = Arc::clone(&self.service);
        tokio::spawn(async move { crate::serve(Stream::tcp(socket, peer), service).await });
        let mut client = Client { stream: BufReader::new(client.unwrap()), greeting: String::new(), tags: 0 };
        client.greeting = client.response().await;
        client
    }

    pub async fn log_in(&self) -> Client {
        let mut client = self.connect().await;
        client.ok(&format!("LOGIN fred {PASSWORD}")).await;
        client
    }

    /// A session that has INBOX selected.
    pub async fn select(&self) -> Client {
        let mut client = self.log_in().await;
        client.ok("SELECT INBOX").await;
        client
    }
}

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    pub greeting: String,
    tags: u32,
}

/// What a command was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Untagged responses with their `* `, literals in place, without the CRLF at the end.
    pub untagged: Vec<String>,
    /// The tagged one without its tag.
    pub tagged: String,
}

impl Client {
    pub async fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.write_all(octets.as_ref()).await.unwrap();
    }

    /// One response with its literals, without the CRLF at the end; empty at the end of the stream.
    pub async fn response(&mut self) -> String {
        let mut response = Vec::new();
        loop {
            if self.stream.read_until(b'\n', &mut response).await.unwrap() == 0 {
                break;
            }
            assert!(response.ends_with(b"\r\n"), "{:?}", String::from_utf8_lossy(&response));
            let Some(size) = literal(&response) else { break };
            let start = response.len();
            response.resize(start + size, 0);
            self.stream.read_exact(&mut response[start..]).await.unwrap();
        }
        let text = String::from_utf8_lossy(&response).into_owned();
        text.strip_suffix("\r\n").unwrap_or(&text).to_owned()
    }

    pub async fn command(&mut self, command: &str) -> Answer {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        self.send(format!("{tag} {command}\r\n")).await;
        self.answer(&tag).await
    }

    pub async fn answer(&mut self, tag: &str) -> Answer {
        let mut untagged = Vec::new();
        loop {
            let response = self.response().await;
            assert!(!response.is_empty(), "closed before {tag} was answered: {untagged:?}");
            match response.strip_prefix(tag) {
                Some(tagged) => return Answer { untagged, tagged: tagged.trim_start().to_owned() },
                None => untagged.push(response),
            }
        }
    }

    /// The untagged responses of a command that must be done.
    pub async fn ok(&mut self, command: &str) -> Vec<String> {
        let answer = self.command(command).await;
        assert!(answer.tagged.starts_with("OK "), "{command}: {answer:?}");
        answer.untagged
    }

    /// The text of the NO that a command must get.
    pub async fn no(&mut self, command: &str) -> String {
        self.refused(command, "NO ").await
    }

    /// The text of the BAD that a command must get.
    pub async fn bad(&mut self, command: &str) -> String {
        self.refused(command, "BAD ").await
    }

    async fn refused(&mut self, command: &str, word: &str) -> String {
        let answer = self.command(command).await;
        answer.tagged.strip_prefix(word).unwrap_or_else(|| panic!("{command}: {answer:?}")).to_owned()
    }
}

/// The size that `{n}` CRLF at the end of a response announces.
fn literal(response: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(response.strip_suffix(b"}\r\n")?.rsplit(|&c| c == b'{').next()?).ok()?;
    line.parse().ok()
}

struct Accounts;

impl Directory for Accounts {
    fn find(&self, name: &str) -> Result<Option<Credentials>, Unavailable> {
        let credentials = Credentials {
            account: name.to_owned(),
            password: Some(format!("{{PLAIN}}{PASSWORD}")),
            app_passwords: Vec::new(),
            imap: true,
            pop3: true,
            login: true,
        };
        Ok((name == "fred").then_some(credentials))
    }
    fn upgrade(&self, _: &str, _: &str, _: String) {}
    fn logged_in(&self, _: &str, _: Protocol, _: Option<&str>) {}
}

fn authenticator() -> Authenticator {
    let options = AuthOptions { hostname: "imap.example.test".into(), ..AuthOptions::default() };
    Authenticator::new(options, Arc::new(Accounts)).unwrap()
}
