//! A site with LMTP on it, and the MTA's side of the dialogue.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;

use common::block;
use store::{AccountName, Uid};
use testing::{Site, Socket};

use crate::{Options, Service};

pub(crate) struct Server {
    pub service: Arc<Service>,
    pub site: Site,
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

    fn make(options: Options, tls: bool) -> Server {
        let site = Site::new("foo.edu", &["pat@foo.edu", "green@foo.edu"], |plan| {
            plan.store.message_limit = options.message_limit;
            plan.tls = tls;
        });
        let service = Service { shared: site.shared.clone(), store: site.store.clone(), options };
        Server { service: Arc::new(service), site }
    }

    pub fn change(&self, name: &str, change: &mut dyn FnMut(&mut store::AccountRecord)) {
        block(|| self.site.store.directory().update(&AccountName::new(name).unwrap(), change)).unwrap();
    }

    /// The messages of a mailbox, whole.
    pub fn messages(&self, account: &str, mailbox: &str) -> Vec<String> {
        let mailbox = self.site.mailbox(account, mailbox);
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
        let service = self.service.clone();
        let socket = Socket::connect(|stream| crate::serve(stream, service)).await;
        let mut client = Client { socket };
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
    socket: Socket,
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
        Client { socket: self.socket.start_tls(certificate).await }
    }

    /// A reply, its lines joined by LF.
    pub async fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line().await;
            assert!(!line.is_empty(), "closed after {reply:?}");
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
}
