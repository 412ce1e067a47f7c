//! What waits to be sent: small pieces collected in one buffer, large ones queued as they are, written together.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};

use super::transport::Transport;

/// Pieces up to this length are copied: cheaper than a slice of their own.
const COPY_BELOW: usize = 1024;
/// How many pieces one write takes.
const SLICES: usize = 64;

#[derive(Default)]
pub(super) struct Output {
    queue: VecDeque<Bytes>,
    /// Octets in `queue`.
    queued: usize,
    /// Comes after all that is in `queue`.
    tail: BytesMut,
}

impl Output {
    pub fn tail(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    pub fn len(&self) -> usize {
        self.queued + self.tail.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn put(&mut self, octets: Bytes) {
        if octets.len() < COPY_BELOW {
            self.tail.extend_from_slice(&octets);
        } else {
            self.seal();
            self.push(octets);
        }
    }

    /// Makes the tail a part of the queue.
    pub fn seal(&mut self) {
        if !self.tail.is_empty() {
            let octets = self.tail.split().freeze();
            self.push(octets);
        }
    }

    fn push(&mut self, octets: Bytes) {
        self.queued += octets.len();
        self.queue.push_back(octets);
    }

    /// Frees the memory if there is nothing in it.
    pub fn release(&mut self) {
        if self.is_empty() {
            *self = Output::default();
        }
    }

    /// One write of what is sealed. Gives the octets that were taken: at least one.
    pub fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        transport: &mut Transport,
    ) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = self.slices(&mut slices);
        let written = ready!(transport.poll_write(context, &slices[..count]))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.advance(written);
        Poll::Ready(Ok(written))
    }

    fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut count = 0;
        for (slice, octets) in slices.iter_mut().zip(&self.queue) {
            *slice = IoSlice::new(octets);
            count += 1;
        }
        count
    }

    fn advance(&mut self, mut written: usize) {
        self.queued = self.queued.saturating_sub(written);
        while let Some(front) = self.queue.front_mut() {
            if written < front.len() {
                front.advance(written);
                return;
            }
            written -= front.len();
            self.queue.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(output: &Output) -> Vec<u8> {
        output.queue.iter().flat_map(|octets| octets.to_vec()).collect()
    }

    #[test]
    fn order_is_kept_between_copied_and_queued() {
        let mut output = Output::default();
        let large = Bytes::from(vec![b'L'; COPY_BELOW]);
        output.tail().extend_from_slice(b"one ");
        output.put(Bytes::from_static(b"two "));
        output.put(large.clone());
        output.put(Bytes::from_static(b"three"));
        assert_eq!(output.len(), 8 + COPY_BELOW + 5);
        output.seal();
        assert_eq!(sealed(&output), [b"one two ", &large[..], b"three"].concat());
        assert_eq!(output.queue.len(), 3);
        assert_eq!(output.queue[1].as_ptr(), large.as_ptr(), "the large piece was copied");
    }

    #[test]
    fn advance_crosses_pieces() {
        let mut output = Output::default();
        output.push(Bytes::from_static(b"abc"));
        output.push(Bytes::from_static(b"def"));
        output.push(Bytes::from_static(b"ghi"));
        output.advance(1);
        assert_eq!((sealed(&output), output.len()), (b"bcdefghi".to_vec(), 8));
        output.advance(6);
        assert_eq!((sealed(&output), output.len()), (b"hi".to_vec(), 2));
        output.advance(2);
        assert!(output.is_empty());
    }
}
