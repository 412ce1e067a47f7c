//! The header of one body part: what kind of part it is and what BODYSTRUCTURE says of it.

use crate::envelope::{Known, Name};
use crate::header::unfold;
use crate::limits::Limits;
use crate::parameter::{self, MediaType};
use crate::summary::{Kind, Parameter, Part};
use crate::transfer;

/// How the body of a part is to be read.
pub(crate) enum Shape {
    /// It has no parts.
    Leaf,
    /// A message that can be read as it stands.
    Message,
    /// A message whose octets are encoded, which RFC 2046 section 5.2.1 forbids: its structure is not known.
    EncodedMessage,
    Multipart {
        boundary: Vec<u8>,
        /// Its parts are messages unless they say otherwise.
        digest: bool,
    },
}

/// A part without offsets, lines and children, and how to find them. `digest`: it stands in a multipart/digest.
pub(crate) fn part(known: &Known<'_>, digest: bool, limits: &mut Limits) -> (Part, Shape) {
    let mut part = Part {
        id: known.value(Name::ContentId),
        description: known.value(Name::ContentDescription),
        encoding: encoding(known),
        md5: known.value(Name::ContentMd5),
        disposition: known
            .raw(Name::ContentDisposition)
            .and_then(|raw| parameter::disposition(&unfold(raw), limits)),
        language: known.raw(Name::ContentLanguage).map(|raw| languages(raw, limits)).unwrap_or_default(),
        location: known.value(Name::ContentLocation),
        ..Part::default()
    };
    // RFC 2045 section 5.2: a field that is not valid counts as none.
    let stated = known.raw(Name::ContentType).and_then(|raw| parameter::media_type(&unfold(raw), limits));
    match stated {
        Some(stated) => part.set_type(stated),
        None if digest => part.set_type(message_rfc822()),
        None => {}
    }
    let shape = part.shape();
    (part, shape)
}

// RFC 2045 section 5.2: no Content-Type means text/plain in US-ASCII.
impl Default for Part {
    fn default() -> Part {
        Part {
            media_type: b"TEXT".to_vec(),
            subtype: b"PLAIN".to_vec(),
            parameters: vec![Parameter { name: b"CHARSET".to_vec(), value: b"US-ASCII".to_vec() }],
            id: None,
            description: None,
            encoding: None,
            md5: None,
            disposition: None,
            language: Vec::new(),
            location: None,
            header: 0,
            body: 0,
            end: 0,
            lines: 0,
            kind: Kind::Text,
        }
    }
}

impl Part {
    fn set_type(&mut self, stated: MediaType) {
        self.media_type = stated.media_type;
        self.subtype = stated.subtype;
        self.parameters = stated.parameters;
        self.kind = if self.media_type.eq_ignore_ascii_case(b"text") { Kind::Text } else { Kind::Basic };
    }

    /// What RFC 2046 section 5.2.4 and RFC 2045 section 6.4 say of parts that cannot be understood.
    pub(crate) fn set_octet_stream(&mut self) {
        self.media_type = b"APPLICATION".to_vec();
        self.subtype = b"OCTET-STREAM".to_vec();
        self.parameters = Vec::new();
        self.kind = Kind::Basic;
    }

    fn shape(&mut self) -> Shape {
        if self.is_type(b"multipart") {
            return self.multipart_shape();
        }
        // RFC 6532 section 3.7: message/global is message/rfc822 with UTF-8, and may be encoded.
        if !self.is_message() {
            Shape::Leaf
        } else if transfer::is_identity(self.encoding.as_deref()) {
            Shape::Message
        } else {
            Shape::EncodedMessage
        }
    }

    // RFC 2046 section 5.1.1: the boundary is required; without it the Content-Type is not valid.
    fn multipart_shape(&mut self) -> Shape {
        let boundary = parameter::value_of(&self.parameters, b"boundary");
        match boundary
            .map(|boundary| boundary.trim_ascii_end().to_vec())
            .filter(|boundary| !boundary.is_empty())
        {
            Some(boundary) => {
                Shape::Multipart { boundary, digest: self.subtype.eq_ignore_ascii_case(b"digest") }
            }
            None => {
                let Part { media_type, subtype, parameters, kind, .. } = Part::default();
                (self.media_type, self.subtype, self.parameters, self.kind) =
                    (media_type, subtype, parameters, kind);
                Shape::Leaf
            }
        }
    }

    fn is_message(&self) -> bool {
        let known: [&[u8]; 2] = [b"rfc822", b"global"];
        self.is_type(b"message") && known.iter().any(|name| self.subtype.eq_ignore_ascii_case(name))
    }

    /// Whether this is the top-level media type, whatever its case.
    pub(crate) fn is_type(&self, name: &[u8]) -> bool {
        self.media_type.eq_ignore_ascii_case(name)
    }
}

fn message_rfc822() -> MediaType {
    MediaType { media_type: b"MESSAGE".to_vec(), subtype: b"RFC822".to_vec(), parameters: Vec::new() }
}

fn encoding(known: &Known<'_>) -> Option<Vec<u8>> {
    let raw = known.raw(Name::ContentTransferEncoding)?;
    parameter::first_token(&unfold(raw)).map(<[u8]>::to_vec)
}

/// RFC 3282 section 2: tags between commas, with comments.
fn languages(raw: &[u8], limits: &mut Limits) -> Vec<Vec<u8>> {
    let value = unfold(raw);
    let tags = value.split(|&b| b == b',').filter_map(parameter::first_token);
    tags.take_while(|_| limits.item()).map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> (Part, Shape) {
        part(&Known::new(header.as_bytes()), false, &mut Limits::new())
    }

    #[test]
    fn the_default_is_text_plain() {
        for header in
            ["", "Content-Type: text\r\n", "Content-Type: \r\n", "Content-Type: multipart/mixed\r\n"]
        {
            let (part, shape) = read(header);
            assert_eq!((&part.media_type[..], &part.subtype[..]), (&b"TEXT"[..], &b"PLAIN"[..]));
            assert_eq!(part.parameters[0].value, b"US-ASCII");
            assert!(matches!(shape, Shape::Leaf) && part.kind == Kind::Text);
        }
        let (part, shape) = part(&Known::new(b""), true, &mut Limits::new());
        assert_eq!((&part.media_type[..], &part.subtype[..]), (&b"MESSAGE"[..], &b"RFC822"[..]));
        assert!(part.parameters.is_empty() && matches!(shape, Shape::Message));
    }

    #[test]
    fn all_the_fields_of_a_body() {
        let (part, _) = read(concat!(
            "Content-Type: Image/PNG; name=x\r\n",
            "Content-Transfer-Encoding: BASE64 (as always)\r\n",
            "Content-ID: <foo4*foo1@bar.net>\r\n",
            "Content-Description: a\r\n picture\r\n",
            "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n",
            "Content-Disposition: INLINE; filename=\"a.png\"\r\n",
            "Content-Language: i-mingo, mi (Maori), en\r\n",
            "Content-Location: http://example.com/a.png\r\n\r\n"
        ));
        assert_eq!((&part.media_type[..], &part.subtype[..]), (&b"Image"[..], &b"PNG"[..]));
        assert_eq!(part.encoding.as_deref(), Some(&b"BASE64"[..]));
        assert_eq!(part.id.as_deref(), Some(&b"<foo4*foo1@bar.net>"[..]));
        assert_eq!(part.description.as_deref(), Some(&b"a picture"[..]));
        assert_eq!(part.md5.as_deref(), Some(&b"Q2hlY2sgSW50ZWdyaXR5IQ=="[..]));
        assert_eq!(part.language, [&b"i-mingo"[..], b"mi", b"en"]);
        assert_eq!(part.location.as_deref(), Some(&b"http://example.com/a.png"[..]));
        let disposition = part.disposition.unwrap();
        assert_eq!(disposition.value, b"INLINE");
        assert_eq!(disposition.parameters[0].value, b"a.png");
        assert_eq!(part.kind, Kind::Basic);
    }

    #[test]
    fn shapes() {
        assert!(matches!(read("Content-Type: message/rfc822\r\n").1, Shape::Message));
        assert!(matches!(read("Content-Type: Message/Global\r\n").1, Shape::Message));
        assert!(matches!(read("Content-Type: message/partial\r\n").1, Shape::Leaf));
        let encoded = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n";
        assert!(matches!(read(encoded).1, Shape::EncodedMessage));
        let Shape::Multipart { boundary, digest } =
            read("Content-Type: multipart/Digest; boundary*0=\"a \"; boundary*1=\"b \"").1
        else {
            panic!("not a multipart");
        };
        assert_eq!((&boundary[..], digest), (&b"a b"[..], true));
    }
}
