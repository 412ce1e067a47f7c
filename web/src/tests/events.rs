//! Live activity: it comes, and who does not read is dropped.

use std::time::Duration;

use common::activity::{Event, EventKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::site::*;
use crate::serve;

const ASK: &[u8] = b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";

async fn watch(server: &Server) -> (DuplexStream, tokio::sync::watch::Sender<bool>) {
    let (mut ours, theirs) = tokio::io::duplex(4096);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    tokio::spawn(serve(theirs, owner(), server.web.clone(), stopped));
    ours.write_all(ASK).await.unwrap();
    // The head, and the first sign of life.
    read_until(&mut ours, ": alive").await;
    (ours, stop)
}

/// Everything up to and with a text; it must come.
async fn read_until(stream: &mut DuplexStream, wanted: &str) -> String {
    let mut all = Vec::new();
    let reading = async {
        let mut octets = [0; 1024];
        loop {
            let count = stream.read(&mut octets).await.unwrap();
            assert!(count > 0, "no {wanted:?} in {:?}", String::from_utf8_lossy(&all));
            all.extend_from_slice(&octets[..count]);
            if String::from_utf8_lossy(&all).contains(wanted) {
                return String::from_utf8_lossy(&all).into_owned();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reading).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_told() {
    let server = Server::new();
    let (mut stream, _stop) = watch(&server).await;
    let entry = server.site.shared.sessions.add("imap", &common::stream::Peer::Unix, false);
    let told = read_until(&mut stream, "\"kind\":\"connected\"").await;
    assert!(told.contains("event: activity\ndata: {"), "{told}");
    entry.finish("NOOP", Duration::from_millis(3), "OK");
    let told = read_until(&mut stream, "NOOP OK").await;
    assert!(told.contains("\"milliseconds\":3"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_dropped() {
    let server = Server::new();
    let (mut stream, _stop) = watch(&server).await;
    let activity = server.site.shared.sessions.activity();
    for number in 0..5000 {
        let text = format!("event {number} {}", "x".repeat(200));
        activity.tell(|| Event { text, ..Event::new(EventKind::Command, "imap") });
    }
    // The end of the stream comes after what could be kept for the reader, which is not all.
    let told = read_until(&mut stream, "0\r\n\r\n").await;
    assert!(!told.contains("event 4999"));
    let permits = async {
        while server.web.0.watchers.available_permits() < crate::events::WATCHERS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), permits).await.unwrap();
}
