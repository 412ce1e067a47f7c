//! Bodies: the rows about them against each other, their references, and their octets.

use std::collections::{HashMap, HashSet};

use super::{BodyFacts, Check, difference, hex};
use crate::engine::{KeyRange, Table};
use crate::schema::{self, BodyRow, MessageRow, RetainedRow, SegmentRow};
use crate::*;

impl Check<'_> {
    pub(super) fn load_bodies(&mut self) -> Result<()> {
        self.rows(Table::Body, KeyRange::all(), |check, key, octets| {
            let body = BodyId(schema::u64_of("body", key)?);
            check.report.bodies += 1;
            match BodyRow::decode(octets) {
                Ok(row) => {
                    let facts = BodyFacts { size: row.location.size, references: row.references, counted: 0 };
                    check.bodies.insert(body, facts);
                    check.check_indexes(body, &row)?;
                }
                Err(error) => check.found(format!("body {body}"), error.to_string()),
            }
            if body.0 >= check.counters.body {
                check.repairable(
                    format!("body {body}"),
                    "its number would be given out again",
                    move |batch| {
                        batch.counters.body = batch.counters.body.max(body.0 + 1);
                        batch.touch();
                        Ok(())
                    },
                );
            }
            Ok(())
        })
    }

    /// It is found by its hash and by its place.
    fn check_indexes(&mut self, body: BodyId, row: &BodyRow) -> Result<()> {
        let location = schema::location_key(row.location.segment, row.location.offset);
        for (table, key) in [(Table::BodyHash, &row.hash[..]), (Table::BodyLocation, &location[..])] {
            let stored = self.read.get(table, key)?;
            if stored.as_deref() != Some(&schema::body_key(body)[..]) {
                let key = key.to_vec();
                let problem = format!("it is not found in {}", table.name());
                self.repairable(format!("body {body}"), problem, move |batch| {
                    batch.put(table, &key, &schema::body_key(body))
                });
            }
        }
        Ok(())
    }

    pub(super) fn check_references(&mut self) -> Result<()> {
        let wrong: Vec<_> =
            self.bodies.iter().filter(|(_, facts)| facts.counted != facts.references).collect();
        let wrong: Vec<_> =
            wrong.into_iter().map(|(body, facts)| (*body, facts.references, facts.counted)).collect();
        for (body, found, right) in wrong {
            let problem = format!("it has {found} references and should have {right}");
            let more = difference(right, found);
            self.repairable(format!("body {body}"), problem, move |batch| batch.refer(body, more));
        }
        Ok(())
    }

    /// What is found by hash, by place and as a summary must be of a body.
    pub(super) fn check_body_tables(&mut self) -> Result<()> {
        for table in [Table::BodyHash, Table::BodyLocation] {
            self.rows(table, KeyRange::all(), |check, key, octets| {
                let body = schema::u64_of("body_hash", octets).ok().map(BodyId);
                if !body.is_some_and(|body| check.bodies.contains_key(&body)) {
                    check.dangling(table, key, octets);
                }
                Ok(())
            })?;
        }
        for (table, problem) in [
            (Table::Summary, "it is the summary of no body"),
            (Table::Sort, "it has the sort keys of no body"),
        ] {
            self.rows(table, KeyRange::all(), |check, key, octets| {
                let body = BodyId(schema::u64_of("summary", key)?);
                if !check.bodies.contains_key(&body) {
                    check.superfluous(table, key.to_vec(), problem);
                } else if table == Table::Sort && SortKeys::decode(octets).is_err() {
                    check.superfluous(table, key.to_vec(), "its sort keys are damaged");
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Deleted unless it was put right for another body meanwhile.
    fn dangling(&mut self, table: Table, key: &[u8], value: &[u8]) {
        let (key, value) = (key.to_vec(), value.to_vec());
        let place = format!("row {} of {}", hex(&key), table.name());
        self.repairable(place, "it names a body that is not there", move |batch| {
            if batch.tx.get(table, &key)?.as_ref() == Some(&value) {
                batch.delete(table, &key)?;
            }
            Ok(())
        });
    }

    /// What each segment is said to hold.
    pub(super) fn check_segments(&mut self) -> Result<()> {
        let mut right: HashMap<u32, SegmentRow> = HashMap::new();
        self.rows(Table::Body, KeyRange::all(), |_, _, octets| {
            if let Ok(row) = BodyRow::decode(octets) {
                let segment = right.entry(row.location.segment).or_default();
                segment.records += 1;
                segment.bytes += u64::from(row.location.stored);
            }
            Ok(())
        })?;
        self.rows(Table::Segment, KeyRange::all(), |check, key, octets| {
            let segment = schema::u32_of("segment", key)?;
            let right = right.remove(&segment).unwrap_or_default();
            check.check_segment(segment, SegmentRow::decode(octets).unwrap_or_default(), right);
            Ok(())
        })?;
        for (segment, right) in right {
            self.check_segment(segment, SegmentRow::default(), right);
        }
        Ok(())
    }

    fn check_segment(&mut self, segment: u32, row: SegmentRow, right: SegmentRow) {
        if row != right {
            let problem = format!("its row says {row:?} and should say {right:?}");
            let records = difference(right.records, row.records);
            let bytes = difference(right.bytes, row.bytes);
            self.repairable(format!("segment {segment}"), problem, move |batch| {
                batch.correct_segment(segment, records, bytes);
                Ok(())
            });
        }
    }

    /// Reads every body, and its summary.
    pub(super) fn check_contents(&mut self) -> Result<()> {
        let total = self.bodies.len() as u64;
        let (mut done, mut unreadable) = (0, HashMap::new());
        self.rows(Table::Body, KeyRange::all(), |check, key, octets| {
            let body = BodyId(schema::u64_of("body", key)?);
            if let Ok(row) = BodyRow::decode(octets) {
                match check.verify(body, &row) {
                    Ok(()) => check.check_summary(body, &row)?,
                    Err(error) => drop(unreadable.insert(body, error.to_string())),
                }
            }
            done += 1;
            if done % 100 == 0 {
                check.tell("bodies", done, total);
            }
            Ok(())
        })?;
        if unreadable.is_empty() { Ok(()) } else { self.tell_unreadable(&unreadable) }
    }

    /// Compaction may have moved it since the snapshot was taken, or the last message of it is gone.
    fn verify(&self, body: BodyId, row: &BodyRow) -> Result<()> {
        let Err(error) = self.shard.bodies.verify(row.location, &row.hash) else { return Ok(()) };
        let now = self.shard.read()?.get(Table::Body, &schema::body_key(body))?;
        match now.map(|octets| BodyRow::decode(&octets)).transpose()? {
            None => Ok(()),
            Some(now) if now.location == row.location => Err(error),
            Some(now) => self.shard.bodies.verify(now.location, &now.hash),
        }
    }

    fn check_summary(&mut self, body: BodyId, row: &BodyRow) -> Result<()> {
        let stored = self.read.get(Table::Summary, &schema::body_key(body))?;
        let present = stored.is_some();
        if stored.and_then(|stored| schema::decode_summary(&stored)).is_some() {
            return Ok(());
        }
        let problem = if present { "its summary is damaged" } else { "it has no summary" };
        let (location, hash) = (row.location, row.hash);
        self.repairable(format!("body {body}"), problem, move |batch| {
            if batch.body(body)?.location != location {
                return Err(Error::Unavailable("it was moved meanwhile: check again".to_owned()));
            }
            let record = batch.shard.bodies.open(location)?.of(&hash)?;
            let summary = ::message::Summary::parse(&record.read(0..record.len())?);
            let row = schema::encode_summary(&summary.encode());
            batch.put(Table::Summary, &schema::body_key(body), &row)
        });
        Ok(())
    }

    /// Names every message whose body cannot be read.
    fn tell_unreadable(&mut self, unreadable: &HashMap<BodyId, String>) -> Result<()> {
        let mut told = HashSet::new();
        self.rows(Table::Message, KeyRange::all(), |check, key, octets| {
            let Ok(row) = MessageRow::decode(octets) else { return Ok(()) };
            if let Some(problem) = unreadable.get(&row.body) {
                told.insert(row.body);
                let place = check.describe(key)?;
                check.found(place, format!("its body cannot be read: {problem}"));
            }
            Ok(())
        })?;
        self.rows(Table::Retained, KeyRange::all(), |check, key, octets| {
            let Ok(row) = RetainedRow::decode(octets) else { return Ok(()) };
            if let Some(problem) = unreadable.get(&row.message.body) {
                told.insert(row.message.body);
                check.found(
                    format!("retained message {}", hex(key)),
                    format!("its body cannot be read: {problem}"),
                );
            }
            Ok(())
        })?;
        for (body, problem) in unreadable.iter().filter(|(body, _)| !told.contains(body)) {
            self.found(format!("body {body}"), format!("it cannot be read: {problem}"));
        }
        Ok(())
    }

    /// A message, in words that its owner understands.
    fn describe(&self, key: &[u8]) -> Result<String> {
        let uid = schema::uid_of_key(key)?;
        let (mailbox, _) = schema::page_of_key(key)?;
        let Some(account) = self.mailboxes.get(&mailbox) else {
            return Ok(format!("message {uid} of mailbox {mailbox}"));
        };
        let stored = self.read.get(Table::Mailbox, &schema::mailbox_key(*account, mailbox))?;
        let row = stored.and_then(|octets| schema::MailboxRow::decode(&octets).ok());
        let name = row.map_or_else(|| mailbox.to_string(), |row| row.name.to_string());
        Ok(format!("message {uid} of mailbox {name} of account {account}"))
    }
}
