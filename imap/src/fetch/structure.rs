//! BODYSTRUCTURE, and BODY without the extension data. RFC 9051 section 7.5.2
//!
//! Valid syntax whatever the message is: the summary's depth is bounded where it is made.

use message::{Disposition, Kind, Parameter, Part};

use super::envelope;
use crate::response::Writer;

/// `body = "(" (body-type-1part / body-type-mpart) ")"`
pub fn write(out: &mut Writer<'_>, part: &Part, extended: bool) {
    out.raw("(");
    match &part.kind {
        Kind::Multipart(parts) => write_multipart(out, part, parts, extended),
        kind => write_single(out, part, kind, extended),
    }
    out.raw(")");
}

/// `body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]`
fn write_multipart(out: &mut Writer<'_>, part: &Part, parts: &[Part], extended: bool) {
    if parts.is_empty() {
        // The grammar wants at least one body; a multipart without boundary or parts has none to show.
        out.raw(r#"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 0 0)"#);
    }
    parts.iter().for_each(|part| write(out, part, extended));
    out.raw(" ").string(&part.subtype);
    if extended {
        out.raw(" ");
        write_parameters(out, &part.parameters);
        write_tail(out, part);
    }
}

/// `body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]`
fn write_single(out: &mut Writer<'_>, part: &Part, kind: &Kind, extended: bool) {
    write_fields(out, part);
    match kind {
        Kind::Basic | Kind::Multipart(_) => {}
        // RFC 3501 section 9: body-type-msg is of message/rfc822 alone; RFC 9755 section 6, RFC 9051 section 7.5.2: of
        // message/global too.
        Kind::Message { .. } if !part.subtype.eq_ignore_ascii_case(b"RFC822") && !out.enabled().utf8() => {}
        Kind::Text => drop(out.raw(" ").show(part.lines)),
        Kind::Message { envelope, structure } => {
            out.raw(" ");
            envelope::write(out, envelope);
            out.raw(" ");
            write(out, structure, extended);
            out.raw(" ").show(part.lines);
        }
    }
    if extended {
        out.raw(" ").nstring(part.md5.as_deref());
        write_tail(out, part);
    }
}

/// media-type and `body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets`
fn write_fields(out: &mut Writer<'_>, part: &Part) {
    out.string(&part.media_type).raw(" ").string(&part.subtype).raw(" ");
    write_parameters(out, &part.parameters);
    out.raw(" ").nstring(part.id.as_deref()).raw(" ").nstring(part.description.as_deref());
    out.raw(" ").string(part.encoding.as_deref().unwrap_or(b"7BIT")).raw(" ").show(part.octets());
}

/// `SP body-fld-dsp SP body-fld-lang SP body-fld-loc`
fn write_tail(out: &mut Writer<'_>, part: &Part) {
    out.raw(" ");
    write_disposition(out, part.disposition.as_ref());
    out.raw(" ");
    write_languages(out, &part.language);
    out.raw(" ").nstring(part.location.as_deref());
}

/// `"(" string SP string *(SP string SP string) ")" / nil`
fn write_parameters(out: &mut Writer<'_>, parameters: &[Parameter]) {
    if parameters.is_empty() {
        out.raw("NIL");
        return;
    }
    let mut before = "(";
    for parameter in parameters {
        out.raw(before).string(&parameter.name).raw(" ").string(&parameter.value);
        before = " ";
    }
    out.raw(")");
}

/// `"(" string SP body-fld-param ")" / nil`
fn write_disposition(out: &mut Writer<'_>, disposition: Option<&Disposition>) {
    let Some(disposition) = disposition else {
        out.raw("NIL");
        return;
    };
    out.raw("(").string(&disposition.value).raw(" ");
    write_parameters(out, &disposition.parameters);
    out.raw(")");
}

/// `nstring / "(" string *(SP string) ")"`
fn write_languages(out: &mut Writer<'_>, languages: &[Vec<u8>]) {
    let mut before = "(";
    for language in languages {
        out.raw(before).string(language);
        before = " ";
    }
    out.raw(if languages.is_empty() { "NIL" } else { ")" });
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use message::{Envelope, Summary};
    use proptest::prelude::*;

    use super::*;

    fn text(part: &Part, extended: bool) -> String {
        let mut out = BytesMut::new();
        write(&mut Writer::new(&mut out), part, extended);
        String::from_utf8(out.to_vec()).unwrap()
    }

    fn part(media_type: &str, subtype: &str, octets: u64, lines: u32, kind: Kind) -> Part {
        Part {
            media_type: media_type.into(),
            subtype: subtype.into(),
            parameters: vec![],
            id: None,
            description: None,
            encoding: None,
            md5: None,
            disposition: None,
            language: vec![],
            location: None,
            header: 0,
            body: 100,
            end: 100 + octets,
            lines,
            kind,
        }
    }

    fn parameters(pairs: &[(&str, &str)]) -> Vec<Parameter> {
        pairs.iter().map(|(name, value)| Parameter { name: (*name).into(), value: (*value).into() }).collect()
    }

    // RFC 3501 section 7.4.2: "a simple text message of 48 lines and 2279 octets"
    #[test]
    fn rfc_simple_text() {
        let mut text_part = part("TEXT", "PLAIN", 2279, 48, Kind::Text);
        text_part.parameters = parameters(&[("CHARSET", "US-ASCII")]);
        assert_eq!(
            text(&text_part, false),
            r#"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 2279 48)"#
        );
    }

    // RFC 3501 section 7.4.2: "a two part message consisting of a text and a BASE64-encoded text attachment"
    #[test]
    fn rfc_two_parts() {
        let mut first = part("TEXT", "PLAIN", 1152, 23, Kind::Text);
        first.parameters = parameters(&[("CHARSET", "US-ASCII")]);
        let mut second = part("TEXT", "PLAIN", 4554, 73, Kind::Text);
        second.parameters = parameters(&[("CHARSET", "US-ASCII"), ("NAME", "cc.diff")]);
        second.id = Some(b"<960723163407.20117h@cac.washington.edu>".to_vec());
        second.description = Some(b"Compiler diff".to_vec());
        second.encoding = Some(b"BASE64".to_vec());
        let whole = part("MULTIPART", "MIXED", 9000, 0, Kind::Multipart(vec![first, second]));
        let expected = concat!(
            r#"(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)"#,
            r#"("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") "#,
            r#""<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 4554 73) "MIXED")"#
        );
        assert_eq!(text(&whole, false), expected);
    }

    #[test]
    fn extension_data() {
        let mut image = part("image", "png", 10, 0, Kind::Basic);
        image.disposition = Some(Disposition {
            value: b"attachment".to_vec(),
            parameters: parameters(&[("filename", "a \"b\".png")]),
        });
        image.language = vec![b"en".to_vec(), b"de".to_vec()];
        image.location = Some(b"http://x/".to_vec());
        image.md5 = Some(b"Q2hlY2s=".to_vec());
        let expected = concat!(
            r#"("image" "png" NIL NIL NIL "7BIT" 10 "Q2hlY2s=" ("attachment" ("filename" "a \"b\".png")) "#,
            r#"("en" "de") "http://x/")"#
        );
        assert_eq!(text(&image, true), expected);
        let mut whole = part("multipart", "mixed", 500, 0, Kind::Multipart(vec![image.clone()]));
        whole.parameters = parameters(&[("boundary", "x")]);
        assert_eq!(text(&whole, true), format!(r#"({expected} "mixed" ("boundary" "x") NIL NIL NIL)"#));
    }

    // RFC 3501 section 7.4.2: a body type of type MESSAGE and subtype RFC822 has envelope, body structure and lines
    #[test]
    fn attached_message() {
        let inner = part("TEXT", "PLAIN", 5, 1, Kind::Text);
        let kind = Kind::Message { envelope: Box::new(Envelope::default()), structure: Box::new(inner) };
        let expected = concat!(
            r#"("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 60 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) "#,
            r#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1) 4)"#
        );
        assert_eq!(text(&part("MESSAGE", "RFC822", 60, 4, kind), false), expected);
    }

    #[test]
    fn a_multipart_without_parts_is_still_valid() {
        let whole = part("MULTIPART", "MIXED", 0, 0, Kind::Multipart(vec![]));
        assert_eq!(
            text(&whole, false),
            r#"(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 0 0) "MIXED")"#
        );
        let expected =
            r#"(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 0 0) "MIXED" NIL NIL NIL NIL)"#;
        assert_eq!(text(&whole, true), expected);
    }

    /// What stands behind one value of the grammar: a number, NIL, a string or a list.
    fn value(text: &[u8]) -> Option<&[u8]> {
        match text.first()? {
            b'(' => list(&text[1..]),
            b'"' => {
                let mut at = 1;
                loop {
                    match text.get(at)? {
                        b'"' => return Some(&text[at + 1..]),
                        b'\\' => at += 2,
                        b'\r' | b'\n' | 0 | 0x80.. => return None,
                        _ => at += 1,
                    }
                }
            }
            b'{' => {
                let end = text.iter().position(|&octet| octet == b'}')?;
                let size: usize = std::str::from_utf8(&text[1..end]).ok()?.parse().ok()?;
                text.get(end + 1..)?.strip_prefix(b"\r\n")?.get(size..)
            }
            b'0'..=b'9' => {
                Some(&text[text.iter().position(|octet| !octet.is_ascii_digit()).unwrap_or(text.len())..])
            }
            _ => text.strip_prefix(b"NIL"),
        }
    }

    /// Values up to the closing parenthesis; only lists may stand together without a space.
    fn list(mut text: &[u8]) -> Option<&[u8]> {
        loop {
            let is_list = text.first() == Some(&b'(');
            text = value(text)?;
            match text.first()? {
                b')' => return Some(&text[1..]),
                b' ' => text = &text[1..],
                b'(' if is_list => {}
                _ => return None,
            }
        }
    }

    const PIECES: &[&str] = &[
        "Content-Type: multipart/mixed; boundary=a\r\n",
        "Content-Type: multipart/digest; boundary=\"b\"\r\n",
        "Content-Type: message/rfc822\r\n",
        "Content-Type: text/plain; name=\"\\\"\u{fc}\"\r\n",
        "Content-Type: ;;;\r\n",
        "Content-Type: multipart/mixed\r\n",
        "Content-Disposition: attachment; filename*0=a; filename*1=b\r\n",
        "Content-Language: en, de\r\n",
        "From: a: b@c, \"d\" <e@f>;\r\n",
        "To: <@x,@y:z@w> (comment\r\n",
        "Subject: \r\n\tx\r\n",
        "\r\n",
        "--a\r\n",
        "--a--\r\n",
        "--b\r\n",
        "--b--\r\n",
        "text\r\n",
        "\n",
        "\u{7f}\u{1}\r",
        ": \r\n",
        "Date: \"\r\n",
    ];

    proptest! {
        /// Valid syntax whatever the message is.
        #[test]
        fn hostile_mime_gives_valid_syntax(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
            let summary = Summary::parse(pieces.concat().as_bytes());
            for extended in [false, true] {
                let mut out = BytesMut::new();
                write(&mut Writer::new(&mut out), &summary.structure, extended);
                prop_assert_eq!(value(&out), Some(&b""[..]), "{}", String::from_utf8_lossy(&out));
            }
            let mut out = BytesMut::new();
            envelope::write(&mut Writer::new(&mut out), &summary.envelope);
            prop_assert_eq!(value(&out), Some(&b""[..]), "{}", String::from_utf8_lossy(&out));
        }
    }
}
