//! Compressed connections: clients that flush where they like, in packets cut anywhere.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::tests::{interrupted, tcp, tls};
use super::*;
use crate::tls::tests::acceptor;

/// The client's compressor.
struct Squeeze(Compress);

impl Squeeze {
    fn new() -> Squeeze {
        Squeeze(Compress::new(Compression::default(), false))
    }

    fn with(&mut self, octets: &[u8], flush: FlushCompress) -> Vec<u8> {
        let (mut out, mut at) = (Vec::new(), 0);
        while at < octets.len() || out.len() == out.capacity() {
            out.reserve(octets.len() / 64 + 1024);
            let before = self.0.total_in();
            self.0.compress_vec(&octets[at..], &mut out, flush).unwrap();
            at += usize::try_from(self.0.total_in() - before).unwrap();
        }
        out
    }
}

/// Whatever can be inflated of the octets.
fn inflated(inflate: &mut Decompress, octets: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::new(), 0);
    loop {
        let before = inflate.total_in();
        out.reserve(64 * 1024);
        let length = out.len();
        inflate.decompress_vec(&octets[at..], &mut out, FlushDecompress::None).unwrap();
        at += usize::try_from(inflate.total_in() - before).unwrap();
        if out.len() == length {
            assert_eq!(at, octets.len());
            return out;
        }
    }
}

/// Hard to compress, so that the peer is slower than the compressor.
fn noise(count: usize) -> Vec<u8> {
    let mut seed = 1u64;
    let next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

async fn compressed() -> (Stream, TcpStream) {
    let (mut stream, client) = tcp().await;
    stream.start_compression().await.unwrap();
    (stream, client)
}

/// Reads until so many octets are inflated.
async fn read_inflated(client: &mut TcpStream, inflate: &mut Decompress, count: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < count {
        let mut octets = vec![0; 16 * 1024];
        let read = client.read(&mut octets).await.unwrap();
        assert!(read > 0, "closed after {} of {count}", all.len());
        all.extend(inflated(inflate, &octets[..read]));
    }
    all
}

#[tokio::test]
async fn lines_and_literals_come_through_both_ways() {
    let (mut stream, mut client) = compressed().await;
    let (mut squeeze, mut inflate) = (Squeeze::new(), Decompress::new(false));
    for round in 0..3 {
        let command = squeeze.with(b"a APPEND x {5}\r\nhello\r\n", FlushCompress::Sync);
        client.write_all(&command).await.unwrap();
        assert_eq!(stream.read_line(100).await.unwrap(), "a APPEND x {5}");
        assert_eq!(stream.read_some(5).await.unwrap(), "hello");
        assert_eq!(stream.read_line(100).await.unwrap(), "");
        stream.out().extend_from_slice(b"a OK done\r\n");
        stream.flush().await.unwrap();
        assert_eq!(read_inflated(&mut client, &mut inflate, 11).await, b"a OK done\r\n", "{round}");
        // A new compressor goes on where the old one stopped.
        stream.transport.rest();
    }
    // Transferred is what the session said and heard.
    assert_eq!(stream.transferred(), (23 * 3, 33));
}

#[tokio::test]
async fn what_is_sent_before_is_plain_and_what_came_is_compressed() {
    let (mut stream, mut client) = tcp().await;
    let early = Squeeze::new().with(b"b NOOP\r\n", FlushCompress::Sync);
    client.write_all(&[b"a COMPRESS DEFLATE\r\n", &early[..]].concat()).await.unwrap();
    assert_eq!(stream.read_line(100).await.unwrap(), "a COMPRESS DEFLATE");
    stream.out().extend_from_slice(b"a OK\r\n");
    stream.start_compression().await.unwrap();
    let mut plain = [0; 6];
    client.read_exact(&mut plain).await.unwrap();
    assert_eq!(&plain, b"a OK\r\n");
    assert_eq!(stream.read_line(100).await.unwrap(), "b NOOP");
}

#[tokio::test]
async fn compression_ends_at_the_flush() {
    for flush in [FlushCompress::Sync, FlushCompress::Full, FlushCompress::Finish] {
        let (mut stream, mut client) = compressed().await;
        let last = Squeeze::new().with(b"a UNAUTHENTICATE\r\n", flush);
        client.write_all(&[&last[..], b"b NOOP\r\n"].concat()).await.unwrap();
        assert_eq!(stream.read_line(100).await.unwrap(), "a UNAUTHENTICATE");
        stream.out().extend_from_slice(b"a OK\r\n");
        stream.end_compression().await.unwrap();
        assert!(!stream.is_compressed());
        assert_eq!(read_inflated(&mut client, &mut Decompress::new(false), 6).await, b"a OK\r\n");
        assert_eq!(stream.read_line(100).await.unwrap(), "b NOOP");
        stream.out().extend_from_slice(b"b OK\r\n");
        stream.flush().await.unwrap();
        let mut plain = [0; 6];
        client.read_exact(&mut plain).await.unwrap();
        assert_eq!(&plain, b"b OK\r\n");
    }
}

#[tokio::test]
async fn the_rest_of_the_last_flush_may_come_late() {
    let (mut stream, mut client) = compressed().await;
    let last = Squeeze::new().with(b"a UNAUTHENTICATE\r\n", FlushCompress::Sync);
    for late in 1..4 {
        let (early, late) = last.split_at(last.len() - late);
        client.write_all(early).await.unwrap();
        assert_eq!(stream.read_line(100).await.unwrap(), "a UNAUTHENTICATE");
        stream.end_compression().await.unwrap();
        client.write_all(late).await.unwrap();
        interrupted(stream.readable()).await;
        client.write_all(b"b NOOP\r\n").await.unwrap();
        assert_eq!(stream.read_line(100).await.unwrap(), "b NOOP");
        stream.start_compression().await.unwrap();
    }
}

#[tokio::test]
async fn a_flush_without_octets_is_no_input() {
    let (mut stream, mut client) = compressed().await;
    let mut squeeze = Squeeze::new();
    for flush in [FlushCompress::Sync, FlushCompress::Full, FlushCompress::Partial, FlushCompress::Sync] {
        client.write_all(&squeeze.with(b"", flush)).await.unwrap();
    }
    interrupted(stream.readable()).await;
    client.write_all(&squeeze.with(b"DONE\r\n", FlushCompress::Partial)).await.unwrap();
    stream.readable().await.unwrap();
    assert_eq!(stream.read_line(10).await.unwrap(), "DONE");
}

#[tokio::test]
async fn octets_that_are_no_deflate_end_the_connection() {
    let (mut stream, mut client) = compressed().await;
    // The block type 3 does not exist.
    client.write_all(&[0x07; 100]).await.unwrap();
    assert!(matches!(stream.read_line(100).await, Err(StreamError::Io(_))));
    assert!(stream.read_line(100).await.is_err());
}

#[tokio::test]
async fn the_end_of_the_deflate_stream_is_the_end_of_input() {
    let (mut stream, mut client) = compressed().await;
    let mut octets = Squeeze::new().with(b"a LOGOUT\r\n", FlushCompress::Finish);
    octets.extend(b"a NOOP\r\n");
    client.write_all(&octets).await.unwrap();
    assert_eq!(stream.read_line(100).await.unwrap(), "a LOGOUT");
    assert!(matches!(stream.read_line(100).await, Err(StreamError::Closed)));
}

#[tokio::test]
async fn a_bomb_is_an_endless_line_and_takes_no_memory() {
    let (mut stream, mut client) = compressed().await;
    let mut squeeze = Squeeze::new();
    let mut octets = Vec::new();
    for _ in 0..4 {
        octets.extend(squeeze.with(&vec![b'x'; 1 << 20], FlushCompress::None));
    }
    octets.extend(squeeze.with(b"", FlushCompress::Sync));
    let sending = tokio::spawn(async move {
        let _ = client.write_all(&octets).await;
        client
    });
    assert!(matches!(stream.read_line(8 * 1024).await, Err(StreamError::Endless)));
    assert!(stream.input.buffer().capacity() <= 64 * 1024, "{}", stream.input.buffer().capacity());
    assert!(stream.transferred().0 < 200 * 1024);
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn a_bomb_as_a_literal_comes_a_piece_at_a_time() {
    let (mut stream, mut client) = compressed().await;
    let octets = Squeeze::new().with(&vec![b'x'; 4 << 20], FlushCompress::Sync);
    tokio::spawn(async move { client.write_all(&octets).await.map(|()| client) });
    let mut left = 4 << 20;
    while left > 0 {
        let piece = stream.read_some(left.min(64 * 1024)).await.unwrap();
        assert!(piece.len() <= 64 * 1024);
        left -= piece.len();
    }
}

#[tokio::test]
async fn much_output_goes_through_a_small_buffer() {
    let (mut stream, mut client) = compressed().await;
    let octets = noise(500_000);
    for chunk in octets.chunks(100_000) {
        stream.out().extend_from_slice(b"{100000}\r\n");
        stream.put(Bytes::copy_from_slice(chunk));
    }
    let mut inflate = Decompress::new(false);
    let (flushed, received) = tokio::join!(stream.flush(), read_inflated(&mut client, &mut inflate, 500_050));
    flushed.unwrap();
    let expected: Vec<u8> =
        octets.chunks(100_000).flat_map(|chunk| [b"{100000}\r\n", chunk].concat()).collect();
    assert!(received == expected);
}

#[tokio::test]
async fn a_cancelled_flush_goes_on() {
    let (mut stream, mut client) = compressed().await;
    let octets = noise(500_000);
    stream.put(Bytes::from(octets.clone()));
    let mut inflate = Decompress::new(false);
    for _ in 0..5 {
        // Whether it came to its end or not.
        let _ = timeout(Duration::from_micros(50), stream.flush()).await;
    }
    let (flushed, received) =
        tokio::join!(stream.flush(), read_inflated(&mut client, &mut inflate, octets.len()));
    flushed.unwrap();
    assert!(received == octets);
}

#[tokio::test]
async fn inside_tls_and_never_a_handshake_over_it() {
    let (mut stream, mut client) = tls().await;
    stream.start_compression().await.unwrap();
    assert!(stream.is_compressed() && stream.tls().is_some());
    let octets = Squeeze::new().with(b"a NOOP\r\n", FlushCompress::Sync);
    client.write_all(&octets).await.unwrap();
    assert_eq!(stream.read_line(100).await.unwrap(), "a NOOP");
    stream.out().extend_from_slice(b"a OK\r\n");
    stream.flush().await.unwrap();
    let mut octets = [0; 100];
    let count = client.read(&mut octets).await.unwrap();
    assert_eq!(inflated(&mut Decompress::new(false), &octets[..count]), b"a OK\r\n");
    let refused = stream.start_tls(&acceptor()).await;
    assert!(matches!(refused, Err(StreamError::Tls(_))));
    assert!(stream.is_compressed());
}

fn flush() -> impl Strategy<Value = FlushCompress> {
    prop_oneof![
        Just(FlushCompress::None),
        Just(FlushCompress::Partial),
        Just(FlushCompress::Sync),
        Just(FlushCompress::Full)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A flush within a line, several in a packet, a packet within a flush.
    #[test]
    fn however_it_is_flushed_and_cut_the_lines_are_the_same(
        pieces in prop::collection::vec(("[a-c]{0,40}(\r\n)?", flush()), 1..40),
        cut in 1usize..50,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut squeeze, mut octets, mut text) = (Squeeze::new(), Vec::new(), String::new());
            for (piece, flush) in &pieces {
                octets.extend(squeeze.with(piece.as_bytes(), *flush));
                text.push_str(piece);
            }
            octets.extend(squeeze.with(b"\r\nend\r\n", FlushCompress::Sync));
            text.push_str("\r\nend\r\n");
            let (mut stream, mut client) = compressed().await;
            let sending = tokio::spawn(async move {
                for packet in octets.chunks(cut) {
                    client.write_all(packet).await.unwrap();
                    tokio::task::yield_now().await;
                }
                client
            });
            for line in text.strip_suffix("\r\n").unwrap().split("\r\n") {
                assert_eq!(stream.read_line(2000).await.unwrap(), line);
            }
            drop(sending.await.unwrap());
        });
    }
}
