//! BINARY, BINARY.PEEK and BINARY.SIZE: parts with their transfer encoding undone. RFC 3516, RFC 9051 section 6.4.5
//!
//! - What is not encoded itself - a multipart, an attached message, the whole message that the empty section names - is
//!   given as it stands: the parts inside keep their encodings, which their headers speak of.
//! - A part that is not there is NIL, as for BODY, and of size 0.

use std::ops::Range;

use message::{Decoder, Encoding};
use store::Message;

use super::Unready;
use super::body::{Answer, Loaded, Partial, Source, Transform};
use super::section::{Section, SectionText};
use crate::error::Error;
use crate::response::Writer;
use crate::syntax::Parser;

/// `"BINARY" [".PEEK"] section-binary [partial]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    /// The data item's name in the response: `BINARY[2]<0>`.
    pub label: Vec<u8>,
    section: Section,
    partial: Option<Partial>,
    pub sets_seen: bool,
}

/// `"BINARY.SIZE" section-binary`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinarySize {
    pub label: Vec<u8>,
    section: Section,
}

impl Binary {
    pub fn parse(parser: &mut Parser<'_>, sets_seen: bool) -> Result<Binary, Error> {
        let section = section(parser)?;
        let partial = Partial::parse(parser)?;
        let mut label = label("BINARY", &section);
        if let Some(partial) = partial {
            Writer::new(&mut label).raw("<").show(partial.offset).raw(">");
        }
        Ok(Binary { label: label.to_vec(), section, partial, sets_seen })
    }

    /// Decodes what is asked for, and what is before it. Blocks.
    pub fn answer(&self, message: &Message, loaded: &mut Loaded) -> Result<Answer, Unready> {
        match source(&self.section, self.partial, message, loaded)? {
            Some(source) => Ok(source.answer(&mut loaded.budget)?),
            None => Ok(Answer::Nil),
        }
    }
}

impl BinarySize {
    pub fn parse(parser: &mut Parser<'_>) -> Result<BinarySize, Error> {
        let section = section(parser)?;
        Ok(BinarySize { label: label("BINARY.SIZE", &section).to_vec(), section })
    }

    /// Exact, so that an encoded part is decoded to count. Blocks.
    pub fn size(&self, message: &Message, loaded: &mut Loaded) -> Result<u64, Unready> {
        match source(&self.section, None, message, loaded)? {
            Some(source) => Ok(source.measure()?),
            None => Ok(0),
        }
    }
}

/// `section-binary = "[" [section-part] "]"`
fn section(parser: &mut Parser<'_>) -> Result<Section, Error> {
    let section = Section::parse(parser)?;
    if section.text != SectionText::All {
        return Err(Error::bad("BINARY takes part numbers alone"));
    }
    Ok(section)
}

fn label(name: &str, section: &Section) -> bytes::BytesMut {
    let mut label = bytes::BytesMut::from(name);
    section.write(&mut Writer::new(&mut label));
    label
}

/// The decoded octets of the section; `None` where the message has no such part.
fn source(
    section: &Section,
    partial: Option<Partial>,
    message: &Message,
    loaded: &mut Loaded,
) -> Result<Option<Source>, Unready> {
    let body = loaded.body(message)?;
    let Some((range, encoding)) = located(section, message, loaded, body.len())? else { return Ok(None) };
    Ok(Some(match encoding {
        Encoding::Identity => Source::of_range(body, range, partial),
        encoding => Source::transformed(body, range, Transform::Decode(Decoder::new(encoding)), partial),
    }))
}

fn located(
    section: &Section,
    message: &Message,
    loaded: &mut Loaded,
    length: u64,
) -> Result<Option<(Range<u64>, Encoding)>, Unready> {
    if section.path.is_empty() {
        return Ok(Some((0..length, Encoding::Identity)));
    }
    let summary = loaded.summary(message)?;
    let range = section.locate(&summary, message.trace().len() as u64, length);
    let Some((range, part)) = range.zip(summary.structure.at(&section.path)) else { return Ok(None) };
    match Encoding::of(part) {
        Some(encoding) => Ok(Some((range, encoding))),
        None => Err(Unready::UnknownEncoding(part.encoding.clone().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Item, parse_items};
    use super::*;
    use crate::syntax::Limits;

    fn parse(text: &str) -> Result<Vec<Item>, Error> {
        let mut parser = Parser::new(text.as_bytes(), 0, Limits::default());
        let items = parse_items(&mut parser)?;
        parser.end().map(|()| items)
    }

    // RFC 3516 section 7
    #[test]
    fn grammar() {
        for (text, label) in [
            ("BINARY[]", "BINARY[]"),
            ("binary.peek[1.2]<3.4>", "BINARY[1.2]<3>"),
            ("BINARY[4294967295]", "BINARY[4294967295]"),
        ] {
            let [Item::Binary(binary)] = &parse(text).unwrap()[..] else { panic!("{text}") };
            assert_eq!(binary.label, label.as_bytes());
        }
        let [Item::BinarySize(size)] = &parse("BINARY.SIZE[2]").unwrap()[..] else { panic!("no size") };
        assert_eq!(size.label, b"BINARY.SIZE[2]");
        for text in [
            "BINARY",
            "BINARY.PEEK",
            "BINARY.SIZE",
            "BINARY.SIZE[1]<0.1>",
            "BINARY[0]",
            "BINARY[1.]",
            "BINARY[1.MIME]",
            "BINARY[HEADER]",
            "BINARY[TEXT]",
            "BINARY[1]<0.0>",
            "BINARY[1",
            "BINARY.BOGUS[1]",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    // RFC 3516 section 4.2: only BINARY[] sets \Seen
    #[test]
    fn which_items_set_seen() {
        let sets_seen = |text: &str| parse(text).unwrap()[0].sets_seen();
        assert!(sets_seen("BINARY[1]") && sets_seen("BINARY[]<0.1>"));
        assert!(!sets_seen("BINARY.PEEK[1]") && !sets_seen("BINARY.SIZE[1]"));
    }
}
