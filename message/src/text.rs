//! Decoded text: for SEARCH, previews and sort keys.

use std::ops::ControlFlow;

pub use crate::casemap::fold_case;
use crate::header::{Field, fields};
use crate::parameter;
use crate::summary::{Address, Kind, Part, Summary};
use crate::transfer;

/// How many encoded messages are opened inside one another. RFC 2046 section 5.2.1 knows none, some mail has one.
const MAX_ENCODED_MESSAGES: u32 = 3;

/// Undoes RFC 2047 encoded words (and raw UTF-8 or, failing that, Windows-1252) in a header value, folded or not.
pub fn decode_header(raw: &[u8]) -> String {
    crate::encoded_word::decode(raw)
}

/// The decoded text of one header block, field names included, one `Name: value\n` a field.
pub fn header_text(header: &[u8]) -> String {
    let mut text = String::with_capacity(header.len());
    for Field { name, value, .. } in fields(header) {
        if !name.is_empty() {
            text.push_str(&crate::charset::guess(name));
            text.push_str(": ");
        }
        crate::encoded_word::decode_into(value, &mut text);
        text.push('\n');
    }
    text
}

/// What SEARCH looks at in one element of an address list: `Name <local@host>` with the name decoded, or a group's name.
pub fn address_text(address: &Address) -> String {
    let plain = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    match address {
        Address::Mailbox { name, local, host, .. } => {
            let name = name.as_deref().map(decode_header).unwrap_or_default();
            let at = if host.is_empty() { "" } else { "@" };
            format!("{name} <{}{at}{}>", plain(local), plain(host))
        }
        Address::GroupStart(name) => decode_header(name),
        Address::GroupEnd => String::new(),
    }
}

/// Visits the decoded text of the message's body: every text part (and report) with its transfer encoding and charset undone, the
/// headers of attached messages, part headers (so that file names are found). Stops when `visit` breaks.
///
/// HTML is visited as its source; the top header is not visited, it is [`header_text`]'s.
pub fn body_texts(
    summary: &Summary,
    raw: &[u8],
    visit: &mut dyn FnMut(&str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    Visitor { raw, encoded_messages: 0, visit }.body(&summary.structure)
}

struct Visitor<'a> {
    raw: &'a [u8],
    /// How many encoded messages this one lies in.
    encoded_messages: u32,
    visit: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
}

impl Visitor<'_> {
    /// A part with its header.
    fn part(&mut self, part: &Part) -> ControlFlow<()> {
        let header = slice(self.raw, part.header, part.body);
        if !header.is_empty() {
            (self.visit)(&header_text(header))?;
        }
        self.body(part)
    }

    fn body(&mut self, part: &Part) -> ControlFlow<()> {
        let disposition = part.disposition.iter().flat_map(|disposition| &disposition.parameters);
        for text in part.parameters.iter().chain(disposition).filter_map(parameter::extended_text) {
            (self.visit)(&text)?;
        }
        match &part.kind {
            Kind::Text => (self.visit)(&part_text(part, self.raw)),
            Kind::Multipart(parts) => parts.iter().try_for_each(|child| self.part(child)),
            Kind::Message { .. } if !transfer::is_identity(part.encoding.as_deref()) => {
                self.encoded_message(part)
            }
            Kind::Message { structure, .. } => self.part(structure),
            // message/delivery-status, message/disposition-notification and their like are lines of text.
            Kind::Basic if part.media_type.eq_ignore_ascii_case(b"message") => {
                (self.visit)(&part_text(part, self.raw))
            }
            Kind::Basic => ControlFlow::Continue(()),
        }
    }

    fn encoded_message(&mut self, part: &Part) -> ControlFlow<()> {
        if self.encoded_messages == MAX_ENCODED_MESSAGES {
            return ControlFlow::Continue(());
        }
        let body = slice(self.raw, part.body, part.end);
        let raw = transfer::decode(part.encoding.as_deref(), body);
        let (_, structure) = crate::structure::parse(&raw);
        let encoded_messages = self.encoded_messages + 1;
        Visitor { raw: &raw, encoded_messages, visit: &mut *self.visit }.part(&structure)
    }
}

/// The text of a text part, its transfer encoding and character set undone.
pub fn part_text(part: &Part, raw: &[u8]) -> String {
    let octets = transfer::decode(part.encoding.as_deref(), slice(raw, part.body, part.end));
    let charset = parameter::value_of(&part.parameters, b"charset").unwrap_or_default();
    crate::charset::decode(&charset, &octets)
}

/// The octets between two offsets; none where they are not in the message, which then is not the one that was parsed.
pub(crate) fn slice(raw: &[u8], start: u64, end: u64) -> &[u8] {
    let offsets = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    offsets.and_then(|(start, end)| raw.get(start..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(message: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        let flow = body_texts(&Summary::parse(message), message, &mut |text| {
            found.push(text.to_owned());
            ControlFlow::Continue(())
        });
        assert!(flow.is_continue());
        found
    }

    #[test]
    fn header_text_has_a_line_a_field() {
        let header = b"Subject: =?utf-8?Q?=C3=A4?=\r\n b\r\nX-Y:z\r\ngarbage\r\n\r\nbody";
        assert_eq!(header_text(header), "Subject: ä b\nX-Y: z\ngarbage\n");
    }

    #[test]
    fn the_text_of_a_single_part() {
        let message = b"Subject: x\r\nContent-Type: text/plain; charset=\"koi8-r\"\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\n=F0=D2=C9=D7=C5=D4\r\n";
        assert_eq!(texts(message), ["Привет\r\n"]);
        assert_eq!(texts(b"Subject: x\r\n\r\nGr\xfc\xdfe"), ["Grüße"]);
        assert_eq!(texts(b"Content-Type: image/png\r\n\r\nabc"), Vec::<String>::new());
    }

    #[test]
    fn parts_come_with_their_headers() {
        let message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\
            Content-Type: text/html\r\n\r\n<p>&auml;</p>\r\n--b\r\n\
            Content-Disposition: attachment; filename*0*=utf-8''%e6%97; filename*1*=%a5.png\r\n\
            Content-Type: image/png\r\n\r\nxyz\r\n--b\r\n\
            Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?Q?=C3=A4?=\r\n\r\ninner\r\n--b--\r\n";
        let found = texts(message);
        assert_eq!(found[0], "Content-Type: text/html\n");
        assert_eq!(found[1], "<p>&auml;</p>");
        assert!(found[2].starts_with("Content-Disposition: attachment;"));
        assert_eq!(found[3], "日.png");
        assert_eq!(found[4], "Content-Type: message/rfc822\n");
        assert_eq!(found[5], "Subject: ä\n");
        assert_eq!(found[6], "inner");
        assert_eq!(found.len(), 7, "neither the preamble nor the picture is text");
    }

    // RFC 3464 section 2.1: fields in the format of a header
    #[test]
    fn reports_are_text() {
        let message = b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n";
        assert_eq!(texts(message), ["Reporting-MTA: dns; mx.test\r\n"]);
    }

    #[test]
    fn an_encoded_message_is_opened() {
        // "Subject: deep\r\n\r\ninner" in base64.
        let message = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n\
            U3ViamVjdDogZGVlcA0KDQppbm5lcg==\r\n";
        assert_eq!(texts(message), ["Subject: deep\n", "inner"]);
    }

    #[test]
    fn visiting_stops_when_told() {
        let message =
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n";
        let mut seen = 0;
        let flow = body_texts(&Summary::parse(message), message, &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        });
        assert!(flow.is_break());
        assert_eq!(seen, 1);
    }

    #[test]
    fn a_summary_of_another_message_shows_nothing() {
        let summary = Summary::parse(&[&b"A: b\r\n\r\n"[..], &[b'x'; 100]].concat());
        let flow = body_texts(&summary, b"short", &mut |text| {
            assert_eq!(text, "");
            ControlFlow::Continue(())
        });
        assert!(flow.is_continue());
    }
}
