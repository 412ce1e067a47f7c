//! The files of a store: `lock`, `store.json`, `directory.redb`, `tmp/`, and `shard-0000/` and so on, each with
//! `index.redb`, `bodies/`, and `fuzzy/` where somebody searched so.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::disk_error;
use crate::{Error, Result};

const FORMAT: u32 = 1;

/// `store.json`: written last when a store is made, so that what is half made is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    pub format: u32,
    pub shards: u16,
}

impl Layout {
    /// The layout of the store that is there; `None` for a new one.
    pub fn read(directory: &Path) -> Result<Option<Layout>> {
        let path = path(directory);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(disk_error("read", &path, &error)),
        };
        let damaged = |error| Error::Damaged(format!("{} is damaged ({error}): restore it", path.display()));
        let layout: Layout = serde_json::from_slice(&text).map_err(damaged)?;
        if layout.format > FORMAT {
            return Err(Error::NewerFormat(format!(
                "{} has format {}, this version reads up to {FORMAT}: use the version that wrote it, or a newer one",
                path.display(),
                layout.format
            )));
        }
        Ok(Some(layout))
    }

    /// What belongs to a store that is complete must be there: a new file in the place of a lost one would give ids and
    /// names again that somebody's mail has.
    pub fn check_files(&self, directory: &Path) -> Result<()> {
        let indexes = (0..self.shards).map(|number| index_path(&shard_path(directory, number)));
        for path in std::iter::once(directory_path(directory)).chain(indexes) {
            match std::fs::metadata(&path) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(Error::Damaged(format!(
                        "{} is missing: restore it from a backup, or mount the disk that it is on",
                        path.display()
                    )));
                }
                Err(error) => return Err(disk_error("examine", &path, &error)),
            }
        }
        Ok(())
    }

    pub fn new(shards: u16) -> Layout {
        Layout { format: FORMAT, shards: shards.max(1) }
    }

    /// Durable when it returns.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let path = path(directory);
        let text = serde_json::to_vec(self).map_err(|error| Error::Unavailable(error.to_string()))?;
        let failed = |error: std::io::Error| disk_error("write", &path, &error);
        let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join("store.json")
}

pub(crate) fn directory_path(store: &Path) -> PathBuf {
    store.join("directory.redb")
}

/// Where a shard's files are.
pub(crate) fn shard_path(store: &Path, number: u16) -> PathBuf {
    store.join(format!("shard-{number:04}"))
}

/// Where the fuzzy indexes of a shard's accounts are.
pub(crate) fn fuzzy_path(shard: &Path) -> PathBuf {
    shard.join("fuzzy")
}

/// A shard's index.
pub(crate) fn index_path(shard: &Path) -> PathBuf {
    shard.join("index.redb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_comes_back_and_a_newer_one_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Layout::read(directory.path()).unwrap(), None);
        Layout::new(3).write(directory.path()).unwrap();
        assert_eq!(Layout::read(directory.path()).unwrap(), Some(Layout::new(3)));
        Layout { format: 99, shards: 1 }.write(directory.path()).unwrap();
        assert!(matches!(Layout::read(directory.path()), Err(Error::NewerFormat(_))));
    }
}
