//! mbox files: one file a mailbox, as UW-IMAP, Dovecot, IMail and mail programs keep them.
//!
//! Rules:
//! - A message begins with a `From ` line that has a date, at the start of the file or after an empty line; where
//!   Content-Length leads to such a place, that counts.
//! - `Status`, `X-Status`, `X-Keywords`, `X-UID`, `X-IMAP`, `X-IMAPbase` and `Content-Length` are the server's notes, not
//!   the message's: they become flags, keywords and numbers and do not come over, as those servers never showed them.
//! - A file is read piece by piece: it may be larger than memory.

mod files;
mod from;
mod header;
mod scan;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::maildir::UidlFormat;
use crate::octets::unreadable;
use crate::{Listed, Mailbox, Message, Numbers, Refused, Result, Source};
use scan::Found;

/// The MODSEQs of imported mailboxes begin above those that the old server can have given.
const MODSEQ: u64 = 1 << 40;

/// An mbox file, or a directory of them.
pub struct Mbox {
    root: PathBuf,
    /// The file that is INBOX, beside those below the directory.
    inbox: Option<PathBuf>,
    uidl_format: UidlFormat,
}

impl Mbox {
    /// `root`: the file of INBOX, or a directory. # Errors: it cannot be read.
    pub fn new(root: &Path, inbox: Option<PathBuf>, uidl_format: Option<UidlFormat>) -> Result<Mbox> {
        for path in [Some(root), inbox.as_deref()].into_iter().flatten() {
            File::open(path).map_err(|error| unreadable(path, &error))?;
        }
        Ok(Mbox { root: root.to_owned(), inbox, uidl_format: uidl_format.unwrap_or_default() })
    }

    fn message(&self, path: &Path, found: Found, numbers: Option<Numbers>, is_inbox: bool) -> Message {
        let Found { range, uid, mut meta } = found;
        if let (Some(numbers), Some(uid)) = (numbers, uid) {
            meta.uid = Some(uid);
            meta.unique_id = is_inbox.then(|| self.uidl_format.made(uid, numbers.uid_validity, ""));
        }
        Message { path: path.to_owned(), range: Some(range), meta }
    }
}

impl Source for Mbox {
    fn list(&self) -> Result<(Vec<Listed>, Vec<Refused>)> {
        files::list(&self.root, self.inbox.as_deref())
    }

    fn open(&self, listed: &Listed) -> Result<Mailbox> {
        let file = File::open(&listed.path).map_err(|error| unreadable(&listed.path, &error))?;
        let scanned = scan::scan(file).map_err(|error| unreadable(&listed.path, &error))?;
        let (mut found, base) = (scanned.messages, scanned.base);
        let numbers = base.map(|(uid_validity, last)| {
            let uid_next = number(&mut found, last);
            Numbers { uid_validity, uid_next, highest_modseq: MODSEQ }
        });
        let is_inbox = listed.name == "INBOX";
        let message = |found| self.message(&listed.path, found, numbers, is_inbox);
        Ok(Mailbox { numbers, messages: found.into_iter().map(message).collect() })
    }

    fn read(&self, message: &Message) -> Result<Option<Vec<u8>>> {
        let octets = octets(message).map_err(|error| unreadable(&message.path, &error))?;
        Ok(octets.map(|octets| header::message(&octets)))
    }
}

/// `None`: the file is shorter now.
fn octets(message: &Message) -> std::io::Result<Option<Vec<u8>>> {
    let Some(range) = &message.range else { return Ok(None) };
    let mut file = File::open(&message.path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let (mut octets, length) = (Vec::new(), range.end - range.start);
    file.take(length).read_to_end(&mut octets)?;
    Ok((octets.len() as u64 == length).then_some(octets))
}

/// UIDs count as long as they rise and the server can have given them; all from the first that does not get the next
/// ones, as UW-IMAP and Dovecot do. The UIDNEXT.
fn number(found: &mut [Found], last: u32) -> u32 {
    let (mut before, mut trusted, mut next) = (0, true, last.saturating_add(1));
    for one in found {
        trusted = trusted && one.uid.is_some_and(|uid| uid > before && uid <= last);
        match one.uid {
            Some(uid) if trusted => before = uid,
            _ => {
                one.uid = Some(next);
                next = next.saturating_add(1);
            }
        }
    }
    next
}

#[cfg(test)]
mod tests;
