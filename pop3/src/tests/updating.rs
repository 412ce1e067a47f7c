//! DELE, RSET, QUIT, and what ends a session without QUIT.

use store::{Flags, UidSet};

use super::client::{Server, sized};
use crate::Options;

#[tokio::test(flavor = "multi_thread")]
async fn deleted_messages_are_gone_after_quit_and_not_before() {
    let server = Server::new();
    server.append(&[&sized(40), &sized(50), &sized(60)]).await;
    let (mut client, mut other) = (server.log_in().await, server.log_in().await);
    client.ok("DELE 2").await;
    for command in ["RETR 2", "TOP 2 0", "LIST 2", "UIDL 2", "DELE 2"] {
        client.err(command).await;
    }
    assert_eq!(client.ok("STAT").await, "2 100");
    assert_eq!(client.lines("LIST").await, ["1 40", "3 60"]);
    assert_eq!(server.inbox().info().unwrap().messages, 3);
    client.ok("RSET").await;
    assert_eq!(client.ok("STAT").await, "3 150");
    client.ok("DELE 3").await;
    client.ok("QUIT").await;
    assert_eq!(server.inbox().info().unwrap().messages, 2);

    // The other session has the same message 3, and may delete it too.
    assert_eq!(other.ok("STAT").await, "3 150");
    assert_eq!(other.message("RETR 3").await, sized(60));
    other.ok("DELE 3").await;
    other.ok("DELE 1").await;
    other.ok("QUIT").await;
    assert_eq!(server.inbox().info().unwrap().messages, 1);
}

/// RFC 1939 section 6
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_without_quit() {
    let server = Server::new();
    server.append(&[&sized(40)]).await;
    let mut dropped = server.log_in().await;
    dropped.ok("DELE 1").await;
    drop(dropped);
    let mut ended = server.log_in().await;
    ended.ok("DELE 1").await;
    server.service.shared.sessions.shutdown();
    assert!(ended.line().await.starts_with("-ERR [SYS/TEMP]"));
    assert!(ended.closed().await);
    server.service.shared.sessions.drained().await;
    assert_eq!(server.inbox().info().unwrap().messages, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn retr_sets_seen_where_the_site_wants_it() {
    let server = Server::with(Options { retr_sets_seen: true, ..Options::default() });
    server.append(&[&sized(40), &sized(50), &sized(60)]).await;
    let mut client = server.log_in().await;
    client.message("RETR 1").await;
    client.message("TOP 2 0").await;
    client.message("RETR 3").await;
    client.ok("DELE 3").await;
    client.ok("QUIT").await;
    assert!(client.closed().await);
    server.service.shared.sessions.drained().await;
    let state = server.inbox().live().unwrap().state();
    let seen: UidSet =
        state.rows().filter(|row| row.flags.contains(Flags::SEEN)).map(|row| row.uid).collect();
    assert_eq!((state.len(), seen), (2, UidSet::from_ranges([1..=1])));
}

#[tokio::test(flavor = "multi_thread")]
async fn retr_leaves_seen_alone_otherwise() {
    let server = Server::new();
    server.append(&[&sized(40)]).await;
    let mut client = server.log_in().await;
    client.message("RETR 1").await;
    client.ok("QUIT").await;
    assert!(client.closed().await);
    server.service.shared.sessions.drained().await;
    assert_eq!(server.inbox().info().unwrap().unseen, 1);
}
