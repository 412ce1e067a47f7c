//! Messages with binary parts (RFC 3030, RFC 3516) made such that a store of lines without NUL keeps every octet of them.
//!
//! - A leaf that could not be kept is written in base64 and its header says so; nothing else of the message changes.
//! - What cannot be written otherwise - NUL in a header, between parts, or where the encoding forbids it - is refused.

use std::borrow::Cow;
use std::fmt;

use crate::decoder::Encoding;
use crate::header;
use crate::summary::{Kind, Part};
use crate::text::slice;

/// Why a message cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unkeepable {
    /// NUL where only text may be.
    Nul,
    /// NUL in a part with this Content-Transfer-Encoding, which does not allow it.
    Encoded(Vec<u8>),
}

impl fmt::Display for Unkeepable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unkeepable::Nul => f.write_str(
                "the message contains NUL outside of a part that could be encoded; put binary content into a part of its own",
            ),
            Unkeepable::Encoded(name) => write!(
                f,
                "the message contains NUL in a part whose Content-Transfer-Encoding is {}; say `binary`",
                String::from_utf8_lossy(name)
            ),
        }
    }
}

/// The message with the leaves encoded that need it: those with NUL, and those that say `binary` and have a line feed
/// without a carriage return, which a store of lines would change. RFC 3516 section 4.4: "The server MAY modify the CTE of
/// the appended data, however any such transformation MUST NOT result in a loss of data."
pub fn encode_binary(raw: &[u8]) -> Result<Cow<'_, [u8]>, Unkeepable> {
    if !raw.contains(&0) && !has_bare_line_feed(raw) {
        return Ok(Cow::Borrowed(raw));
    }
    let (_, structure) = crate::structure::parse(raw);
    let mut writer = Writer { raw, at: 0, out: Vec::with_capacity(raw.len() + raw.len() / 2) };
    writer.part(&structure)?;
    writer.copy(raw.len())?;
    Ok(Cow::Owned(writer.out))
}

fn has_bare_line_feed(octets: &[u8]) -> bool {
    octets.first() == Some(&b'\n') || octets.windows(2).any(|two| two[1] == b'\n' && two[0] != b'\r')
}

struct Writer<'a> {
    raw: &'a [u8],
    /// What stands before is written.
    at: usize,
    out: Vec<u8>,
}

impl Writer<'_> {
    /// As deep as the structure, which is bounded where it is read.
    fn part(&mut self, part: &Part) -> Result<(), Unkeepable> {
        match &part.kind {
            Kind::Multipart(parts) => parts.iter().try_for_each(|part| self.part(part)),
            Kind::Message { structure, .. } if Encoding::of(part) == Some(Encoding::Identity) => {
                self.part(structure)
            }
            _ => self.leaf(part),
        }
    }

    fn leaf(&mut self, part: &Part) -> Result<(), Unkeepable> {
        let body = slice(self.raw, part.body, part.end);
        let has_nul = body.contains(&0);
        let is_binary = part.encoding.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(b"binary"));
        let is_kept = !has_nul && (!is_binary || !has_bare_line_feed(body));
        if is_kept {
            return Ok(());
        }
        if Encoding::of(part) != Some(Encoding::Identity) {
            return Err(Unkeepable::Encoded(part.encoding.clone().unwrap_or_default()));
        }
        let header = slice(self.raw, part.header, part.body);
        // Without a header of its own there is nowhere to say how it is encoded.
        if header.is_empty() {
            return Err(Unkeepable::Nul);
        }
        self.copy(usize::try_from(part.header).unwrap_or(usize::MAX))?;
        self.header(header, part.header == 0)?;
        self.base64(body);
        self.at = usize::try_from(part.end).unwrap_or(usize::MAX);
        Ok(())
    }

    /// Writes what stands before `end` as it is.
    fn copy(&mut self, end: usize) -> Result<(), Unkeepable> {
        let octets = self.raw.get(self.at..end).unwrap_or_default();
        if octets.contains(&0) {
            return Err(Unkeepable::Nul);
        }
        self.out.extend_from_slice(octets);
        self.at = end;
        Ok(())
    }

    /// The header of a part, with another Content-Transfer-Encoding.
    fn header(&mut self, octets: &[u8], is_top: bool) -> Result<(), Unkeepable> {
        let mut has_version = false;
        for field in header::fields(octets) {
            if field.octets.contains(&0) {
                return Err(Unkeepable::Nul);
            }
            has_version |= field.name.eq_ignore_ascii_case(b"MIME-Version");
            if !field.name.eq_ignore_ascii_case(b"Content-Transfer-Encoding") {
                self.out.extend_from_slice(field.octets);
            }
        }
        if is_top && !has_version {
            // RFC 2045 section 4: without it the encoding would mean nothing.
            self.out.extend_from_slice(b"MIME-Version: 1.0\r\n");
        }
        self.out.extend_from_slice(b"Content-Transfer-Encoding: base64\r\n\r\n");
        Ok(())
    }

    fn base64(&mut self, body: &[u8]) {
        // RFC 2045 section 6.8: lines of at most 76 characters
        const LINE: usize = 57;
        let mut before: &[u8] = b"";
        for line in body.chunks(LINE) {
            self.out.extend_from_slice(before);
            line.chunks(3).for_each(|group| self.out.extend_from_slice(&four(group)));
            before = b"\r\n";
        }
    }
}

/// One to three octets as four characters.
fn four(group: &[u8]) -> [u8; 4] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let octet = |at: usize| group.get(at).copied().map_or(0, u32::from);
    let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
    std::array::from_fn(|at| match at <= group.len() {
        true => ALPHABET[(bits >> (18 - 6 * at) & 63) as usize],
        false => b'=',
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Decoder, Summary};

    fn encoded(raw: &[u8]) -> Result<String, Unkeepable> {
        encode_binary(raw).map(|octets| String::from_utf8(octets.into_owned()).unwrap())
    }

    #[test]
    fn what_can_be_kept_is_not_touched() {
        for raw in [
            &b""[..],
            b"Subject: x\r\n\r\ntext\r\n",
            b"Content-Transfer-Encoding: binary\r\n\r\n\xff\r\r\n\xfe",
            b"Subject: x\n\nlines of unix\n",
        ] {
            assert_eq!(encode_binary(raw).unwrap(), raw);
        }
    }

    #[test]
    fn a_binary_leaf_becomes_base64() {
        let raw =
            b"Subject: x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding:\r\n binary\r\n\r\na\0b\nc";
        let expected = "Subject: x\r\nContent-Type: image/png\r\nMIME-Version: 1.0\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nYQBiCmM=";
        assert_eq!(encoded(raw).unwrap(), expected);
        // A line feed alone is enough where the sender says that it is no text.
        let raw = b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: BINARY\r\n\r\na\nb";
        assert_eq!(
            encoded(raw).unwrap(),
            "MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\nYQpi"
        );
    }

    #[test]
    fn only_the_part_that_needs_it() {
        let raw = b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n--b\r\n\r\ntext\r\n\
            --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: application/x\r\n\r\n\0\r\n\r\n--b--\r\nend";
        let expected = "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n--b\r\n\r\ntext\r\n\
            --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: application/x\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nAA0K\r\n--b--\r\nend";
        assert_eq!(encoded(raw).unwrap(), expected);
    }

    #[test]
    fn nul_that_nothing_can_be_done_about() {
        for raw in [
            &b"Subject: \0\r\n\r\nx"[..],
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\0\r\n--b\r\n\r\nx\r\n--b--\r\n",
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n\0",
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\0",
            b"X: \0\r\nContent-Transfer-Encoding: binary\r\n\r\n\0",
        ] {
            assert_eq!(encoded(raw), Err(Unkeepable::Nul), "{}", raw.escape_ascii());
        }
        for name in ["base64", "quoted-printable", "x-other"] {
            let raw = format!("Content-Transfer-Encoding: {name}\r\n\r\n\0");
            assert_eq!(encoded(raw.as_bytes()), Err(Unkeepable::Encoded(name.into())));
        }
    }

    proptest! {
        /// Whoever decodes gets every octet back.
        #[test]
        fn nothing_is_lost(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let raw = [&b"Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n"[..], &body].concat();
            let kept = encode_binary(&raw).unwrap();
            prop_assert!(!kept.contains(&0) && !has_bare_line_feed(&kept));
            let part = Summary::parse(&kept).structure;
            let (mut decoder, mut out) = (Decoder::new(Encoding::of(&part).unwrap()), Vec::new());
            decoder.push(slice(&kept, part.body, part.end), &mut out);
            decoder.finish(&mut out);
            prop_assert_eq!(out, body);
        }

        /// No message makes it fail otherwise than by saying no.
        #[test]
        fn hostile_messages(pieces in proptest::collection::vec(proptest::sample::select(vec![
            "Content-Type: multipart/mixed; boundary=a\r\n", "Content-Type: message/rfc822\r\n", "\r\n", "--a\r\n",
            "--a--\r\n", "Content-Transfer-Encoding: binary\r\n", "\0", "\n", "text", "Content-Transfer-Encoding: base64\r\n",
        ]), 0..30)) {
            if let Ok(kept) = encode_binary(pieces.concat().as_bytes()) {
                prop_assert!(!kept.contains(&0));
            }
        }
    }
}
