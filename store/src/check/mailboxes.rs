//! Rows of mailboxes, and rows that belong to none.

use super::Check;
use crate::engine::{KeyRange, Table};
use crate::schema::{self, MailboxRow, MessageRow};
use crate::verbs::drop::decode_deleted;
use crate::*;

impl Check<'_> {
    pub(super) fn check_mailboxes(&mut self) -> Result<()> {
        self.rows(Table::Mailbox, KeyRange::all(), |check, key, octets| {
            let (account, mailbox) = schema::mailbox_of_key(key)?;
            check.report.mailboxes += 1;
            check.mailboxes.insert(mailbox, account);
            match MailboxRow::decode(octets) {
                Ok(row) => {
                    check.check_numbers(mailbox, &row);
                    check.check_mailbox(account, mailbox, &row)
                }
                Err(error) => {
                    check.found(format!("mailbox {mailbox}"), error.to_string());
                    Ok(())
                }
            }
        })
    }

    /// What is given out once must lie behind the shard's counters.
    fn check_numbers(&mut self, mailbox: MailboxId, row: &MailboxRow) {
        let foreign = row.uid_validity.0 >= crate::verbs::import::FOREIGN;
        if row.uid_validity.0 >= self.counters.uid_validity && !foreign {
            let right = row.uid_validity.0.saturating_add(1);
            self.repairable(
                format!("mailbox {}", row.name),
                format!("its UIDVALIDITY {} would be given out again", row.uid_validity),
                move |batch| {
                    batch.counters.uid_validity = batch.counters.uid_validity.max(right);
                    batch.touch();
                    Ok(())
                },
            );
        }
        if mailbox.0 >= self.shard.numbered(self.counters.mailbox) {
            let right = (mailbox.0 & ((1 << 48) - 1)) + 1;
            self.repairable(
                format!("mailbox {}", row.name),
                format!("its id {mailbox} would be given out again"),
                move |batch| {
                    batch.counters.mailbox = batch.counters.mailbox.max(right);
                    batch.touch();
                    Ok(())
                },
            );
        }
    }

    /// Their messages are still counted in the references of bodies.
    pub(super) fn check_deleted_mailboxes(&mut self) -> Result<()> {
        self.rows(Table::DeletedMailbox, KeyRange::all(), |check, key, octets| {
            let (account, mailbox) = schema::mailbox_of_key(key)?;
            check.mailboxes.insert(mailbox, account);
            if let Err(error) = decode_deleted(octets) {
                check.found(format!("deleted mailbox {mailbox}"), error.to_string());
            }
            check.count_messages(mailbox)
        })
    }

    fn count_messages(&mut self, mailbox: MailboxId) -> Result<()> {
        let range = KeyRange::prefix(&schema::mailbox_prefix(mailbox));
        self.rows(Table::Message, range, |check, key, octets| {
            match MessageRow::decode(octets) {
                Ok(row) => check.refer(row.body, || format!("deleted mailbox {mailbox}")),
                Err(error) => {
                    let uid = schema::uid_of_key(key)?;
                    check.found(format!("message {uid} of deleted mailbox {mailbox}"), error.to_string());
                }
            }
            Ok(())
        })
    }

    /// Rows whose mailbox does not exist. Messages among them are told and left; the rest is superfluous.
    pub(super) fn check_strays(&mut self) -> Result<()> {
        for table in [Table::Message, Table::Flags, Table::Vanished, Table::UniqueId] {
            let mut cursor = Vec::new();
            while let Some(mailbox) = self.first_mailbox(table, &cursor)? {
                if !self.mailboxes.contains_key(&mailbox) {
                    self.stray(table, mailbox)?;
                }
                match mailbox.0.checked_add(1) {
                    Some(next) => cursor = next.to_be_bytes().to_vec(),
                    None => break,
                }
            }
        }
        Ok(())
    }

    fn first_mailbox(&self, table: Table, cursor: &[u8]) -> Result<Option<MailboxId>> {
        let mut first = None;
        let range = KeyRange { start: cursor.to_vec(), end: None };
        self.read.scan(table, range, &mut |key, _| {
            first = key.first_chunk().map(|octets| MailboxId(u64::from_be_bytes(*octets)));
            Ok(std::ops::ControlFlow::Break(()))
        })?;
        Ok(first)
    }

    fn stray(&mut self, table: Table, mailbox: MailboxId) -> Result<()> {
        let range = KeyRange::prefix(&schema::mailbox_prefix(mailbox));
        self.rows(table, range, |check, key, octets| {
            if table == Table::Message {
                let uid = schema::uid_of_key(key)?;
                check.found(format!("message {uid}"), format!("its mailbox {mailbox} does not exist"));
                if let Ok(row) = MessageRow::decode(octets) {
                    check.refer(row.body, || format!("message {uid} of the missing mailbox {mailbox}"));
                }
            } else {
                check.superfluous(table, key.to_vec(), "its mailbox does not exist");
            }
            Ok(())
        })
    }

    /// Counts a reference to a body.
    pub(super) fn refer(&mut self, body: BodyId, place: impl FnOnce() -> String) {
        match self.bodies.get_mut(&body) {
            Some(facts) => facts.counted += 1,
            None => self.found(place(), format!("its body {body} is not in the index: it is lost")),
        }
    }
}
