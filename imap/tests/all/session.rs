//! Whole sessions over a real socket against a real store: what unit tests cannot show. The scripts of the root package
//! say more, against the binary.

use crate::support::Server;

const MESSAGE: &str = "From: a@example.test\r\nSubject: one\r\n\r\nhello\r\n";

fn has(lines: &[String], line: &str) -> bool {
    lines.iter().any(|one| one == line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_in_and_comes_out() {
    let server = Server::start().await;
    let mut client = server.inbox().await;
    let appended = client.append("INBOX", "\\Seen $Work", MESSAGE).await;
    assert!(appended.contains("[APPENDUID "), "{appended}");
    let lines = client.ok("FETCH 1 (UID FLAGS RFC822.SIZE BODY[])").await;
    let size = MESSAGE.len();
    let expected = format!(
        "* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent $Work) RFC822.SIZE {size} BODY[] {{{size}}}\r\n{MESSAGE})"
    );
    let same = |line: &String| line.replace("$Work \\Recent", "\\Recent $Work") == expected;
    assert!(lines.iter().any(same), "{lines:?}");
    let lines = client.ok("STATUS INBOX (MESSAGES UNSEEN UIDNEXT)").await;
    assert!(has(&lines, "* STATUS \"INBOX\" (MESSAGES 1 UNSEEN 0 UIDNEXT 2)"), "{lines:?}");
    client.ok("LOGOUT").await;
    assert_eq!(client.closed().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_pushes_what_others_do() {
    let server = Server::start().await;
    let (mut idler, mut other) = (server.inbox().await, server.inbox().await);
    let tag = idler.send("IDLE").await;
    assert!(idler.line().await.starts_with("+ "));
    other.append("INBOX", "", MESSAGE).await;
    assert_eq!(idler.line().await, "* 1 EXISTS");
    assert!(idler.line().await.ends_with(" RECENT"));
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    assert!(idler.line().await.starts_with("* 1 FETCH (FLAGS (\\Deleted"));
    other.ok("EXPUNGE").await;
    assert_eq!(idler.line().await, "* 1 EXPUNGE");
    idler.raw(b"DONE\r\n").await;
    assert!(idler.until(&tag).await.last().unwrap().contains(" OK "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_ends_with_bye_when_the_server_does() {
    let server = Server::start().await;
    let mut idler = server.inbox().await;
    idler.send("IDLE").await;
    assert!(idler.line().await.starts_with("+ "));
    server.service.shared.sessions.shutdown();
    let lines = idler.closed().await;
    assert!(lines.last().unwrap().starts_with("* BYE [UNAVAILABLE] "), "{lines:?}");
    server.service.shared.sessions.drained().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_administrator_sees_and_ends_sessions() {
    let server = Server::start().await;
    let mut client = server.inbox().await;
    client.ok("ID (\"name\" \"tester\" \"version\" \"1\")").await;
    let sessions = server.service.shared.sessions.list();
    let [session] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert_eq!(session.account.as_deref(), Some("alice@example.test"));
    assert_eq!(session.mailbox.as_deref(), Some("INBOX"));
    assert_eq!(session.client.as_deref(), Some("tester 1"));
    assert!(server.service.shared.sessions.kick(session.id));
    assert!(client.closed().await.last().unwrap().starts_with("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_deleted_by_another_session() {
    let server = Server::start().await;
    let mut one = server.login("alice@example.test").await;
    let mut other = server.login("alice@example.test").await;
    one.ok("CREATE shared").await;
    one.ok("SELECT shared").await;
    other.ok("DELETE shared").await;
    let tag = one.send("NOOP").await;
    let lines = one.closed().await;
    assert!(lines.last().unwrap().starts_with("* BYE "), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with(&tag)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_deleted_during_idle() {
    let server = Server::start().await;
    let mut idler = server.login("alice@example.test").await;
    let mut other = server.login("alice@example.test").await;
    idler.ok("CREATE shared").await;
    idler.ok("SELECT shared").await;
    idler.send("IDLE").await;
    assert!(idler.line().await.starts_with("+ "));
    other.ok("DELETE shared").await;
    assert!(idler.closed().await.last().unwrap().starts_with("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_own_selected_mailbox_can_be_deleted() {
    let server = Server::start().await;
    let mut client = server.login("alice@example.test").await;
    client.ok("CREATE gone").await;
    client.ok("SELECT gone").await;
    let lines = client.ok("DELETE gone").await;
    assert!(lines[0].starts_with("* OK [CLOSED]"), "{lines:?}");
    client.bad("FETCH 1 FLAGS").await;
    client.no("SELECT gone").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn literals_before_login_are_small() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client.bad("LOGIN {9000}").await;
    client.bad("LOGIN {4294967295}").await;
    client.bad("LOGIN {99999999999999999999}").await;
    // Read and forgotten, and the session goes on.
    client.bad(&format!("LOGIN {{8100+}}\r\n{} {{100+}}\r\n{}", "x".repeat(8100), "x".repeat(100))).await;
    client.ok("NOOP").await;
    client.send("LOGIN {9000+}").await;
    assert!(client.closed().await[0].starts_with("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn synchronizing_literals_wait_for_the_go_ahead() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client.raw(b"a LOGIN {18}\r\n").await;
    assert!(client.line().await.starts_with("+ "));
    client.raw(b"alice@example.test {8}\r\n").await;
    assert!(client.line().await.starts_with("+ "));
    client.raw(b"restante\r\n").await;
    assert!(client.line().await.starts_with("a OK [CAPABILITY "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append_refuses_before_and_after_the_literal() {
    let server = Server::start().await;
    let mut client = server.inbox().await;
    let refused = |lines: Vec<String>, code: &str| assert!(lines.last().unwrap().contains(code), "{lines:?}");
    refused(client.no("APPEND INBOX {1048577}").await, "[TOOBIG]");
    refused(client.no("APPEND nowhere {5}").await, "[TRYCREATE]");
    refused(client.no("APPEND nowhere {5+}\r\nhello").await, "[TRYCREATE]");
    let large = "x".repeat(1_048_577);
    refused(client.no(&format!("APPEND INBOX {{1048577+}}\r\n{large}")).await, "[TOOBIG]");
    refused(client.no("APPEND INBOX {5+}\r\na\0b\r\n").await, "NO");
    client.bad("APPEND INBOX {5+}\r\nhello x").await;
    client.bad("APPEND INBOX (\\Bogus) {5+}\r\nhello").await;
    client.bad("APPEND INBOX \"32-Jan-2020 00:00:00 +0000\" {5}").await;
    client.no("APPEND INBOX {0+}\r\n").await;
    client.ok("APPEND {5+}\r\nINBOX () {5+}\r\nhello").await;
    let lines = client.ok("STATUS INBOX (MESSAGES)").await;
    assert!(has(&lines, "* STATUS \"INBOX\" (MESSAGES 1)"), "{lines:?}");
    client.send("APPEND INBOX {4294967295+}").await;
    assert!(client.closed().await.last().unwrap().starts_with("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_bad_and_does_not_last() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client.raw(b"a FETCH (((((((\r\n").await;
    assert!(client.line().await.starts_with("a BAD "));
    client.raw(b"\x16\x03\x01\0\r\n").await;
    assert!(client.line().await.starts_with("* BAD "));
    client.raw(b"a NOOP\0\r\n").await;
    assert!(client.line().await.starts_with("a BAD "));
    client.raw(format!("a LOGIN {}\r\n", "(".repeat(20_000)).as_bytes()).await;
    assert!(client.line().await.starts_with("* BAD "));
    for _ in 0..30 {
        client.raw(b"x\r\n").await;
    }
    assert!(client.closed().await.last().unwrap().starts_with("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deep_nesting_is_refused() {
    let server = Server::start().await;
    let mut client = server.inbox().await;
    for command in [format!("SEARCH {}", "(".repeat(30_000)), format!("SEARCH {}ALL", "NOT ".repeat(10_000))]
    {
        client.bad(&command).await;
    }
    client.raw(format!("x SEARCH {}\r\n", "(".repeat(100_000)).as_bytes()).await;
    assert!(client.line().await.starts_with("* BAD "));
    client.ok("NOOP").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_line_closes_the_connection() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client.raw(&vec![b'x'; 100_000]).await;
    assert!(client.closed().await.last().unwrap().starts_with("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quick_resynchronization() {
    let server = Server::start().await;
    let mut client = server.inbox().await;
    for _ in 0..5 {
        client.append("INBOX", "", MESSAGE).await;
    }
    let mut other = server.login("alice@example.test").await;
    other.ok("ENABLE QRESYNC").await;
    let lines = other.ok("SELECT INBOX").await;
    let number = |name: &str| {
        let line = lines.iter().find(|line| line.contains(name)).unwrap();
        line.split(name).nth(1).unwrap().split(']').next().unwrap().trim().to_owned()
    };
    let (validity, modseq) = (number("UIDVALIDITY"), number("HIGHESTMODSEQ"));
    other.ok("UNSELECT").await;
    client.ok("STORE 2,4 +FLAGS.SILENT (\\Deleted)").await;
    client.ok("EXPUNGE").await;
    client.ok("STORE 1 +FLAGS.SILENT (\\Flagged)").await;

    let lines = other.ok(&format!("SELECT INBOX (QRESYNC ({validity} {modseq}))")).await;
    assert!(has(&lines, "* VANISHED (EARLIER) 2,4"), "{lines:?}");
    assert!(
        lines.iter().any(|line| line.starts_with("* 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ (")),
        "{lines:?}"
    );
    // Only of the UIDs that the client knows
    let lines = other.ok(&format!("SELECT INBOX (QRESYNC ({validity} {modseq} 3:5))")).await;
    assert!(lines[0].starts_with("* OK [CLOSED]"), "{lines:?}");
    assert!(has(&lines, "* VANISHED (EARLIER) 4"), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains(" FETCH ")), "{lines:?}");
    // RFC 7162 section 3.2.5.2: message 2 has UID 3, so up to there the client knows what went
    let lines = other.ok(&format!("SELECT INBOX (QRESYNC ({validity} {modseq} 1:5 (1,2 1,3)))")).await;
    assert!(has(&lines, "* VANISHED (EARLIER) 4"), "{lines:?}");
    // Another UIDVALIDITY: as without the parameter
    let lines = other.ok(&format!("SELECT INBOX (QRESYNC (1 {modseq}))")).await;
    assert!(!lines.iter().any(|line| line.contains("VANISHED")), "{lines:?}");
    client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    client.ok("UID EXPUNGE 1").await;
    let lines = other.ok("NOOP").await;
    assert!(has(&lines, "* VANISHED 1"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn capabilities_change_with_the_login() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let lines = client.ok("CAPABILITY").await;
    assert!(lines[0].contains(" AUTH=PLAIN "), "{lines:?}");
    assert!(!lines[0].contains("STARTTLS") && !lines[0].contains("LOGINDISABLED"), "{lines:?}");
    client.bad("STARTTLS").await;
    client.ok("AUTHENTICATE PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAByZXN0YW50ZQ==").await;
    let lines = client.ok("CAPABILITY").await;
    assert!(!lines[0].contains("AUTH=") && lines[0].contains(" QRESYNC"), "{lines:?}");
    client.bad("LOGIN alice@example.test restante").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_so_many_connections() {
    let server = Server::start().await;
    let limit = common::limits::LimitOptions::default().connections_per_account;
    let mut clients = Vec::new();
    for _ in 0..limit.min(200) {
        clients.push(server.login("bob@example.test").await);
    }
    if limit <= 200 {
        let mut client = server.connect().await;
        let lines = client.no("LOGIN bob@example.test restante").await;
        assert!(lines[0].contains("[LIMIT]"), "{lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_log_in_is_cut_off() {
    let server = Server::with(|options| options.login_timeout = std::time::Duration::from_millis(300)).await;
    let mut silent = server.connect().await;
    let lines = silent.closed().await;
    assert!(lines.last().unwrap().starts_with("* BYE "), "{lines:?}");
    // Octet by octet does not help.
    let mut slow = server.connect().await;
    slow.raw(b"a LOGIN {10}\r\n").await;
    assert!(slow.line().await.starts_with("+ "));
    slow.raw(b"x").await;
    let lines = slow.closed().await;
    assert!(lines.last().unwrap().starts_with("* BYE "), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_small() {
    let server = Server::start().await;
    let socket = server.socket().await;
    let session = imap::serve(socket, std::sync::Arc::clone(&server.service));
    let octets = std::mem::size_of_val(&session);
    assert!(octets <= 4096, "{octets}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn special_uses_are_set_at_creation() {
    let server = Server::start().await;
    let mut client = server.login("alice@example.test").await;
    client.ok("CREATE Old (USE (\\Archive))").await;
    let lines = client.ok("LIST (SPECIAL-USE) \"\" \"*\"").await;
    assert!(has(&lines, "* LIST (\\HasNoChildren \\Archive) \"/\" \"Old\""), "{lines:?}");
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(client.no("CREATE x (USE (\\Bogus))").await[0].contains("[USEATTR]"));
    client.bad("CREATE x (USE \\Archive)").await;
    client.no("STATUS x (MESSAGES)").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_asks_for_what_there_is_not_may_stay() {
    let server = Server::with(|options| options.bad_limit = 3).await;
    let mut client = server.login("alice@example.test").await;
    for _ in 0..5 {
        client.bad("XNOSUCH").await;
        client.bad("XNOSUCH").await;
        client.ok("NOOP").await;
    }
    client.bad("XNOSUCH").await;
    client.bad("XNOSUCH").await;
    client.send("XNOSUCH").await;
    assert!(client.closed().await.last().unwrap().starts_with("* BYE "));
}
