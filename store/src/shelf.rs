//! Where the messages of one APPEND wait until the last has come (RFC 3502), without taking memory or many open files.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::bodies::FinishedRecord;
use crate::disk::disk_error;
use crate::staged::Staging;
use crate::*;

/// Octets of summaries, as stored, that may wait at a time: those stay in memory. Some ten thousand usual messages.
const SUMMARIES: usize = 8 << 20;

/// How much is copied at a time.
const BLOCK: usize = 256 << 10;

/// Puts staged messages away, their octets in one temporary file.
pub struct Shelf {
    staging: Arc<Staging>,
    file: Option<Arc<File>>,
    /// Octets in the file.
    filed: u64,
    /// Octets of the summaries.
    summaries: usize,
}

impl Shelf {
    pub(crate) fn new(staging: Arc<Staging>) -> Shelf {
        Shelf { staging, file: None, filed: 0, summaries: 0 }
    }

    /// The same message, its octets on the shelf. Blocks.
    ///
    /// # Errors
    /// [`Error::Limit`] when so many messages wait that what is known of them would take too much memory; the disk's.
    pub fn put(&mut self, staged: Staged) -> Result<Staged> {
        self.summaries += staged.encoded_summary.len();
        if self.summaries > SUMMARIES {
            return Err(Error::Limit("too many messages at once: append them in several commands".into()));
        }
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::new(self.staging.temporary_file()?),
        };
        self.file = Some(Arc::clone(&file));
        let offset = self.filed;
        match &staged.record {
            FinishedRecord::Memory(octets) => self.write(&file, octets)?,
            FinishedRecord::File { file: from, offset, length } => {
                self.copy(&file, from, *offset, *length)?
            }
        }
        let record = FinishedRecord::File { file, offset, length: self.filed - offset };
        Ok(Staged { record, ..staged })
    }

    fn copy(&mut self, file: &File, from: &File, offset: u64, length: u64) -> Result<()> {
        let mut block = vec![0; BLOCK.min(length as usize)];
        let mut done = 0;
        while done < length {
            let part = &mut block[..BLOCK.min((length - done) as usize)];
            from.read_exact_at(part, offset + done)
                .map_err(|error| disk_error("read a temporary file in", self.staging.directory(), &error))?;
            self.write(file, part)?;
            done += part.len() as u64;
        }
        Ok(())
    }

    fn write(&mut self, file: &File, octets: &[u8]) -> Result<()> {
        file.write_all_at(octets, self.filed)
            .map_err(|error| disk_error("write a temporary file in", self.staging.directory(), &error))?;
        self.filed += octets.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staged::{stage, tests::staging};

    fn message(staging: &Arc<Staging>, size: usize) -> Staged {
        let mut spool = Spool::new(staging.clone());
        let mut noise = vec![0; size];
        blake3::Hasher::new().update(&size.to_be_bytes()).finalize_xof().fill(&mut noise);
        noise.iter_mut().for_each(|octet| *octet |= 0x80);
        spool.write(b"Subject: x\r\n\r\n").unwrap();
        spool.write(&noise).unwrap();
        stage(spool).unwrap()
    }

    fn octets(record: &FinishedRecord) -> Vec<u8> {
        match record {
            FinishedRecord::Memory(octets) => octets.to_vec(),
            FinishedRecord::File { file, offset, length } => {
                let mut octets = vec![0; *length as usize];
                file.read_exact_at(&mut octets, *offset).unwrap();
                octets
            }
        }
    }

    #[test]
    fn records_come_back_the_same() {
        let (_directory, staging) = staging(64 << 20);
        let mut shelf = Shelf::new(staging.clone());
        let messages: Vec<Staged> = [10, 3 << 20, 0, 300_000].map(|size| message(&staging, size)).to_vec();
        let put: Vec<Staged> = messages.iter().map(|message| shelf.put(message.clone()).unwrap()).collect();
        for (before, after) in messages.iter().zip(&put) {
            assert!(matches!(after.record, FinishedRecord::File { .. }));
            assert_eq!(before.hash, after.hash);
            assert!(octets(&before.record) == octets(&after.record));
        }
    }

    #[test]
    fn what_stays_in_memory_is_bounded() {
        let (_directory, staging) = staging(64 << 20);
        let mut shelf = Shelf::new(staging.clone());
        let mut large = message(&staging, 10);
        large.encoded_summary = vec![0; SUMMARIES / 2 + 1].into();
        shelf.put(large.clone()).unwrap();
        assert!(matches!(shelf.put(large), Err(Error::Limit(_))));
    }
}
