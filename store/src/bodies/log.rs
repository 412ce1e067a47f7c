//! The append-only log of bodies in segment files.
//!
//! Rules:
//! - One segment, the last, is written to; the others are sealed and only read or deleted.
//! - The order that makes a record durable: its octets, the directory's entry of a new segment, then the index.
//! - When something fails half-way, nothing more is appended until the log stands at a tail that is known to be good.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::build::FinishedRecord;
use super::layout::SEGMENT_HEADER;
use super::record::{Source, damaged};
use super::segment::{self, Access, Cache, Segment};
use super::{Bodies, Location, Record, SegmentInfo};
use crate::disk::{disk_error, make_directory, sync_directory};
use crate::{Error, Result, Staged};

/// A segment is sealed when the next record would make it larger than this.
pub(crate) const SEGMENT_LIMIT: u64 = 256 << 20;

/// How much of a large record is copied at a time.
const BLOCK: usize = 1 << 20;

#[derive(Debug, Clone)]
pub(crate) struct LogOptions {
    /// Where the segments are: `bodies/` of the shard.
    pub directory: PathBuf,
    pub shard: u16,
    /// [`SEGMENT_LIMIT`], smaller in tests. A single record may be larger.
    pub segment_limit: u64,
}

/// The log of one shard.
pub(crate) struct Log {
    options: LogOptions,
    cache: Cache,
    writer: Mutex<Writer>,
}

/// The end that is written.
struct Writer {
    id: u32,
    length: u64,
    /// Absent until the first record is appended to it.
    segment: Option<Arc<Segment>>,
    unsynced: Vec<Arc<Segment>>,
    directory_unsynced: bool,
    /// What went wrong such that the end of the log is not known: only a reset helps.
    broken: Option<Error>,
}

impl Log {
    /// Opens the log at the tail that the index committed last and throws away what is behind it. `None` for an index
    /// that was made just now: then there must be no bodies. Its first transaction must commit [`Bodies::tail`].
    ///
    /// # Errors
    /// [`Error::Damaged`] when the log is shorter than the index says, or there is a log without an index.
    pub(crate) fn open(options: LogOptions, tail: Option<(u32, u64)>) -> Result<Log> {
        let directory = &options.directory;
        make_directory(directory)?;
        if tail.is_none() && !segment::list(directory)?.is_empty() {
            return Err(Error::Damaged(format!(
                "{} has bodies, but the index beside it is new; restore the index from a backup, or move the bodies away",
                directory.display()
            )));
        }
        let cache = Cache::new(directory.clone(), options.shard);
        let log = Log { cache, writer: Mutex::new(Writer::at(1, SEGMENT_HEADER)), options };
        if let Some(parent) = log.options.directory.parent() {
            sync_directory(parent)?;
        }
        log.trim(tail.unwrap_or((1, SEGMENT_HEADER)))?;
        Ok(log)
    }

    /// Makes the tail the end of the log: deletes later segments, truncates its own.
    fn trim(&self, tail: (u32, u64)) -> Result<()> {
        let (id, length) = (tail.0.max(1), tail.1.max(SEGMENT_HEADER));
        let mut writer = self.lock();
        // Only success says again that the end of the log is known.
        writer.broken = Some(Error::Unavailable("the end of the body log could not be restored".into()));
        for later in segment::list(&self.options.directory)?.into_iter().filter(|&later| later > id) {
            self.remove(later)?;
        }
        let mut trimmed = Writer::at(id, length);
        // Even an old tail's segment may have to be synced: a compaction's deletion, or octets of before.
        trimmed.directory_unsynced = true;
        if length == SEGMENT_HEADER {
            self.remove(id)?;
        } else {
            let options = &self.options;
            let segment = Arc::new(Segment::open(&options.directory, options.shard, id, Access::Write)?);
            self.cache.insert(Arc::clone(&segment));
            self.cut(&segment, length)?;
            trimmed.unsynced.push(Arc::clone(&segment));
            trimmed.segment = Some(segment);
        }
        *writer = trimmed;
        Ok(())
    }

    fn cut(&self, segment: &Segment, length: u64) -> Result<()> {
        let found = segment.length()?;
        if found < length {
            let reason = format!("the file ends there, but the index knows of messages up to octet {length}");
            return Err(damaged(segment, found, &reason));
        }
        if found > length {
            tracing::info!(
                segment = segment.name(),
                octets = found - length,
                "trimmed the tail of the body log"
            );
            segment.truncate(length)?;
        }
        Ok(())
    }

    fn remove(&self, id: u32) -> Result<()> {
        let path = segment::path(&self.options.directory, id);
        let deleted = std::fs::remove_file(&path);
        self.cache.remove(id);
        match deleted {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(disk_error("delete", &path, &error)),
            _ => Ok(()),
        }
    }

    /// Appends what `write` gives, `stored` octets; on failure the log is as it was before.
    fn append_with(
        &self,
        (size, stored): (u64, u64),
        write: &mut dyn FnMut(&Segment, u64) -> Result<()>,
    ) -> Result<Location> {
        let stored32 = u32::try_from(stored)
            .map_err(|_| Error::TooLarge { size: stored, limit: u64::from(u32::MAX) })?;
        let before = self.tail();
        let appended = self.room_for(stored).and_then(|(segment, offset)| {
            write(&segment, offset)?;
            Ok(Location { segment: segment.id, offset, stored: stored32, size })
        });
        match &appended {
            Ok(_) => self.lock().length += stored,
            Err(_) => self.take_back(before),
        }
        appended
    }

    /// The segment for the next record and where it goes there.
    fn room_for(&self, stored: u64) -> Result<(Arc<Segment>, u64)> {
        let mut writer = self.lock();
        if let Some(error) = &writer.broken {
            return Err(error.clone());
        }
        if writer.length > SEGMENT_HEADER && writer.length + stored > self.options.segment_limit {
            writer.seal()?;
        }
        let segment = match &writer.segment {
            Some(segment) => Arc::clone(segment),
            None => self.create(&mut writer)?,
        };
        if writer.unsynced.last().is_none_or(|last| last.id != segment.id) {
            writer.unsynced.push(Arc::clone(&segment));
        }
        Ok((segment, writer.length))
    }

    fn create(&self, writer: &mut Writer) -> Result<Arc<Segment>> {
        let segment = Arc::new(Segment::create(&self.options.directory, self.options.shard, writer.id)?);
        self.cache.insert(Arc::clone(&segment));
        writer.segment = Some(Arc::clone(&segment));
        writer.directory_unsynced = true;
        Ok(segment)
    }

    fn take_back(&self, tail: (u32, u64)) {
        if self.lock().broken.is_some() {
            return;
        }
        // What is appended and not synced before the tail stays to be synced.
        let unsynced = std::mem::take(&mut self.lock().unsynced);
        if let Err(error) = self.trim(tail) {
            tracing::error!(%error, "cannot take back what was written of a message");
        }
        let mut writer = self.lock();
        let kept = unsynced.into_iter().filter(|segment| segment.id < tail.0);
        let current = std::mem::take(&mut writer.unsynced);
        writer.unsynced = kept.chain(current).collect();
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    fn at(id: u32, length: u64) -> Writer {
        Writer { id, length, segment: None, unsynced: Vec::new(), directory_unsynced: false, broken: None }
    }

    fn seal(&mut self) -> Result<()> {
        self.id = self.id.checked_add(1).ok_or_else(|| Error::Limit("no segment numbers are left".into()))?;
        self.length = SEGMENT_HEADER;
        self.segment = None;
        Ok(())
    }

    fn sync(&mut self, directory: &std::path::Path) -> Result<()> {
        for segment in &self.unsynced {
            segment.sync()?;
        }
        self.unsynced.clear();
        if self.directory_unsynced {
            sync_directory(directory)?;
            self.directory_unsynced = false;
        }
        Ok(())
    }
}

impl Bodies for Log {
    fn append(&self, staged: &Staged) -> Result<Location> {
        let record = &staged.record;
        self.append_with((staged.size, record.len()), &mut |segment, offset| match record {
            FinishedRecord::Memory(octets) => segment.write(octets, offset),
            FinishedRecord::File { file, offset: from, length } => {
                copy_file(file, *from..*from + *length, segment, offset)
            }
        })
    }

    fn sync(&self) -> Result<()> {
        let mut writer = self.lock();
        if let Some(error) = &writer.broken {
            return Err(error.clone());
        }
        // After a failed sync the kernel may take the octets for written: only appending them again helps.
        let synced = writer.sync(&self.options.directory);
        writer.broken = synced.as_ref().err().cloned();
        synced
    }

    fn open(&self, location: Location) -> Result<Record> {
        Record::open(self.cache.segment(location.segment)?, location)
    }

    fn tail(&self) -> (u32, u64) {
        let writer = self.lock();
        (writer.id, writer.length)
    }

    fn reset(&self, tail: (u32, u64)) -> Result<()> {
        self.trim(tail)
    }

    fn segments(&self) -> Result<Vec<SegmentInfo>> {
        let tail = self.tail();
        let mut segments = Vec::new();
        for id in segment::list(&self.options.directory)? {
            let path = segment::path(&self.options.directory, id);
            match std::fs::metadata(&path) {
                Ok(metadata) => {
                    segments.push(SegmentInfo { id, length: metadata.len(), sealed: id < tail.0 });
                }
                // Deleted since it was listed.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(disk_error("examine", &path, &error)),
            }
        }
        Ok(segments)
    }

    fn copy(&self, location: Location) -> Result<Location> {
        let record = self.open(location)?;
        let sizes = (location.size, u64::from(location.stored));
        self.append_with(sizes, &mut |segment, offset| {
            let mut at = offset;
            record.stored_pieces(&mut |piece| {
                segment.write(piece, at)?;
                at += piece.len() as u64;
                Ok(())
            })
        })
    }

    fn delete_segment(&self, segment: u32) -> Result<()> {
        let mut writer = self.lock();
        if segment >= writer.id {
            return Err(Error::Unavailable(format!("segment {segment} is not sealed and cannot be deleted")));
        }
        writer.directory_unsynced = true;
        self.remove(segment)
    }

    fn verify(&self, location: Location, hash: &[u8; 32]) -> Result<()> {
        self.open(location)?.verify(hash)
    }
}

fn copy_file(file: &File, mut from: Range<u64>, segment: &Segment, mut offset: u64) -> Result<()> {
    use std::os::unix::fs::FileExt;

    let mut block = vec![0; BLOCK];
    while !from.is_empty() {
        let part = &mut block[..BLOCK.min((from.end - from.start) as usize)];
        file.read_exact_at(part, from.start)
            .map_err(|error| Error::Unavailable(format!("cannot read a temporary file: {error}")))?;
        segment.write(part, offset)?;
        from.start += part.len() as u64;
        offset += part.len() as u64;
    }
    Ok(())
}
