//! RETR and TOP on the wire: a message in ranges, so that memory stays flat whatever its size and however slow the client.

use std::ops::Range;

use bytes::Bytes;
use common::block;
use common::stream::{BATCH, Stream};
use message::{Kind, Part};
use store::{Body, Message, Uid};

use crate::dot::{DotStuffer, Sink, TopLimit};
use crate::error::{Error, Result};
use crate::surrogate;

/// How much is read and sent at once, and how long a header may be and still be recoded.
const CHUNK: u64 = BATCH as u64;

/// A message on its way: its first octets are read already, so that a damaged one is refused instead of cut off.
pub(crate) struct Download {
    pub uid: Uid,
    source: Source,
    /// TOP: how many lines of the body.
    lines: Option<u64>,
}

impl Download {
    /// Blocks. Without `utf8` the client gets a surrogate where the message has headers outside ASCII.
    // RFC 6856 section 2.1
    pub fn open(message: &Message, lines: Option<u64>, utf8: bool) -> store::Result<Download> {
        let body = message.body()?;
        let first = body.read(0..CHUNK)?;
        let headers = if utf8 { Vec::new() } else { headers(message)? };
        Ok(Download { uid: message.uid, source: Source::new(body, first, headers), lines })
    }

    /// Whether this is RETR, all of the message.
    pub fn is_whole(&self) -> bool {
        self.lines.is_none()
    }
}

/// Sends the message, dot-stuffed, and the lone dot.
pub(crate) async fn send(stream: &mut Stream, download: Download) -> Result<()> {
    let Download { mut source, lines, .. } = download;
    let mut stuffer = DotStuffer::new();
    let mut limit = lines.map(TopLimit::new);
    while let Some(octets) = block(|| source.next()).map_err(Error::Truncated)? {
        let (wanted, done) = match &mut limit {
            Some(limit) => limit.take(&octets),
            None => (octets.len(), false),
        };
        stuffer.push(octets.slice(..wanted), stream);
        if done {
            break;
        }
        stream.flush_batch().await?;
    }
    stuffer.finish(stream);
    Ok(())
}

impl Sink for Stream {
    fn octets(&mut self, octets: Bytes) {
        self.put(octets);
    }
}

/// The octets of a message in order, with the headers of the message and of its parts recoded where they are asked for.
struct Source {
    body: Body,
    /// Read and not yet given.
    chunk: Bytes,
    /// Where `chunk` begins.
    at: u64,
    /// Headers to recode, the next one last.
    headers: Vec<Range<u64>>,
    /// What is there of the header that `at` is in.
    held: Vec<u8>,
}

impl Source {
    fn new(body: Body, first: Bytes, mut headers: Vec<Range<u64>>) -> Source {
        headers.sort_unstable_by_key(|range| std::cmp::Reverse(range.start));
        Source { body, chunk: first, at: 0, headers, held: Vec::new() }
    }

    /// The next octets; `None` after the last.
    fn next(&mut self) -> store::Result<Option<Bytes>> {
        while self.at < self.body.len() {
            if self.chunk.is_empty() {
                self.chunk = self.body.read(self.at..self.at + CHUNK)?;
                if self.chunk.is_empty() {
                    break;
                }
            }
            let header = self.headers.last().cloned();
            match header.filter(|range| range.start < self.at + self.chunk.len() as u64) {
                None => return Ok(Some(self.take(u64::MAX))),
                Some(range) if range.start > self.at => return Ok(Some(self.take(range.start))),
                Some(range) => {
                    let piece = self.take(range.end);
                    if let Some(octets) = self.hold(&piece, range.end) {
                        return Ok(Some(octets));
                    }
                }
            }
        }
        Ok((!self.held.is_empty()).then(|| recoded(std::mem::take(&mut self.held))))
    }

    /// What is left of the chunk, up to an offset in the message.
    fn take(&mut self, until: u64) -> Bytes {
        let length = until.saturating_sub(self.at).min(self.chunk.len() as u64);
        self.at += length;
        self.chunk.split_to(length as usize)
    }

    /// Collects a header; gives it when it is whole, or has grown too long.
    fn hold(&mut self, piece: &[u8], end: u64) -> Option<Bytes> {
        self.held.extend_from_slice(piece);
        let whole = self.at >= end;
        if whole {
            self.headers.pop();
        }
        if !whole && self.held.len() as u64 <= CHUNK {
            return None;
        }
        let mut octets = std::mem::take(&mut self.held);
        if whole {
            return Some(recoded(octets));
        }
        surrogate::ascii(&mut octets);
        Some(octets.into())
    }
}

fn recoded(header: Vec<u8>) -> Bytes {
    surrogate::header(&header).unwrap_or(header).into()
}

/// Where the headers of the message and of all its parts are.
fn headers(message: &Message) -> store::Result<Vec<Range<u64>>> {
    let trace = message.trace().len() as u64;
    let mut headers = Vec::new();
    if trace > 0 {
        headers.push(0..trace);
    }
    let summary = message.summary()?;
    let mut parts: Vec<&Part> = vec![&summary.structure];
    while let Some(part) = parts.pop() {
        if part.header < part.body {
            headers.push(trace + part.header..trace + part.body);
        }
        match &part.kind {
            Kind::Basic | Kind::Text => {}
            Kind::Message { structure, .. } => parts.push(structure),
            Kind::Multipart(children) => parts.extend(children),
        }
    }
    Ok(headers)
}
