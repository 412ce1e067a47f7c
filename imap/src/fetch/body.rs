//! BODY[section]<partial>, BODY.PEEK, RFC822, RFC822.HEADER, RFC822.TEXT: octets of the message.
//!
//! Small answers are read at once, while the batch is made; large ones are only measured then, and read a piece at a
//! time when they are sent. Either way the size is known before the first octet of the line is written.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use common::stream::BATCH;
use message::header::FieldSelector;
use message::{Decoder, Summary};
use store::{Body, Message};

use super::section::{Section, SectionText};
use super::{Item, RowItem};
use crate::error::Error;
use crate::response::Writer;
use crate::syntax::Parser;

/// Octets of a message, as a client asked for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Octets {
    /// The data item's name in the response: `BODY[TEXT]<0>`.
    pub label: Vec<u8>,
    section: Section,
    partial: Option<Partial>,
    pub sets_seen: bool,
}

/// `partial = "<" number64 "." nz-number64 ">"`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial {
    pub offset: u64,
    pub length: u64,
}

/// What follows the name BODY: a section, or nothing where the body structure is asked for.
pub fn parse_body(parser: &mut Parser<'_>) -> Result<Item, Error> {
    if parser.peek() != Some(b'[') {
        return Ok(Item::Structure { extended: false });
    }
    Octets::parse(parser, true).map(Item::Octets)
}

/// What follows the name BODY.PEEK.
pub fn parse_peek(parser: &mut Parser<'_>) -> Result<Item, Error> {
    Octets::parse(parser, false).map(Item::Octets)
}

impl Octets {
    /// RFC 3501 section 6.4.5: "Functionally equivalent to BODY[]".
    pub fn rfc822() -> Octets {
        Octets::named("RFC822", SectionText::All, true)
    }

    /// RFC 3501 section 6.4.5: "Functionally equivalent to BODY.PEEK[HEADER]".
    pub fn rfc822_header() -> Octets {
        Octets::named("RFC822.HEADER", SectionText::Header, false)
    }

    /// RFC 3501 section 6.4.5: "Functionally equivalent to BODY[TEXT]".
    pub fn rfc822_text() -> Octets {
        Octets::named("RFC822.TEXT", SectionText::Text, true)
    }

    fn named(label: &str, text: SectionText, sets_seen: bool) -> Octets {
        Octets { label: label.into(), section: Section::whole(text), partial: None, sets_seen }
    }

    /// `section ["<" number64 "." nz-number64 ">"]`
    fn parse(parser: &mut Parser<'_>, sets_seen: bool) -> Result<Octets, Error> {
        let section = Section::parse(parser)?;
        let partial = Partial::parse(parser)?;
        let mut label = BytesMut::from("BODY");
        let mut out = Writer::new(&mut label);
        section.write(&mut out);
        if let Some(partial) = partial {
            out.raw("<").show(partial.offset).raw(">");
        }
        Ok(Octets { label: label.to_vec(), section, partial, sets_seen })
    }

    /// The octets that a URL names. RFC 5092 section 7
    pub fn of_url(section: Section, partial: Option<Partial>) -> Octets {
        Octets { label: Vec::new(), section, partial, sets_seen: false }
    }

    /// Finds the octets, and reads them when they are few.
    pub fn answer(&self, message: &Message, loaded: &mut Loaded) -> store::Result<Answer> {
        // RFC 9051 section 7.5.2: the value is an nstring; what is not there is NIL
        match self.source(message, loaded)? {
            Some(source) => source.answer(&mut loaded.budget),
            None => Ok(Answer::Nil),
        }
    }

    /// Finds the octets. `None`: the message has no such part.
    pub fn source(&self, message: &Message, loaded: &mut Loaded) -> store::Result<Option<Source>> {
        let body = loaded.body(message)?;
        let whole = self.section.path.is_empty() && self.section.text == SectionText::All;
        let range = match whole {
            true => Some(0..body.len()),
            false => {
                let trace = message.trace().len() as u64;
                self.section.locate(&*loaded.summary(message)?, trace, body.len())
            }
        };
        let Some(range) = range else { return Ok(None) };
        Ok(Some(match self.selector() {
            Some(selector) => Source::transformed(body, range, Transform::Select(selector), self.partial),
            None => Source::of_range(body, range, self.partial),
        }))
    }

    fn selector(&self) -> Option<FieldSelector> {
        let SectionText::HeaderFields { names, not } = &self.section.text else { return None };
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        Some(FieldSelector::new(&names, *not))
    }
}

impl Partial {
    pub fn parse(parser: &mut Parser<'_>) -> Result<Option<Partial>, Error> {
        if !parser.take(b'<') {
            return Ok(None);
        }
        let offset = parser.number64()?;
        parser.expect(b'.')?;
        let length = parser.number64()?;
        parser.expect(b'>')?;
        if length == 0 {
            return Err(Error::bad("The length of a partial FETCH must not be 0"));
        }
        Ok(Some(Partial { offset, length }))
    }

    /// RFC 9051 section 6.4.5: "Any partial fetch that attempts to read beyond the end of the text is truncated"; one
    /// that begins there is empty.
    fn cut(self, range: &Range<u64>) -> Range<u64> {
        let start = range.start.saturating_add(self.offset).min(range.end);
        start..start.saturating_add(self.length).min(range.end)
    }
}

/// What one message's items share, and how much they may still read at once.
pub struct Loaded {
    summary: Option<Arc<Summary>>,
    body: Option<Body>,
    pub budget: u64,
}

impl Default for Loaded {
    fn default() -> Loaded {
        Loaded { summary: None, body: None, budget: BATCH as u64 }
    }
}

impl Loaded {
    pub fn summary(&mut self, message: &Message) -> store::Result<Arc<Summary>> {
        if let Some(summary) = &self.summary {
            return Ok(Arc::clone(summary));
        }
        let summary = message.summary()?;
        self.summary = Some(Arc::clone(&summary));
        Ok(summary)
    }

    pub fn body(&mut self, message: &Message) -> store::Result<Body> {
        if let Some(body) = &self.body {
            return Ok(body.clone());
        }
        let body = message.body()?;
        self.body = Some(body.clone());
        Ok(body)
    }
}

/// The value of an item of octets.
pub enum Answer {
    Nil,
    Now(Bytes),
    /// The same with NUL among them: a literal8. RFC 3516 section 4.4
    Binary(Bytes),
    /// So many octets, to be read when they are sent.
    Later {
        size: u64,
        source: Source,
        /// There is NUL among them.
        binary: bool,
    },
}

/// Where octets come from.
#[derive(Clone)]
pub struct Source {
    body: Body,
    /// What is still to be read.
    range: Range<u64>,
    /// What is made of it.
    filter: Option<Filter>,
    /// Octets that are still to be given.
    size: u64,
}

#[derive(Clone)]
struct Filter {
    transform: Transform,
    /// Octets of the outcome before those that are given.
    skip: u64,
}

/// What is done with octets before they are given.
#[derive(Clone)]
pub enum Transform {
    /// Of a header these fields.
    Select(FieldSelector),
    /// The transfer encoding is undone.
    Decode(Decoder),
}

impl Source {
    pub fn of_range(body: Body, range: Range<u64>, partial: Option<Partial>) -> Source {
        let range = partial.map_or(range.clone(), |partial| partial.cut(&range));
        Source { body, size: range.end - range.start, range, filter: None }
    }

    /// RFC 9051 section 6.4.5: a partial FETCH is "calculated after subsetting the header", and after decoding (RFC 3516
    /// section 4.2).
    pub fn transformed(
        body: Body,
        range: Range<u64>,
        transform: Transform,
        partial: Option<Partial>,
    ) -> Source {
        let (skip, size) = partial.map_or((0, u64::MAX), |partial| (partial.offset, partial.length));
        Source { body, range, filter: Some(Filter { transform, skip }), size }
    }

    /// The octets, when they are few; else their number and how to get them. Blocks.
    pub fn answer(self, budget: &mut u64) -> store::Result<Answer> {
        if self.filter.is_some() {
            return self.answer_measured(budget);
        }
        let size = self.size;
        if size > *budget {
            return Ok(Answer::Later { size, source: self, binary: false });
        }
        *budget -= size;
        let mut source = self;
        let first = source.next()?.unwrap_or_default();
        if first.len() as u64 == size {
            return Ok(Answer::Now(first));
        }
        let mut octets = BytesMut::from(&first[..]);
        while let Some(piece) = source.next()? {
            octets.extend_from_slice(&piece);
        }
        exactly(octets.freeze(), size).map(Answer::Now)
    }

    /// Only going through it tells how much there is, and whether NUL is among it. What is small is kept meanwhile.
    fn answer_measured(self, budget: &mut u64) -> store::Result<Answer> {
        let mut measured = self.clone();
        let (mut kept, mut size, mut binary) = (BytesMut::new(), 0, false);
        while let Some(octets) = measured.next()? {
            size += octets.len() as u64;
            binary |= octets.contains(&0);
            if size <= *budget {
                kept.extend_from_slice(&octets);
            } else {
                kept = BytesMut::new();
            }
        }
        if size > *budget {
            return Ok(Answer::Later { size, source: Source { size, ..self }, binary });
        }
        *budget -= size;
        Ok(if binary { Answer::Binary(kept.freeze()) } else { Answer::Now(kept.freeze()) })
    }

    /// How many octets there are, all in all. Blocks.
    pub fn measure(mut self) -> store::Result<u64> {
        if self.filter.is_none() {
            return Ok(self.size);
        }
        let mut size = 0;
        while let Some(octets) = self.next()? {
            size += octets.len() as u64;
        }
        Ok(size)
    }

    /// The next piece of what was promised, at most a few batches; `None` at the end. Blocks.
    pub fn next(&mut self) -> store::Result<Option<Bytes>> {
        while self.size > 0 && !self.range.is_empty() {
            let end = self.range.end.min(self.range.start + BATCH as u64);
            let piece = exactly(self.body.read(self.range.start..end)?, end - self.range.start)?;
            self.range.start = end;
            let mut octets = match &mut self.filter {
                Some(filter) => filter.of(&piece, self.range.is_empty()),
                None => piece,
            };
            octets.truncate(usize::try_from(self.size).unwrap_or(usize::MAX));
            self.size -= octets.len() as u64;
            if !octets.is_empty() {
                return Ok(Some(octets));
            }
        }
        Ok(None)
    }
}

impl Filter {
    fn of(&mut self, piece: &[u8], is_last: bool) -> Bytes {
        let mut outcome = Vec::new();
        match &mut self.transform {
            Transform::Select(selector) => {
                selector.push(piece, &mut outcome);
                if is_last {
                    selector.finish(&mut outcome);
                }
            }
            Transform::Decode(decoder) => {
                decoder.push(piece, &mut outcome);
                if is_last {
                    decoder.finish(&mut outcome);
                }
            }
        }
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(outcome.len());
        self.skip -= skipped as u64;
        Bytes::from(outcome).slice(skipped..)
    }
}

/// The size of a literal is promised before its octets: fewer would be taken from the responses that follow.
fn exactly(octets: Bytes, size: u64) -> store::Result<Bytes> {
    if octets.len() as u64 == size {
        return Ok(octets);
    }
    Err(store::Error::Damaged(format!("{} octets of a message where {size} are expected", octets.len())))
}

/// The items that make a UID FETCH's line complete, in front of what the client asked for. RFC 9051 section 6.4.9
pub fn with_uid(mut items: Vec<Item>) -> Vec<Item> {
    if !items.contains(&Item::Row(RowItem::Uid)) {
        items.insert(0, Item::Row(RowItem::Uid));
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    fn parse(text: &str) -> Result<Octets, Error> {
        let mut parser = Parser::new(text.as_bytes(), 0, Limits::default());
        let octets = Octets::parse(&mut parser, true)?;
        parser.end().map(|()| octets)
    }

    // RFC 3501 section 6.4.5: "BODY[]<0.2048> of a 1500-octet message will return BODY[]<0> with a literal of size 1500"
    #[test]
    fn partial_label_and_cut() {
        let octets = parse("[]<0.2048>").unwrap();
        assert_eq!(octets.label, b"BODY[]<0>");
        let partial = octets.partial.unwrap();
        assert_eq!(partial.cut(&(0..1500)), 0..1500);
        assert_eq!(partial.cut(&(100..10_000)), 100..2148);
    }

    #[test]
    fn partial_beyond_the_end_is_empty() {
        let cut = |offset, length, range| Partial { offset, length }.cut(&range).count();
        assert_eq!(cut(1500, 1, 0..1500), 0);
        assert_eq!(cut(9_000_000_000_000_000_000, 9_000_000_000_000_000_000, 5..1500), 0);
        assert_eq!(cut(1499, 10, 0..1500), 1);
    }

    #[test]
    fn what_is_no_partial() {
        for text in [
            "[]<",
            "[]<0>",
            "[]<0.0>",
            "[]<.5>",
            "[]<0.5",
            "[]<-1.5>",
            "[]<0.5>>",
            "[]<0.99999999999999999999>",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
