//! How mailboxes and accounts grew: a few octets for each day on which something changed.

use std::ops::ControlFlow;

use crate::engine::{KeyRange, Table};
use crate::schema::{self, HistoryRow};
use crate::*;

/// What was held at the end of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryPoint {
    /// Days since 1970-01-01, UTC.
    pub day: u32,
    pub bytes: u64,
    pub messages: u64,
}

/// Of the account (`None`) and each of its mailboxes, by rising days. Between two points nothing changed until the day of the second.
pub type History = Vec<(Option<MailboxId>, Vec<HistoryPoint>)>;

impl Account {
    /// What was noted, about every half hour. What has changed since is not there yet.
    pub fn history(&self) -> Result<History> {
        let read = self.shard().read()?;
        let mut history = History::new();
        let range = KeyRange::prefix(&schema::account_key(self.id()));
        read.scan(Table::History, range, &mut |key, octets| {
            let (_, mailbox) = schema::mailbox_of_key(key)?;
            let mailbox = Some(mailbox).filter(|mailbox| mailbox.0 != 0);
            history.push((mailbox, HistoryRow::decode(octets)?.points));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(history)
    }
}
