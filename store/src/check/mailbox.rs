//! One mailbox: its messages against its flags, its counters against both.

use std::ops::ControlFlow;

use super::{Check, difference};
use crate::engine::{KeyRange, Table};
use crate::schema::{self, Chunk, MailboxRow, MessageRow, page_of, slot_of, vanished};
use crate::*;

/// What the messages add up to, in the mailbox's own words.
struct Counted {
    row: MailboxRow,
    /// 0 where there is none.
    last: u32,
}

impl Check<'_> {
    pub(super) fn check_mailbox(
        &mut self,
        account: AccountId,
        mailbox: MailboxId,
        row: &MailboxRow,
    ) -> Result<()> {
        let mut counted = Counted { row: row.clone(), last: 0 };
        counted.row.forget_counts();
        let place = format!("mailbox {} of account {account}", row.name);
        self.check_name(account, mailbox, row)?;
        self.check_acl(account, mailbox, row)?;
        let range = KeyRange::prefix(&schema::mailbox_prefix(mailbox));
        let mut page: Option<Chunk> = None;
        self.rows(Table::Message, range.clone(), |check, key, octets| {
            let uid = schema::uid_of_key(key)?;
            if page.as_ref().is_none_or(|chunk| chunk.page != page_of(uid)) {
                page = Some(check.chunk(mailbox, page_of(uid), &place)?);
            }
            let flags = page.as_ref().and_then(|chunk| chunk.row(slot_of(uid)));
            match MessageRow::decode(octets) {
                Ok(message) => {
                    check.check_message((&place, mailbox, uid), &message, flags);
                    counted.add(uid, flags.map_or(Flags(0), |row| row.flags), message.size);
                }
                Err(error) => check.found(format!("message {uid} of {place}"), error.to_string()),
            }
            Ok(())
        })?;
        self.check_chunks(mailbox, &place, row)?;
        self.check_vanished(mailbox, &place, row)?;
        self.check_unique_ids(mailbox)?;
        self.report.messages += u64::from(counted.row.messages);
        self.add_usage(account, &counted.row);
        self.check_counts((account, mailbox, &place), row, &counted);
        Ok(())
    }

    /// The flags of a page that has messages. Those that are lost are told message by message, after this.
    fn chunk(&mut self, mailbox: MailboxId, page: u32, place: &str) -> Result<Chunk> {
        let stored = self.read.get(Table::Flags, &schema::flags_key(mailbox, page))?;
        match stored.map(|octets| Chunk::decode(page, &octets)) {
            Some(Ok(chunk)) => return Ok(chunk),
            Some(Err(error)) => {
                self.repairable(format!("page {page} of {place}"), error.to_string(), move |batch| {
                    batch.forget_chunk(mailbox, page);
                    Ok(())
                })
            }
            None => {}
        }
        Ok(Chunk::new(page))
    }

    fn check_message(
        &mut self,
        (place, mailbox, uid): (&str, MailboxId, Uid),
        message: &MessageRow,
        flags: Option<Row>,
    ) {
        let here = || format!("message {uid} of {place}");
        self.refer(message.body, here);
        if let Some(body) = self.bodies.get(&message.body) {
            let right = body.size + message.trace.len() as u64;
            if right != message.size {
                self.found(here(), format!("its size is {} and should be {right}", message.size));
            }
        }
        if flags.is_none() {
            let account = self.account_of(mailbox);
            self.repairable(here(), "it has no flags", move |batch| {
                let mut row = batch.mailbox(account, mailbox)?;
                row.highest_modseq.0 += 1;
                let flags =
                    Row { uid, flags: Flags(0), keywords: KeywordBits(0), modseq: row.highest_modseq };
                batch.change_chunk(mailbox, page_of(uid), |chunk| chunk.put(flags))?;
                batch.messages_changed(account, mailbox, row);
                Ok(())
            });
        }
    }

    /// Each flag has a message, and none is younger than the mailbox.
    fn check_chunks(&mut self, mailbox: MailboxId, place: &str, row: &MailboxRow) -> Result<()> {
        let (known, highest) = (row.keywords.len() as u32, row.highest_modseq);
        let mut newest = highest;
        self.rows(Table::Flags, KeyRange::prefix(&schema::mailbox_prefix(mailbox)), |check, key, octets| {
            let (_, page) = schema::page_of_key(key)?;
            let chunk = match Chunk::decode(page, octets) {
                Ok(chunk) => chunk,
                Err(_) => {
                    let first = schema::message_key(mailbox, Uid(page << 7));
                    let last = schema::message_key(mailbox, Uid(page << 7 | 127));
                    if !check.has_any(Table::Message, KeyRange::inclusive(&first, &last))? {
                        check.superfluous(Table::Flags, key.to_vec(), "it is damaged, and of no message");
                    }
                    return Ok(());
                }
            };
            newest = newest.max(chunk.highest());
            if chunk.is_empty() {
                check.superfluous(Table::Flags, key.to_vec(), "it has flags of no message");
            }
            for flags in chunk.rows() {
                check.check_flags(mailbox, place, flags, known)?;
            }
            Ok(())
        })?;
        if newest > highest {
            let problem = format!("a message has MODSEQ {newest}, the mailbox {highest}");
            self.raise(mailbox, place, problem, move |row| {
                row.highest_modseq = row.highest_modseq.max(newest);
            });
        }
        Ok(())
    }

    fn check_flags(&mut self, mailbox: MailboxId, place: &str, flags: Row, known: u32) -> Result<()> {
        let uid = flags.uid;
        if 128 - flags.keywords.0.leading_zeros() > known {
            self.found(format!("message {uid} of {place}"), "it has a keyword without a name");
        }
        if self.read.get(Table::Message, &schema::message_key(mailbox, uid))?.is_none() {
            let account = self.account_of(mailbox);
            self.repairable(
                format!("message {uid} of {place}"),
                "it has flags and nothing else",
                move |batch| {
                    batch.change_chunk(mailbox, page_of(uid), |chunk| chunk.remove(slot_of(uid)))?;
                    let mut row = batch.mailbox(account, mailbox)?;
                    row.highest_modseq.0 += 1;
                    batch.messages_changed(account, mailbox, row);
                    Ok(())
                },
            );
        }
        Ok(())
    }

    /// What has vanished must not be there.
    fn check_vanished(&mut self, mailbox: MailboxId, place: &str, row: &MailboxRow) -> Result<()> {
        let range = KeyRange::prefix(&schema::mailbox_prefix(mailbox));
        self.rows(Table::Vanished, range, |check, key, octets| {
            let ranges = match vanished::decode(octets) {
                Ok(ranges) => ranges,
                Err(error) => {
                    check.found(format!("what vanished from {place}"), error.to_string());
                    return Ok(());
                }
            };
            if vanished::modseq_of_key(key)? > row.highest_modseq {
                let problem = "something vanished at a MODSEQ that is yet to come".to_owned();
                let modseq = vanished::modseq_of_key(key)?;
                check.raise(mailbox, place, problem, move |row| {
                    row.highest_modseq = row.highest_modseq.max(modseq);
                });
            }
            for range in ranges {
                let first = schema::message_key(mailbox, Uid(*range.start()));
                let last = schema::message_key(mailbox, Uid(*range.end()));
                check.read.scan(Table::Message, KeyRange::inclusive(&first, &last), &mut |key, _| {
                    let uid = schema::uid_of_key(key)?;
                    let problem = "it is noted as vanished and exists".to_owned();
                    let place = format!("message {uid} of {place}");
                    check.report.found(Finding { place, problem, repaired: false });
                    Ok(ControlFlow::Continue(()))
                })?;
            }
            Ok(())
        })
    }

    fn check_unique_ids(&mut self, mailbox: MailboxId) -> Result<()> {
        let range = KeyRange::prefix(&schema::mailbox_prefix(mailbox));
        self.rows(Table::UniqueId, range, |check, key, _| {
            if check.read.get(Table::Message, key)?.is_none() {
                check.superfluous(Table::UniqueId, key.to_vec(), "it is the unique-id of no message");
            }
            Ok(())
        })
    }

    fn check_counts(
        &mut self,
        (account, mailbox, place): (AccountId, MailboxId, &str),
        row: &MailboxRow,
        counted: &Counted,
    ) {
        if row.uid_next.0 <= counted.last {
            let next = Uid(counted.last.saturating_add(1));
            let problem = format!("its UIDNEXT is {} and there is a message {}", row.uid_next, counted.last);
            self.raise(mailbox, place, problem, move |row| row.uid_next = row.uid_next.max(next));
        }
        let right = &counted.row;
        if (row.counts(), row.recent) == (right.counts(), right.recent) {
            return;
        }
        let problem = format!(
            "its counters are {:?} (messages, unseen, deleted, bytes, deleted bytes) and {} recent, and should be {:?} and {}",
            row.counts(),
            row.recent,
            right.counts(),
            right.recent
        );
        let mut more = [0i64; 5];
        for (more, (right, found)) in more.iter_mut().zip(right.counts().into_iter().zip(row.counts())) {
            *more = difference(right, found);
        }
        let recent = difference(u64::from(right.recent), u64::from(row.recent));
        self.repairable(place.to_owned(), problem, move |batch| {
            let mut row = batch.mailbox(account, mailbox)?;
            row.correct(more, recent);
            batch.put_mailbox(account, mailbox, row);
            Ok(())
        });
    }

    /// It was noted before anything of the mailbox was looked at.
    fn account_of(&self, mailbox: MailboxId) -> AccountId {
        self.mailboxes.get(&mailbox).copied().unwrap_or(AccountId(0))
    }

    /// Repairs a number of the mailbox that only grows.
    fn raise(
        &mut self,
        mailbox: MailboxId,
        place: &str,
        problem: String,
        change: impl Fn(&mut MailboxRow) + Send + 'static,
    ) {
        let account = self.account_of(mailbox);
        self.repairable(place.to_owned(), problem, move |batch| {
            let mut row = batch.mailbox(account, mailbox)?;
            change(&mut row);
            batch.put_mailbox(account, mailbox, row);
            Ok(())
        });
    }
}

impl Counted {
    fn add(&mut self, uid: Uid, flags: Flags, size: u64) {
        self.last = uid.0;
        self.row.count(flags, size);
        if uid >= self.row.recent_from {
            self.row.recent += 1;
        }
    }
}

impl MailboxRow {
    /// messages, unseen, deleted, bytes, deleted bytes
    fn counts(&self) -> [u64; 5] {
        let [messages, unseen, deleted] = [self.messages, self.unseen, self.deleted].map(u64::from);
        [messages, unseen, deleted, self.bytes, self.deleted_bytes]
    }

    fn forget_counts(&mut self) {
        (self.messages, self.unseen, self.deleted, self.recent) = (0, 0, 0, 0);
        (self.bytes, self.deleted_bytes) = (0, 0);
    }

    fn correct(&mut self, more: [i64; 5], recent: i64) {
        let small = |number: &mut u32, more: i64| {
            *number = u32::try_from(u64::from(*number).saturating_add_signed(more)).unwrap_or(u32::MAX);
        };
        small(&mut self.messages, more[0]);
        small(&mut self.unseen, more[1]);
        small(&mut self.deleted, more[2]);
        self.bytes = self.bytes.saturating_add_signed(more[3]);
        self.deleted_bytes = self.deleted_bytes.saturating_add_signed(more[4]);
        small(&mut self.recent, recent);
    }
}
