//! A site with POP3 on it, and a client that reads answers as RFC 1939 section 3 tells it to.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;

use common::auth::{Credentials, Directory, Protocol, Unavailable};
use store::Mailbox;
use testing::{Plan, Site, Socket};

use crate::{Options, Service};

/// RFC 1939 section 10 has this password.
pub(crate) const PASSWORD: &str = "tanstaaf";

pub(crate) struct Server {
    pub service: Arc<Service>,
    pub site: Site,
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

    fn make(options: Options, tls: bool) -> Server {
        let site = Site::new("dbc.mtview.ca.us", &["mrose"], |plan| {
            plan.tls = tls;
            change(plan);
        });
        let service = Service { shared: site.shared.clone(), store: site.store.clone(), options };
        Server { service: Arc::new(service), site }
    }

    pub fn inbox(&self) -> Mailbox {
        self.site.mailbox("mrose", "INBOX")
    }

    pub async fn append(&self, messages: &[&[u8]]) {
        self.inbox().append(messages.iter().map(|octets| self.site.message(octets)).collect()).await.unwrap();
    }

    /// Changes every place on the disk where these octets stand. How many there were.
    pub fn damage(&self, octets: &[u8]) -> usize {
        let mut folders = vec![self.site.path().to_owned()];
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
        let service = self.service.clone();
        let mut socket = Socket::connect(|stream| crate::serve(stream, service)).await;
        let greeting = socket.line().await;
        Client { socket, greeting }
    }

    /// A session in the TRANSACTION state.
    pub async fn log_in(&self) -> Client {
        let mut client = self.connect().await;
        client.ok("USER mrose").await;
        client.ok(&format!("PASS {PASSWORD}")).await;
        client
    }
}

/// APOP and SCRAM too; compression would hide from [`Server::damage`] what it looks for.
fn change(plan: &mut Plan) {
    plan.store.compression = 0;
    plan.limits.connections_per_account = 3;
    plan.auth.challenge_mechanisms = true;
    plan.auth.failures = 100;
    plan.directory = Some(Arc::new(Accounts));
}

pub(crate) struct Client {
    socket: Socket,
    pub greeting: String,
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

impl Client {
    /// The client's side of a handshake.
    pub async fn start_tls(self, certificate: &Path) -> Client {
        Client { socket: self.socket.start_tls(certificate).await, ..self }
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
            smtp: true,
            login: true,
            administrator: false,
        };
        Ok(["mrose", "off", "without mail"].contains(&name).then_some(credentials))
    }
    fn upgrade(&self, _: &str, _: &str, _: String) {}
    fn logged_in(&self, _: &str, _: Protocol, _: Option<&str>) {}
}

/// A message of so many octets with CRLF line ends.
pub(crate) fn sized(octets: usize) -> Vec<u8> {
    let mut message = b"Subject: x\r\n\r\n".to_vec();
    message.resize(octets - 2, b'x');
    message.extend_from_slice(b"\r\n");
    message
}
