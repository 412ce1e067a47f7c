//! A store in a temporary directory and everything that a service needs beside it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use common::auth::{AuthOptions, Authenticator, Directory};
use common::block;
use common::limits::{LimitOptions, Limits};
use common::session::{Sessions, Shared};
use common::tls::{Acceptor, CertificateFiles, TlsOptions};
use store::testing::Setup;
use store::{Account, AccountName, Flags, Mailbox, MailboxName, NewMessage, Store};
use tempfile::TempDir;

use crate::accounts::{Accounts, PASSWORD};

/// What a [`Site`] shall be. A test changes what matters to it.
pub struct Plan {
    /// One shard; what is expunged is kept for a day; 64 MiB a message; no mailboxes but INBOX.
    pub store: store::Options,
    /// What fails, and when.
    pub setup: Setup,
    /// None at all.
    pub limits: LimitOptions,
    pub auth: AuthOptions,
    /// Who can log in: `None` for the accounts of the store, with [`PASSWORD`].
    pub directory: Option<Arc<dyn Directory>>,
    /// Whether STARTTLS and STLS are offered, with a certificate for `localhost`.
    pub tls: bool,
}

impl Plan {
    fn new(hostname: &str, path: &Path) -> Plan {
        Plan {
            store: store::Options { message_limit: 64 << 20, ..store::testing::options(&path.join("store")) },
            setup: Setup::default(),
            limits: LimitOptions {
                connections: 0,
                connections_per_address: 0,
                connections_per_account: 0,
                rate_per_address: 0,
            },
            auth: AuthOptions { hostname: hostname.into(), ..AuthOptions::default() },
            directory: None,
            tls: false,
        }
    }
}

/// A store, and what services share. Its directory goes with it.
pub struct Site {
    pub store: Store,
    pub shared: Shared,
    /// The root that clients trust, where there is TLS.
    pub certificate: PathBuf,
    directory: TempDir,
}

impl Site {
    /// With these accounts. `change` gets the usual plan. May be called in a task.
    pub fn new(hostname: &str, accounts: &[&str], change: impl FnOnce(&mut Plan)) -> Site {
        let directory = TempDir::new().unwrap();
        let mut plan = Plan::new(hostname, directory.path());
        change(&mut plan);
        let store = block(|| open(plan.store, plan.setup, accounts));
        let files = CertificateFiles {
            certificate: directory.path().join("certificate.pem"),
            key: directory.path().join("key.pem"),
        };
        let people = plan.directory.unwrap_or_else(|| Arc::new(Accounts(store.clone())));
        let authenticator = Authenticator::new(plan.auth, people).unwrap();
        let shared = Shared {
            hostname: hostname.into(),
            sessions: Sessions::observed(authenticator.activity().clone()),
            limits: Limits::new(plan.limits),
            authenticator,
            tls: plan.tls.then(|| acceptor(&files)),
        };
        Site { store, shared, certificate: files.certificate, directory }
    }

    /// Where everything is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// It must be there.
    pub fn account(&self, name: &str) -> Account {
        self.store.account(&AccountName::new(name).unwrap()).unwrap()
    }

    /// Both must be there.
    pub fn mailbox(&self, account: &str, name: &str) -> Mailbox {
        self.account(account).mailbox(&MailboxName::new(name).unwrap()).unwrap()
    }

    /// A message for [`Mailbox::append`], without a trace and without flags.
    pub fn message(&self, octets: &[u8]) -> NewMessage {
        let mut spool = self.store.spool();
        spool.write(octets).unwrap();
        NewMessage {
            staged: self.store.stage(spool).unwrap(),
            trace: Bytes::new(),
            flags: Flags::default(),
            keywords: Vec::new(),
            internal_date: None,
        }
    }
}

impl Drop for Site {
    /// Here, where it may block: sessions hold the store too, and the last of them might not.
    fn drop(&mut self) {
        let closed = block(|| self.store.close());
        assert!(closed.is_ok() || std::thread::panicking(), "{closed:?}");
    }
}

fn open(options: store::Options, setup: Setup, accounts: &[&str]) -> Store {
    let store = store::testing::open(options, setup).unwrap();
    let password = format!("{{PLAIN}}{PASSWORD}");
    let account = |name: &&str| (AccountName::new(name).unwrap(), Some(password.clone()));
    for added in store.directory().add(accounts.iter().map(account).collect()).unwrap() {
        added.unwrap();
    }
    store
}

fn acceptor(files: &CertificateFiles) -> Acceptor {
    common::tls::ensure_self_signed(files, &["localhost".to_owned()]).unwrap();
    Acceptor::new(TlsOptions { certificates: vec![files.clone()], client_ca: None }).unwrap()
}
