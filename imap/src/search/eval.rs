//! Whether a message matches: first by its row in the view, then, if that does not tell, by what is stored.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use message::{Summary, header, text};
use store::{Body, Message, Row, Turn};

use super::key::{AddressField, Cost, Key};
use super::sent::sent_date;
use super::turn;
use crate::collation::Collation;
use crate::date::Date;

/// Puts the cheap keys of every AND and OR first.
pub fn sort(key: &mut Key) {
    match key {
        Key::And(keys) | Key::Or(keys) => {
            keys.iter_mut().for_each(sort);
            keys.sort_by_key(Key::cost);
        }
        Key::Not(key) => sort(key),
        _ => {}
    }
}

/// The answer as far as the row tells. `None`: the message must be read.
pub fn by_row(key: &Key, row: &Row, recent: bool) -> Option<bool> {
    match key {
        Key::And(keys) => all(keys.iter().map(|key| by_row(key, row, recent))),
        Key::Or(keys) => all(keys.iter().map(|key| by_row(key, row, recent).map(|is| !is))).map(|none| !none),
        Key::Not(key) => by_row(key, row, recent).map(|is| !is),
        Key::Flag { flag, set } => Some(row.flags.contains(*flag) == *set),
        Key::Keyword { bits, set } => Some((row.keywords.0 & bits.0 != 0) == *set),
        Key::Recent { set } => Some(recent == *set),
        // RFC 7162 section 3.1.5: "equal to or greater than"
        Key::ModSeq(modseq) => Some(row.modseq >= *modseq),
        Key::Messages(uids) => Some(uids.contains(row.uid)),
        Key::Fuzzy(fuzzy) => match &fuzzy.hits {
            Some(hits) => Some(hits.score(row.uid).is_some()),
            None => by_row(&fuzzy.exact, row, recent),
        },
        // Not bound: nothing can be said of it, so it is nobody's.
        Key::Set(..) | Key::Named { .. } | Key::Within(..) => Some(false),
        Key::Larger(_)
        | Key::Smaller(_)
        | Key::Arrived(..)
        | Key::Aged(..)
        | Key::Saved(..)
        | Key::Email(_)
        | Key::Thread(_)
        | Key::Sent(..)
        | Key::Addresses(..)
        | Key::Subject(_)
        | Key::Header(..)
        | Key::Body(_)
        | Key::Text(_) => None,
    }
}

/// Conjunction where some answers are not known.
fn all(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    for answer in answers {
        match answer {
            Some(false) => return Some(false),
            Some(true) => {}
            None => known = None,
        }
    }
    known
}

/// A message with what has been read of it so far.
pub struct Evidence<'a> {
    row: Row,
    recent: bool,
    message: &'a Message,
    summary: Option<Arc<Summary>>,
    /// Opened once: its header and then the rest are decompressed once.
    stored: Option<Body>,
    header: Option<Bytes>,
    folded_header: Option<String>,
    folded_body: Option<Vec<String>>,
    /// What the keys may have to read at most.
    cost: Cost,
    /// The place among those that hold large messages, from the first reading on.
    turn: Option<Option<Turn<'static>>>,
    /// Octets of the message that were read.
    pub read: u64,
}

impl<'a> Evidence<'a> {
    /// For keys that cost so much at most.
    pub fn new(row: Row, recent: bool, message: &'a Message, cost: Cost) -> Evidence<'a> {
        Evidence {
            row,
            recent,
            message,
            summary: None,
            stored: None,
            header: None,
            folded_header: None,
            folded_body: None,
            cost,
            turn: None,
            read: 0,
        }
    }

    /// Whether the message matches. Reads what it must; blocks.
    pub fn matches(&mut self, key: &Key) -> store::Result<bool> {
        if let Some(answer) = by_row(key, &self.row, self.recent) {
            return Ok(answer);
        }
        Ok(match key {
            Key::And(keys) => self.all(keys, true)?,
            Key::Or(keys) => !self.all(keys, false)?,
            Key::Not(key) => !self.matches(key)?,
            // RFC 9051 section 6.4.4: strictly larger, strictly smaller
            Key::Larger(size) => self.message.size > *size,
            Key::Smaller(size) => self.message.size < *size,
            Key::Arrived(when, date) => when.holds(Date::of(self.message.internal_date), *date),
            Key::Aged(age, than) => age.holds(self.message.internal_date.seconds, *than),
            Key::Saved(when, date) => when.holds(Date::of(self.message.save_date), *date),
            Key::Email(id) => *id == Some(self.message.email_id),
            Key::Thread(id) => *id == Some(self.message.thread_id),
            Key::Sent(when, date) => {
                let sent = self.summary()?.envelope.date.as_deref().and_then(sent_date);
                sent.is_some_and(|day| when.holds(day, *date))
            }
            Key::Addresses(field, needle) => {
                let summary = self.summary()?;
                let envelope = &summary.envelope;
                needle.is_in_addresses(match field {
                    AddressField::From => &envelope.from,
                    AddressField::To => &envelope.to,
                    AddressField::Cc => &envelope.cc,
                    AddressField::Bcc => &envelope.bcc,
                })
            }
            Key::Subject(needle) => {
                let summary = self.summary()?;
                needle.is_empty()
                    || summary.envelope.subject.as_deref().is_some_and(|value| needle.is_in_field(value))
            }
            // RFC 9051 section 6.4.4: with an empty string "matches all messages that have a header field with the
            // specified field name regardless of the contents"
            Key::Header(name, needle) => {
                let header = self.header()?;
                header::field_values(&header, name).any(|value| needle.is_in_field(value))
            }
            Key::Body(needle) => {
                needle.is_empty()
                    || self.body(needle.collation())?.iter().any(|text| needle.is_in_folded(text))
            }
            Key::Text(needle) => {
                needle.is_empty()
                    || needle.is_in_folded(self.folded_header(needle.collation())?)
                    || self.body(needle.collation())?.iter().any(|text| needle.is_in_folded(text))
            }
            Key::Fuzzy(fuzzy) => fuzzy.hits.is_none() && self.matches(&fuzzy.exact)?,
            Key::Flag { .. }
            | Key::Keyword { .. }
            | Key::Recent { .. }
            | Key::ModSeq(_)
            | Key::Messages(_)
            | Key::Set(..)
            | Key::Named { .. }
            | Key::Within(..) => false,
        })
    }

    /// Whether every key's answer is `wanted`.
    fn all(&mut self, keys: &[Key], wanted: bool) -> store::Result<bool> {
        for key in keys {
            if self.matches(key)? != wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn summary(&mut self) -> store::Result<Arc<Summary>> {
        if let Some(summary) = &self.summary {
            return Ok(Arc::clone(summary));
        }
        let summary = self.message.summary()?;
        Ok(Arc::clone(self.summary.insert(summary)))
    }

    /// The message's header, with the lines that delivery put before it.
    fn header(&mut self) -> store::Result<Bytes> {
        if let Some(header) = &self.header {
            return Ok(header.clone());
        }
        let end = self.message.trace().len() as u64 + self.summary()?.structure.body;
        self.wait(end);
        let header = self.stored()?.read(0..end)?;
        self.read += end;
        Ok(self.header.insert(header).clone())
    }

    fn stored(&mut self) -> store::Result<Body> {
        let body = match self.stored.take() {
            Some(body) => body,
            None => self.message.body()?,
        };
        Ok(self.stored.insert(body).clone())
    }

    /// For a turn to read so much, or all of the message where the keys may ask for more later.
    fn wait(&mut self, octets: u64) {
        let octets = if self.cost == Cost::Body { self.message.size } else { octets };
        self.turn.get_or_insert_with(|| turn::wait(octets));
    }

    fn folded_header(&mut self, collation: Collation) -> store::Result<&str> {
        let folded = match self.folded_header.take() {
            Some(folded) => folded,
            None => collation.folded(&text::header_text(&self.header()?)),
        };
        Ok(self.folded_header.insert(folded))
    }

    /// The decoded texts of the body, folded; by the same comparator each time, since a command has one.
    fn body(&mut self, collation: Collation) -> store::Result<&[String]> {
        let folded = match self.folded_body.take() {
            Some(folded) => folded,
            None => self.read_body(collation)?,
        };
        Ok(self.folded_body.insert(folded))
    }

    fn read_body(&mut self, collation: Collation) -> store::Result<Vec<String>> {
        let summary = self.summary()?;
        self.wait(self.message.size);
        let body = self.stored()?;
        // The summary's offsets count from the end of the trace.
        let raw = body.read(self.message.trace().len() as u64..body.len())?;
        self.read += raw.len() as u64;
        let mut folded = Vec::new();
        let _ = text::body_texts(&summary, &raw, &mut |text| {
            folded.push(collation.folded(text));
            ControlFlow::Continue(())
        });
        Ok(folded)
    }
}

#[cfg(test)]
mod tests {
    use store::{Flags, KeywordBits, ModSeq, Uid, UidSet};

    use super::super::text::Needle;
    use super::*;

    const ROW: Row = Row {
        uid: Uid(7),
        flags: Flags(Flags::SEEN.0 | Flags::DRAFT.0),
        keywords: KeywordBits(0b100),
        modseq: ModSeq(20),
    };

    fn flag(flag: Flags, set: bool) -> Key {
        Key::Flag { flag, set }
    }

    fn unknown() -> Key {
        Key::Body(Needle::new("x", Collation::default()))
    }

    #[test]
    fn rows_tell_flags_numbers_and_modseqs() {
        let tells = |key: &Key| by_row(key, &ROW, true);
        assert_eq!(tells(&flag(Flags::SEEN, true)), Some(true));
        assert_eq!(tells(&flag(Flags::SEEN, false)), Some(false));
        assert_eq!(tells(&flag(Flags::DELETED, false)), Some(true));
        assert_eq!(tells(&Key::Keyword { bits: KeywordBits(0b100), set: true }), Some(true));
        assert_eq!(tells(&Key::Keyword { bits: KeywordBits(0), set: false }), Some(true));
        assert_eq!(tells(&Key::Recent { set: true }), Some(true));
        assert_eq!(tells(&Key::Recent { set: false }), Some(false));
        assert_eq!(tells(&Key::ModSeq(ModSeq(20))), Some(true));
        assert_eq!(tells(&Key::ModSeq(ModSeq(21))), Some(false));
        assert_eq!(tells(&Key::Messages(UidSet::from_ranges([7..=7]))), Some(true));
        assert_eq!(tells(&Key::Messages(UidSet::new())), Some(false));
        assert_eq!(tells(&Key::Larger(1)), None);
    }

    #[test]
    fn what_is_unknown_may_not_matter() {
        let tells = |key: &Key| by_row(key, &ROW, false);
        let (yes, no) = (flag(Flags::SEEN, true), flag(Flags::SEEN, false));
        assert_eq!(tells(&Key::And(vec![])), Some(true));
        assert_eq!(tells(&Key::And(vec![unknown(), no.clone()])), Some(false));
        assert_eq!(tells(&Key::And(vec![unknown(), yes.clone()])), None);
        assert_eq!(tells(&Key::Or(vec![unknown(), yes.clone()])), Some(true));
        assert_eq!(tells(&Key::Or(vec![unknown(), no.clone()])), None);
        assert_eq!(tells(&Key::Or(vec![no.clone(), no])), Some(false));
        assert_eq!(tells(&Key::Not(Box::new(unknown()))), None);
        assert_eq!(tells(&Key::Not(Box::new(yes))), Some(false));
    }

    #[test]
    fn cheap_keys_come_first() {
        let cheap = flag(Flags::SEEN, true);
        let mut key =
            Key::And(vec![unknown(), Key::Or(vec![unknown(), Key::Larger(1), cheap.clone()]), cheap.clone()]);
        sort(&mut key);
        let or = Key::Or(vec![cheap.clone(), Key::Larger(1), unknown()]);
        assert_eq!(key, Key::And(vec![cheap, unknown(), or]));
    }
}
