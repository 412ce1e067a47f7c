//! Logins against a directory that remembers what it was told.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::password::{self, Verdict};

/// Accounts in a table.
#[derive(Default)]
pub(super) struct Accounts {
    accounts: Mutex<HashMap<String, Credentials>>,
    down: AtomicBool,
    pub upgrades: Mutex<Vec<(String, String)>>,
    pub logins: Mutex<Vec<(String, Protocol, Option<String>)>>,
}

impl Directory for Accounts {
    fn find(&self, name: &str) -> Result<Option<Credentials>, Unavailable> {
        if self.down.load(Ordering::SeqCst) {
            return Err(Unavailable("the disk is full".into()));
        }
        Ok(self.accounts.lock().unwrap().get(&name.to_lowercase()).cloned())
    }
    fn upgrade(&self, account: &str, old: &str, hash: String) {
        let stored = self.find(account).unwrap().and_then(|credentials| credentials.password);
        assert_eq!(stored.as_deref(), Some(old));
        self.upgrades.lock().unwrap().push((account.into(), hash));
    }
    fn logged_in(&self, account: &str, protocol: Protocol, app_password: Option<&str>) {
        self.logins.lock().unwrap().push((account.into(), protocol, app_password.map(str::to_owned)));
    }
}

impl Accounts {
    pub fn set(&self, name: &str, password: Option<&str>, change: impl FnOnce(&mut Credentials)) {
        let mut credentials = Credentials {
            account: name.into(),
            password: password.map(str::to_owned),
            app_passwords: Vec::new(),
            imap: true,
            pop3: true,
            smtp: true,
            login: true,
            administrator: false,
        };
        change(&mut credentials);
        self.accounts.lock().unwrap().insert(name.to_lowercase(), credentials);
    }
}

pub(super) fn site(change: impl FnOnce(&mut AuthOptions)) -> (Authenticator, Arc<Accounts>) {
    let accounts = Arc::new(Accounts::default());
    let mut options = AuthOptions { hostname: "mail.example.test".into(), ..AuthOptions::default() };
    change(&mut options);
    (Authenticator::new(options, accounts.clone()).unwrap(), accounts)
}

/// From outside, over TLS.
pub(super) fn outside(address: &str) -> Context {
    let tls = TlsInfo {
        version: "TLSv1.3",
        cipher: String::new(),
        server_name: None,
        exporter: Some(vec![7; 32]),
        client: None,
    };
    Context {
        protocol: Protocol::Imap,
        peer: Some(address.parse().unwrap()),
        local: false,
        tls: Some(Arc::new(tls)),
    }
}

pub(super) fn without_tls() -> Context {
    Context { tls: None, ..outside("192.0.2.1") }
}

pub(super) fn identity(account: &str, mechanism: &str) -> Result<Identity, AuthError> {
    Ok(Identity { account: account.into(), mechanism: mechanism.into() })
}

/// Waits for what logins leave to the background.
pub(super) async fn settled(condition: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1))).await.unwrap();
    }
    panic!("it never came");
}

#[tokio::test(start_paused = true)]
async fn right_wrong_and_unknown() {
    let (authenticator, accounts) = site(|_| {});
    accounts.set("alice@example.test", Some(&password::hash("sesame")), |_| {});
    let here = outside("192.0.2.1");
    let login = authenticator.password(&here, "alice@example.test", b"sesame").await;
    assert_eq!(login, identity("alice@example.test", "LOGIN"));
    let pop3 = Context { protocol: Protocol::Pop3, ..here.clone() };
    let login = authenticator.password(&pop3, "Alice@Example.Test", b"sesame").await;
    assert_eq!(login, identity("alice@example.test", "USER"));
    for (name, password) in
        [("alice@example.test", "Sesame"), ("alice@example.test", ""), ("bob", "sesame"), ("", "")]
    {
        let refused = authenticator.password(&here, name, password.as_bytes()).await;
        assert_eq!(refused, Err(AuthError::Failed), "{name} {password}");
    }
    settled(|| accounts.logins.lock().unwrap().len() == 2).await;
    let logins = accounts.logins.lock().unwrap().clone();
    assert!(logins.contains(&("alice@example.test".into(), Protocol::Imap, None)));
    assert!(logins.contains(&("alice@example.test".into(), Protocol::Pop3, None)));
}

#[tokio::test(start_paused = true)]
async fn the_default_domain_helps_only_where_there_is_no_such_account() {
    let (authenticator, accounts) = site(|options| options.default_domain = Some("example.test".into()));
    accounts.set("alice@example.test", Some("{PLAIN}a"), |_| {});
    accounts.set("bob", Some("{PLAIN}b"), |_| {});
    accounts.set("bob@example.test", Some("{PLAIN}c"), |_| {});
    let here = outside("192.0.2.1");
    assert_eq!(authenticator.password(&here, "alice", b"a").await, identity("alice@example.test", "LOGIN"));
    assert_eq!(authenticator.password(&here, "bob", b"b").await, identity("bob", "LOGIN"));
    assert_eq!(authenticator.password(&here, "bob", b"c").await, Err(AuthError::Failed));
    assert_eq!(authenticator.password(&here, "alice@other.test", b"a").await, Err(AuthError::Failed));
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_away_is_no_wrong_password() {
    let (authenticator, accounts) = site(|options| options.failures = 1);
    accounts.set("alice", Some("{PLAIN}a"), |_| {});
    accounts.down.store(true, Ordering::SeqCst);
    let here = outside("192.0.2.1");
    for _ in 0..3 {
        assert_eq!(authenticator.password(&here, "alice", b"a").await, Err(AuthError::Unavailable));
    }
    accounts.down.store(false, Ordering::SeqCst);
    assert_eq!(authenticator.password(&here, "alice", b"a").await, identity("alice", "LOGIN"));
    // Nor is a hash that cannot be verified.
    accounts.set("bob", Some("{OTP}x"), |_| {});
    assert_eq!(authenticator.password(&here, "bob", b"a").await, Err(AuthError::Unavailable));
}

#[tokio::test(start_paused = true)]
async fn switches_are_told_only_to_who_knows_the_password() {
    let (authenticator, accounts) = site(|_| {});
    accounts.set("off", Some("{PLAIN}a"), |account| account.login = false);
    accounts.set("imap", Some("{PLAIN}a"), |account| account.pop3 = false);
    let imap = outside("192.0.2.1");
    let pop3 = Context { protocol: Protocol::Pop3, ..imap.clone() };
    for (context, name, part) in [(&imap, "off", "access"), (&pop3, "off", "access"), (&pop3, "imap", "POP3")]
    {
        let refused = authenticator.password(context, name, b"a").await;
        assert!(matches!(&refused, Err(AuthError::Disabled(text)) if text.contains(part)), "{refused:?}");
        assert_eq!(authenticator.password(context, name, b"b").await, Err(AuthError::Failed));
    }
    assert_eq!(authenticator.password(&imap, "imap", b"a").await, identity("imap", "LOGIN"));
}

#[tokio::test(start_paused = true)]
async fn no_password_in_the_clear_unless_the_site_says_so() {
    let (authenticator, accounts) = site(|_| {});
    accounts.set("alice", Some("{PLAIN}a"), |_| {});
    let open = without_tls();
    assert!(!authenticator.plaintext_allowed(&open));
    assert_eq!(authenticator.mechanisms(&open), Vec::<&str>::new());
    assert_eq!(authenticator.password(&open, "alice", b"a").await, Err(AuthError::EncryptionNeeded));
    assert_eq!(authenticator.start("PLAIN", &open).err(), Some(AuthError::EncryptionNeeded));

    let local = Context { peer: Some("127.0.0.1".parse().unwrap()), local: true, ..open.clone() };
    assert!(authenticator.plaintext_allowed(&local));
    assert_eq!(authenticator.password(&local, "alice", b"a").await, identity("alice", "LOGIN"));

    let (authenticator, accounts) = site(|options| options.plaintext_without_tls = true);
    accounts.set("alice", Some("{PLAIN}a"), |_| {});
    assert!(authenticator.plaintext_allowed(&open));
    assert_eq!(authenticator.password(&open, "alice", b"a").await, identity("alice", "LOGIN"));
}

#[tokio::test(start_paused = true)]
async fn app_passwords_have_scope_and_expiry() {
    let (authenticator, accounts) = site(|_| {});
    let app = |label: &str, protocols: &[Protocol], expires| AppSecret {
        label: label.into(),
        password: password::hash_without_scram(label),
        protocols: protocols.to_vec(),
        expires,
    };
    accounts.set("alice", Some("{PLAIN}main"), |account| {
        account.app_passwords = vec![
            app("telephone", &[], None),
            app("old", &[], Some(1)),
            app("fetcher", &[Protocol::Pop3], Some(i64::MAX)),
        ];
    });
    let imap = outside("192.0.2.1");
    let pop3 = Context { protocol: Protocol::Pop3, ..imap.clone() };
    // The second time from what is remembered.
    for _ in 0..2 {
        assert_eq!(authenticator.password(&imap, "alice", b"telephone").await, identity("alice", "LOGIN"));
        assert_eq!(authenticator.password(&imap, "alice", b"main").await, identity("alice", "LOGIN"));
        assert_eq!(authenticator.password(&pop3, "alice", b"fetcher").await, identity("alice", "USER"));
        assert_eq!(authenticator.password(&imap, "alice", b"old").await, Err(AuthError::Expired));
        let refused = authenticator.password(&imap, "alice", b"fetcher").await;
        assert!(matches!(&refused, Err(AuthError::Disabled(text)) if text.contains("IMAP")), "{refused:?}");
        assert_eq!(authenticator.password(&imap, "alice", b"nothing").await, Err(AuthError::Failed));
    }
    settled(|| accounts.logins.lock().unwrap().len() == 6).await;
    assert!(accounts.logins.lock().unwrap().contains(&(
        "alice".into(),
        Protocol::Imap,
        Some("telephone".into())
    )));
}

#[tokio::test(start_paused = true)]
async fn submission_has_a_switch_and_app_passwords_of_its_own() {
    let (authenticator, accounts) = site(|_| {});
    let app = |label: &str, protocols: &[Protocol]| AppSecret {
        label: label.into(),
        password: password::hash_without_scram(label),
        protocols: protocols.to_vec(),
        expires: None,
    };
    accounts.set("alice", Some("{PLAIN}main"), |account| {
        account.app_passwords = vec![app("scanner", &[Protocol::Smtp]), app("telephone", &[])];
    });
    accounts.set("bob", Some("{PLAIN}main"), |account| account.smtp = false);
    let imap = outside("192.0.2.1");
    let smtp = Context { protocol: Protocol::Smtp, ..imap.clone() };
    for password in ["main", "scanner", "telephone"] {
        let login = authenticator.password(&smtp, "alice", password.as_bytes()).await;
        assert_eq!(login, identity("alice", "AUTH"), "{password}");
    }
    let refused = authenticator.password(&imap, "alice", b"scanner").await;
    assert!(matches!(&refused, Err(AuthError::Disabled(text)) if text.contains("IMAP")), "{refused:?}");
    let refused = authenticator.password(&smtp, "bob", b"main").await;
    assert!(matches!(&refused, Err(AuthError::Disabled(text)) if text.contains("SMTP")), "{refused:?}");
    assert_eq!(authenticator.password(&imap, "bob", b"main").await, identity("bob", "LOGIN"));
}

#[tokio::test(start_paused = true)]
async fn an_account_with_app_passwords_alone() {
    let (authenticator, accounts) = site(|_| {});
    accounts.set("alice", None, |account| {
        account.app_passwords = vec![AppSecret {
            label: "x".into(),
            password: password::hash_without_scram("app"),
            protocols: Vec::new(),
            expires: None,
        }];
    });
    accounts.set("nobody", None, |_| {});
    let here = outside("192.0.2.1");
    assert_eq!(authenticator.password(&here, "alice", b"app").await, identity("alice", "LOGIN"));
    assert_eq!(authenticator.password(&here, "alice", b"x").await, Err(AuthError::Failed));
    assert_eq!(authenticator.password(&here, "nobody", b"").await, Err(AuthError::Failed));
}

#[tokio::test(start_paused = true)]
async fn outdated_hashes_are_replaced_at_a_good_login() {
    let (authenticator, accounts) = site(|_| {});
    accounts.set("alice", Some("{SHA}wBFJYYjnh5eS5Eft5JORpd7Gkko="), |_| {});
    let here = outside("192.0.2.1");
    assert_eq!(authenticator.password(&here, "alice", b"wrong").await, Err(AuthError::Failed));
    let password = "pässword 1";
    assert_eq!(authenticator.password(&here, "alice", password.as_bytes()).await, identity("alice", "LOGIN"));
    settled(|| !accounts.upgrades.lock().unwrap().is_empty()).await;
    let (account, hash) = accounts.upgrades.lock().unwrap().pop().unwrap();
    assert_eq!((account.as_str(), password::verify(&hash, password)), ("alice", Verdict::Right));
    assert!(hash.contains(" {SCRAM-SHA-256}"));
    // The new one is good as it is, and so is a changed password at once.
    accounts.set("alice", Some(&hash), |_| {});
    assert_eq!(authenticator.password(&here, "alice", password.as_bytes()).await, identity("alice", "LOGIN"));
    accounts.set("alice", Some(&password::hash("another")), |_| {});
    assert_eq!(authenticator.password(&here, "alice", password.as_bytes()).await, Err(AuthError::Failed));
    assert_eq!(authenticator.password(&here, "alice", b"another").await, identity("alice", "LOGIN"));
    assert!(accounts.upgrades.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_site_without_scram_keeps_no_keys_and_one_with_apop_keeps_passwords() {
    let here = outside("192.0.2.1");
    let (authenticator, accounts) = site(|options| options.scram = false);
    accounts.set("alice", Some(&password::hash("a")), |_| {});
    authenticator.password(&here, "alice", b"a").await.unwrap();
    settled(|| !accounts.upgrades.lock().unwrap().is_empty()).await;
    assert!(!accounts.upgrades.lock().unwrap()[0].1.contains("SCRAM"));
    assert!(!authenticator.mechanisms(&here).iter().any(|name| name.contains("SCRAM")));

    let (authenticator, accounts) = site(|options| options.challenge_mechanisms = true);
    accounts.set("alice", Some("{PLAIN}a"), |_| {});
    accounts.set("bob", Some("{SHA}wBFJYYjnh5eS5Eft5JORpd7Gkko="), |_| {});
    authenticator.password(&here, "alice", b"a").await.unwrap();
    authenticator.password(&here, "bob", "pässword 1".as_bytes()).await.unwrap();
    settled(|| !accounts.upgrades.lock().unwrap().is_empty()).await;
    let upgrades = accounts.upgrades.lock().unwrap().clone();
    assert_eq!(upgrades.iter().map(|(account, _)| account.as_str()).collect::<Vec<_>>(), ["bob"]);
}

#[tokio::test(start_paused = true)]
async fn failures_are_answered_late_alike_for_unknown_accounts() {
    let (authenticator, accounts) = site(|_| {});
    accounts.set("alice", Some(&password::hash("a")), |_| {});
    let mut delays = Vec::new();
    for (address, name) in [("192.0.2.1", "alice"), ("192.0.2.2", "nobody")] {
        for _ in 0..3 {
            let before = Instant::now();
            assert_eq!(authenticator.password(&outside(address), name, b"x").await, Err(AuthError::Failed));
            // The clock stands still but for sleeps.
            delays.push(before.elapsed().as_millis());
        }
    }
    assert_eq!(delays[..3], delays[3..]);
    assert!(delays[0] >= 500 && delays[2] >= 2000, "{delays:?}");
    let before = Instant::now();
    authenticator.password(&outside("192.0.2.1"), "alice", b"a").await.unwrap();
    assert!(before.elapsed() < Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_guesses_is_locked_out_and_let_in_again() {
    let (authenticator, accounts) = site(|options| (options.failures, options.lockout_seconds) = (3, 300));
    accounts.set("alice", Some("{PLAIN}a"), |_| {});
    let (guesser, home) = (outside("192.0.2.1"), outside("198.51.100.1"));
    authenticator.password(&home, "alice", b"a").await.unwrap();
    for password in [b"1", b"2", b"3"] {
        assert_eq!(authenticator.password(&guesser, "alice", password).await, Err(AuthError::Failed));
    }
    let refused = authenticator.password(&guesser, "alice", b"a").await;
    assert!(matches!(refused, Err(AuthError::LockedOut { seconds: 1..=300 })), "{refused:?}");
    assert!(matches!(authenticator.start("PLAIN", &guesser), Err(AuthError::LockedOut { .. })));
    let listed: Vec<String> = authenticator.locked_out().into_iter().map(|(who, _)| who).collect();
    assert_eq!(listed, ["192.0.2.1", "alice"]);
    assert_eq!(authenticator.password(&home, "alice", b"a").await, identity("alice", "LOGIN"));
    assert!(authenticator.unlock("192.0.2.1"));
    assert_eq!(authenticator.password(&guesser, "alice", b"a").await, identity("alice", "LOGIN"));
    assert!(authenticator.locked_out().is_empty() && !authenticator.unlock("192.0.2.1"));
    for _ in 0..3 {
        authenticator.misbehaved(&guesser);
    }
    assert!(matches!(authenticator.start("PLAIN", &guesser), Err(AuthError::LockedOut { .. })));
}

// RFC 1939 section 7
#[tokio::test(start_paused = true)]
async fn apop_as_in_the_rfc() {
    let (authenticator, accounts) = site(|options| options.challenge_mechanisms = true);
    accounts.set("mrose", Some("{PLAIN}tanstaaf"), |_| {});
    accounts.set("hashed", Some(&password::hash("tanstaaf")), |_| {});
    let pop3 = Context { protocol: Protocol::Pop3, ..without_tls() };
    let (banner, digest) = ("<1896.697170952@dbc.mtview.ca.us>", "c4c9334bac560ecc979e58001b3e22fb");
    assert_eq!(authenticator.apop(&pop3, banner, "mrose", digest).await, identity("mrose", "APOP"));
    for (name, digest) in [
        ("mrose", "c4c9334bac560ecc979e58001b3e22fc"),
        ("hashed", digest),
        ("nobody", digest),
        ("mrose", ""),
        ("mrose", "x"),
    ] {
        assert_eq!(
            authenticator.apop(&pop3, banner, name, digest).await,
            Err(AuthError::Failed),
            "{name} {digest}"
        );
    }
    let challenge = authenticator.apop_challenge().unwrap();
    assert!(challenge.starts_with('<') && challenge.ends_with("@mail.example.test>"), "{challenge}");
    assert_ne!(Some(challenge), authenticator.apop_challenge());

    let (authenticator, _) = site(|_| {});
    assert_eq!(authenticator.apop_challenge(), None);
    assert_eq!(authenticator.apop(&pop3, banner, "mrose", digest).await, Err(AuthError::UnknownMechanism));
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let new = |options| Authenticator::new(options, Arc::new(Accounts::default())).err();
    let mechanisms = vec!["PLAIN".to_owned(), "SCRAM-MD5".to_owned()];
    let told = new(AuthOptions { mechanisms, ..AuthOptions::default() }).unwrap();
    assert!(told.contains("SCRAM-MD5") && told.contains("SCRAM-SHA-256"), "{told}");
    let oauth = OauthOptions {
        keys: "/nonexistent/keys.json".into(),
        issuer: "x".into(),
        audience: None,
        claim: "email".into(),
    };
    let told = new(AuthOptions { oauth: Some(oauth), ..AuthOptions::default() }).unwrap();
    assert!(told.contains("/nonexistent/keys.json") && told.contains("JWK"), "{told}");
}

#[test]
fn no_secret_is_shown_by_debug() {
    let accounts = Accounts::default();
    accounts.set("alice", Some("{PLAIN}sesame"), |_| {});
    assert!(!format!("{:?}", accounts.find("alice")).contains("sesame"));
}
