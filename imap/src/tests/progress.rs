//! Long work: what the client is told meanwhile, and what becomes of it when the client has gone. RFC 9585

use std::time::Duration;

use common::session::Entry;
use common::stream::{Stream, StreamError};
use tokio::net::{TcpListener, TcpStream};

use super::client::{Client, Server};
use crate::Options;
use crate::error::Error;
use crate::progress::Progress;

/// With three messages; each step of a search is told.
async fn impatient() -> (Server, Client) {
    let server = Server::with_two(Options { progress_interval: Duration::ZERO, ..Options::default() });
    let mut client = server.log_in_as("alice@example.test").await;
    for text in ["one fox", "two foxes", "a hen"] {
        client.append("INBOX", "", &format!("Subject: x\r\n\r\n{text}\r\n")).await;
    }
    client.ok("SELECT INBOX").await;
    (server, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_tells_how_far_it_is() {
    let (_server, mut client) = impatient().await;
    for command in ["SEARCH BODY fox", "UID SEARCH BODY fox"] {
        let tag = client.begin(command).await;
        let answer = client.answer(&tag).await;
        let (notices, results): (Vec<_>, Vec<_>) =
            answer.untagged.iter().partition(|line| line.starts_with("* OK [INPROGRESS "));
        assert_eq!(results, ["* SEARCH 1 2"], "{answer:?}");
        // RFC 9585 section 4: inprogress-tag SP inprogress-state
        let done: Vec<u32> = notices
            .iter()
            .map(|line| {
                let rest = line.strip_prefix(&format!("* OK [INPROGRESS (\"{tag}\" ")).unwrap();
                let (done, rest) = rest.split_once(' ').unwrap();
                // RFC 9585 section 3: of so many, which stays the same
                assert!(rest.starts_with("3)] "), "{line}");
                done.parse().unwrap()
            })
            .collect();
        assert!(!done.is_empty() && done.is_sorted() && done.iter().all(|&done| done <= 3), "{notices:?}");
    }
    // Nothing of it comes when the work is done.
    assert!(client.ok("NOOP").await.is_empty());
}

// RFC 9585 section 3: while messages are indexed nothing is known of how far the search is.
#[tokio::test(flavor = "multi_thread")]
async fn a_fuzzy_search_tells_that_it_is_in_work() {
    let (_server, mut client) = impatient().await;
    let tag = client.begin("SEARCH FUZZY BODY foxs").await;
    let answer = client.answer(&tag).await;
    let (notices, results): (Vec<_>, Vec<_>) =
        answer.untagged.iter().partition(|line| line.starts_with("* OK [INPROGRESS "));
    assert_eq!(results, ["* SEARCH 1 2"], "{answer:?}");
    let first = notices.first().unwrap();
    assert!(first.starts_with(&format!("* OK [INPROGRESS (\"{tag}\" NIL NIL)]")), "{first}");
    assert!(client.ok("NOOP").await.is_empty());
}

/// The server's side of a connection, and its place among the sessions.
async fn connection(server: &Server) -> (Stream, Entry, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (socket, peer) = listener.accept().await.unwrap();
    let stream = Stream::tcp(socket, peer);
    let entry = server.service.shared.sessions.add("imap", stream.peer(), false);
    (stream, entry, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn work_for_a_client_that_has_gone_stops() {
    let server = Server::new();
    let (mut stream, entry, client) = connection(&server).await;
    let mut progress = Progress::new(&mut stream, &entry, b"a", Duration::from_millis(1));
    drop(client);
    // Work that never ends by itself.
    let waited = progress.during(std::future::pending::<()>()).await;
    assert!(matches!(waited, Err(Error::Closed(StreamError::Closed))), "{waited:?}");
    let mut done = 0;
    let stepped = loop {
        done += 1;
        if let Err(error) = progress.step(done, usize::MAX).await {
            break error;
        }
    };
    assert!(matches!(stepped, Error::Closed(StreamError::Closed)), "{stepped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_a_client_that_waits_or_sends_more_goes_on() {
    let server = Server::new();
    let (mut stream, entry, client) = connection(&server).await;
    let mut progress = Progress::new(&mut stream, &entry, b"a", Duration::ZERO);
    for done in 0..10 {
        progress.step(done, 10).await.unwrap();
    }
    client.writable().await.unwrap();
    client.try_write(b"b NOOP\r\n").unwrap();
    for done in 0..10 {
        progress.step(done, 10).await.unwrap();
    }
    assert_eq!(progress.during(async { 7 }).await.unwrap(), 7);
}
