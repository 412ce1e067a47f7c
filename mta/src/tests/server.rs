//! A site that answers, and the MTA's side of the dialogue.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::block;
use store::{AccountName, MissingMailbox};
use testing::{Site, Socket};

use crate::{Interface, Options, Service};

pub(crate) struct Server {
    pub site: Site,
    service: Arc<Service>,
}

impl Server {
    pub fn new() -> Server {
        Server::with(|_| {})
    }

    /// With `alice@example.org`, `bob@example.org` and `carol`, whose name has no domain.
    pub fn with(change: impl FnOnce(&mut Options)) -> Server {
        let site = Site::new("mail.example.org", &["alice@example.org", "bob@example.org", "carol"], |_| {});
        let mut options = Options {
            separators: vec!['+', '-'],
            missing_mailbox: MissingMailbox::Inbox,
            defer_over_quota: false,
            message_limit: 10_000,
            default_domain: None,
            timeout: std::time::Duration::from_secs(600),
        };
        change(&mut options);
        let service = Arc::new(Service { shared: site.shared.clone(), store: site.store.clone(), options });
        Server { site, service }
    }

    pub fn change(&self, name: &str, change: &mut dyn FnMut(&mut store::AccountRecord)) {
        block(|| self.site.store.directory().update(&AccountName::new(name).unwrap(), change)).unwrap();
    }

    pub fn alias(&self, name: &str, accounts: &[&str]) {
        let accounts: Vec<AccountName> =
            accounts.iter().map(|name| AccountName::new(name).unwrap()).collect();
        let alias = store::AliasName::new(name).unwrap();
        block(|| self.site.store.directory().add_alias(&alias, &accounts)).unwrap();
    }

    pub async fn connect(&self, interface: Interface) -> Mta {
        let service = self.service.clone();
        let socket = Socket::connect(|stream| crate::serve(stream, service, interface)).await;
        Mta { socket }
    }

    /// A connection whose greeting has been read and answered as Postfix answers it.
    pub async fn sasl(&self) -> Mta {
        let mut mta = self.connect(Interface::Sasl).await;
        while mta.text().await != "DONE" {}
        mta.send("VERSION\t1\t1\nCPID\t4711\n").await;
        mta
    }
}

pub(crate) struct Mta {
    socket: Socket,
}

impl Deref for Mta {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

impl DerefMut for Mta {
    fn deref_mut(&mut self) -> &mut Socket {
        &mut self.socket
    }
}

impl Mta {
    /// Up to the LF; empty at the end of the stream.
    pub async fn text(&mut self) -> String {
        self.until(b'\n').await
    }

    async fn until(&mut self, end: u8) -> String {
        let mut text = Vec::new();
        loop {
            let octet = self.exactly(1).await[0];
            if octet == end {
                return String::from_utf8(text).unwrap();
            }
            text.push(octet);
        }
    }

    /// What the map has for the key.
    pub async fn look_up(&mut self, map: &str, key: &str) -> String {
        let request = format!("{map} {key}");
        self.send(format!("{}:{request},", request.len())).await;
        self.netstring().await
    }

    pub async fn netstring(&mut self) -> String {
        let length: usize = self.until(b':').await.parse().unwrap();
        let text = self.exactly(length + 1).await;
        assert_eq!(text.last(), Some(&b','));
        String::from_utf8(text[..length].to_vec()).unwrap()
    }

    /// What is to be done with a recipient and a message of this size.
    pub async fn judge(&mut self, recipient: &str, size: &str) -> String {
        self.send(format!(
            "request=smtpd_access_policy\nprotocol_state=RCPT\nsender=x@example.com\nrecipient={recipient}\nsize={size}\n\n"
        ))
        .await;
        let action = self.text().await;
        assert_eq!(self.text().await, "");
        action
    }

    /// A login with one message, and the answer.
    pub async fn plain(&mut self, number: u32, parameters: &str, message: &str) -> String {
        let response = STANDARD.encode(message);
        self.send(format!("AUTH\t{number}\tPLAIN\tservice=smtp\t{parameters}\tresp={response}\n")).await;
        self.text().await
    }
}
