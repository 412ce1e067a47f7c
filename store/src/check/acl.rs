//! Access control lists and the index of what is shared with whom, both ways.

use super::Check;
use crate::engine::{KeyRange, Table};
use crate::schema::{self, MailboxRow};
use crate::verbs::acl::subjects;
use crate::*;

impl Check<'_> {
    /// Whoever is given something must find it.
    pub(super) fn check_acl(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        row: &MailboxRow,
    ) -> Result<()> {
        for subject in subjects(row.acl.as_deref()) {
            let key = schema::shared_key(subject, account, mailbox);
            if self.read.get(Table::Shared, &key)?.is_none() {
                let place = format!("mailbox {} of account {account}", row.name);
                let problem = format!("{subject:?} does not find it among what is shared");
                self.repairable(place, problem, move |batch| batch.put(Table::Shared, &key, &[]));
            }
        }
        Ok(())
    }

    /// What is found must be given.
    pub(super) fn check_shared(&mut self) -> Result<()> {
        self.rows(Table::Shared, KeyRange::all(), |check, key, _| {
            let is_right = match schema::shared_of_key(key) {
                Ok((subject, account, mailbox)) => check.is_shared(subject, account, mailbox)?,
                Err(_) => false,
            };
            if !is_right {
                check.superfluous(Table::Shared, key.to_vec(), "its mailbox gives them nothing");
            }
            Ok(())
        })
    }

    /// A mailbox whose row is damaged is told elsewhere; what is known of it is kept.
    fn is_shared(&self, subject: Subject, account: AccountId, mailbox: MailboxId) -> Result<bool> {
        let Some(row) = self.read.get(Table::Mailbox, &schema::mailbox_key(account, mailbox))? else {
            return Ok(false);
        };
        Ok(MailboxRow::decode(&row).map_or(true, |row| subjects(row.acl.as_deref()).contains(&subject)))
    }
}
