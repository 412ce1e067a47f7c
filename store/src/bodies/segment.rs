//! One segment file, and the bounded number of them that is open.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::layout::{self, SEGMENT_HEADER, Unreadable};
use super::record::{Source, damaged};
use crate::disk::{PRIVATE_FILE, disk_error};
use crate::{Error, Result};

/// Segment files open at a time.
const OPEN_MAX: usize = 64;

/// What a segment is opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// An open segment file.
pub(super) struct Segment {
    pub(super) id: u32,
    path: PathBuf,
    file: File,
}

impl Segment {
    /// Makes the file and writes its header. Neither is synced.
    pub(super) fn create(directory: &Path, shard: u16, id: u32) -> Result<Segment> {
        let path = path(directory, id);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(PRIVATE_FILE)
            .open(&path)
            .map_err(|error| disk_error("create", &path, &error))?;
        let segment = Segment { id, path, file };
        segment.write(&layout::encode_segment(shard, id), 0)?;
        Ok(segment)
    }

    /// Opens the file and checks its header.
    pub(super) fn open(directory: &Path, shard: u16, id: u32, access: Access) -> Result<Segment> {
        let path = path(directory, id);
        let writes = access == Access::Write;
        let file = match OpenOptions::new().read(true).write(writes).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = "is missing; run `restante check`, and restore the file from a backup";
                return Err(Error::Damaged(format!("{} {text}", path.display())));
            }
            Err(error) => return Err(disk_error("open", &path, &error)),
        };
        let segment = Segment { id, path, file };
        let mut header = [0; SEGMENT_HEADER as usize];
        segment.read(&mut header, 0)?;
        match layout::check_segment(&header, shard, id) {
            Ok(()) => Ok(segment),
            Err(Unreadable::Damaged(reason)) => Err(damaged(&segment, 0, &reason)),
            Err(Unreadable::Newer(version)) => Err(Error::NewerFormat(format!(
                "{} has format version {version}, newer than this program knows; use a newer one",
                segment.name()
            ))),
        }
    }

    pub(super) fn length(&self) -> Result<u64> {
        let metadata = self.file.metadata().map_err(|error| disk_error("examine", &self.path, &error))?;
        Ok(metadata.len())
    }

    pub(super) fn write(&self, octets: &[u8], offset: u64) -> Result<()> {
        self.file.write_all_at(octets, offset).map_err(|error| disk_error("write to", &self.path, &error))
    }

    pub(super) fn truncate(&self, length: u64) -> Result<()> {
        self.file.set_len(length).map_err(|error| disk_error("truncate", &self.path, &error))
    }

    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| disk_error("sync", &self.path, &error))
    }
}

impl Source for Segment {
    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        self.file.read_exact_at(buffer, offset).map_err(|error| {
            let end = buffer.len() as u64 + offset;
            let reason = match error.kind() {
                ErrorKind::UnexpectedEof => format!("the file ends before octet {end}"),
                _ => format!("cannot read it: {error}"),
            };
            damaged(self, offset, &reason)
        })
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// The segments that were used last.
pub(super) struct Cache {
    directory: PathBuf,
    shard: u16,
    /// The one used last is in front.
    open: Mutex<VecDeque<Arc<Segment>>>,
}

impl Cache {
    pub(super) fn new(directory: PathBuf, shard: u16) -> Cache {
        Cache { directory, shard, open: Mutex::default() }
    }

    pub(super) fn segment(&self, id: u32) -> Result<Arc<Segment>> {
        if let Some(segment) = self.find(id) {
            return Ok(segment);
        }
        // Opened outside the lock; two threads may both do it, and one of the two files is closed soon.
        let segment = Arc::new(Segment::open(&self.directory, self.shard, id, Access::Read)?);
        self.insert(Arc::clone(&segment));
        if !segment.path.exists() {
            // Deleted meanwhile; kept here it would hold its room on the disk.
            self.remove(id);
        }
        Ok(segment)
    }

    pub(super) fn insert(&self, segment: Arc<Segment>) {
        let mut open = self.lock();
        open.retain(|other| other.id != segment.id);
        open.push_front(segment);
        open.truncate(OPEN_MAX);
    }

    /// To be called after the file has been deleted.
    pub(super) fn remove(&self, id: u32) {
        self.lock().retain(|segment| segment.id != id);
    }

    fn find(&self, id: u32) -> Option<Arc<Segment>> {
        let mut open = self.lock();
        let at = open.iter().position(|segment| segment.id == id)?;
        let segment = open.remove(at)?;
        open.push_front(Arc::clone(&segment));
        Some(segment)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Segment>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `00000001.seg`
pub(super) fn path(directory: &Path, id: u32) -> PathBuf {
    directory.join(format!("{id:08}.seg"))
}

/// The ids of the segment files, ascending. Other files are none of ours.
pub(super) fn list(directory: &Path) -> Result<Vec<u32>> {
    let failed = |error: std::io::Error| disk_error("list", directory, &error);
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".seg")).and_then(|id| id.parse().ok());
        ids.extend(id.filter(|&id| path(directory, id).file_name() == Some(&*name)));
    }
    ids.sort_unstable();
    Ok(ids)
}
