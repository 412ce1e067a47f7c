//! Compressing frames, and undoing it within bounds.

use std::io;
use std::sync::{Mutex, PoisonError};

use zstd::bulk::{Compressor, Decompressor};

/// How frames are compressed. Contexts are kept for the next frame: making one costs more than a small message.
pub(crate) struct Codec {
    /// zstd's level; 0 keeps frames raw.
    level: i32,
    idle: Idle<Work>,
}

struct Work {
    compressor: Compressor<'static>,
    compressed: Vec<u8>,
}

impl Codec {
    pub(crate) fn new(level: i32) -> Codec {
        Codec { level, idle: Idle::new() }
    }

    /// Appends the frame to `out`, compressed if that gains something. Tells whether it is raw.
    pub(super) fn append(&self, octets: &[u8], out: &mut Vec<u8>) -> io::Result<bool> {
        if self.level == 0 {
            out.extend_from_slice(octets);
            return Ok(true);
        }
        let mut work = match self.idle.take() {
            Some(work) => work,
            None => Work { compressor: Compressor::new(self.level)?, compressed: Vec::new() },
        };
        work.compressed.clear();
        work.compressed.reserve(zstd::zstd_safe::compress_bound(octets.len()));
        work.compressor.compress_to_buffer(octets, &mut work.compressed)?;
        let raw = !gains(octets.len(), work.compressed.len());
        out.extend_from_slice(if raw { octets } else { &work.compressed });
        self.idle.give(work);
        Ok(raw)
    }
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codec").field("level", &self.level).finish_non_exhaustive()
    }
}

/// Less than a sixteenth saved is not worth decompressing at each read.
fn gains(raw: usize, compressed: usize) -> bool {
    compressed + raw / 16 < raw
}

/// Decompresses a frame that must become exactly `size` octets; never uses memory for more.
pub(super) fn decompress(frame: &[u8], size: usize) -> io::Result<Vec<u8>> {
    static WORK: Idle<Decompressor<'static>> = Idle::new();
    let mut decompressor = match WORK.take() {
        Some(decompressor) => decompressor,
        None => Decompressor::new()?,
    };
    let mut octets = Vec::with_capacity(size);
    decompressor.decompress_to_buffer(frame, &mut octets)?;
    WORK.give(decompressor);
    if octets.len() != size {
        return Err(io::Error::other("it decompresses to another size than recorded"));
    }
    Ok(octets)
}

/// Contexts that nobody uses at the moment. Few are kept, so that a burst of many threads leaves no memory behind.
struct Idle<T>(Mutex<Vec<T>>);

const IDLE_MAX: usize = 16;

impl<T> Idle<T> {
    const fn new() -> Idle<T> {
        Idle(Mutex::new(Vec::new()))
    }

    fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give(&self, context: T) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(context);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_gain_stays_raw() {
        let codec = Codec::new(1);
        let mut out = b"before".to_vec();
        let text = b"From: me\r\n".repeat(100);
        assert!(!codec.append(&text, &mut out).unwrap());
        assert!(out.starts_with(b"before") && out.len() < 200);
        assert_eq!(decompress(&out[6..], text.len()).unwrap(), text);
        let noise: Vec<u8> = blake3::Hasher::new().finalize_xof_bytes(10_000);
        out.clear();
        assert!(codec.append(&noise, &mut out).unwrap());
        assert_eq!(out, noise);
        out.clear();
        assert!(Codec::new(0).append(&text, &mut out).unwrap());
        assert_eq!(out, text);
    }

    #[test]
    fn a_bomb_is_bounded_by_the_recorded_size() {
        let mut bomb = Vec::new();
        Codec::new(3).append(&vec![b'a'; 8 << 20], &mut bomb).unwrap();
        assert!(bomb.len() < 10_000);
        assert!(decompress(&bomb, 1000).is_err());
        assert!(decompress(&bomb, (8 << 20) + 1).is_err());
        assert!(decompress(b"no zstd at all", 10).is_err());
        // A context that failed serves the next one.
        assert_eq!(decompress(&bomb, 8 << 20).unwrap().len(), 8 << 20);
    }

    trait Noise {
        fn finalize_xof_bytes(&self, length: usize) -> Vec<u8>;
    }

    impl Noise for blake3::Hasher {
        fn finalize_xof_bytes(&self, length: usize) -> Vec<u8> {
            let mut out = vec![0; length];
            self.finalize_xof().fill(&mut out);
            out
        }
    }
}
