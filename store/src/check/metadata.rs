//! Annotations: each is of a mailbox or an account that is here.

use super::Check;
use crate::engine::{KeyRange, Table};
use crate::schema::{self, MetadataKey};
use crate::*;

impl Check<'_> {
    pub(super) fn check_metadata(&mut self) -> Result<()> {
        self.rows(Table::Metadata, KeyRange::all(), |check, key, _| {
            let Ok(MetadataKey { account, mailbox, .. }) = MetadataKey::of(key) else {
                check.superfluous(Table::Metadata, key.to_vec(), "its key cannot be read");
                return Ok(());
            };
            let exists = match mailbox {
                Some(mailbox) => check.mailboxes.get(&mailbox) == Some(&account),
                None => check.has_account(account)?,
            };
            if !exists {
                check.superfluous(Table::Metadata, key.to_vec(), "its mailbox or account does not exist");
            }
            Ok(())
        })
    }

    /// Deleted ones count while their rows go step by step.
    pub(super) fn has_account(&self, account: AccountId) -> Result<bool> {
        let key = schema::account_key(account);
        for table in [Table::Usage, Table::DeletedAccount] {
            if self.read.get(table, &key)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
