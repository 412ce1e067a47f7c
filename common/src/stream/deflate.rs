//! The layer of COMPRESS=DEFLATE (RFC 4978): raw deflate in both directions, over TLS or the bare socket.
//!
//! - Out: what is written is compressed at once and sent on; a flush ends it with Z_SYNC_FLUSH, so that nothing that was
//!   flushed waits in the compressor.
//! - In: the peer may flush wherever it likes, or not at all; whatever can be inflated is. Nothing behind a flush is touched
//!   before what is in front of it has been read: compression may end there.
//! - No input makes more than what was asked for: a small packet that inflates to gigabytes is inflated a read at a time,
//!   and every limit of the reader counts inflated octets.
//! - At rest it gives the compressor back (256 KiB): it stands at an octet's end after a flush, and a new one that refers to
//!   nothing before it may follow. The inflater stays, as the peer may refer to what it sent 32 KiB ago.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};

use super::compressors;
use super::transport::Transport;

/// Compressed octets that are made before they are sent.
const OUT: usize = 32 * 1024;
/// Compressed octets that are read at once.
const IN: usize = 8 * 1024;
/// The end of a flush: the length of an empty stored block.
const FLUSH_MARK: [u8; 4] = [0, 0, 0xff, 0xff];

pub(super) struct Deflate {
    below: Transport,
    inflate: Decompress,
    /// Received and not yet inflated.
    received: BytesMut,
    /// The inflater filled all the room that it had: there may be more without more input.
    holds_more: bool,
    /// The peer has ended its deflate stream.
    ended: bool,
    /// `None` at rest.
    deflate: Option<Compress>,
    /// Compressed and not yet sent.
    ready: Vec<u8>,
    /// How much of `ready` is sent.
    sent: usize,
    /// There are octets in the compressor that no flush has driven out.
    dirty: bool,
}

impl Deflate {
    /// Over that layer. `received` has come already.
    pub fn new(below: Transport, received: BytesMut) -> Deflate {
        Deflate {
            below,
            inflate: Decompress::new(false),
            received,
            holds_more: false,
            ended: false,
            deflate: None,
            ready: Vec::new(),
            sent: 0,
            dirty: false,
        }
    }

    /// See [`Transport::poll_fill`].
    pub fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
        want: usize,
    ) -> Poll<io::Result<usize>> {
        loop {
            let waiting = self.received.len();
            let count = self.inflate(buffer, want)?;
            if count > 0 || self.ended {
                return Poll::Ready(Ok(count));
            }
            if !self.received.is_empty() && self.received.len() < waiting {
                continue;
            }
            match self.below.poll_fill(context, &mut self.received, IN) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(0)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    if self.received.is_empty() {
                        self.received = BytesMut::new();
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Inflates at most `want` octets of what was received, up to the first flush in it.
    fn inflate(&mut self, buffer: &mut BytesMut, want: usize) -> io::Result<usize> {
        if self.ended || (self.received.is_empty() && !self.holds_more) {
            return Ok(0);
        }
        let (start, before) = (buffer.len(), (self.inflate.total_in(), self.inflate.total_out()));
        buffer.resize(start + want, 0);
        let marked = self.received.windows(FLUSH_MARK.len()).position(|octets| octets == FLUSH_MARK);
        let end = marked.map_or(self.received.len(), |at| at + FLUSH_MARK.len());
        let received = &self.received[..end];
        let status = self.inflate.decompress(received, &mut buffer[start..], FlushDecompress::None);
        let taken = difference(self.inflate.total_in(), before.0);
        let count = difference(self.inflate.total_out(), before.1);
        buffer.truncate(start + count);
        self.received.advance(taken);
        self.holds_more = count == want;
        match status {
            Ok(Status::StreamEnd) => self.ended = true,
            Ok(Status::Ok | Status::BufError) => {}
            Err(error) => return Err(io::Error::other(format!("the peer's octets are no deflate: {error}"))),
        }
        Ok(count)
    }

    /// Compresses from the front of the slices; gives how many octets it has taken over.
    pub fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_drain(context))?;
        let mut taken = 0;
        for slice in slices {
            let count = self.compress(slice, FlushCompress::None)?;
            taken += count;
            if count < slice.len() {
                break;
            }
        }
        self.dirty |= taken > 0;
        Poll::Ready(Ok(taken))
    }

    /// What was written is on its way to the peer, all of it.
    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_drain(context))?;
            if !self.dirty {
                return self.below.poll_flush(context);
            }
            self.compress(&[], FlushCompress::Sync)?;
            // With room left over everything is out.
            self.dirty = self.ready.len() == self.ready.capacity();
        }
    }

    /// Compresses into `ready` as far as there is room; how many octets were taken.
    fn compress(&mut self, octets: &[u8], flush: FlushCompress) -> io::Result<usize> {
        if self.ready.capacity() == 0 {
            self.ready.reserve_exact(OUT);
        }
        let deflate = self.deflate.get_or_insert_with(compressors::take);
        let before = deflate.total_in();
        deflate.compress_vec(octets, &mut self.ready, flush).map_err(io::Error::other)?;
        Ok(difference(deflate.total_in(), before))
    }

    /// Sends all that is compressed.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.ready.len() {
            let slice = [IoSlice::new(&self.ready[self.sent..])];
            match ready!(self.below.poll_write(context, &slice))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
        }
        self.ready.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    pub fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.below.poll_shutdown(context)
    }

    /// The layer below, and what has come from it and is not inflated.
    pub fn into_below(mut self) -> (Transport, BytesMut) {
        if let Some(deflate) = self.deflate.take() {
            compressors::give_back(deflate);
        }
        (self.below, self.received)
    }

    /// Frees what is not needed until the next octet comes or goes.
    pub fn rest(&mut self) {
        if !self.dirty && self.ready.is_empty() {
            if let Some(deflate) = self.deflate.take() {
                compressors::give_back(deflate);
            }
            self.ready = Vec::new();
        }
    }
}

fn difference(after: u64, before: u64) -> usize {
    usize::try_from(after - before).unwrap_or(usize::MAX)
}
