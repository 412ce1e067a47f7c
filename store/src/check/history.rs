//! What was held on past days: each row is of a mailbox or an account that is here. What is wrong goes: it is only for plots.

use super::Check;
use crate::engine::{KeyRange, Table};
use crate::schema::{self, HistoryRow};
use crate::*;

impl Check<'_> {
    pub(super) fn check_history(&mut self) -> Result<()> {
        self.rows(Table::History, KeyRange::all(), |check, key, octets| {
            let Ok((account, mailbox)) = schema::mailbox_of_key(key) else {
                check.superfluous(Table::History, key.to_vec(), "its key cannot be read");
                return Ok(());
            };
            let exists = match mailbox.0 {
                0 => check.has_account(account)?,
                _ => check.mailboxes.get(&mailbox) == Some(&account),
            };
            if !exists {
                check.superfluous(Table::History, key.to_vec(), "its mailbox or account does not exist");
            } else if let Err(error) = HistoryRow::decode(octets) {
                check.superfluous(Table::History, key.to_vec(), &error.to_string());
            }
            Ok(())
        })
    }
}
