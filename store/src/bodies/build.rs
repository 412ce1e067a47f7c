//! Making a record before it is appended.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;

use super::codec::Codec;
use super::layout::{FRAME, Frame, Header};
use crate::disk::disk_error;
use crate::staged::Staging;
use crate::{Error, Result};

/// Records up to this many octets wait for the writer in memory, larger ones in an unlinked temporary file.
const IN_MEMORY: usize = 1 << 20;

/// A whole record, complete with its header. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum FinishedRecord {
    Memory(Bytes),
    /// So many octets from the offset on.
    File {
        file: Arc<File>,
        offset: u64,
        length: u64,
    },
}

impl FinishedRecord {
    /// Octets of the record.
    pub(crate) fn len(&self) -> u64 {
        match self {
            FinishedRecord::Memory(octets) => octets.len() as u64,
            FinishedRecord::File { length, .. } => *length,
        }
    }
}

/// Makes records.
pub(crate) struct Builder<'a> {
    pub codec: &'a Codec,
    pub staging: &'a Staging,
}

impl Builder<'_> {
    pub(crate) fn build(&self, octets: &[u8], hash: [u8; 32]) -> Result<FinishedRecord> {
        let mut output = Output::new(Header::length_for(octets.len() as u64));
        let mut frames = Vec::with_capacity(octets.len().div_ceil(FRAME));
        for piece in octets.chunks(FRAME) {
            frames.push(self.frame(piece, &mut output)?);
            output.spill(self.staging)?;
        }
        let header = Header {
            size: octets.len() as u64,
            hash,
            frame_size: FRAME as u32,
            compressed: frames.iter().any(|frame| !frame.raw),
            frames,
        };
        output.finish(&header.encode(), self.staging)
    }

    fn frame(&self, piece: &[u8], output: &mut Output) -> Result<Frame> {
        let offset = u32::try_from(output.len()).map_err(|_| too_long(output.len()))?;
        let start = output.octets.len();
        let raw = self
            .codec
            .append(piece, &mut output.octets)
            .map_err(|error| Error::Unavailable(format!("cannot compress a message: {error}")))?;
        let stored = &output.octets[start..];
        Ok(Frame { offset, length: stored.len() as u32, raw, checksum: crc32c::crc32c(stored) })
    }
}

/// A record in the making: in memory, then in a file.
struct Output {
    file: Option<File>,
    /// Octets in the file.
    filed: u64,
    octets: Vec<u8>,
}

impl Output {
    /// Leaves room for the header.
    fn new(header: u64) -> Output {
        Output { file: None, filed: 0, octets: vec![0; header as usize] }
    }

    fn len(&self) -> u64 {
        self.filed + self.octets.len() as u64
    }

    fn spill(&mut self, staging: &Staging) -> Result<()> {
        if self.octets.len() <= IN_MEMORY {
            return Ok(());
        }
        if self.file.is_none() {
            self.file = Some(staging.temporary_file()?);
        }
        self.flush(staging)
    }

    fn flush(&mut self, staging: &Staging) -> Result<()> {
        if let Some(file) = &self.file {
            write(file, &self.octets, self.filed, staging)?;
            self.filed += self.octets.len() as u64;
            self.octets.clear();
        }
        Ok(())
    }

    fn finish(mut self, header: &[u8], staging: &Staging) -> Result<FinishedRecord> {
        let length = self.len();
        if u32::try_from(length).is_err() {
            return Err(too_long(length));
        }
        self.flush(staging)?;
        match self.file {
            Some(file) => {
                write(&file, header, 0, staging)?;
                Ok(FinishedRecord::File { file: Arc::new(file), offset: 0, length })
            }
            None => {
                self.octets[..header.len()].copy_from_slice(header);
                Ok(FinishedRecord::Memory(self.octets.into()))
            }
        }
    }
}

fn write(file: &File, octets: &[u8], offset: u64, staging: &Staging) -> Result<()> {
    file.write_all_at(octets, offset)
        .map_err(|error| disk_error("write a temporary file in", staging.directory(), &error))
}

fn too_long(size: u64) -> Error {
    Error::TooLarge { size, limit: u64::from(u32::MAX) }
}
