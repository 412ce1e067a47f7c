//! Whole sessions over a real socket against a real store: what unit tests cannot show. The scripts of the root package
//! say more, against the binary.

use super::client::Server;
use crate::Options;

const ALICE: &str = "alice@example.test";
const MESSAGE: &str = "From: a@example.test\r\nSubject: one\r\n\r\nhello\r\n";

fn has(lines: &[String], line: &str) -> bool {
    lines.iter().any(|one| one == line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_goes_in_and_comes_out() {
    let server = Server::with_two(Options::default());
    let mut client = server.select_as(ALICE).await;
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
    assert_eq!(client.rest().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_pushes_what_others_do() {
    let server = Server::with_two(Options::default());
    let (mut idler, mut other) = (server.select_as(ALICE).await, server.select_as(ALICE).await);
    let tag = idler.begin("IDLE").await;
    assert!(idler.response().await.starts_with("+ "));
    other.append("INBOX", "", MESSAGE).await;
    assert_eq!(idler.response().await, "* 1 EXISTS");
    assert!(idler.response().await.ends_with(" RECENT"));
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    assert!(idler.response().await.starts_with("* 1 FETCH (FLAGS (\\Deleted"));
    other.ok("EXPUNGE").await;
    assert_eq!(idler.response().await, "* 1 EXPUNGE");
    idler.send(b"DONE\r\n").await;
    assert!(idler.answer(&tag).await.tagged.starts_with("OK "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_ends_with_bye_when_the_server_does() {
    let server = Server::with_two(Options::default());
    let mut idler = server.select_as(ALICE).await;
    idler.begin("IDLE").await;
    assert!(idler.response().await.starts_with("+ "));
    server.service.shared.sessions.shutdown();
    let lines = idler.rest().await;
    assert!(lines.last().unwrap().starts_with("* BYE [UNAVAILABLE] "), "{lines:?}");
    server.service.shared.sessions.drained().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_administrator_sees_and_ends_sessions() {
    let server = Server::with_two(Options::default());
    let mut client = server.select_as(ALICE).await;
    client.ok("ID (\"name\" \"tester\" \"version\" \"1\")").await;
    let sessions = server.service.shared.sessions.list();
    let [session] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert_eq!(session.account.as_deref(), Some("alice@example.test"));
    assert_eq!(session.mailbox.as_deref(), Some("INBOX"));
    assert_eq!(session.client.as_deref(), Some("tester 1"));
    assert!(server.service.shared.sessions.kick(session.id));
    assert!(client.rest().await.last().unwrap().starts_with("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_deleted_by_another_session() {
    let server = Server::with_two(Options::default());
    let mut one = server.log_in_as(ALICE).await;
    let mut other = server.log_in_as(ALICE).await;
    one.ok("CREATE shared").await;
    one.ok("SELECT shared").await;
    other.ok("DELETE shared").await;
    let tag = one.begin("NOOP").await;
    let lines = one.rest().await;
    assert!(lines.last().unwrap().starts_with("* BYE "), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with(&tag)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_deleted_during_idle() {
    let server = Server::with_two(Options::default());
    let mut idler = server.log_in_as(ALICE).await;
    let mut other = server.log_in_as(ALICE).await;
    idler.ok("CREATE shared").await;
    idler.ok("SELECT shared").await;
    idler.begin("IDLE").await;
    assert!(idler.response().await.starts_with("+ "));
    other.ok("DELETE shared").await;
    assert!(idler.rest().await.last().unwrap().starts_with("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_own_selected_mailbox_can_be_deleted() {
    let server = Server::with_two(Options::default());
    let mut client = server.log_in_as(ALICE).await;
    client.ok("CREATE gone").await;
    client.ok("SELECT gone").await;
    let lines = client.ok("DELETE gone").await;
    assert!(lines[0].starts_with("* OK [CLOSED]"), "{lines:?}");
    client.bad("FETCH 1 FLAGS").await;
    client.no("SELECT gone").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn literals_before_login_are_small() {
    let server = Server::with_two(Options::default());
    let mut client = server.connect().await;
    client.bad("LOGIN {9000}").await;
    client.bad("LOGIN {4294967295}").await;
    client.bad("LOGIN {99999999999999999999}").await;
    // Read and forgotten, and the session goes on.
    client.bad(&format!("LOGIN {{8100+}}\r\n{} {{100+}}\r\n{}", "x".repeat(8100), "x".repeat(100))).await;
    client.ok("NOOP").await;
    client.begin("LOGIN {9000+}").await;
    assert!(client.rest().await[0].starts_with("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn synchronizing_literals_wait_for_the_go_ahead() {
    let server = Server::with_two(Options::default());
    let mut client = server.connect().await;
    client.send(b"a LOGIN {18}\r\n").await;
    assert!(client.response().await.starts_with("+ "));
    client.send(b"alice@example.test {8}\r\n").await;
    assert!(client.response().await.starts_with("+ "));
    client.send(b"restante\r\n").await;
    assert!(client.response().await.starts_with("a OK [CAPABILITY "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append_refuses_before_and_after_the_literal() {
    let server = Server::with_two(Options::default());
    let mut client = server.select_as(ALICE).await;
    let refused = |text: String, code: &str| assert!(text.contains(code), "{text}");
    refused(client.no("APPEND INBOX {1048577}").await, "[TOOBIG]");
    refused(client.no("APPEND nowhere {5}").await, "[TRYCREATE]");
    refused(client.no("APPEND nowhere {5+}\r\nhello").await, "[TRYCREATE]");
    let large = "x".repeat(1_048_577);
    refused(client.no(&format!("APPEND INBOX {{1048577+}}\r\n{large}")).await, "[TOOBIG]");
    client.no("APPEND INBOX {5+}\r\na\0b\r\n").await;
    client.bad("APPEND INBOX {5+}\r\nhello x").await;
    client.bad("APPEND INBOX (\\Bogus) {5+}\r\nhello").await;
    client.bad("APPEND INBOX \"32-Jan-2020 00:00:00 +0000\" {5}").await;
    client.no("APPEND INBOX {0+}\r\n").await;
    client.ok("APPEND {5+}\r\nINBOX () {5+}\r\nhello").await;
    let lines = client.ok("STATUS INBOX (MESSAGES)").await;
    assert!(has(&lines, "* STATUS \"INBOX\" (MESSAGES 1)"), "{lines:?}");
    client.begin("APPEND INBOX {4294967295+}").await;
    assert!(client.rest().await.last().unwrap().starts_with("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_bad_and_does_not_last() {
    let server = Server::with_two(Options::default());
    let mut client = server.connect().await;
    client.send(b"a FETCH (((((((\r\n").await;
    assert!(client.response().await.starts_with("a BAD "));
    client.send(b"\x16\x03\x01\0\r\n").await;
    assert!(client.response().await.starts_with("* BAD "));
    client.send(b"a NOOP\0\r\n").await;
    assert!(client.response().await.starts_with("a BAD "));
    client.send(format!("a LOGIN {}\r\n", "(".repeat(20_000)).as_bytes()).await;
    assert!(client.response().await.starts_with("* BAD "));
    for _ in 0..30 {
        client.send(b"x\r\n").await;
    }
    assert!(client.rest().await.last().unwrap().starts_with("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deep_nesting_is_refused() {
    let server = Server::with_two(Options::default());
    let mut client = server.select_as(ALICE).await;
    for command in [format!("SEARCH {}", "(".repeat(30_000)), format!("SEARCH {}ALL", "NOT ".repeat(10_000))]
    {
        client.bad(&command).await;
    }
    client.send(format!("x SEARCH {}\r\n", "(".repeat(100_000)).as_bytes()).await;
    assert!(client.response().await.starts_with("* BAD "));
    client.ok("NOOP").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_line_closes_the_connection() {
    let server = Server::with_two(Options::default());
    let mut client = server.connect().await;
    client.send(&vec![b'x'; 100_000]).await;
    assert!(client.rest().await.last().unwrap().starts_with("* BYE "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quick_resynchronization() {
    let server = Server::with_two(Options::default());
    let mut client = server.select_as(ALICE).await;
    for _ in 0..5 {
        client.append("INBOX", "", MESSAGE).await;
    }
    let mut other = server.log_in_as(ALICE).await;
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
    let server = Server::with_two(Options::default());
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
    let server = Server::with_two(Options::default());
    let limit = common::limits::LimitOptions::default().connections_per_account;
    let mut clients = Vec::new();
    for _ in 0..limit.min(200) {
        clients.push(server.log_in_as("bob@example.test").await);
    }
    if limit <= 200 {
        let mut client = server.connect().await;
        let text = client.no("LOGIN bob@example.test restante").await;
        assert!(text.contains("[LIMIT]"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_log_in_is_cut_off() {
    let server = Server::with_two(Options {
        login_timeout: std::time::Duration::from_millis(300),
        ..Options::default()
    });
    let mut silent = server.connect().await;
    let lines = silent.rest().await;
    assert!(lines.last().unwrap().starts_with("* BYE "), "{lines:?}");
    // Octet by octet does not help.
    let mut slow = server.connect().await;
    slow.send(b"a LOGIN {10}\r\n").await;
    assert!(slow.response().await.starts_with("+ "));
    slow.send(b"x").await;
    let lines = slow.rest().await;
    assert!(lines.last().unwrap().starts_with("* BYE "), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_small() {
    let server = Server::with_two(Options::default());
    let socket = testing::pair().await.1;
    let session = crate::serve(socket, std::sync::Arc::clone(&server.service));
    let octets = std::mem::size_of_val(&session);
    assert!(octets <= 4096, "{octets}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn special_uses_are_set_at_creation() {
    let server = Server::with_two(Options::default());
    let mut client = server.log_in_as(ALICE).await;
    client.ok("CREATE Old (USE (\\Archive))").await;
    let lines = client.ok("LIST (SPECIAL-USE) \"\" \"*\"").await;
    assert!(has(&lines, "* LIST (\\HasNoChildren \\Archive) \"/\" \"Old\""), "{lines:?}");
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(client.no("CREATE x (USE (\\Bogus))").await.contains("[USEATTR]"));
    client.bad("CREATE x (USE \\Archive)").await;
    client.no("STATUS x (MESSAGES)").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_asks_for_what_there_is_not_may_stay() {
    let server = Server::with_two(Options { bad_limit: 3, ..Options::default() });
    let mut client = server.log_in_as(ALICE).await;
    for _ in 0..5 {
        client.bad("XNOSUCH").await;
        client.bad("XNOSUCH").await;
        client.ok("NOOP").await;
    }
    client.bad("XNOSUCH").await;
    client.bad("XNOSUCH").await;
    client.begin("XNOSUCH").await;
    assert!(client.rest().await.last().unwrap().starts_with("* BYE "));
}
