//! The lock against a second process on the same data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use crate::disk::disk_error;
use crate::{Error, Result};

/// Held as long as it lives; the system frees it when the process ends, however it ends.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub fn take(directory: &Path) -> Result<Lock> {
        let path = directory.join("lock");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = file.map_err(|error| disk_error("open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(directory, &mut file)),
            Err(TryLockError::Error(error)) => return Err(disk_error("lock", &path, &error)),
        }
        // Only for the message that a second process gets: whether it is written changes nothing.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Lock { _file: file })
    }
}

fn taken(directory: &Path, file: &mut File) -> Error {
    let mut holder = String::new();
    let _ = file.take(20).read_to_string(&mut holder);
    let process = match holder.trim() {
        "" => "another process".to_owned(),
        number => format!("another process (number {number})"),
    };
    Error::Unavailable(format!(
        "{process} has the store in {} open: stop it, or let it do the work over its socket",
        directory.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let first = Lock::take(directory.path()).unwrap();
        let error = Lock::take(directory.path()).err().unwrap().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        Lock::take(directory.path()).unwrap();
    }
}
