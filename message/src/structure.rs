//! The MIME structure of a message, found in one pass over its lines.
//!
//! Every line is looked at once, whatever the nesting: the scanner knows all boundaries that are open and says which
//! one a line is. A part ends at a boundary of its own multipart or of one further out (RFC 2046 section 5.1.2), or
//! with the message. Nesting and the number of parts are bounded, so is the recursion.

use crate::envelope::Known;
use crate::header::{blank_line, line_length};
use crate::limits::{Limits, MAX_DEPTH};
use crate::mime::{self, Shape};
use crate::summary::{Envelope, Kind, Part};

/// Reads the whole message.
pub(crate) fn parse(raw: &[u8]) -> (Envelope, Part) {
    let mut scanner = Scanner {
        raw,
        at: 0,
        newlines: 0,
        boundaries: Vec::new(),
        stop: Stop::default(),
        limits: Limits::new(),
    };
    scanner.message(0)
}

struct Scanner<'a> {
    raw: &'a [u8],
    /// The start of the next line.
    at: usize,
    /// How many line feeds stand before `at`.
    newlines: usize,
    /// The boundaries of the multiparts that are open, the outermost first.
    boundaries: Vec<Vec<u8>>,
    /// Where the last part ended.
    stop: Stop,
    limits: Limits,
}

/// The end of a part.
#[derive(Default, Clone, Copy)]
struct Stop {
    /// The end of its octets: the line end before a boundary is the boundary's.
    end: usize,
    /// How many line feeds stand before `end`.
    newlines: usize,
    /// The boundary after it; none at the end of the message.
    delimiter: Option<Delimiter>,
}

#[derive(Clone, Copy)]
struct Delimiter {
    /// Index of the boundary in `Scanner::boundaries`.
    level: usize,
    /// It is the last one of its multipart.
    close: bool,
}

/// Where the header of a part is.
struct Block {
    start: usize,
    body: usize,
    /// Line feeds before the body.
    newlines: usize,
    /// A boundary came before the blank line: there is no body.
    stopped: bool,
}

impl Scanner<'_> {
    /// A header and body that are a message: the top one, or what a message/rfc822 part holds.
    fn message(&mut self, depth: usize) -> (Envelope, Part) {
        let block = self.header();
        let seen = self.limits.header(&self.raw[block.start..block.body]);
        let known = Known::new(seen);
        let envelope = Envelope::new(&known, &mut self.limits);
        let (part, shape) = mime::part(&known, false, &mut self.limits);
        (envelope, self.body(part, shape, &block, depth))
    }

    /// A part of a multipart.
    fn part(&mut self, digest: bool, depth: usize) -> Part {
        let block = self.header();
        let seen = self.limits.header(&self.raw[block.start..block.body]);
        let (part, shape) = mime::part(&Known::new(seen), digest, &mut self.limits);
        self.body(part, shape, &block, depth)
    }

    /// Reads the body of a part whose header is read.
    fn body(&mut self, mut part: Part, shape: Shape, block: &Block, depth: usize) -> Part {
        self.limits.part();
        match shape {
            Shape::Message if !block.stopped && depth < MAX_DEPTH => {
                let (envelope, structure) = self.message(depth + 1);
                part.kind = Kind::Message { envelope: Box::new(envelope), structure: Box::new(structure) };
            }
            Shape::Multipart { boundary, digest } if !block.stopped && depth < MAX_DEPTH => {
                part.kind = Kind::Multipart(self.multipart(boundary, digest, block, depth + 1));
            }
            shape => {
                if !block.stopped {
                    self.skip(block.body);
                }
                self.opaque(&mut part, &shape, block);
            }
        }
        self.place(&mut part, block);
        part
    }

    /// Gives a part that is not read further the form that BODYSTRUCTURE needs for its type.
    fn opaque(&self, part: &mut Part, shape: &Shape, block: &Block) {
        match shape {
            Shape::Leaf => {}
            Shape::Multipart { .. } if block.stopped => part.kind = Kind::Multipart(vec![self.whole(block)]),
            Shape::Multipart { .. } => part.set_octet_stream(),
            // RFC 9051 section 7.5.2: a message/rfc822 always has an envelope and a structure, here empty ones.
            Shape::Message | Shape::EncodedMessage => {
                let structure = Box::new(self.whole(block));
                part.kind = Kind::Message { envelope: Box::default(), structure };
            }
        }
    }

    /// The parts of a multipart; never none, since BODYSTRUCTURE cannot say so (RFC 9051 section 9, body-type-mpart).
    fn multipart(&mut self, boundary: Vec<u8>, digest: bool, block: &Block, depth: usize) -> Vec<Part> {
        let level = self.boundaries.len();
        self.boundaries.push(boundary);
        self.skip(block.body);
        if self.stop.delimiter.is_none_or(|delimiter| delimiter.level != level) {
            // The boundary never comes: all that there is may well be text, and is not hidden from the reader.
            self.boundaries.truncate(level);
            return vec![self.whole(block)];
        }
        let mut parts = Vec::new();
        while self.stop.delimiter.is_some_and(|delimiter| delimiter.level == level && !delimiter.close) {
            parts.push(self.part(digest, depth));
        }
        if parts.is_empty() {
            let at = self.stop.end as u64;
            parts.push(Part { header: at, body: at, end: at, ..Part::default() });
        }
        self.boundaries.truncate(level);
        if self.stop.delimiter.is_some_and(|delimiter| delimiter.level == level) {
            self.skip(block.body);
        }
        parts
    }

    /// A plain text that is all of a part's body, which ended at `stop`.
    fn whole(&self, block: &Block) -> Part {
        let mut part = Part::default();
        self.place(&mut part, block);
        part.header = part.body;
        part
    }

    fn place(&self, part: &mut Part, block: &Block) {
        part.header = block.start as u64;
        part.body = block.body as u64;
        part.end = self.stop.end.max(block.body) as u64;
        part.lines = u32::try_from(self.stop.newlines.saturating_sub(block.newlines)).unwrap_or(u32::MAX);
    }

    /// Reads a header up to the blank line, or to a boundary or the end where there is none.
    fn header(&mut self) -> Block {
        let start = self.at;
        loop {
            let blank = blank_line(&self.raw[self.at..]);
            if blank > 0 {
                self.at += blank;
                self.newlines += 1;
                return Block { start, body: self.at, newlines: self.newlines, stopped: false };
            }
            if self.line(start) {
                let body = self.stop.end;
                return Block { start, body, newlines: self.stop.newlines, stopped: true };
            }
        }
    }

    /// Goes to the next boundary or the end of the message and remembers it in `stop`.
    fn skip(&mut self, from: usize) {
        if self.boundaries.is_empty() || self.limits.parts == 0 {
            let rest = &self.raw[self.at..];
            self.newlines += rest.iter().filter(|&&b| b == b'\n').count();
            self.at = self.raw.len();
        }
        while !self.line(from) {}
    }

    /// Takes one line; true when it is a boundary or the end. No part that ends here ends before `from`.
    fn line(&mut self, from: usize) -> bool {
        let start = self.at;
        if start == self.raw.len() {
            self.stop = Stop { end: start, newlines: self.newlines, delimiter: None };
            return true;
        }
        let line = &self.raw[start..start + line_length(&self.raw[start..])];
        let delimiter = self.delimiter(line);
        if delimiter.is_some() {
            let end = start - line_end_length(&self.raw[from..start]);
            self.stop = Stop { end, newlines: self.newlines - usize::from(end < start), delimiter };
        }
        self.at += line.len();
        self.newlines += usize::from(line.ends_with(b"\n"));
        delimiter.is_some()
    }

    /// Which boundary a line is. RFC 2046 section 5.1.1: it is enough that the line begins with it. Where the line
    /// begins with several, the one that leaves nothing over counts, then the longest, then the innermost.
    fn delimiter(&self, line: &[u8]) -> Option<Delimiter> {
        let text = line.strip_prefix(b"--").filter(|_| self.limits.parts > 0)?.trim_ascii_end();
        let mut best = None;
        for (level, boundary) in self.boundaries.iter().enumerate().rev() {
            let Some(tail) = text.strip_prefix(&boundary[..]) else { continue };
            let rank = (tail.is_empty() || tail == b"--", boundary.len());
            if best.is_none_or(|(other, _)| rank > other) {
                best = Some((rank, Delimiter { level, close: tail.starts_with(b"--") }));
            }
        }
        best.map(|(_, delimiter)| delimiter)
    }
}

/// The length of the LF or CRLF that the octets end with.
fn line_end_length(octets: &[u8]) -> usize {
    octets.len() - crate::header::without_line_end(octets).len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Parameter;
    use proptest::prelude::*;

    fn structure(message: &str) -> Part {
        parse(message.as_bytes()).1
    }

    fn body<'a>(message: &'a str, part: &Part) -> &'a str {
        &message[part.body as usize..part.end as usize]
    }

    fn bodies<'a>(message: &'a str, part: &Part) -> Vec<&'a str> {
        children(part).iter().map(|child| body(message, child)).collect()
    }

    fn children(part: &Part) -> &[Part] {
        match &part.kind {
            Kind::Multipart(parts) => parts,
            _ => panic!("{} is no multipart", String::from_utf8_lossy(&part.subtype)),
        }
    }

    fn held(part: &Part) -> &Part {
        match &part.kind {
            Kind::Message { structure, .. } => structure,
            _ => panic!("not a message"),
        }
    }

    fn mixed(boundary: &str, rest: &str) -> String {
        format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n{rest}")
    }

    // RFC 2046 section 5.1.1.
    #[test]
    fn the_example_of_rfc_2046() {
        let message = concat!(
            "From: Nathaniel Borenstein <nsb@bellcore.com>\r\n",
            "MIME-Version: 1.0\r\n",
            "Content-type: multipart/mixed; boundary=\"simple boundary\"\r\n",
            "\r\n",
            "This is the preamble.  It is to be ignored.\r\n",
            "\r\n",
            "--simple boundary\r\n",
            "\r\n",
            "This is implicitly typed plain US-ASCII text.\r\n",
            "It does NOT end with a linebreak.\r\n",
            "--simple boundary\r\n",
            "Content-type: text/plain; charset=us-ascii\r\n",
            "\r\n",
            "This is explicitly typed plain US-ASCII text.\r\n",
            "It DOES end with a linebreak.\r\n",
            "\r\n",
            "--simple boundary--\r\n",
            "\r\n",
            "This is the epilogue.  It is also to be ignored.\r\n"
        );
        let top = structure(message);
        let implicit = "This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.";
        let explicit = "This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n";
        assert_eq!(bodies(message, &top), [implicit, explicit]);
        assert_eq!((top.header, top.end), (0, message.len() as u64));
        let [first, second] = children(&top) else { panic!() };
        assert_eq!((first.lines, second.lines), (1, 2));
        assert_eq!(
            &message[second.header as usize..second.body as usize],
            "Content-type: text/plain; charset=us-ascii\r\n\r\n"
        );
        assert_eq!(first.body - first.header, 2, "the blank line is of the header");
    }

    // RFC 2049 appendix A.
    #[test]
    fn the_example_of_rfc_2049() {
        let message = concat!(
            "MIME-Version: 1.0\r\n",
            "From: Nathaniel Borenstein <nsb@nsb.fv.com>\r\n",
            "To: Ned Freed <ned@innosoft.com>\r\n",
            "Date: Fri, 07 Oct 1994 16:15:05 -0700 (PDT)\r\n",
            "Subject: A multipart example\r\n",
            "Content-Type: multipart/mixed;\r\n",
            "              boundary=unique-boundary-1\r\n\r\n",
            "This is the preamble area of a multipart message.\r\n\r\n",
            "--unique-boundary-1\r\n\r\n",
            "  ... Some text appears here ...\r\n\r\n",
            "--unique-boundary-1\r\n",
            "Content-type: text/plain; charset=US-ASCII\r\n\r\n",
            "This could have been part of the previous part\r\n\r\n",
            "--unique-boundary-1\r\n",
            "Content-Type: multipart/parallel; boundary=unique-boundary-2\r\n\r\n",
            "--unique-boundary-2\r\n",
            "Content-Type: audio/basic\r\n",
            "Content-Transfer-Encoding: base64\r\n\r\n",
            "  ... base64-encoded 8000 Hz single-channel\r\n\r\n",
            "--unique-boundary-2\r\n",
            "Content-Type: image/jpeg\r\n",
            "Content-Transfer-Encoding: base64\r\n\r\n",
            "  ... base64-encoded image data goes here ...\r\n\r\n",
            "--unique-boundary-2--\r\n\r\n",
            "--unique-boundary-1\r\n",
            "Content-type: text/enriched\r\n\r\n",
            "This is <bold><italic>enriched.</italic></bold>\r\n\r\n",
            "--unique-boundary-1\r\n",
            "Content-Type: message/rfc822\r\n\r\n",
            "From: (mailbox in US-ASCII)\r\n",
            "To: (address in US-ASCII)\r\n",
            "Subject: (subject in US-ASCII)\r\n",
            "Content-Type: Text/plain; charset=ISO-8859-1\r\n",
            "Content-Transfer-Encoding: Quoted-printable\r\n\r\n",
            "  ... Additional text in ISO-8859-1 goes here ...\r\n\r\n",
            "--unique-boundary-1--\r\n"
        );
        let top = structure(message);
        let types: Vec<String> =
            (1..=5).map(|n| String::from_utf8(top.at(&[n]).unwrap().subtype.clone()).unwrap()).collect();
        assert_eq!(types, ["PLAIN", "plain", "parallel", "enriched", "rfc822"]);
        assert_eq!(top.at(&[6]), None);
        assert_eq!(
            body(message, top.at(&[3, 2]).unwrap()),
            "  ... base64-encoded image data goes here ...\r\n"
        );
        assert_eq!(
            body(message, top.at(&[5, 1]).unwrap()),
            "  ... Additional text in ISO-8859-1 goes here ...\r\n"
        );
        let Kind::Message { envelope, structure } = &top.at(&[5]).unwrap().kind else { panic!() };
        assert_eq!(envelope.subject.as_deref(), Some(&b"(subject in US-ASCII)"[..]));
        assert_eq!(structure.encoding.as_deref(), Some(&b"Quoted-printable"[..]));
    }

    #[test]
    fn a_plain_message() {
        let message = "Subject: x\r\n\r\none\r\ntwo\r\n";
        let top = structure(message);
        assert_eq!((top.header, top.body, top.end, top.lines), (0, 14, message.len() as u64, 2));
        let top = structure("Subject: x\n\none\ntwo");
        assert_eq!((top.body, top.end, top.lines), (12, 19, 1));
        let top = structure("Subject: x");
        assert_eq!((top.body, top.end, top.lines), (10, 10, 0));
        let top = structure("");
        assert_eq!((top.header, top.body, top.end, top.lines), (0, 0, 0, 0));
    }

    #[test]
    fn bare_line_feeds_are_line_ends() {
        let message = mixed("b", "pre\r\n--b\r\n\r\none\r\n\r\n--b\r\nA: b\r\n\r\ntwo\r\n--b--\r\npost")
            .replace("\r\n", "\n");
        let top = structure(&message);
        assert_eq!(bodies(&message, &top), ["one\n", "two"]);
        assert_eq!(children(&top)[0].lines, 1);
    }

    #[test]
    fn a_missing_end_leaves_all_to_the_last_part() {
        let message = mixed("b", "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\nthree\r\n");
        assert_eq!(bodies(&message, &structure(&message)), ["one", "two\r\nthree\r\n"]);
        let message = mixed("b", "--b\r\n\r\none\r\n--b");
        assert_eq!(bodies(&message, &structure(&message)), ["one", ""]);
    }

    #[test]
    fn boundaries_may_have_white_space_behind() {
        let message = mixed("b", "--b \t\r\n\r\none\r\n--b-- \r\nepilogue --b\r\n--b\r\n");
        assert_eq!(bodies(&message, &structure(&message)), ["one"]);
    }

    #[test]
    fn boundaries_count_at_line_starts_only() {
        let message = mixed("b", "x --b\r\n--b\r\n\r\none --b\r\n - --b\r\n--b--\r\n");
        assert_eq!(bodies(&message, &structure(&message)), ["one --b\r\n - --b"]);
    }

    #[test]
    fn a_boundary_may_begin_another() {
        for (outer, inner) in [("b", "b1"), ("b1", "b"), ("b", "b-"), ("b", "b--")] {
            let nested =
                mixed(inner, &format!("--{inner}\r\n\r\none\r\n--{inner}\r\n\r\ntwo\r\n--{inner}--\r\nepi"));
            let message =
                mixed(outer, &format!("--{outer}\r\n{nested}\r\n--{outer}\r\n\r\nthree\r\n--{outer}--\r\n"));
            let top = structure(&message);
            assert_eq!(children(&top).len(), 2, "{outer} {inner}");
            assert_eq!(bodies(&message, &children(&top)[0]), ["one", "two"], "{outer} {inner}");
            assert_eq!(body(&message, &children(&top)[1]), "three");
        }
    }

    #[test]
    fn an_outer_boundary_ends_the_parts_inside() {
        let nested = mixed("in", "--in\r\n\r\none");
        let message = mixed("out", &format!("--out\r\n{nested}\r\n--out\r\n\r\ntwo\r\n--out--\r\n"));
        let top = structure(&message);
        assert_eq!(bodies(&message, &children(&top)[0]), ["one"]);
        assert_eq!(body(&message, &children(&top)[1]), "two");
    }

    #[test]
    fn an_inner_multipart_ends_with_its_epilogue() {
        let nested = mixed("in", "--in\r\n\r\none\r\n--in--");
        let message = mixed("out", &format!("--out\r\n{nested}\r\n--out--\r\n"));
        let top = structure(&message);
        assert_eq!(body(&message, &children(&top)[0]), "--in\r\n\r\none\r\n--in--");
    }

    #[test]
    fn the_same_boundary_inside_is_the_inner_one() {
        let nested = mixed("b", "--b\r\n\r\none\r\n--b--\r\n");
        let message = mixed("b", &format!("--b\r\n{nested}--b\r\n\r\ntwo\r\n--b--\r\n"));
        let top = structure(&message);
        assert_eq!(bodies(&message, &children(&top)[0]), ["one"]);
        assert_eq!(body(&message, &children(&top)[1]), "two");
    }

    #[test]
    fn a_multipart_always_has_a_part() {
        let message = mixed("b", "preamble\r\n--b--\r\nepilogue\r\n");
        let top = structure(&message);
        assert_eq!(bodies(&message, &top), [""]);
        let message = mixed("b", "no boundary at all\r\n");
        assert_eq!(bodies(&message, &structure(&message)), ["no boundary at all\r\n"]);
        assert_eq!(children(&structure("Content-Type: multipart/mixed; boundary=b")).len(), 1);
        let message = mixed("out", &format!("--out\r\n{}--out--\r\n", mixed("in", "text\r\n")));
        assert_eq!(bodies(&message, &children(&structure(&message))[0]), ["text"]);
    }

    #[test]
    fn a_part_may_lack_its_blank_line() {
        let message = mixed(
            "b",
            "--b\r\nContent-Type: text/html\r\n--b\r\n--b\r\nContent-Type: message/rfc822\r\n--b--\r\n",
        );
        let top = structure(&message);
        assert_eq!(bodies(&message, &top), ["", "", ""]);
        let [first, second, third] = children(&top) else { panic!() };
        assert_eq!(first.subtype, b"html");
        assert_eq!(&message[first.header as usize..first.body as usize], "Content-Type: text/html");
        assert_eq!((second.header, second.body), (second.end, second.end));
        assert_eq!(held(third).kind, Kind::Text);
    }

    #[test]
    fn messages_inside() {
        let inner = "Subject: inner\r\nTo: a@b\r\n\r\none\r\ntwo";
        let message = mixed("b", &format!("--b\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--b--\r\n"));
        let top = structure(&message);
        let part = &children(&top)[0];
        assert_eq!((body(&message, part), part.lines), (inner, 4));
        let Kind::Message { envelope, structure } = &part.kind else { panic!() };
        assert_eq!(envelope.subject.as_deref(), Some(&b"inner"[..]));
        assert_eq!((body(&message, structure), structure.lines), ("one\r\ntwo", 1));
        assert_eq!(structure.header, part.body);
    }

    // RFC 2046 section 5.1.5.
    #[test]
    fn the_parts_of_a_digest_are_messages() {
        let message = concat!(
            "Content-Type: multipart/digest; boundary=\"---- next message ----\"\r\n\r\n",
            "------ next message ----\r\n\r\nSubject: one\r\n\r\nbody one\r\n",
            "------ next message ----\r\nContent-Type: text/plain\r\n\r\ntable\r\n",
            "------ next message ------\r\n"
        );
        let top = structure(message);
        let [first, second] = children(&top) else { panic!() };
        assert_eq!((&first.media_type[..], &first.subtype[..]), (&b"MESSAGE"[..], &b"RFC822"[..]));
        assert_eq!(body(message, held(first)), "body one");
        assert_eq!(second.kind, Kind::Text);
    }

    #[test]
    fn an_encoded_message_is_not_read() {
        let message =
            "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0K\r\n";
        let top = structure(message);
        let Kind::Message { envelope, structure } = &top.kind else { panic!() };
        assert_eq!(**envelope, Envelope::default());
        assert_eq!(body(message, structure), "U3ViamVjdDogeA0K\r\n");
        assert_eq!((structure.header, structure.lines, top.lines), (top.body, 1, 1));
    }

    fn depth(part: &Part) -> usize {
        match &part.kind {
            Kind::Message { structure, .. } => 1 + depth(structure),
            Kind::Multipart(parts) => 1 + parts.iter().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    fn count(part: &Part) -> usize {
        match &part.kind {
            Kind::Message { structure, .. } => 1 + count(structure),
            Kind::Multipart(parts) => 1 + parts.iter().map(count).sum::<usize>(),
            _ => 1,
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(200_000);
        assert_eq!(depth(&structure(&messages)), MAX_DEPTH + 1);
        let nested: String = (0..20_000).map(|n| mixed(&n.to_string(), &format!("--{n}\r\n"))).collect();
        let top = structure(&nested);
        assert_eq!(depth(&top), MAX_DEPTH);
        let deepest = top.at(&[1; MAX_DEPTH]).unwrap();
        assert_eq!((&deepest.media_type[..], &deepest.kind), (&b"APPLICATION"[..], &Kind::Basic));
        let same = mixed("b", "--b\r\n").repeat(50_000);
        assert_eq!(depth(&structure(&same)), MAX_DEPTH);
    }

    #[test]
    fn parts_are_bounded() {
        let message = mixed("b", &"--b\r\n\r\n".repeat(1_000_000));
        let top = structure(&message);
        let parts = children(&top);
        assert!((9_000..=10_001).contains(&parts.len()), "{}", parts.len());
        assert_eq!(parts.last().unwrap().end, message.len() as u64);
        let closed = mixed("b", &"--b--\r\n".repeat(1_000_000));
        assert_eq!(children(&structure(&closed)).len(), 1);
    }

    #[test]
    fn hostile_structures_are_linear() {
        // Each multipart has a boundary that never comes: searching for it to the end every time would be quadratic.
        let missing = "--b\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\n".repeat(200_000);
        assert!(count(&structure(&mixed("b", &missing))) < 30_000);
        // A hundred open boundaries that all begin as every line does.
        let boundary = |n: usize| format!("{}{n}", "x".repeat(60));
        let open: String = (0..100).map(|n| mixed(&boundary(n), &format!("--{}\r\n", boundary(n)))).collect();
        let message = open + &format!("\r\n{}", format!("--{}\r\n", "x".repeat(60)).repeat(100_000));
        assert!(count(&structure(&message)) < 300);
        for header in ["To: a,b,c,", "Content-Type: a/b; a=b;", "Content-Language: a,", "Subject: x"] {
            let (head, tail) = header.split_at(header.find(' ').unwrap());
            structure(&format!("{head}{}\r\n\r\n", tail.repeat(1 << 18)));
            structure(&format!("{header}\r\n").repeat(1 << 18));
        }
    }

    /// Offsets in order, inside the part that holds them, and siblings one after the other.
    fn check(part: &Part, from: u64, to: u64) {
        assert!(
            from <= part.header && part.header <= part.body && part.body <= part.end && part.end <= to,
            "{part:?}"
        );
        match &part.kind {
            Kind::Message { structure, .. } => check(structure, part.body, part.end),
            Kind::Multipart(parts) => {
                assert!(!parts.is_empty());
                let mut from = part.body;
                for child in parts {
                    check(child, from, part.end);
                    from = child.end;
                }
            }
            Kind::Basic | Kind::Text => {}
        }
    }

    /// Pieces of which random messages have a structure.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let pieces: Vec<&'static [u8]> = vec![
            b"--b\r\n",
            b"--b--\r\n",
            b"--c\n",
            b"--c--",
            b"--",
            b"\r\n",
            b"\n",
            b"\r",
            b" ",
            b"text",
            b"Content-Type: multipart/mixed; boundary=b\r\n",
            b"Content-Type: multipart/digest; boundary*0=c\n",
            b"Content-Type: message/rfc822\r\n",
            b"Content-Type: text/html; charset*=utf-8''%41\r\n\r\n",
            b"Content-Transfer-Encoding: base64\r\n",
            b"Content-Disposition: attachment; filename=\"x\r\n",
            b"From: a <b@c>, (d) e: f;\r\n",
            b"Subject: =?utf-8?B?4pyT?= =?x?Q?=\r\n",
            b"\"",
            b"(",
            b"<",
            b";",
            b"=",
            b":",
            b"+AKM-",
            b"\x1b$B",
            b"\x80\xff",
            b"<style>",
            b"&amp;",
            b"References: <a@b><c\r\n",
        ];
        prop_oneof![4 => prop::sample::select(pieces).prop_map(<[u8]>::to_vec), 1 => prop::collection::vec(any::<u8>(), 0..20)]
    }

    /// A message whose structure is known because it was made from it.
    #[derive(Debug, Clone)]
    enum Tree {
        Leaf { text: String, blank: bool },
        Message(Box<Tree>),
        Multipart { preamble: bool, epilogue: bool, close: bool, parts: Vec<Tree> },
    }

    fn tree() -> impl Strategy<Value = Tree> {
        let leaf = ("[ac-z\r\n -]{0,20}", any::<bool>()).prop_map(|(text, blank)| Tree::Leaf { text, blank });
        leaf.prop_recursive(6, 40, 4, |inner| {
            let parts = prop::collection::vec(inner.clone(), 1..4);
            prop_oneof![
                1 => inner.prop_map(|tree| Tree::Message(Box::new(tree))),
                3 => (any::<bool>(), any::<bool>(), any::<bool>(), parts).prop_map(|(preamble, epilogue, close, parts)| {
                    Tree::Multipart { preamble, epilogue, close, parts }
                }),
            ]
        })
    }

    /// Writes a tree and returns the part that it must be. `boundary` makes each boundary the beginning of those
    /// inside, unless it is turned round.
    fn write(tree: &Tree, boundary: &str, out: &mut String) -> Part {
        let mut part = Part { header: out.len() as u64, ..Part::default() };
        let newlines = |out: &str, from: u64| out[from as usize..].matches('\n').count() as u32;
        match tree {
            Tree::Leaf { text, blank } => {
                out.push_str(if *blank { "\r\n" } else { "Subject: leaf\r\n\r\n" });
                part.body = out.len() as u64;
                out.push_str(text);
            }
            Tree::Message(inner) => {
                out.push_str("Content-Type: MESSAGE/RFC822\r\n\r\n");
                (part.media_type, part.subtype) = (b"MESSAGE".to_vec(), b"RFC822".to_vec());
                part.parameters.clear();
                part.body = out.len() as u64;
                let structure = Box::new(write(inner, boundary, out));
                part.kind = Kind::Message { envelope: Box::default(), structure };
            }
            Tree::Multipart { preamble, epilogue, close, parts } => {
                out.push_str(&format!("Content-Type: multipart/x; boundary={boundary}\r\n\r\n"));
                (part.media_type, part.subtype) = (b"multipart".to_vec(), b"x".to_vec());
                let value = boundary.as_bytes().to_vec();
                part.parameters = vec![Parameter { name: b"boundary".to_vec(), value }];
                part.body = out.len() as u64;
                out.push_str(if *preamble { "preamble\r\n--\r\n" } else { "" });
                let mut children = Vec::new();
                for (index, tree) in parts.iter().enumerate() {
                    out.push_str(&format!("--{boundary}\r\n"));
                    children.push(write(tree, &format!("{boundary}.{index}"), out));
                    out.push_str("\r\n");
                }
                // Without the close delimiter the last part reaches to the end of the multipart.
                out.truncate(out.len() - if *close { 0 } else { 2 });
                out.push_str(if *close { "--" } else { "" });
                out.push_str(if *close { boundary } else { "" });
                out.push_str(if *close { "--" } else { "" });
                out.push_str(if *close && *epilogue { "\r\n--epilogue" } else { "" });
                part.kind = Kind::Multipart(children);
            }
        }
        part.end = out.len() as u64;
        part.lines = newlines(out, part.body);
        part
    }

    /// Envelopes and what BODYSTRUCTURE says beside the type are not compared.
    fn without_envelopes(mut part: Part) -> Part {
        match &mut part.kind {
            Kind::Message { envelope, structure } => {
                **envelope = Envelope::default();
                **structure = without_envelopes(std::mem::take(&mut **structure));
            }
            Kind::Multipart(parts) => {
                *parts = std::mem::take(parts).into_iter().map(without_envelopes).collect();
            }
            _ => {}
        }
        part
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn a_made_message_has_the_structure_it_was_made_of(tree in tree(), reverse in any::<bool>()) {
            let mut message = String::new();
            let mut made = write(&tree, "b", &mut message);
            let mut found = parse(message.as_bytes()).1;
            prop_assert_eq!(without_envelopes(std::mem::take(&mut found)), std::mem::take(&mut made));
            if reverse {
                // Bare line feeds change the offsets, not the parts.
                let bare = message.replace("\r\n", "\n");
                prop_assert_eq!(count(&parse(bare.as_bytes()).1), count(&write(&tree, "b", &mut String::new())));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn any_octets_are_a_message(pieces in prop::collection::vec(piece(), 0..60)) {
            let raw = pieces.concat();
            let summary = crate::Summary::parse(&raw);
            check(&summary.structure, 0, raw.len() as u64);
            prop_assert!(summary.preview.chars().count() <= 200);
            let decoded = crate::Summary::decode(&summary.encode());
            prop_assert_eq!(decoded.as_ref(), Some(&summary));
            let _ = crate::text::body_texts(&summary, &raw, &mut |_| std::ops::ControlFlow::Continue(()));
            let header = &raw[..crate::header::header_end(&raw)];
            let text = crate::text::header_text(header);
            crate::text::fold_case(&text);
            crate::thread_keys(header);
            prop_assert_eq!(crate::header::select_fields(header, &[], true), header);
        }
    }
}
