//! A Maildir as Dovecot or Courier left it: Maildir++ (`.Folder.Sub`) or one directory a level, with what those servers
//! noted beside the messages.
//!
//! Rules:
//! - UIDs come from `dovecot-uidlist`, else from `courierimapuiddb`. Files that have none get the next ones, in the order
//!   of their names, as those servers would do.
//! - POP3 unique-ids are those that the old server gave: of `courierpop3dsizelist`, of `dovecot-uidlist`, else made by
//!   Dovecot's `pop3_uidl_format`.

mod entry;
mod folders;
mod keywords;
pub(crate) mod uidl;
mod uids;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub use uidl::UidlFormat;

use crate::octets::{plain, unreadable};
use crate::{Listed, Mailbox, Message, Numbers, Refused, Result, Source};
use entry::Entry;

/// The MODSEQs of imported mailboxes begin above those that the old server can have given.
const MODSEQ: u64 = 1 << 40;

/// A Maildir on this machine.
pub struct Maildir {
    root: PathBuf,
    /// `None`: as the server did that left its files there.
    uidl_format: Option<UidlFormat>,
}

impl Maildir {
    /// # Errors
    /// There is no Maildir.
    pub fn new(root: &Path, uidl_format: Option<UidlFormat>) -> Result<Maildir> {
        let cur = root.join("cur");
        std::fs::read_dir(&cur).map_err(|error| unreadable(&cur, &error))?;
        Ok(Maildir { root: root.to_owned(), uidl_format })
    }

    fn unique_ids(&self, listed: &Listed) -> Result<uidl::UniqueIds> {
        // POP3 shows INBOX alone.
        match listed.path == self.root {
            true => uidl::UniqueIds::read(&self.root, self.uidl_format.clone()),
            false => Ok(uidl::UniqueIds::none()),
        }
    }
}

impl Source for Maildir {
    fn list(&self) -> Result<(Vec<Listed>, Vec<Refused>)> {
        folders::list(&self.root)
    }

    fn open(&self, listed: &Listed) -> Result<Mailbox> {
        let entries = entry::entries(&listed.path)?;
        let uids = uids::Uids::read(&listed.path)?;
        let keywords = keywords::Keywords::read(&listed.path)?;
        let unique_ids = self.unique_ids(listed)?;
        let (numbered, numbers) = number(entries, uids.as_ref());
        let message = |(uid, entry): (Option<u32>, Entry)| {
            let unique_id = match (&uids, uid) {
                (Some(uids), Some(uid)) => unique_ids.of(&entry, uid, uids),
                _ => unique_ids.without_numbers(&entry),
            };
            let mut meta = entry.meta();
            meta.keywords.extend(keywords.of(&entry));
            Message { path: entry.path, range: None, meta: crate::Meta { uid, unique_id, ..meta } }
        };
        Ok(Mailbox { numbers, messages: numbered.into_iter().map(message).collect() })
    }

    fn read(&self, message: &Message) -> Result<Option<Vec<u8>>> {
        let octets = match std::fs::read(&message.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                match entry::renamed(&message.path)? {
                    Some(path) => std::fs::read(&path).map(Some),
                    None => Ok(None),
                }
            }
            other => other.map(Some),
        };
        let octets = octets.and_then(|octets| octets.map(plain).transpose());
        octets.map_err(|error| unreadable(&message.path, &error))
    }
}

/// Entries with their UIDs, by rising UIDs, and the numbers of the mailbox.
fn number(entries: Vec<Entry>, uids: Option<&uids::Uids>) -> (Vec<(Option<u32>, Entry)>, Option<Numbers>) {
    let Some(uids) = uids else { return (entries.into_iter().map(|entry| (None, entry)).collect(), None) };
    let known: HashMap<&str, u32> =
        uids.records.iter().map(|record| (record.base.as_str(), record.uid)).collect();
    let (mut numbered, mut new) = (Vec::new(), Vec::new());
    for entry in entries {
        match known.get(entry.base.as_str()) {
            Some(uid) => numbered.push((Some(*uid), entry)),
            None => new.push(entry),
        }
    }
    numbered.sort_by_key(|(uid, _)| *uid);
    let last = numbered.last().and_then(|(uid, _)| *uid).unwrap_or(0);
    let mut next = uids.next.max(last.saturating_add(1)).max(1);
    for entry in new {
        numbered.push((Some(next), entry));
        next = next.saturating_add(1);
    }
    let numbers = Numbers { uid_validity: uids.validity, uid_next: next, highest_modseq: MODSEQ };
    (numbered, Some(numbers))
}

#[cfg(test)]
mod tests;
