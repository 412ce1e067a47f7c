//! Section specifications: what stands between the brackets of BODY[], and which octets it names.
//! RFC 9051 section 6.4.5.1

use std::ops::Range;

use message::{Kind, Part, Summary};

use crate::error::Error;
use crate::response::Writer;
use crate::syntax::Parser;

/// `section = "[" [section-spec] "]"`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// section-part; empty: the message itself.
    pub path: Vec<u32>,
    pub text: SectionText,
}

/// `section-text = section-msgtext / "MIME"`, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionText {
    /// Header and body of the message, or the body of a part.
    All,
    Header,
    HeaderFields {
        names: Vec<Vec<u8>>,
        not: bool,
    },
    Text,
    Mime,
}

impl Section {
    pub fn whole(text: SectionText) -> Section {
        Section { path: Vec::new(), text }
    }

    /// `"[" [section-spec] "]"`
    pub fn parse(parser: &mut Parser<'_>) -> Result<Section, Error> {
        parser.expect(b'[')?;
        let (path, text) =
            if parser.take(b']') { return Ok(Section::whole(SectionText::All)) } else { spec(parser)? };
        parser.expect(b']')?;
        Ok(Section { path, text })
    }

    /// Which octets of a message it names, counted from the start of its trace. `None`: the message has no such part.
    pub fn locate(&self, summary: &Summary, trace: u64, length: u64) -> Option<Range<u64>> {
        let message = &summary.structure;
        if self.path.is_empty() {
            return Some(within(0..length, trace + message.body, &self.text));
        }
        let part = message.at(&self.path)?;
        let shift = |offset: u64| trace + offset;
        match self.text {
            SectionText::All => Some(shift(part.body)..shift(part.end)),
            // The header of part 1 of a message without parts is the message's own, trace and all.
            SectionText::Mime if std::ptr::eq(part, message) => Some(0..shift(part.body)),
            SectionText::Mime => Some(shift(part.header)..shift(part.body)),
            SectionText::Header | SectionText::HeaderFields { .. } | SectionText::Text => {
                let inner = attached(part)?;
                Some(within(shift(inner.header)..shift(inner.end), shift(inner.body), &self.text))
            }
        }
    }

    /// section-spec as the response repeats it.
    pub fn write(&self, out: &mut Writer<'_>) {
        out.raw("[");
        let mut before = "";
        for number in &self.path {
            out.raw(before).show(number);
            before = ".";
        }
        match &self.text {
            SectionText::All => {}
            SectionText::Header => drop(out.raw(before).raw("HEADER")),
            SectionText::Text => drop(out.raw(before).raw("TEXT")),
            SectionText::Mime => drop(out.raw(before).raw("MIME")),
            SectionText::HeaderFields { names, not } => {
                out.raw(before).raw(if *not { "HEADER.FIELDS.NOT " } else { "HEADER.FIELDS " });
                write_names(out, names);
            }
        }
        out.raw("]");
    }
}

/// HEADER and TEXT "refers to a part of type MESSAGE/RFC822 or MESSAGE/GLOBAL": that message.
fn attached(part: &Part) -> Option<&Part> {
    match &part.kind {
        Kind::Message { structure, .. } => Some(structure),
        Kind::Basic | Kind::Text | Kind::Multipart(_) => None,
    }
}

/// The octets of a message that a section-msgtext names.
fn within(message: Range<u64>, body: u64, text: &SectionText) -> Range<u64> {
    match text {
        SectionText::All => message,
        SectionText::Text => body..message.end.max(body),
        SectionText::Header | SectionText::HeaderFields { .. } | SectionText::Mime => message.start..body,
    }
}

fn write_names(out: &mut Writer<'_>, names: &[Vec<u8>]) {
    let mut before = "(";
    for name in names {
        out.raw(before).astring(name);
        before = " ";
    }
    out.raw(")");
}

/// `section-spec = section-msgtext / (section-part ["." section-text])`
fn spec(parser: &mut Parser<'_>) -> Result<(Vec<u32>, SectionText), Error> {
    let mut path = Vec::new();
    loop {
        if !parser.peek().is_some_and(|octet| octet.is_ascii_digit()) {
            return text(parser, path.is_empty()).map(|text| (path, text));
        }
        // section-part = nz-number *("." nz-number)
        path.push(parser.nz_number()?);
        if !parser.take(b'.') {
            return Ok((path, SectionText::All));
        }
    }
}

/// section-msgtext, and MIME where a part number stands before it.
fn text(parser: &mut Parser<'_>, is_message: bool) -> Result<SectionText, Error> {
    let name = parser.token("a section", |c| c.is_ascii_alphabetic() || c == b'.')?.to_ascii_uppercase();
    match &*name {
        "HEADER" => Ok(SectionText::Header),
        "TEXT" => Ok(SectionText::Text),
        "MIME" if is_message => Err(Error::bad("The section MIME needs a part number before it")),
        "MIME" => Ok(SectionText::Mime),
        "HEADER.FIELDS" => Ok(SectionText::HeaderFields { names: header_list(parser)?, not: false }),
        "HEADER.FIELDS.NOT" => Ok(SectionText::HeaderFields { names: header_list(parser)?, not: true }),
        _ => Err(Error::bad(format!("Unknown section {name}"))),
    }
}

/// `SP header-list`, `header-list = "(" header-fld-name *(SP header-fld-name) ")"`
fn header_list(parser: &mut Parser<'_>) -> Result<Vec<Vec<u8>>, Error> {
    parser.space()?;
    parser.expect(b'(')?;
    let mut names = vec![parser.astring()?.into_owned()];
    while parser.take(b' ') {
        names.push(parser.astring()?.into_owned());
    }
    parser.expect(b')')?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;
    use crate::syntax::Limits;

    fn parse(text: &str) -> Result<Section, Error> {
        let mut parser = Parser::new(text.as_bytes(), 0, Limits::default());
        let section = Section::parse(&mut parser)?;
        parser.end().map(|()| section)
    }

    fn written(section: &Section) -> String {
        let mut out = BytesMut::new();
        section.write(&mut Writer::new(&mut out));
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn sections_are_repeated_as_they_were_asked() {
        for text in [
            "[]",
            "[HEADER]",
            "[TEXT]",
            "[1]",
            "[4.2.2.1]",
            "[3.HEADER]",
            "[4.1.MIME]",
            "[1.TEXT]",
            "[HEADER.FIELDS (DATE FROM)]",
            "[2.HEADER.FIELDS.NOT (Received)]",
            "[HEADER.FIELDS (\"\")]",
        ] {
            assert_eq!(written(&parse(text).unwrap()), text);
        }
        assert_eq!(written(&parse("[1.header.fields (x-Y)]").unwrap()), "[1.HEADER.FIELDS (x-Y)]");
    }

    #[test]
    fn what_is_no_section() {
        for text in [
            "",
            "[",
            "[MIME]",
            "[0]",
            "[1.0]",
            "[1.]",
            "[.1]",
            "[HEADER.1]",
            "[BOGUS]",
            "[HEADER.FIELDS]",
            "[HEADER.FIELDS ()]",
            "[HEADER.FIELDS (A]",
            "[TEXT ]",
            "[ TEXT]",
            "[4294967296]",
            "[1 .TEXT]",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    const PLAIN: &str = "Content-Type: text/plain\r\n\r\n";

    /// The message of RFC 9051 section 6.4.5.1's table of part specifiers.
    fn rfc_message() -> String {
        let multi = |kind: &str, boundary: &str, parts: &[&str]| {
            let parts: String = parts.iter().map(|part| format!("--{boundary}\r\n{part}\r\n")).collect();
            format!("Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n{parts}--{boundary}--\r\n")
        };
        let text = |words: &str| format!("{PLAIN}{words}");
        let octets = "Content-Type: application/octet-stream\r\n\r\nabc".to_owned();
        let message = |inner: &str| format!("Content-Type: message/rfc822\r\n\r\n{inner}");
        let third = format!("Subject: third\r\n{}", multi("mixed", "b3", &[&text("three one"), &octets]));
        let rich = "Content-Type: text/richtext\r\n\r\nrich".to_owned();
        let alternative = multi("alternative", "b5", &[&text("plain"), &rich]);
        let inner =
            format!("Subject: four two\r\n{}", multi("mixed", "b42", &[&text("four two one"), &alternative]));
        let gif = "Content-Type: image/gif\r\nContent-ID: <g>\r\n\r\nGIF".to_owned();
        let fourth = multi("mixed", "b4", &[&gif, &message(&inner)]);
        let whole = multi("mixed", "b0", &[&text("one"), &octets, &message(&third), &fourth]);
        format!("From: a@b\r\nSubject: whole\r\n{whole}")
    }

    /// The octets that the section names in the message with a trace of its own before it.
    fn octets(trace: &str, message: &str, section: &str) -> Option<String> {
        let summary = Summary::parse(message.as_bytes());
        let whole = format!("{trace}{message}");
        let section = parse(section).unwrap();
        let range = section.locate(&summary, trace.len() as u64, whole.len() as u64)?;
        let end = |offset: u64| usize::try_from(offset).unwrap();
        Some(whole[end(range.start)..end(range.end)].to_owned())
    }

    #[test]
    fn parts_of_the_rfc_table() {
        for trace in ["", "Return-Path: <x@y>\r\nDelivered-To: z\r\n"] {
            let octets = |section| octets(trace, &rfc_message(), section);
            assert_eq!(octets("[1]").unwrap(), "one");
            assert_eq!(octets("[1.MIME]").unwrap(), PLAIN);
            assert_eq!(octets("[2]").unwrap(), "abc");
            assert!(
                octets("[3.HEADER]").unwrap().starts_with("Subject: third\r\nContent-Type: multipart/mixed")
            );
            assert!(octets("[3.HEADER]").unwrap().ends_with("boundary=b3\r\n\r\n"));
            assert!(octets("[3.TEXT]").unwrap().starts_with("--b3\r\n"));
            assert_eq!(
                octets("[3]"),
                octets("[3.HEADER]").map(|header| header + &octets("[3.TEXT]").unwrap())
            );
            assert_eq!(octets("[3.1]").unwrap(), "three one");
            assert_eq!(octets("[3.2]").unwrap(), "abc");
            assert_eq!(octets("[4.1]").unwrap(), "GIF");
            assert_eq!(octets("[4.1.MIME]").unwrap(), "Content-Type: image/gif\r\nContent-ID: <g>\r\n\r\n");
            assert!(octets("[4.2.HEADER]").unwrap().starts_with("Subject: four two\r\n"));
            assert!(octets("[4.2.TEXT]").unwrap().starts_with("--b42\r\n"));
            assert_eq!(octets("[4.2.1]").unwrap(), "four two one");
            assert_eq!(octets("[4.2.2.1]").unwrap(), "plain");
            assert_eq!(octets("[4.2.2.2]").unwrap(), "rich");
        }
    }

    #[test]
    fn header_text_and_whole_are_one() {
        let trace = "Return-Path: <x@y>\r\n";
        let octets = |section| octets(trace, &rfc_message(), section).unwrap();
        assert!(octets("[HEADER]").starts_with("Return-Path: <x@y>\r\nFrom: a@b\r\n"));
        assert!(octets("[HEADER]").ends_with("boundary=b0\r\n\r\n"));
        assert!(octets("[TEXT]").starts_with("--b0\r\n"));
        assert_eq!(octets("[]"), octets("[HEADER]") + &octets("[TEXT]"));
        assert_eq!(octets("[]"), format!("{trace}{}", rfc_message()));
    }

    #[test]
    fn parts_that_are_not_there() {
        for section in [
            "[5]",
            "[1.1]",
            "[1.2]",
            "[1.HEADER]",
            "[1.TEXT]",
            "[4.HEADER]",
            "[4.3]",
            "[4.2.2.3]",
            "[9.MIME]",
        ] {
            assert_eq!(octets("", &rfc_message(), section), None, "{section}");
        }
    }

    // RFC 9051 section 6.4.5.1: "Every message has at least one part number."
    #[test]
    fn a_message_without_parts_is_part_one() {
        let message = "Subject: x\r\n\r\nhello\r\n";
        for trace in ["", "Return-Path: <x@y>\r\n"] {
            assert_eq!(octets(trace, message, "[1]").unwrap(), "hello\r\n");
            assert_eq!(octets(trace, message, "[TEXT]").unwrap(), "hello\r\n");
            assert_eq!(octets(trace, message, "[1.MIME]").unwrap(), format!("{trace}Subject: x\r\n\r\n"));
            assert_eq!(octets(trace, message, "[2]"), None);
        }
    }

    #[test]
    fn a_message_of_header_alone() {
        for message in ["Subject: x\r\n", "Subject: x\r\n\r\n", ""] {
            assert_eq!(octets("", message, "[HEADER]").unwrap(), message);
            assert_eq!(octets("", message, "[TEXT]").unwrap(), "");
            assert_eq!(octets("", message, "[1]").unwrap(), "");
        }
    }
}
