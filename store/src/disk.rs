//! What went wrong with the disk, in words that name the file, the reason and the remedy.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::{Error, Result};

/// Mail and passwords are for the owner of the files alone, whatever the process's umask is.
pub(crate) const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_DIRECTORY: u32 = 0o700;

/// Makes the directory and those above it that are missing, durably. One that exists stays as it is.
pub(crate) fn make_directory(path: &Path) -> Result<()> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|above| !above.as_os_str().is_empty() && !above.exists()).collect();
    let made = DirBuilder::new().recursive(true).mode(PRIVATE_DIRECTORY).create(path);
    made.map_err(|error| disk_error("create", path, &error))?;
    missing.into_iter().filter_map(Path::parent).try_for_each(sync_directory)
}

/// Makes the entries of the directory durable.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let synced = File::open(path).and_then(|directory| directory.sync_all());
    synced.map_err(|error| disk_error("sync", path, &error))
}

/// Makes an empty file if there is none.
pub(crate) fn make_file(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    let made = options.read(true).write(true).create(true).truncate(false).mode(PRIVATE_FILE).open(path);
    made.map(drop).map_err(|error| disk_error("create", path, &error))
}

/// `doing` completes "cannot ... PATH", for example "write to".
pub(crate) fn disk_error(doing: &str, path: &Path, error: &io::Error) -> Error {
    let text = format!("cannot {doing} {}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Error::DiskFull(format!("{text}; free some space or move the data directory to a larger disk"))
        }
        ErrorKind::PermissionDenied => {
            Error::Unavailable(format!("{text}; give the files to the user that the server runs as"))
        }
        _ => Error::Unavailable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("a/b");
        make_directory(&below).unwrap();
        make_directory(&below).unwrap();
        make_file(&below.join("c")).unwrap();
        for (path, mode) in [("a", 0o700), ("a/b", 0o700), ("a/b/c", 0o600)] {
            let metadata = std::fs::metadata(directory.path().join(path)).unwrap();
            assert_eq!(metadata.permissions().mode() & 0o777, mode, "{path}");
        }
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let path = Path::new("bodies/00000001.seg");
        let full = disk_error("write to", path, &ErrorKind::StorageFull.into());
        assert!(matches!(&full, Error::DiskFull(text) if text.contains("00000001.seg")), "{full}");
        let denied = disk_error("write to", path, &ErrorKind::PermissionDenied.into());
        assert!(matches!(&denied, Error::Unavailable(text) if text.contains("user")), "{denied}");
    }
}
