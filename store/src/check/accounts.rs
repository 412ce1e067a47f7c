//! Usage of accounts, and the shard against the directory.

use std::collections::{HashMap, HashSet};

use super::{Check, difference};
use crate::engine::{KeyRange, Table};
use crate::schema::{self, MailboxRow, UsageRow};
use crate::verbs::account;
use crate::*;

/// Records of the directory that are read at a time.
const PIECE: usize = 1000;

impl Check<'_> {
    /// What a mailbox adds to its account's usage.
    pub(super) fn add_usage(&mut self, account: AccountId, counted: &MailboxRow) {
        let usage = self.usages.entry(account).or_default();
        usage.bytes += counted.bytes;
        usage.messages += u64::from(counted.messages);
        usage.mailboxes += 1;
    }

    pub(super) fn check_usages(&mut self) -> Result<()> {
        let mut counted = std::mem::take(&mut self.usages);
        self.rows(Table::Usage, KeyRange::all(), |check, key, octets| {
            let account = AccountId(schema::u32_of("usage", key)?);
            check.report.accounts += 1;
            let right = counted.remove(&account).unwrap_or_default();
            match UsageRow::decode(octets) {
                Ok(row) => check.check_usage(account, row, right),
                Err(error) => check.found(format!("usage of account {account}"), error.to_string()),
            }
            check.check_inbox(account)
        })?;
        self.check_homeless(counted)
    }

    fn check_usage(&mut self, account: AccountId, row: UsageRow, right: UsageRow) {
        if row == right {
            return;
        }
        let place = format!("usage of account {account}");
        let problem = format!("it says {row:?} and should say {right:?}");
        let bytes = difference(right.bytes, row.bytes);
        let messages = difference(right.messages, row.messages);
        let mailboxes = i64::from(right.mailboxes) - i64::from(row.mailboxes);
        self.repairable(place, problem, move |batch| {
            let mut usage = batch.usage(account)?;
            usage.bytes = usage.bytes.saturating_add_signed(bytes);
            usage.messages = usage.messages.saturating_add_signed(messages);
            let corrected = u64::from(usage.mailboxes).saturating_add_signed(mailboxes);
            usage.mailboxes = u32::try_from(corrected).unwrap_or(u32::MAX);
            batch.put_usage(account, usage);
            Ok(())
        });
    }

    fn check_inbox(&mut self, account: AccountId) -> Result<()> {
        let key = schema::name_key(account, MailboxName::inbox().as_str());
        if self.read.get(Table::MailboxName, &key)?.is_none() {
            self.repairable(format!("account {account}"), "it has no INBOX", move |batch| {
                account::ensure_inbox(batch, account)
            });
        }
        Ok(())
    }

    /// Mailboxes of accounts that have no usage, and are not being deleted.
    fn check_homeless(&mut self, usages: HashMap<AccountId, UsageRow>) -> Result<()> {
        for (account, right) in usages {
            if self.read.get(Table::DeletedAccount, &schema::account_key(account))?.is_some() {
                continue;
            }
            let place = format!("usage of account {account}");
            let problem = format!("there is none, and it should say {right:?}");
            self.repairable(place, problem, move |batch| {
                batch.put_usage(account, right);
                Ok(())
            });
        }
        Ok(())
    }

    /// Every account of the directory has its home here, and nobody else has. Looked at anew, since accounts may have
    /// come and gone while the rest was checked.
    pub(super) fn check_directory(&mut self, directory: &Directory) -> Result<()> {
        self.tell("the directory", 0, 0);
        let mut listed = HashSet::new();
        let mut after = None;
        loop {
            let records = directory.list(after.as_ref(), PIECE)?;
            listed.extend(records.iter().filter(|record| record.shard == self.shard.number).map(|r| r.id));
            match records.last() {
                Some(last) if records.len() == PIECE => after = Some(last.name.clone()),
                _ => break,
            }
        }
        let here = self.accounts_here()?;
        for id in listed.difference(&here) {
            let account = AccountId(*id);
            self.repairable(format!("account {id}"), "its mail has no home in the shard", move |batch| {
                account::create(batch, account)
            });
        }
        for id in here.difference(&listed) {
            self.found(
                format!("account {id}"),
                "it has mail here and is not in the directory: restore the directory from a backup",
            );
        }
        Ok(())
    }

    fn accounts_here(&self) -> Result<HashSet<u32>> {
        let mut here = HashSet::new();
        self.shard.read()?.scan(Table::Usage, KeyRange::all(), &mut |key, _| {
            here.insert(schema::u32_of("usage", key)?);
            Ok(std::ops::ControlFlow::Continue(()))
        })?;
        Ok(here)
    }
}
