//! Operations on a real store: directly, and over the socket.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use store::{AccountName, Store};
use testing::Site;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::*;

fn site() -> Site {
    Site::new("mail.example.test", &[], |_| {})
}

fn name(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

/// Runs on the store alone, as the command line does without a server.
fn run(store: &Store, operation: &Operation) -> Result<Outcome, Failure> {
    let who = Who::Process { uid: Some(0), pid: None };
    operation.run(&Context { store, running: None, who, progress: &|_| {} })
}

fn add(store: &Store, account: &str) {
    let password = Some(PasswordHash("{PLAIN}secret".into()));
    let operation =
        Operation::AccountAdd { account: name(account), password, changes: AccountChanges::default() };
    run(store, &operation).unwrap();
}

fn show(store: &Store, account: &str) -> AccountView {
    match run(store, &Operation::AccountShow { account: name(account) }).unwrap() {
        Outcome::Account(view) => *view,
        other => panic!("{other:?}"),
    }
}

fn lines(text: &str) -> Vec<ImportLine> {
    text.lines().zip(1..).map(|(text, number)| ImportLine { number, text: text.to_owned() }).collect()
}

fn import(store: &Store, text: &str, dry_run: bool, update: bool) -> ImportReport {
    match run(store, &Operation::AccountImport { lines: lines(text), dry_run, update }).unwrap() {
        Outcome::Imported(report) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_account_lives_and_dies() {
    let site = site();
    let store = &site.store;
    add(store, "alice@example.test");
    assert_eq!(show(store, "alice@example.test").password.as_deref(), Some("PLAIN"));

    let changes = AccountChanges { bytes: Some(5000), pop3: Some(false), ..AccountChanges::default() };
    run(store, &Operation::AccountSet { account: name("alice@example.test"), changes }).unwrap();
    let view = show(store, "alice@example.test");
    assert_eq!((view.limits.bytes, view.switches.pop3, view.switches.imap), (5000, false, true));

    let (from, to) = (name("alice@example.test"), name("eve@example.test"));
    run(store, &Operation::AccountRename { from: from.clone(), to: to.clone() }).unwrap();
    assert_eq!(show(store, "eve@example.test").limits.bytes, 5000);
    run(store, &Operation::AccountPassword { account: to.clone(), password: None }).unwrap();
    assert_eq!(show(store, "eve@example.test").password, None);
    run(store, &Operation::AccountDelete { account: to.clone() }).unwrap();
    for gone in [from, to] {
        let failure = run(store, &Operation::AccountDelete { account: gone }).unwrap_err();
        assert_eq!(failure.kind, Kind::Missing);
        assert!(failure.to_string().contains("restante account list"), "{failure}");
    }
}

#[test]
fn what_exists_is_not_made_again() {
    let site = site();
    let store = &site.store;
    add(store, "alice");
    let again =
        Operation::AccountAdd { account: name("alice"), password: None, changes: AccountChanges::default() };
    assert_eq!(run(store, &again).unwrap_err().kind, Kind::Exists);
    assert_eq!(show(store, "alice").password.as_deref(), Some("PLAIN"));
}

#[test]
fn a_hash_that_no_login_can_use_is_refused() {
    let site = site();
    let store = &site.store;
    let password = Some(PasswordHash("{NOSUCH}x".into()));
    let operation =
        Operation::AccountAdd { account: name("alice"), password, changes: AccountChanges::default() };
    assert_eq!(run(store, &operation).unwrap_err().kind, Kind::Invalid);
    assert_eq!(
        run(store, &Operation::AccountShow { account: name("alice") }).unwrap_err().kind,
        Kind::Missing
    );
}

#[test]
fn bad_lines_are_told_and_the_others_made() {
    let site = site();
    let store = &site.store;
    add(store, "known");
    let text =
        "# users\nalice:{PLAIN}a\nno colon\nknown:{PLAIN}b\nbob:*\nalice:{PLAIN}again\nzed:{NOSUCH}x\n";
    let dry = import(store, text, true, false);
    assert_eq!(
        run(store, &Operation::AccountShow { account: name("alice") }).unwrap_err().kind,
        Kind::Missing
    );
    let report = import(store, text, false, false);
    assert_eq!(dry, report);
    assert_eq!((report.added, report.updated), (2, 0));
    assert_eq!(report.refused.iter().map(|refused| refused.line).collect::<Vec<_>>(), [3, 4, 6, 7]);
    assert!(report.refused[2].reason.contains("line 2"), "{}", report.refused[2].reason);
    assert_eq!(show(store, "bob").password, None);
    assert_eq!(import(store, "known:{SSHA}c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0\n", false, true).updated, 1);
    assert_eq!(show(store, "known").password.as_deref(), Some("SSHA"));
}

#[test]
fn thousands_come_at_once() {
    let site = site();
    let store = &site.store;
    let text: String = (0..3000).map(|number| format!("user{number}@example.test:{{PLAIN}}x\n")).collect();
    assert_eq!(import(store, &text, false, false).added, 3000);
    let mut names = BTreeSet::new();
    let mut after = None;
    loop {
        let Outcome::Accounts { accounts } =
            run(store, &Operation::AccountList { after, limit: 700 }).unwrap()
        else {
            panic!("no accounts")
        };
        let Some(last) = accounts.last() else { break };
        after = Some(name(&last.name));
        names.extend(accounts.into_iter().map(|account| account.name));
    }
    assert_eq!(names.len(), 3000);
}

#[test]
fn app_passwords_have_labels() {
    let site = site();
    let store = &site.store;
    add(store, "alice");
    let add = |label: &str, protocols: &[&str]| {
        let protocols = protocols.iter().map(|protocol| (*protocol).to_owned()).collect();
        let password = PasswordHash("{PLAIN}x".into());
        let account = name("alice");
        run(
            store,
            &Operation::AppPasswordAdd { account, label: label.into(), password, protocols, expires: None },
        )
    };
    add("phone", &["imap"]).unwrap();
    assert_eq!(add("phone", &[]).unwrap_err().kind, Kind::Exists);
    assert_eq!(add("", &[]).unwrap_err().kind, Kind::Invalid);
    assert_eq!(add("tablet", &["jmap"]).unwrap_err().kind, Kind::Invalid);
    assert_eq!(show(store, "alice").app_passwords, ["phone"]);
    let remove = Operation::AppPasswordRemove { account: name("alice"), label: "phone".into() };
    run(store, &remove).unwrap();
    assert_eq!(run(store, &remove).unwrap_err().kind, Kind::Missing);
}

#[test]
fn mailboxes_are_made_renamed_and_deleted() {
    let site = site();
    let store = &site.store;
    add(store, "alice");
    let account = || name("alice");
    let names = || match run(store, &Operation::MailboxList { account: account() }).unwrap() {
        Outcome::Mailboxes { mailboxes } => mailboxes
            .into_iter()
            .map(|mailbox| (mailbox.name, mailbox.special_use, mailbox.subscribed))
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let inbox = || ("INBOX".to_owned(), None, true);
    let create = |mailbox: &str, special_use: Option<&str>| {
        let special_use = special_use.map(str::to_owned);
        run(store, &Operation::MailboxCreate { account: account(), mailbox: mailbox.into(), special_use })
    };
    create("Old mail", Some("archive")).unwrap();
    assert_eq!(names()[1], ("Old mail".to_owned(), Some("Archive".to_owned()), true));
    assert_eq!(create("Old mail", None).unwrap_err().kind, Kind::Exists);
    assert_eq!(create("a*", None).unwrap_err().kind, Kind::Invalid);
    assert_eq!(create("b", Some("nosuch")).unwrap_err().kind, Kind::Invalid);
    let rename = |to: &str| {
        run(store, &Operation::MailboxRename { account: account(), from: "Old mail".into(), to: to.into() })
    };
    rename("Older").unwrap();
    assert_eq!(rename("Oldest").unwrap_err().kind, Kind::Missing);
    run(
        store,
        &Operation::MailboxSubscribe { account: account(), mailbox: "Older".into(), subscribed: false },
    )
    .unwrap();
    assert!(!names()[1].2);
    run(store, &Operation::MailboxDelete { account: account(), mailbox: "Older".into() }).unwrap();
    assert_eq!(names(), [inbox()]);
}

fn deliver(site: &Site, account: &str) {
    let message = site.message(b"Subject: x\r\n\r\ny\r\n");
    site.mailbox(account, "INBOX").append(vec![message]).wait().unwrap();
}

#[test]
fn groups_have_members() {
    let site = site();
    let store = &site.store;
    add(store, "alice");
    let group = store::GroupName::new("Team").unwrap();
    run(store, &Operation::GroupCreate { group: group.clone() }).unwrap();
    let again = run(store, &Operation::GroupCreate { group: group.clone() }).unwrap_err();
    assert_eq!(again.kind, Kind::Exists);
    let members = |operation: Operation| match run(store, &operation).unwrap() {
        Outcome::Groups { groups } => groups[0].members.clone(),
        other => panic!("{other:?}"),
    };
    let accounts = vec![name("alice")];
    assert_eq!(members(Operation::GroupAdd { group: group.clone(), accounts: accounts.clone() }), ["alice"]);
    let nobody = Operation::GroupAdd { group: group.clone(), accounts: vec![name("nobody")] };
    assert_eq!(run(store, &nobody).unwrap_err().kind, Kind::Missing);
    run(store, &Operation::AccountRename { from: name("alice"), to: name("eve") }).unwrap();
    assert_eq!(members(Operation::GroupList { group: Some(group.clone()) }), ["eve"]);
    let accounts = vec![name("eve")];
    assert!(members(Operation::GroupRemove { group: group.clone(), accounts }).is_empty());
    run(store, &Operation::GroupDelete { group: group.clone() }).unwrap();
    assert_eq!(run(store, &Operation::GroupDelete { group }).unwrap_err().kind, Kind::Missing);
}

#[test]
fn expunged_mail_comes_back() {
    let site = site();
    let store = &site.store;
    add(store, "alice");
    deliver(&site, "alice");
    let inbox = site.mailbox("alice", "INBOX");
    inbox.remove(&store::UidSet::from_ranges([1..=1])).wait().unwrap();
    assert_eq!(show(store, "alice").messages, 0);
    let Outcome::Retained { messages } =
        run(store, &Operation::RetainedList { account: name("alice") }).unwrap()
    else {
        panic!("no list")
    };
    assert_eq!(messages.len(), 1);
    let restore = |ids: Vec<String>| {
        run(store, &Operation::RetainedRestore { account: name("alice"), ids, mailbox: "INBOX".into() })
    };
    assert_eq!(restore(vec!["nonsense".into()]).unwrap_err().kind, Kind::Invalid);
    restore(vec![messages[0].id.clone()]).unwrap();
    assert_eq!(show(store, "alice").messages, 1);
}

#[test]
fn a_sound_store_is_clean() {
    let site = site();
    let store = &site.store;
    add(store, "alice");
    deliver(&site, "alice");
    let Outcome::Checked(report) = run(store, &Operation::Check { repair: false }).unwrap() else {
        panic!("no report")
    };
    assert!(report.clean, "{report:?}");
    assert_eq!((report.accounts, report.messages, report.bodies), (1, 1, 1));
}

#[test]
fn what_needs_a_server_says_so() {
    let site = site();
    let store = &site.store;
    for operation in [Operation::Sessions, Operation::Kick { session: 1 }, Operation::Lockouts] {
        assert!(operation.needs_server());
        let failure = run(store, &operation).unwrap_err();
        assert_eq!(failure.kind, Kind::State);
        assert!(failure.remedy.contains("restante serve"));
    }
}

#[test]
fn no_hash_is_shown_by_debug() {
    let password = Some(PasswordHash("{PLAIN}secret".into()));
    let operation =
        Operation::AccountAdd { account: name("alice"), password, changes: AccountChanges::default() };
    assert!(!format!("{operation:?}").contains("secret"));
    let line = ImportLine { number: 1, text: "alice:{PLAIN}secret".into() };
    assert!(!format!("{line:?}").contains("secret"));
}

/// A server's administration on a socket.
struct Running {
    site: Site,
    client: Client,
}

impl Running {
    fn start() -> Running {
        let site = site();
        let running = crate::Running {
            data: std::env::temp_dir(),
            hostname: "mail.example.test".into(),
            sessions: site.shared.sessions.clone(),
            authenticator: site.shared.authenticator.clone(),
            listeners: vec![ListenerView { kind: "imap".into(), address: "127.0.0.1:143".into() }],
            started: 0,
            acme: None,
        };
        let socket = site.path().join("admin.sock");
        let listener = Server::bind(&socket).unwrap();
        let server = Server { store: site.store.clone(), running, deliver: deliver_hook() };
        tokio::spawn(server.serve(listener));
        Running { client: Client::new(&socket), site }
    }

    fn socket(&self) -> PathBuf {
        self.site.path().join("admin.sock")
    }

    async fn call(&self, operation: &Operation) -> Result<Outcome, ClientError> {
        self.client.call(operation, &|_| {}).await
    }

    /// What the server answers to these octets.
    async fn raw(&self, request: &str) -> String {
        let mut socket = tokio::net::UnixStream::connect(self.socket()).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// Tells the size of what it gets.
fn deliver_hook() -> Deliver {
    Arc::new(|envelope, mut octets| {
        Box::pin(async move {
            let mut message = vec![];
            let read = octets.read_to_end(&mut message).await;
            let (code, text) = match read {
                Ok(size) => (250, format!("{size} octets from {}", envelope.reverse_path)),
                Err(error) => (451, error.to_string()),
            };
            let view = |recipient: String| Delivered {
                recipient,
                code,
                enhanced: String::new(),
                text: text.clone(),
                exit_status: if code == 250 { 0 } else { 75 },
            };
            Ok(envelope.recipients.into_iter().map(view).collect())
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_go_over_the_socket() {
    let running = Running::start();
    let password = Some(PasswordHash("{PLAIN}secret".into()));
    let add = Operation::AccountAdd { account: name("alice"), password, changes: AccountChanges::default() };
    assert!(matches!(running.call(&add).await.unwrap(), Outcome::Account(_)));
    let Err(ClientError::Failure(failure)) = running.call(&add).await else { panic!("made twice") };
    assert_eq!(failure.kind, Kind::Exists);
    assert!(running.site.store.directory().find(&name("alice")).unwrap().is_some());
    let Outcome::Status(status) = running.call(&Operation::Status).await.unwrap() else {
        panic!("no status")
    };
    assert_eq!((status.running, status.pid), (true, Some(std::process::id())));
    assert_eq!(status.listeners[0].kind, "imap");
    assert_eq!(status.store.unwrap().accounts, 1);
    let Outcome::Sessions { sessions } = running.call(&Operation::Sessions).await.unwrap() else {
        panic!("no list")
    };
    assert_eq!(sessions, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_import_goes_over_the_socket() {
    let running = Running::start();
    let text: String =
        (0..9000).map(|number| format!("user{number}@example.test:*{}\n", "x".repeat(500))).collect();
    let operation = Operation::AccountImport { lines: lines(&text), dry_run: true, update: false };
    let Outcome::Imported(report) = running.call(&operation).await.unwrap() else { panic!("no report") };
    assert_eq!(report.added + report.refused.len() as u64, 9000);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_operations_tell_how_far_they_are() {
    let running = Running::start();
    common::block(|| {
        add(&running.site.store, "alice");
        deliver(&running.site, "alice");
    });
    let told = std::cell::Cell::new(0);
    let count = |_| told.set(told.get() + 1);
    let outcome = running.client.call(&Operation::Check { repair: false }, &count).await.unwrap();
    assert!(matches!(outcome, Outcome::Checked(report) if report.clean));
    assert!(told.get() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_over_the_socket() {
    let running = Running::start();
    let client = running.client.clone();
    let delivered = tokio::task::spawn_blocking(move || {
        let recipients = vec!["alice".into(), "j\u{f8}rgen@example.test".into()];
        let envelope = Envelope { reverse_path: "bob@example.test".into(), recipients };
        client.deliver(&envelope, std::io::Cursor::new(vec![b'x'; 3_000_000]))
    });
    let Outcome::Delivered { recipients } = delivered.await.unwrap().unwrap() else {
        panic!("not delivered")
    };
    assert_eq!(recipients.len(), 2);
    assert_eq!(recipients[1].recipient, "j\u{f8}rgen@example.test");
    assert_eq!(recipients[1].text, "3000000 octets from bob@example.test");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_may_open_the_socket() {
    let running = Running::start();
    let mode = std::fs::metadata(running.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_refused_clearly() {
    let running = Running::start();
    let request = "POST /v1/operation HTTP/1.1\r\nhost: x\r\nconnection: close\r\nrestante-interface: 999\r\n\
                   content-length: 22\r\n\r\n{\"operation\":\"status\"}";
    let answer = running.raw(request).await;
    assert!(answer.starts_with("HTTP/1.1 409"), "{answer}");
    assert!(answer.contains("the client has 999"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_and_health_is_told() {
    let running = Running::start();
    let request =
        "POST /v1/operation HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    assert!(running.raw(request).await.starts_with("HTTP/1.1 400"));
    let health = running.raw("GET /v1/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(health.contains("\"status\":\"ok\""), "{health}");
}

#[test]
fn a_server_that_is_not_there_is_told_apart_from_one_that_does_not_let_in() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("admin.sock");
    let none = Client::new(&socket).run(&Operation::Status, &|_| {}).unwrap_err();
    assert!(matches!(none, ClientError::NotRunning(_)), "{none}");
    // A socket whose server is dead.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let dead = Client::new(&socket).run(&Operation::Status, &|_| {}).unwrap_err();
    assert!(matches!(dead, ClientError::NotRunning(_)), "{dead}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_socket_is_replaced_a_living_one_is_not() {
    let running = Running::start();
    let Err(error) = Server::bind(&running.socket()) else { panic!("bound twice") };
    assert!(error.to_string().contains("another server answers there"), "{error}");
    let dead = running.site.path().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    Server::bind(&dead).unwrap();
    let file = running.site.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    assert!(Server::bind(&file).is_err());
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");
}
