//! A server in this process on a free loopback port, with a real store in a temporary directory, and a client for it.

use std::sync::Arc;
use std::time::Duration;

use common::auth::{AuthOptions, Authenticator, Credentials, Directory, Protocol, Unavailable};
use common::limits::{LimitOptions, Limits};
use common::session::{Sessions, Shared};
use common::stream::Stream;
use store::{AccountName, MailboxName, SpecialUse, Store};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Every account's password.
pub const PASSWORD: &str = "restante";
/// A test that waits longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Server {
    pub service: Arc<imap::Service>,
    listener: TcpListener,
    _directory: tempfile::TempDir,
}

struct Accounts(Store);

impl Directory for Accounts {
    fn find(&self, name: &str) -> Result<Option<Credentials>, Unavailable> {
        let Ok(name) = AccountName::new(name) else { return Ok(None) };
        let record = self.0.directory().find(&name).map_err(|error| Unavailable(error.to_string()))?;
        Ok(record.map(|record| Credentials {
            account: record.name.to_string(),
            password: record.password,
            app_passwords: Vec::new(),
            imap: true,
            pop3: true,
            login: true,
        }))
    }
    fn upgrade(&self, _: &str, _: &str, _: String) {}
    fn logged_in(&self, _: &str, _: Protocol, _: Option<&str>) {}
}

impl Server {
    pub async fn start() -> Server {
        Server::with(|_| {}).await
    }

    /// With other settings.
    pub async fn with(change: impl FnOnce(&mut imap::Options)) -> Server {
        let directory = tempfile::tempdir().unwrap();
        let store = common::block(|| open(directory.path()));
        let names = ["alice@example.test", "bob@example.test"].map(|name| AccountName::new(name).unwrap());
        let accounts = names.map(|name| (name, Some(format!("{{PLAIN}}{PASSWORD}"))));
        for added in common::block(|| store.directory().add(accounts.into())).unwrap() {
            added.unwrap();
        }
        let mut options = imap::Options { append_limit: 1024 * 1024, ..imap::Options::default() };
        change(&mut options);
        let auth =
            AuthOptions { hostname: "mail.example.test".into(), failures: 0, ..AuthOptions::default() };
        let shared = Shared {
            hostname: "mail.example.test".into(),
            sessions: Sessions::new(),
            limits: Limits::new(LimitOptions::default()),
            authenticator: Authenticator::new(auth, Arc::new(Accounts(store.clone()))).unwrap(),
            tls: None,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Server {
            service: Arc::new(imap::Service { shared, store, options }),
            listener,
            _directory: directory,
        }
    }

    /// The two ends of a connection.
    async fn pair(&self) -> (TcpStream, Stream) {
        let socket = TcpStream::connect(self.listener.local_addr().unwrap()).await.unwrap();
        let (served, peer) = self.listener.accept().await.unwrap();
        (socket, Stream::tcp(served, peer))
    }

    /// The server's end of a connection that nobody uses.
    pub async fn socket(&self) -> Stream {
        self.pair().await.1
    }

    /// A connection that has read the greeting.
    pub async fn connect(&self) -> Client {
        let (socket, stream) = self.pair().await;
        tokio::spawn(imap::serve(stream, Arc::clone(&self.service)));
        let mut client = Client { stream: BufReader::new(socket), tags: 0 };
        assert!(client.line().await.starts_with("* OK [CAPABILITY IMAP4rev1 "));
        client
    }

    pub async fn login(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        client.ok(&format!("LOGIN {name} {PASSWORD}")).await;
        client
    }

    /// Logged in as Alice, INBOX selected.
    pub async fn inbox(&self) -> Client {
        let mut client = self.login("alice@example.test").await;
        client.ok("SELECT INBOX").await;
        client
    }
}

/// Closing waits for the disk, which the store's own drop must not do in a task.
impl Drop for Server {
    fn drop(&mut self) {
        let closed = common::block(|| self.service.store.close());
        assert!(closed.is_ok(), "{closed:?}");
    }
}

fn open(path: &std::path::Path) -> Store {
    let mailbox = |name: &str| MailboxName::new(name).unwrap();
    Store::open(store::Options {
        path: path.join("store"),
        shards: 1,
        retain_expunged: Duration::ZERO,
        message_limit: 1024 * 1024,
        limits: store::Limits::default(),
        compression: 1,
        new_account_mailboxes: vec![
            (mailbox("Sent"), Some(SpecialUse::Sent)),
            (mailbox("Trash"), Some(SpecialUse::Trash)),
        ],
    })
    .unwrap()
}

pub struct Client {
    stream: BufReader<TcpStream>,
    tags: u32,
}

impl Client {
    /// The untagged lines of a command that must succeed, and its tagged line last.
    pub async fn ok(&mut self, command: &str) -> Vec<String> {
        self.answer(command, "OK").await
    }

    pub async fn no(&mut self, command: &str) -> Vec<String> {
        self.answer(command, "NO").await
    }

    pub async fn bad(&mut self, command: &str) -> Vec<String> {
        self.answer(command, "BAD").await
    }

    pub async fn answer(&mut self, command: &str, word: &str) -> Vec<String> {
        let tag = self.send(command).await;
        let lines = self.until(&tag).await;
        let last = lines.last().unwrap();
        assert!(last.starts_with(&format!("{tag} {word} ")), "{command}: {lines:?}");
        lines
    }

    /// Sends a command; its tag.
    pub async fn send(&mut self, command: &str) -> String {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        self.raw(format!("{tag} {command}\r\n").as_bytes()).await;
        tag
    }

    pub async fn raw(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
    }

    /// Lines up to the tagged one.
    pub async fn until(&mut self, tag: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            assert!(!line.is_empty(), "closed after {lines:?}");
            lines.push(line);
            if lines.last().unwrap().starts_with(&format!("{tag} ")) {
                return lines;
            }
        }
    }

    /// One line, with the literals in it, without its end. Empty: the connection is closed.
    pub async fn line(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.read_line()).await.unwrap()
    }

    async fn read_line(&mut self) -> String {
        let mut text = Vec::new();
        loop {
            self.stream.read_until(b'\n', &mut text).await.unwrap_or(0);
            while text.ends_with(b"\n") || text.ends_with(b"\r") {
                text.pop();
            }
            let Some(size) = literal(&text) else { return String::from_utf8_lossy(&text).into_owned() };
            let mut octets = vec![0; size];
            self.stream.read_exact(&mut octets).await.unwrap();
            text.extend_from_slice(b"\r\n");
            text.extend_from_slice(&octets);
        }
    }

    /// Says that nothing more will come, and reads until the server has closed the connection.
    pub async fn hang_up(mut self) -> Vec<u8> {
        self.stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let reading = self.stream.read_to_end(&mut rest);
        tokio::time::timeout(PATIENCE, reading).await.unwrap().unwrap();
        rest
    }

    /// The server has closed the connection, after these lines.
    pub async fn closed(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            if line.is_empty() {
                return lines;
            }
            lines.push(line);
        }
    }

    pub async fn append(&mut self, mailbox: &str, flags: &str, message: &str) -> String {
        let size = message.len();
        let lines = self.ok(&format!("APPEND {mailbox} ({flags}) {{{size}+}}\r\n{message}")).await;
        lines.last().unwrap().clone()
    }
}

fn literal(text: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(text.strip_suffix(b"}")?).ok()?;
    text.rsplit_once('{')?.1.parse().ok()
}
