//! What went wrong with the disk, in words that name the file, the reason and the remedy.

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::Error;

/// `doing` completes "cannot ... PATH", for example "write to".
pub(crate) fn disk_error(doing: &str, path: &Path, error: &io::Error) -> Error {
    let text = format!("cannot {doing} {}: {error}", path.display());
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
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
    fn a_full_disk_is_told_apart() {
        let path = Path::new("bodies/00000001.seg");
        let full = disk_error("write to", path, &ErrorKind::StorageFull.into());
        assert!(matches!(&full, Error::DiskFull(text) if text.contains("00000001.seg")), "{full}");
        let denied = disk_error("write to", path, &ErrorKind::PermissionDenied.into());
        assert!(matches!(&denied, Error::Unavailable(text) if text.contains("user")), "{denied}");
    }
}
