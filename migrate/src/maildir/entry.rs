//! A message's file: what its name and its times say.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use store::Flags;

use crate::octets::unreadable;
use crate::{Meta, Result};

/// A file in `cur/` or `new/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    /// The name without flags: it stays the same when flags change.
    pub base: String,
    /// What stands after `:2,`.
    pub info: String,
    /// When the file was written, seconds since 1970.
    pub modified: i64,
}

impl Entry {
    /// Flags and dates; neither numbers nor keywords.
    pub fn meta(&self) -> Meta {
        let keywords = self.info.contains('P').then(|| "$Forwarded".to_owned());
        Meta {
            flags: flags(&self.info).0,
            keywords: keywords.into_iter().collect(),
            internal_date: Some(self.modified),
            save_date: Some(self.delivered().unwrap_or(self.modified)),
            ..Meta::default()
        }
    }

    /// A name begins with when it was made.
    fn delivered(&self) -> Option<i64> {
        let seconds = self.base.split('.').next()?.parse().ok()?;
        (1..=self.modified.max(common::time::now())).contains(&seconds).then_some(seconds)
    }
}

/// The letters of the Maildir convention. `P` (passed) is a keyword here, small letters are keywords by number.
fn flags(info: &str) -> Flags {
    info.chars().fold(Flags(0), |flags, letter| match letter {
        'S' => flags.with(Flags::SEEN),
        'R' => flags.with(Flags::ANSWERED),
        'F' => flags.with(Flags::FLAGGED),
        'T' => flags.with(Flags::DELETED),
        'D' => flags.with(Flags::DRAFT),
        _ => flags,
    })
}

/// All messages, sorted by name.
pub fn entries(directory: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for sub in ["new", "cur"] {
        let directory = directory.join(sub);
        let files = match std::fs::read_dir(&directory) {
            Ok(files) => files,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(&directory, &error)),
        };
        for file in files {
            let file = file.map_err(|error| unreadable(&directory, &error))?;
            entries.extend(entry(&file)?);
        }
    }
    entries.sort_by(|a, b| order(&a.base).cmp(&order(&b.base)));
    // Renamed from new/ to cur/ while it was read.
    entries.dedup_by(|a, b| a.base == b.base);
    Ok(entries)
}

/// By seconds first: names of different length do not sort as numbers do.
fn order(base: &str) -> (u64, &str) {
    (base.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(u64::MAX), base)
}

fn entry(file: &std::fs::DirEntry) -> Result<Option<Entry>> {
    let path = file.path();
    let name = file.file_name().to_string_lossy().into_owned();
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&path, &error)),
    };
    if name.starts_with('.') || !metadata.is_file() {
        return Ok(None);
    }
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
    let (base, info) = split(&name);
    Ok(Some(Entry { base: base.to_owned(), info: info.to_owned(), modified, path }))
}

/// Base and flags of a file's name.
pub fn split(name: &str) -> (&str, &str) {
    name.split_once(":2,").unwrap_or((name, ""))
}

/// Where the file is now whose flags were changed meanwhile.
pub fn renamed(path: &Path) -> Result<Option<PathBuf>> {
    let (Some(name), Some(mailbox)) = (path.file_name(), path.parent().and_then(Path::parent)) else {
        return Ok(None);
    };
    let name = name.to_string_lossy();
    let found = entries(mailbox)?.into_iter().find(|entry| entry.base == split(&name).0);
    Ok(found.map(|entry| entry.path))
}
