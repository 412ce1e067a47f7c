//! A site with IMAP on it, and a client that reads responses with their literals.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use store::testing::Faults;
use store::{DateTime, Mailbox, MailboxName, NewMessage, SpecialUse};
use testing::{PASSWORD, Plan, Site, Socket};

use crate::{Options, Service};

pub(crate) struct Server {
    pub service: Arc<Service>,
    pub site: Site,
}

impl Server {
    /// With the account `fred`, who has INBOX alone.
    pub fn new() -> Server {
        Server::make("imap.example.test", &["fred"], Options::default(), |_| {})
    }

    /// On a disk that fails when it is told to.
    pub fn with_faults(faults: &Faults) -> Server {
        let change = |plan: &mut Plan| plan.setup.faults = Some(faults.clone());
        Server::make("imap.example.test", &["fred"], Options::default(), change)
    }

    /// With the accounts `alice@example.test` and `bob@example.test`, who have Sent and Trash, messages of 1 MiB, and as many
    /// connections as there are by default.
    pub fn with_two(options: Options) -> Server {
        let options = Options { append_limit: 1 << 20, ..options };
        Server::make("mail.example.test", &["alice@example.test", "bob@example.test"], options, |plan| {
            let mailbox = |name, special_use| (MailboxName::new(name).unwrap(), Some(special_use));
            plan.store.new_account_mailboxes =
                vec![mailbox("Sent", SpecialUse::Sent), mailbox("Trash", SpecialUse::Trash)];
            plan.store.message_limit = 1 << 20;
            plan.limits = common::limits::LimitOptions::default();
            plan.auth.failures = 0;
        })
    }

    fn make(hostname: &str, accounts: &[&str], options: Options, change: impl FnOnce(&mut Plan)) -> Server {
        let site = Site::new(hostname, accounts, change);
        let service = Service { shared: site.shared.clone(), store: site.store.clone(), options };
        Server { service: Arc::new(service), site }
    }

    /// Fred's.
    pub fn mailbox(&self, name: &str) -> Mailbox {
        self.site.mailbox("fred", name)
    }

    /// A message as a delivery would make it, with a trace before what its recipients share.
    pub fn message(&self, trace: &str, octets: impl AsRef<[u8]>) -> NewMessage {
        NewMessage {
            trace: trace.to_owned().into(),
            internal_date: Some(DateTime { seconds: 837_596_665, offset: -420 }),
            ..self.site.message(octets.as_ref())
        }
    }

    /// Puts messages into INBOX, each in CRLF form.
    pub async fn deliver(&self, messages: &[&str]) {
        let messages = messages.iter().map(|message| self.message("", message)).collect();
        self.mailbox("INBOX").append(messages).await.unwrap();
    }

    /// A connection whose greeting has been read.
    pub async fn connect(&self) -> Client {
        let service = Arc::clone(&self.service);
        let socket = Socket::connect(|stream| crate::serve(stream, service)).await;
        let mut client = Client { socket, greeting: String::new(), tags: 0 };
        client.greeting = client.response().await;
        assert!(client.greeting.starts_with("* OK [CAPABILITY IMAP4rev1 "), "{}", client.greeting);
        client
    }

    pub async fn log_in(&self) -> Client {
        self.log_in_as("fred").await
    }

    pub async fn log_in_as(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        client.ok(&format!("LOGIN {name} {PASSWORD}")).await;
        client
    }

    /// A session that has INBOX selected.
    pub async fn select(&self) -> Client {
        self.select_as("fred").await
    }

    pub async fn select_as(&self, name: &str) -> Client {
        let mut client = self.log_in_as(name).await;
        client.ok("SELECT INBOX").await;
        client
    }
}

pub(crate) struct Client {
    socket: Socket,
    pub greeting: String,
    tags: u32,
}

impl Deref for Client {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }
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
    /// One response with its literals, without the CRLF at the end; empty at the end of the stream.
    pub async fn response(&mut self) -> String {
        let mut response = self.octets().await;
        while let Some(size) = literal(&response) {
            response.extend(self.exactly(size).await);
            response.extend(self.octets().await);
        }
        let text = String::from_utf8_lossy(&response).into_owned();
        text.strip_suffix("\r\n").unwrap_or(&text).to_owned()
    }

    /// The responses until the connection is closed.
    pub async fn rest(&mut self) -> Vec<String> {
        let mut responses = Vec::new();
        loop {
            match self.response().await {
                last if last.is_empty() => return responses,
                response => responses.push(response),
            }
        }
    }

    pub async fn command(&mut self, command: &str) -> Answer {
        let tag = self.begin(command).await;
        self.answer(&tag).await
    }

    /// Sends a command; its tag.
    pub async fn begin(&mut self, command: &str) -> String {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        self.send(format!("{tag} {command}\r\n")).await;
        tag
    }

    /// Appends a message; the text of the OK.
    pub async fn append(&mut self, mailbox: &str, flags: &str, message: &str) -> String {
        let size = message.len();
        let answer = self.command(&format!("APPEND {mailbox} ({flags}) {{{size}+}}\r\n{message}")).await;
        answer.tagged.strip_prefix("OK ").unwrap_or_else(|| panic!("{answer:?}")).to_owned()
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
