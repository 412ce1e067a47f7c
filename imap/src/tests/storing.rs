//! STORE, COPY and MOVE over a socket. RFC 9051 section 6.4.6 to section 6.4.9

use store::{Flags, FlagsOperation, StoreFlags, Uid, UidSet};

use super::client::{Client, Server};

const MESSAGE: &str = "Subject: x\r\n\r\nbody\r\n";

async fn with_messages(count: usize) -> (Server, Client) {
    let server = Server::new();
    server.deliver(&vec![MESSAGE; count]).await;
    let mut client = server.select().await;
    client.ok("CREATE other").await;
    (server, client)
}

async fn flag_elsewhere(server: &Server, uid: u32, flags: Flags) {
    let change =
        StoreFlags { operation: FlagsOperation::Add, flags, keywords: vec![], unchanged_since: None };
    server.mailbox("INBOX").store_flags(&UidSet::from_iter([Uid(uid)]), change).await.unwrap();
}

const NOTHING: [&str; 0] = [];

// RFC 9051 section 6.4.6's example
#[tokio::test(flavor = "multi_thread")]
async fn store_answers_the_new_flags_once() {
    let (_server, mut client) = with_messages(3).await;
    client.ok("STORE 2 FLAGS.SILENT (\\Seen)").await;
    let lines = client.ok("STORE 2:3 +FLAGS (\\Deleted)").await;
    assert_eq!(
        lines,
        ["* 2 FETCH (FLAGS (\\Deleted \\Seen \\Recent))", "* 3 FETCH (FLAGS (\\Deleted \\Recent))"]
    );
    assert_eq!(client.ok("NOOP").await, NOTHING);
    assert_eq!(client.ok("STORE 2 -FLAGS (\\Deleted)").await, ["* 2 FETCH (FLAGS (\\Seen \\Recent))"]);
    assert_eq!(client.ok("STORE 2 FLAGS (\\Draft)").await, ["* 2 FETCH (FLAGS (\\Draft \\Recent))"]);
    assert_eq!(client.ok("STORE 2 FLAGS ()").await, ["* 2 FETCH (FLAGS (\\Recent))"]);
    assert_eq!(client.ok("STORE 1 +FLAGS.SILENT \\Flagged").await, NOTHING);
    assert_eq!(client.ok("NOOP").await, NOTHING);
    assert_eq!(client.ok("FETCH 1 FLAGS").await, ["* 1 FETCH (FLAGS (\\Flagged \\Recent))"]);
    let lines = client.ok("UID STORE 1,7 +FLAGS (\\Seen)").await;
    assert_eq!(lines, ["* 1 FETCH (UID 1 FLAGS (\\Flagged \\Seen \\Recent))"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_keyword_is_announced_to_everyone() {
    let (server, mut client) = with_messages(1).await;
    let mut other = server.select().await;
    let lines = client.ok("STORE 1 +FLAGS ($Todo)").await;
    assert_eq!(lines[0], "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Todo)");
    assert!(
        lines[1]
            .starts_with("* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Todo \\*)]")
    );
    assert_eq!(lines[2..], ["* 1 FETCH (FLAGS (\\Recent $Todo))"]);
    let lines = other.ok("NOOP").await;
    assert!(lines[0].starts_with("* FLAGS (") && lines[2] == "* 1 FETCH (FLAGS ($Todo))", "{lines:?}");
    assert_eq!(client.ok("STORE 1 -FLAGS ($todo)").await, ["* 1 FETCH (FLAGS (\\Recent))"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_keywords_are_refused() {
    let (_server, mut client) = with_messages(1).await;
    let keywords: Vec<String> = (0..128).map(|n| format!("k{n}")).collect();
    client.ok(&format!("STORE 1 +FLAGS.SILENT ({})", keywords.join(" "))).await;
    let text = client.no("STORE 1 +FLAGS (more)").await;
    assert!(text.starts_with("[LIMIT] "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_is_told_even_to_a_silent_store() {
    let (server, mut client) = with_messages(2).await;
    flag_elsewhere(&server, 1, Flags::ANSWERED).await;
    let lines = client.ok("STORE 1:2 +FLAGS.SILENT (\\Seen)").await;
    assert_eq!(lines, ["* 1 FETCH (FLAGS (\\Answered \\Seen \\Recent))"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_mailboxes_refuse() {
    let (_server, mut client) = with_messages(1).await;
    client.ok("EXAMINE INBOX").await;
    for command in ["STORE 1 +FLAGS (\\Seen)", "STORE 1 FLAGS ()", "STORE 1 +FLAGS ()", "MOVE 1 other"] {
        let text = client.no(command).await;
        assert!(text.contains("read-only"), "{text}");
    }
    client.ok("COPY 1 other").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_stores() {
    let (_server, mut client) = with_messages(1).await;
    for command in [
        "STORE 2 FLAGS ()",
        "STORE 1",
        "STORE 1 FLAGS",
        "STORE 1 BOGUS ()",
        "STORE 1 FLAGS (\\Bogus)",
        "STORE * FLAGS (a",
    ] {
        client.bad(command).await;
    }
}

fn modseq_of(line: &str) -> u64 {
    line.split_once("MODSEQ (").unwrap().1.split(')').next().unwrap().parse().unwrap()
}

// RFC 7162 section 3.1.3
#[tokio::test(flavor = "multi_thread")]
async fn unchanged_since() {
    let (server, mut client) = with_messages(3).await;
    let lines = client.ok("FETCH 1:3 MODSEQ").await;
    let modseq = modseq_of(lines.last().unwrap());
    let answer = client.command(&format!("STORE 1 (UNCHANGEDSINCE {modseq}) +FLAGS.SILENT (\\Seen)")).await;
    assert!(answer.tagged.starts_with("OK "), "{answer:?}");
    assert!(answer.untagged[0].starts_with("* 1 FETCH (UID 1 MODSEQ ("), "{answer:?}");
    assert!(modseq_of(&answer.untagged[0]) > modseq);

    // Another client touches the same flag of 2, and another flag of 3.
    flag_elsewhere(&server, 2, Flags::DELETED).await;
    flag_elsewhere(&server, 3, Flags::FLAGGED).await;
    let answer = client.command(&format!("STORE 1:3 (UNCHANGEDSINCE {modseq}) +FLAGS (\\Deleted)")).await;
    assert!(answer.tagged.starts_with("OK [MODIFIED 1:2] "), "{answer:?}");
    let flags: Vec<&str> = answer.untagged.iter().map(|line| line.split(" MODSEQ").next().unwrap()).collect();
    assert_eq!(
        flags,
        [
            "* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent)",
            "* 2 FETCH (UID 2 FLAGS (\\Deleted \\Recent)",
            "* 3 FETCH (UID 3 FLAGS (\\Flagged \\Deleted \\Recent)",
        ]
    );
    // RFC 7162 section 3.1.3, example 8: 0 always fails
    let answer = client.command("UID STORE 3 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)").await;
    assert!(answer.tagged.starts_with("OK [MODIFIED 3] "), "{answer:?}");
    assert_eq!(client.ok("NOOP").await, NOTHING);
}

// RFC 7162 section 3.1.4.2, example 14
#[tokio::test(flavor = "multi_thread")]
async fn a_condstore_client_learns_modseqs_of_silent_stores() {
    let (_server, mut client) = with_messages(1).await;
    client.ok("ENABLE CONDSTORE").await;
    let lines = client.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    assert!(lines.len() == 1 && lines[0].starts_with("* 1 FETCH (UID 1 MODSEQ ("), "{lines:?}");
}

// RFC 2180 section 4.2.1
#[tokio::test(flavor = "multi_thread")]
async fn storing_in_what_is_gone() {
    let (server, mut client) = with_messages(2).await;
    server.mailbox("INBOX").remove(&UidSet::from_iter([Uid(1)])).await.unwrap();
    let answer = client.command("STORE 1:2 +FLAGS (\\Seen)").await;
    assert!(answer.tagged.starts_with("NO [EXPUNGEISSUED] "), "{answer:?}");
    assert_eq!(answer.untagged, ["* 2 FETCH (FLAGS (\\Seen \\Recent))"]);
    let answer = client.command("UID STORE 1:2 +FLAGS (\\Seen)").await;
    assert!(answer.tagged.starts_with("OK "), "{answer:?}");
    assert_eq!(answer.untagged, ["* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))", "* 1 EXPUNGE"]);
}

// RFC 4315 section 3
#[tokio::test(flavor = "multi_thread")]
async fn copy_tells_where_the_copies_are() {
    let (server, mut client) = with_messages(4).await;
    client.ok("STORE 2 +FLAGS.SILENT (\\Seen $Tag)").await;
    let validity = server.mailbox("other").info().unwrap().uid_validity;
    let answer = client.command("COPY 1:2,4 other").await;
    assert!(answer.tagged.starts_with(&format!("OK [COPYUID {validity} 1:2,4 1:3] ")), "{answer:?}");
    let answer = client.command("UID COPY 3,99 INBOX").await;
    assert!(answer.tagged.contains(" 3 5] "), "{answer:?}");
    assert!(answer.untagged.contains(&"* 5 EXISTS".to_owned()), "{answer:?}");
    let answer = client.command("UID COPY 77 other").await;
    assert!(answer.tagged.starts_with("OK ") && !answer.tagged.contains("COPYUID"), "{answer:?}");
    client.ok("SELECT other").await;
    let line = client.ok("FETCH 2 (FLAGS INTERNALDATE)").await;
    assert_eq!(
        line,
        ["* 2 FETCH (FLAGS (\\Seen \\Recent $Tag) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")"]
    );
}

// RFC 9051 section 6.4.7: TRYCREATE
#[tokio::test(flavor = "multi_thread")]
async fn copy_and_move_to_nowhere() {
    let (server, mut client) = with_messages(1).await;
    for command in ["COPY 1 nowhere", "UID COPY 1 nowhere", "MOVE 1 nowhere", "UID MOVE 1 nowhere"] {
        let text = client.no(command).await;
        assert!(text.starts_with("[TRYCREATE] "), "{text}");
    }
    for command in ["COPY 2 other", "COPY * ", "COPY 1", "MOVE 2 other", "COPY", "MOVE 1 other x"] {
        client.bad(command).await;
    }
    assert_eq!(server.mailbox("INBOX").info().unwrap().messages, 1);
}

// RFC 6851 section 4.3: COPYUID untagged and before the EXPUNGEs
#[tokio::test(flavor = "multi_thread")]
async fn move_copies_then_expunges() {
    let (server, mut client) = with_messages(4).await;
    let validity = server.mailbox("other").info().unwrap().uid_validity;
    let lines = client.ok("MOVE 1,3 other").await;
    assert!(lines[0].starts_with(&format!("* OK [COPYUID {validity} 1,3 1:2] ")), "{lines:?}");
    assert_eq!(lines[1..], ["* 3 EXPUNGE", "* 1 EXPUNGE"]);
    assert_eq!(client.ok("FETCH 1:* UID").await, ["* 1 FETCH (UID 2)", "* 2 FETCH (UID 4)"]);
    assert_eq!(server.mailbox("other").info().unwrap().messages, 2);
    assert_eq!(client.ok("UID MOVE 1 other").await, NOTHING);
}

#[tokio::test(flavor = "multi_thread")]
async fn move_with_qresync_vanishes() {
    let (_server, mut client) = with_messages(3).await;
    client.ok("ENABLE QRESYNC").await;
    let answer = client.command("UID MOVE 1:2 other").await;
    assert!(answer.tagged.starts_with("OK [HIGHESTMODSEQ "), "{answer:?}");
    assert!(answer.untagged[0].starts_with("* OK [COPYUID "), "{answer:?}");
    assert_eq!(answer.untagged[1..], ["* VANISHED 1:2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn move_to_the_same_mailbox_gives_new_uids() {
    let (_server, mut client) = with_messages(2).await;
    let lines = client.ok("MOVE 1 INBOX").await;
    assert_eq!(lines[1..], ["* 1 EXPUNGE", "* 2 EXISTS", "* 2 RECENT"], "{lines:?}");
    assert_eq!(client.ok("FETCH 1:* UID").await, ["* 1 FETCH (UID 2)", "* 2 FETCH (UID 3)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn copy_over_quota() {
    let (server, mut client) = with_messages(1).await;
    let name = store::AccountName::new("fred").unwrap();
    let limit = |record: &mut store::AccountRecord| record.limits.messages = 1;
    let mut change = limit;
    common::block(|| server.site.store.directory().update(&name, &mut change)).unwrap();
    let text = client.no("COPY 1 other").await;
    assert!(text.starts_with("[OVERQUOTA] "), "{text}");
    client.ok("MOVE 1 other").await;
}

/// More than one verb changes at once.
#[tokio::test(flavor = "multi_thread")]
async fn stores_of_many_messages() {
    let server = Server::new();
    let message = server.message("", MESSAGE);
    server.mailbox("INBOX").append(vec![message; 25_000]).await.unwrap();
    let mut client = server.select().await;
    let lines = client.ok("STORE 1:* +FLAGS (\\Seen)").await;
    assert_eq!(lines.len(), 25_000);
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(*line, format!("* {} FETCH (FLAGS (\\Seen \\Recent))", index + 1));
    }
    assert_eq!(client.ok("SEARCH UNSEEN").await, ["* SEARCH"]);
    assert_eq!(client.ok("UID FETCH 1:* (FLAGS)").await.len(), 25_000);
}
