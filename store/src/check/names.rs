//! Names of mailboxes and the index by name, both ways.

use super::Check;
use crate::engine::{KeyRange, Table};
use crate::schema::{self, MailboxRow};
use crate::*;

impl Check<'_> {
    /// The mailbox must be found by its name.
    pub(super) fn check_name(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        row: &MailboxRow,
    ) -> Result<()> {
        let key = schema::name_key(account, row.name.as_str());
        let stored = self.read.get(Table::MailboxName, &key)?;
        let place = format!("mailbox {} of account {account}", row.name);
        match stored.map(|octets| schema::u64_of("mailbox_name", &octets)) {
            Some(Ok(found)) if found == mailbox.0 => {}
            Some(Ok(found)) if self.has_mailbox(account, MailboxId(found), &row.name)? => {
                self.found(place, format!("mailbox {mailbox} and mailbox {found} have the same name"));
            }
            _ => self.repairable(place, "it is not found by its name", move |batch| {
                batch.put(Table::MailboxName, &key, &mailbox.0.to_be_bytes())
            }),
        }
        Ok(())
    }

    fn has_mailbox(&self, account: AccountId, mailbox: MailboxId, name: &MailboxName) -> Result<bool> {
        let stored = self.read.get(Table::Mailbox, &schema::mailbox_key(account, mailbox))?;
        Ok(stored.and_then(|octets| MailboxRow::decode(&octets).ok()).is_some_and(|row| row.name == *name))
    }

    /// What is found by a name must be a mailbox of that name.
    pub(super) fn check_names(&mut self) -> Result<()> {
        self.rows(Table::MailboxName, KeyRange::all(), |check, key, octets| {
            let (account, name) = schema::name_of_key(key)?;
            let named = MailboxName::new(&name).ok().zip(schema::u64_of("mailbox_name", octets).ok());
            let right = match named {
                Some((name, mailbox)) => check.has_mailbox(account, MailboxId(mailbox), &name)?,
                None => false,
            };
            if !right {
                check.superfluous(Table::MailboxName, key.to_vec(), "it names a mailbox that is not there");
            }
            Ok(())
        })?;
        self.rows(Table::Subscription, KeyRange::all(), |check, key, _| {
            if MailboxName::new(&schema::name_of_key(key)?.1).is_err() {
                check.superfluous(Table::Subscription, key.to_vec(), "it is no mailbox name");
            }
            Ok(())
        })
    }
}
