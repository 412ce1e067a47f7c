//! A store, a server around it, and requests to it as octets.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use admin::Running;
use base64::Engine;
use serde_json::Value;
use store::AccountName;
use testing::{PASSWORD, Site};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Client, Options, Web, serve};

pub const ADMIN: &str = "root@example.test";
pub const ALICE: &str = "alice@example.test";

pub struct Server {
    pub site: Site,
    pub web: Web,
}

pub struct Reply {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl Server {
    /// With an administrator and alice, who is none.
    pub fn new() -> Server {
        Server::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Options)) -> Server {
        let site = Site::new("mail.example.test", &[ADMIN, ALICE], |_| {});
        let name = AccountName::new(ADMIN).unwrap();
        site.store.directory().update(&name, &mut |record| record.administrator = true).unwrap();
        let running = Running {
            data: std::env::temp_dir(),
            hostname: "mail.example.test".into(),
            sessions: site.shared.sessions.clone(),
            authenticator: site.shared.authenticator.clone(),
            listeners: Vec::new(),
            started: 0,
            acme: None,
        };
        let mut options = Options {
            session_idle: Duration::from_secs(600),
            session_lifetime: Duration::from_secs(600),
            public_metrics: false,
            scram: false,
            message_limit: 1 << 20,
            data: site.path().to_owned(),
            settings: Vec::new(),
            public_account: None,
        };
        change(&mut options);
        let web = Web::new(site.store.clone(), running, options, Arc::default());
        Server { site, web }
    }

    /// Octets to the server and all that comes back.
    pub async fn raw(&self, client: Client, request: &[u8]) -> String {
        let (mut ours, theirs) = tokio::io::duplex(1 << 20);
        let (_stop, stopped) = tokio::sync::watch::channel(false);
        let serving = tokio::spawn(serve(theirs, client, self.web.clone(), stopped));
        ours.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(Duration::from_secs(60), ours.read_to_end(&mut answer)).await.unwrap().unwrap();
        serving.await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub async fn ask_as(&self, client: Client, line: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request = format!("{line} HTTP/1.1\r\nHost: localhost:8025\r\nConnection: close\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        reply(&self.raw(client, format!("{request}\r\n{body}").as_bytes()).await)
    }

    /// Without any credentials, from loopback.
    pub async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.ask_as(loopback(), line, headers, body).await
    }

    /// The API as the server's own user on a unix socket.
    pub async fn api(&self, line: &str, body: Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (method, path) = line.split_once(' ').unwrap();
        let line = format!("{method} /api/v1{path}");
        self.ask_as(owner(), &line, &[("Content-Type", "application/json")], &body).await
    }
}

pub fn loopback() -> Client {
    Client { peer: Some("127.0.0.1".parse().unwrap()), ..Client::default() }
}

pub fn owner() -> Client {
    Client { uid: Some(nix::unistd::geteuid().as_raw()), ..Client::default() }
}

pub fn basic(name: &str, password: &str) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    format!("Basic {encoded}")
}

pub fn password() -> &'static str {
    PASSWORD
}

fn reply(text: &str) -> Reply {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_ascii_lowercase(), value.to_owned()))
    };
    let headers: HashMap<String, String> = lines.filter_map(header).collect();
    let chunked = headers.get("transfer-encoding").is_some_and(|value| value == "chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    Reply { status: status.unwrap_or_else(|| panic!("no status in {text:?}")), headers, body }
}

fn unchunked(mut text: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        body += &rest[..size];
        text = &rest[size + 2..];
    }
    body
}
