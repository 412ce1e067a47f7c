//! Collecting a message that comes in pieces, without holding much of it in memory.
//!
//! Rules:
//! - Octets are normalized as they come, so staging needs no second pass over them.
//! - What is refused is thrown away at once; who sends on pays with nothing of ours.
//! - A binary spool takes octets as they are; staging makes of them what can be kept.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::disk::disk_error;
use crate::normalize::Normalizer;
use crate::staged::Staging;
use crate::{Error, Result};

/// A message up to this size stays in memory.
const IN_MEMORY: usize = 1 << 20;

/// How much of a larger one is collected before it is written to its file.
const BLOCK: usize = 256 << 10;

/// Collects a message's octets: in memory at first, in an unlinked temporary file when it grows.
pub struct Spool {
    staging: Arc<Staging>,
    /// None: octets are taken as they come.
    normalizer: Option<Normalizer>,
    /// Normalized octets that are not in the file.
    buffer: Vec<u8>,
    file: Option<File>,
    /// Octets in the file.
    filed: u64,
    received: u64,
    refused: Option<Error>,
}

impl Spool {
    pub(crate) fn new(staging: Arc<Staging>) -> Spool {
        Spool { normalizer: Some(Normalizer::default()), ..Spool::binary(staging) }
    }

    /// For a message that may have NUL and binary parts. RFC 3516 section 4.4
    pub(crate) fn binary(staging: Arc<Staging>) -> Spool {
        Spool {
            staging,
            normalizer: None,
            buffer: Vec::new(),
            file: None,
            filed: 0,
            received: 0,
            refused: None,
        }
    }

    /// [`Error::TooLarge`] as soon as the limit that it was made with is passed, counted after normalization. Once it
    /// failed, it fails always. A NUL is refused only when the message is staged.
    pub fn write(&mut self, octets: &[u8]) -> Result<()> {
        self.received += octets.len() as u64;
        for piece in octets.chunks(BLOCK) {
            self.take(piece)?;
        }
        Ok(())
    }

    /// Octets written so far, as they came.
    pub fn len(&self) -> u64 {
        self.received
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets after normalization.
    pub(crate) fn normalized(&self) -> u64 {
        self.filed + self.buffer.len() as u64
    }

    /// The octets are as they came.
    pub fn is_binary(&self) -> bool {
        self.normalizer.is_none()
    }

    pub(crate) fn staging(&self) -> &Arc<Staging> {
        &self.staging
    }

    /// Why the message cannot be staged, if it cannot.
    pub(crate) fn refusal(&self) -> Option<&Error> {
        self.refused.as_ref()
    }

    /// All octets, normalized. Needs [`Spool::normalized`] octets of memory.
    pub(crate) fn into_octets(mut self) -> Result<Vec<u8>> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let Some(file) = self.file.take() else { return Ok(self.buffer) };
        let mut octets = vec![0; self.filed as usize];
        file.read_exact_at(&mut octets, 0).map_err(|error| self.failed("read", &error))?;
        octets.extend_from_slice(&self.buffer);
        Ok(octets)
    }

    fn take(&mut self, piece: &[u8]) -> Result<()> {
        match &self.refused {
            Some(Error::InvalidMessage(_)) => return Ok(()),
            Some(refused) => return Err(refused.clone()),
            None => match &mut self.normalizer {
                Some(normalizer) => normalizer.push(piece, &mut self.buffer),
                None => self.buffer.extend_from_slice(piece),
            },
        }
        if let Some(at) = self.normalizer.as_ref().and_then(Normalizer::nul) {
            self.refuse(nul(at));
            return Ok(());
        }
        let limit = self.staging.limit();
        if self.normalized() > limit {
            return Err(self.refuse(Error::TooLarge { size: self.normalized(), limit }));
        }
        self.spill().map_err(|error| self.refuse(error))
    }

    fn spill(&mut self) -> Result<()> {
        let full = if self.file.is_some() { BLOCK } else { IN_MEMORY };
        if self.buffer.len() <= full {
            return Ok(());
        }
        if self.file.is_none() {
            self.file = Some(self.staging.temporary_file()?);
        }
        if let Some(file) = &self.file {
            file.write_all_at(&self.buffer, self.filed).map_err(|error| self.failed("write", &error))?;
        }
        self.filed += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(2 * BLOCK);
        Ok(())
    }

    fn refuse(&mut self, error: Error) -> Error {
        self.buffer = Vec::new();
        self.file = None;
        self.filed = 0;
        self.refused = Some(error.clone());
        error
    }

    fn failed(&self, doing: &str, error: &io::Error) -> Error {
        disk_error(&format!("{doing} a temporary file in"), self.staging.directory(), error)
    }
}

impl Write for Spool {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        Spool::write(self, octets).map(|()| octets.len()).map_err(io::Error::other)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// RFC 9051 section 4.3: a literal holds no NUL; nor does a message in RFC 5322 section 2.3.
fn nul(at: u64) -> Error {
    Error::InvalidMessage(format!(
        "message contains NUL at octet {at}, which mail must not; encode binary content with base64"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staged::tests::staging;

    fn spool(limit: u64) -> (tempfile::TempDir, Spool) {
        let (directory, staging) = staging(limit);
        (directory, Spool::new(staging))
    }

    #[test]
    fn large_and_small_come_back_the_same() {
        for lines in [0, 1, 1000, 150_000] {
            let (_directory, mut spool) = spool(64 << 20);
            for _ in 0..lines {
                spool.write(b"twelve octets\n").unwrap();
            }
            assert_eq!(spool.len(), 14 * lines);
            assert_eq!(spool.normalized(), 15 * lines);
            assert_eq!(spool.file.is_some(), lines > 100_000);
            let octets = spool.into_octets().unwrap();
            assert!(octets == b"twelve octets\r\n".repeat(lines as usize));
        }
    }

    #[test]
    fn one_large_write_is_held_in_small_pieces() {
        let (_directory, mut spool) = spool(64 << 20);
        spool.write(&vec![b'\n'; 5 << 20]).unwrap();
        assert!(spool.buffer.capacity() <= 4 * BLOCK);
        assert_eq!(spool.into_octets().unwrap().len(), 10 << 20);
    }

    #[test]
    fn too_large_is_refused_at_once_and_costs_nothing_then() {
        let (_directory, mut spool) = spool(3 << 20);
        spool.write(&vec![b'x'; 3 << 20]).unwrap();
        for _ in 0..2 {
            let refused = spool.write(b"x").unwrap_err();
            assert!(
                matches!(refused, Error::TooLarge { size, limit: 3145728 } if size > 3 << 20),
                "{refused}"
            );
            assert!(spool.file.is_none() && spool.buffer.capacity() == 0);
        }
        assert!(matches!(spool.into_octets(), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn the_limit_counts_what_would_be_stored() {
        let (_directory, mut spool) = spool(10);
        spool.write(b"\n\n\n\n\n").unwrap();
        assert!(matches!(spool.write(b"x"), Err(Error::TooLarge { size: 11, limit: 10 })));
    }

    #[test]
    fn nul_is_told_at_the_end_and_nothing_of_it_is_kept() {
        let (_directory, mut spool) = spool(100);
        spool.write(b"ab\0").unwrap();
        spool.write(&[b'x'; 1000]).unwrap();
        assert_eq!((spool.len(), spool.buffer.capacity()), (1003, 0));
        assert!(
            matches!(spool.refusal(), Some(Error::InvalidMessage(text)) if text.contains("NUL at octet 2"))
        );
        assert!(spool.into_octets().is_err());
    }
}
