//! Streams over real sockets.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::*;
use crate::tls::tests::{acceptor, client};

/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// For waits that are to fail.
const MOMENT: Duration = Duration::from_millis(50);

pub(super) async fn tcp() -> (Stream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (socket, peer) = listener.accept().await.unwrap();
    let mut stream = Stream::tcp(socket, peer);
    stream.set_timeout(PATIENCE);
    (stream, client)
}

pub(super) async fn tls() -> (Stream, tokio_rustls::client::TlsStream<TcpStream>) {
    let (mut stream, socket) = tcp().await;
    let acceptor = acceptor();
    let (accepted, client) = tokio::join!(stream.start_tls(&acceptor), client(socket));
    accepted.unwrap();
    (stream, client.unwrap())
}

/// As an IDLE that is interrupted, or a command that is not complete yet.
pub(super) async fn interrupted<T>(future: impl Future<Output = T>) {
    assert!(timeout(MOMENT, future).await.is_err(), "there was nothing to wait for");
}

#[tokio::test]
async fn lines_and_literals() {
    let (mut stream, mut client) = tcp().await;
    client.write_all(b"a LOGIN {5}\r\nalice b\r\nc\nrest").await.unwrap();
    assert_eq!(stream.read_line(100).await.unwrap(), "a LOGIN {5}");
    assert_eq!(stream.read_some(5).await.unwrap(), "alice");
    assert_eq!(stream.read_line(100).await.unwrap(), " b");
    assert_eq!(stream.buffered(), b"c\nrest");
    assert_eq!(stream.read_line(100).await.unwrap(), "c");
    drop(client);
    assert!(matches!(stream.read_line(100).await, Err(StreamError::Closed)));
    assert_eq!(stream.transferred(), (28, 0));
}

#[tokio::test]
async fn a_literal_comes_in_pieces_no_larger_than_asked() {
    let (mut stream, mut client) = tcp().await;
    let literal: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
    let sent = literal.clone();
    let writer = tokio::spawn(async move { client.write_all(&sent).await.unwrap() });
    let mut received = Vec::new();
    while received.len() < literal.len() {
        let max = (literal.len() - received.len()).min(30_000);
        let some = stream.read_some(max).await.unwrap();
        assert!(!some.is_empty() && some.len() <= max);
        received.extend_from_slice(&some);
    }
    writer.await.unwrap();
    assert!(received == literal);
    assert_eq!(stream.read_some(0).await.unwrap(), "");
}

#[tokio::test]
async fn a_cancelled_read_loses_nothing() {
    let (mut stream, mut client) = tcp().await;
    for part in ["a NO", "OP", "\r"] {
        client.write_all(part.as_bytes()).await.unwrap();
        interrupted(stream.read_line(100)).await;
    }
    client.write_all(b"\nb").await.unwrap();
    assert_eq!(stream.read_line(100).await.unwrap(), "a NOOP");
    assert_eq!(stream.read_some(1).await.unwrap(), "b");
    interrupted(stream.read_some(10)).await;
}

#[tokio::test]
async fn an_over_long_line_is_refused_and_the_stream_goes_on() {
    let (mut stream, mut client) = tcp().await;
    client.write_all(&[&[b'x'; 900][..], b"\r\na NOOP\r\n"].concat()).await.unwrap();
    assert!(matches!(stream.read_line(100).await, Err(StreamError::LineTooLong)));
    assert_eq!(stream.read_line(100).await.unwrap(), "a NOOP");
}

#[tokio::test]
async fn an_endless_line_takes_no_memory() {
    let (mut stream, mut client) = tcp().await;
    let writer = tokio::spawn(async move {
        let octets = vec![b'x'; 1024 * 1024];
        while client.write_all(&octets).await.is_ok() {}
    });
    let limit = 64 * 1024;
    assert!(matches!(stream.read_line(limit).await, Err(StreamError::Endless)));
    assert!(stream.input.buffer().capacity() <= 4 * limit, "{}", stream.input.buffer().capacity());
    stream.shutdown().await;
    writer.await.unwrap();
}

#[tokio::test]
async fn waiting_holds_no_buffer() {
    let (mut stream, mut client) = tcp().await;
    client.write_all(b"a NOOP\r\n").await.unwrap();
    stream.read_line(100).await.unwrap();
    stream.out().extend_from_slice(b"a OK\r\n");
    stream.put(Bytes::from(vec![b'x'; 100_000]));
    stream.flush().await.unwrap();
    interrupted(stream.read_line(100)).await;
    assert_eq!((stream.input.buffer().capacity(), stream.out().capacity()), (0, 0));
    interrupted(stream.readable()).await;
    assert_eq!(stream.input.buffer().capacity(), 0);
    assert!(size_of::<Stream>() <= 512, "{}", size_of::<Stream>());
}

#[tokio::test]
async fn readable_means_that_there_is_something() {
    let (mut stream, mut client) = tcp().await;
    interrupted(stream.readable()).await;
    client.write_all(b"DONE\r\n").await.unwrap();
    stream.readable().await.unwrap();
    stream.readable().await.unwrap();
    assert_eq!(stream.read_line(100).await.unwrap(), "DONE");
    // What the last read has seen is no reason to wake up again.
    interrupted(stream.readable()).await;
    drop(client);
    assert!(matches!(stream.readable().await, Err(StreamError::Closed)));
}

#[tokio::test]
async fn a_silent_client_times_out() {
    let (mut stream, mut client) = tcp().await;
    stream.set_timeout(MOMENT);
    assert!(matches!(stream.read_line(100).await, Err(StreamError::Timeout)));
    assert!(matches!(stream.read_some(100).await, Err(StreamError::Timeout)));
    client.write_all(b"a NO").await.unwrap();
    assert!(matches!(stream.read_line(100).await, Err(StreamError::Timeout)));
}

#[tokio::test]
async fn a_line_that_trickles_times_out() {
    let (mut stream, mut client) = tcp().await;
    stream.set_timeout(MOMENT * 4);
    let writer = tokio::spawn(async move {
        while client.write_all(b"x").await.is_ok() {
            tokio::time::sleep(MOMENT).await;
        }
    });
    assert!(matches!(stream.read_line(1_000_000).await, Err(StreamError::Timeout)));
    drop(stream);
    writer.await.unwrap();
}

#[tokio::test]
async fn output_comes_in_order_and_whole() {
    let (mut stream, mut client) = tcp().await;
    let mut expected = Vec::new();
    for n in 0..500u32 {
        let line = format!("* {n} FETCH (BODY[] {{5000}}\r\n");
        let body = Bytes::from(vec![b'a' + (n % 26) as u8; 5000]);
        stream.out().extend_from_slice(line.as_bytes());
        stream.put(body.clone());
        stream.put(Bytes::from_static(b")\r\n"));
        expected.extend_from_slice(&[line.as_bytes(), &body, b")\r\n"].concat());
    }
    assert_eq!(stream.queued(), expected.len());
    let mut received = vec![0; expected.len()];
    let (flushed, _) = tokio::join!(stream.flush(), client.read_exact(&mut received));
    flushed.unwrap();
    assert!(received == expected);
    assert_eq!((stream.queued(), stream.transferred()), (0, (0, expected.len() as u64)));
}

#[tokio::test]
async fn a_client_that_takes_nothing_times_out() {
    let (mut stream, client) = tcp().await;
    stream.set_timeout(MOMENT);
    stream.put(Bytes::from(vec![b'x'; 64 * 1024 * 1024]));
    assert!(matches!(stream.flush().await, Err(StreamError::Timeout)));
    drop(client);
}

#[tokio::test]
async fn a_cancelled_flush_goes_on() {
    let (mut stream, mut client) = tcp().await;
    let octets: Vec<u8> = (0..16_000_000u32).map(|n| (n % 253) as u8).collect();
    stream.put(Bytes::from(octets.clone()));
    interrupted(stream.flush()).await;
    let mut received = vec![0; octets.len()];
    let (flushed, _) = tokio::join!(stream.flush(), client.read_exact(&mut received));
    flushed.unwrap();
    assert!(received == octets);
}

#[tokio::test]
async fn a_client_that_has_gone_is_closed_not_an_error() {
    let (mut stream, client) = tcp().await;
    drop(client);
    stream.put(Bytes::from(vec![b'x'; 8 * 1024 * 1024]));
    assert!(matches!(stream.flush().await, Err(StreamError::Closed)));
}

#[tokio::test]
async fn the_last_reply_survives_input_that_nobody_reads() {
    let (mut stream, mut client) = tcp().await;
    client.write_all(&[b'x'; 100_000]).await.unwrap();
    stream.readable().await.unwrap();
    stream.out().extend_from_slice(b"* BYE line too long\r\n");
    let mut received = Vec::new();
    let reader = async {
        client.read_to_end(&mut received).await.unwrap();
        drop(client);
    };
    tokio::join!(stream.shutdown(), reader);
    assert_eq!(received, b"* BYE line too long\r\n");
    assert!(matches!(stream.read_line(10).await, Err(StreamError::Closed)));
}

#[tokio::test]
async fn unix_sockets() {
    let (socket, mut client) = UnixStream::pair().unwrap();
    let mut stream = Stream::unix(socket);
    assert!(stream.is_local());
    assert_eq!((stream.peer(), stream.peer().to_string()), (&Peer::Unix, "unix".to_owned()));
    client.write_all(b"LHLO x\r\n").await.unwrap();
    assert_eq!(stream.read_line(100).await.unwrap(), "LHLO x");
    stream.out().extend_from_slice(b"250 ok\r\n");
    stream.flush().await.unwrap();
    let mut reply = [0; 8];
    client.read_exact(&mut reply).await.unwrap();
    assert_eq!(&reply, b"250 ok\r\n");
}

#[tokio::test]
async fn peers_are_named_by_their_own_family() {
    let (socket, _) = tcp().await;
    let Transport::Plain(Socket::Tcp(socket)) = socket.transport else { panic!("not a TCP socket") };
    let stream = Stream::tcp(socket, "[::ffff:127.0.0.1]:4711".parse().unwrap());
    assert!(stream.is_local());
    assert_eq!(stream.peer().to_string(), "127.0.0.1:4711");
    let outside = Peer::Tcp("192.0.2.1:4711".parse().unwrap());
    assert!(!outside.is_local() && outside.ip() == Some("192.0.2.1".parse().unwrap()));
}

#[tokio::test]
async fn start_tls_and_all_that_plain_text_does() {
    let (mut stream, mut client) = tls().await;
    assert_eq!(stream.tls().unwrap().version, "TLSv1.3");
    client.write_all(b"a CAPA").await.unwrap();
    client.flush().await.unwrap();
    interrupted(stream.read_line(100)).await;
    client.write_all(b"BILITY\r\nDONE\r\n").await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(stream.read_line(100).await.unwrap(), "a CAPABILITY");
    assert_eq!(stream.read_line(100).await.unwrap(), "DONE");
    interrupted(stream.readable()).await;
    assert_eq!(stream.input.buffer().capacity(), 0);

    let octets: Vec<u8> = (0..4_000_000u32).map(|n| (n % 253) as u8).collect();
    for chunk in octets.chunks(10_000) {
        stream.put(Bytes::copy_from_slice(chunk));
    }
    let mut received = vec![0; octets.len()];
    let (flushed, _) = tokio::join!(stream.flush(), client.read_exact(&mut received));
    flushed.unwrap();
    assert!(received == octets);
    stream.shutdown().await;
    // close_notify, not just the end of the connection
    assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_tls_client_that_takes_nothing_times_out() {
    let (mut stream, client) = tls().await;
    stream.set_timeout(MOMENT);
    stream.put(Bytes::from(vec![b'x'; 64 * 1024 * 1024]));
    assert!(matches!(stream.flush().await, Err(StreamError::Timeout)));
    drop(client);
}

#[tokio::test]
async fn a_tls_client_that_hangs_up_is_closed() {
    let (mut stream, client) = tls().await;
    // Without close_notify, as many do.
    drop(client.into_inner().0);
    assert!(matches!(stream.read_line(100).await, Err(StreamError::Closed)));
}

// RFC 9051 section 11.1
#[tokio::test]
async fn a_command_before_the_handshake_is_no_part_of_the_session() {
    let (mut stream, mut client) = tcp().await;
    client.write_all(b"a STARTTLS\r\nb LOGIN mallory x\r\n").await.unwrap();
    assert_eq!(stream.read_line(100).await.unwrap(), "a STARTTLS");
    let refused = stream.start_tls(&acceptor()).await;
    assert!(matches!(refused, Err(StreamError::Tls(reason)) if reason.contains("before the handshake")));
    assert!(stream.tls().is_none());
}

#[tokio::test]
async fn the_reply_goes_out_before_the_handshake() {
    let (mut stream, mut socket) = tcp().await;
    stream.out().extend_from_slice(b"+OK\r\n");
    let acceptor = acceptor();
    let dialogue = async {
        let mut reply = [0; 5];
        socket.read_exact(&mut reply).await.unwrap();
        assert_eq!(&reply, b"+OK\r\n");
        client(socket).await.unwrap()
    };
    let (accepted, _) = tokio::join!(stream.start_tls(&acceptor), dialogue);
    accepted.unwrap();
}

#[tokio::test]
async fn handshakes_that_fail_say_why() {
    let (mut stream, mut client) = tcp().await;
    client.write_all(b"a LOGIN alice secret\r\n").await.unwrap();
    let failed = stream.start_tls(&acceptor()).await;
    assert!(
        matches!(failed, Err(StreamError::Tls(reason)) if reason.contains("plain text sent to a TLS port"))
    );
    assert!(matches!(stream.flush().await, Err(StreamError::Closed)), "the connection is of no use any more");

    let (mut stream, client) = tcp().await;
    stream.set_timeout(MOMENT);
    assert!(matches!(stream.start_tls(&acceptor()).await, Err(StreamError::Timeout)));
    drop(client);

    let (mut stream, client) = tcp().await;
    drop(client);
    assert!(matches!(stream.start_tls(&acceptor()).await, Err(StreamError::Closed)));

    let (mut stream, _client) = tls().await;
    let twice = stream.start_tls(&acceptor()).await;
    assert!(matches!(twice, Err(StreamError::Tls(reason)) if reason.contains("already")));
    assert!(stream.tls().is_some());
}

#[tokio::test]
async fn answers_to_pipelined_commands_go_out_together() {
    let (mut stream, mut client) = tcp().await;
    client.write_all(b"one\r\ntwo\r\nthr").await.unwrap();
    stream.read_line(100).await.unwrap();
    while !stream.buffered().ends_with(b"thr") {
        stream.fill(LINE_CHUNK).await.unwrap();
    }
    stream.out().extend_from_slice(b"1");
    stream.flush_unless_pipelined().await.unwrap();
    assert_eq!(stream.queued(), 1);
    stream.read_line(100).await.unwrap();
    stream.out().extend_from_slice(b"2");
    stream.flush_unless_pipelined().await.unwrap();
    assert_eq!(stream.queued(), 0);
}

#[tokio::test]
async fn a_batch_is_not_held_back() {
    let (mut stream, mut client) = tcp().await;
    client.write_all(b"one\r\ntwo\r\n").await.unwrap();
    stream.read_line(100).await.unwrap();
    while !stream.buffered().contains(&b'\n') {
        stream.fill(LINE_CHUNK).await.unwrap();
    }
    stream.put(vec![b'x'; BATCH].into());
    let reading = tokio::spawn(async move {
        let mut octets = vec![0; BATCH];
        client.read_exact(&mut octets).await.map(|_| client)
    });
    stream.flush_unless_pipelined().await.unwrap();
    assert_eq!(stream.queued(), 0);
    reading.await.unwrap().unwrap();
}
