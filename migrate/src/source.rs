//! What every place that mail comes from offers.

use std::path::PathBuf;

use crate::{Numbers, Result};

/// A place that mail comes from: a Maildir, mbox files.
pub trait Source {
    /// The mailboxes, with names as they will be here, and what cannot be one and why.
    fn list(&self) -> Result<(Vec<Listed>, Vec<crate::Refused>)>;

    /// What is in a mailbox, without the octets of messages.
    fn open(&self, listed: &Listed) -> Result<Mailbox>;

    /// A message's octets; `None`: it has gone meanwhile.
    fn read(&self, message: &Message) -> Result<Option<Vec<u8>>>;
}

/// A mailbox of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// In Unicode, levels separated by `/`.
    pub name: String,
    pub subscribed: bool,
    pub path: PathBuf,
}

/// What is in a mailbox of the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailbox {
    pub numbers: Option<Numbers>,
    /// With rising UIDs.
    pub messages: Vec<Message>,
}

/// A message of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub path: PathBuf,
    /// Of the file; `None`: the whole file.
    pub range: Option<std::ops::Range<u64>>,
    pub meta: crate::Meta,
}

impl Message {
    /// For people: the file, and where in it.
    pub fn place(&self) -> String {
        match &self.range {
            Some(range) => format!("{} at octet {}", self.path.display(), range.start),
            None => self.path.display().to_string(),
        }
    }
}
