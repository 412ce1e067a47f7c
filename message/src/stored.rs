//! The stored form of a summary: one version byte, then postcard.
//!
//! The parts lie in one flat list, each followed by the parts it holds, so that damaged bytes cannot make the decoder
//! recurse. Strings are borrowed while decoding, and no list is reserved for more elements than there are bytes left.
//! Offsets are differences, which are short numbers.

use serde::de::{Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::limits::MAX_DEPTH;
use crate::summary::{Address, Disposition, Envelope, Kind, Parameter, Part, Summary};

/// Of the form below. Another number means: parse the message again.
const VERSION: u8 = 1;

/// How deep parts may lie in each other: those that [`MAX_DEPTH`] lets be parsed, what the deepest holds, and room.
const DEPTH: usize = MAX_DEPTH + 4;

impl Summary {
    /// The stored form; its first byte is the version of the encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut parts = Vec::new();
        flatten(&self.structure, 0, &mut parts);
        let stored = StoredSummary { envelope: (&self.envelope).into(), preview: &self.preview, parts };
        // Serializing to memory what has only lengths that are known cannot fail; an empty value would not be decoded.
        postcard::to_extend(&stored, vec![VERSION]).unwrap_or_default()
    }

    /// `None` for another version or damaged bytes: the caller parses the message again.
    pub fn decode(stored: &[u8]) -> Option<Summary> {
        let (&VERSION, bytes) = stored.split_first()? else { return None };
        let (stored, []) = postcard::take_from_bytes::<StoredSummary<'_>>(bytes).ok()? else { return None };
        let mut parts = stored.parts.into_iter();
        let structure = unflatten(&mut parts, 0, DEPTH)?;
        let complete = parts.next().is_none();
        complete.then(|| Summary {
            envelope: stored.envelope.into(),
            structure,
            preview: stored.preview.to_owned(),
        })
    }
}

/// Octets that are neither copied nor looked at one by one.
#[derive(Clone, Copy, PartialEq)]
struct Octets<'a>(&'a [u8]);

impl Serialize for Octets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Octets<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Octets<'a>, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = &'de [u8];

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("octets")
            }

            fn visit_borrowed_bytes<E>(self, octets: &'de [u8]) -> Result<&'de [u8], E> {
                Ok(octets)
            }
        }
        deserializer.deserialize_bytes(Borrowed).map(Octets)
    }
}

impl<'a> From<&'a Vec<u8>> for Octets<'a> {
    fn from(octets: &'a Vec<u8>) -> Octets<'a> {
        Octets(octets)
    }
}

impl From<Octets<'_>> for Vec<u8> {
    fn from(octets: Octets<'_>) -> Vec<u8> {
        octets.0.to_vec()
    }
}

type Optional<'a> = Option<Octets<'a>>;

fn borrow(octets: &Option<Vec<u8>>) -> Optional<'_> {
    octets.as_ref().map(Octets::from)
}

fn own(octets: Optional<'_>) -> Option<Vec<u8>> {
    octets.map(Vec::from)
}

/// In this order in the stored form; the envelope is first so that it can be read alone.
#[derive(serde::Serialize, serde::Deserialize)]
struct StoredSummary<'a> {
    #[serde(borrow)]
    envelope: StoredEnvelope<'a>,
    preview: &'a str,
    parts: Vec<StoredPart<'a>>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct StoredEnvelope<'a> {
    #[serde(borrow)]
    date: Optional<'a>,
    subject: Optional<'a>,
    from: Vec<StoredAddress<'a>>,
    /// `None`: the same as `from`, which it is in most messages.
    sender: Option<Vec<StoredAddress<'a>>>,
    reply_to: Option<Vec<StoredAddress<'a>>>,
    to: Vec<StoredAddress<'a>>,
    cc: Vec<StoredAddress<'a>>,
    bcc: Vec<StoredAddress<'a>>,
    in_reply_to: Optional<'a>,
    message_id: Optional<'a>,
}

#[derive(serde::Serialize, serde::Deserialize)]
enum StoredAddress<'a> {
    Mailbox {
        #[serde(borrow)]
        name: Optional<'a>,
        route: Optional<'a>,
        local: Octets<'a>,
        host: Octets<'a>,
    },
    GroupStart(Octets<'a>),
    GroupEnd,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct StoredPart<'a> {
    /// Type, subtype and parameters; `None` for those of a part that has no Content-Type.
    #[serde(borrow)]
    media: Option<Media<'a>>,
    id: Optional<'a>,
    description: Optional<'a>,
    encoding: Optional<'a>,
    md5: Optional<'a>,
    disposition: Option<(Octets<'a>, Pairs<'a>)>,
    language: Vec<Octets<'a>>,
    location: Optional<'a>,
    /// From the body of the part that holds this one, and then each from the number before.
    header: u64,
    body: u64,
    end: u64,
    lines: u32,
    kind: StoredKind<'a>,
}

type Media<'a> = (Octets<'a>, Octets<'a>, Pairs<'a>);

type Pairs<'a> = Vec<(Octets<'a>, Octets<'a>)>;

#[derive(serde::Serialize, serde::Deserialize)]
enum StoredKind<'a> {
    Basic,
    Text,
    /// One part follows.
    Message(#[serde(borrow)] Box<StoredEnvelope<'a>>),
    /// So many parts follow, each with those it holds.
    Multipart(u32),
}

impl<'a> From<&'a Envelope> for StoredEnvelope<'a> {
    fn from(envelope: &'a Envelope) -> StoredEnvelope<'a> {
        let list =
            |addresses: &'a Vec<Address>| addresses.iter().map(StoredAddress::from).collect::<Vec<_>>();
        let unlike_from =
            |addresses: &'a Vec<Address>| (*addresses != envelope.from).then(|| list(addresses));
        StoredEnvelope {
            date: borrow(&envelope.date),
            subject: borrow(&envelope.subject),
            from: list(&envelope.from),
            sender: unlike_from(&envelope.sender),
            reply_to: unlike_from(&envelope.reply_to),
            to: list(&envelope.to),
            cc: list(&envelope.cc),
            bcc: list(&envelope.bcc),
            in_reply_to: borrow(&envelope.in_reply_to),
            message_id: borrow(&envelope.message_id),
        }
    }
}

impl From<StoredEnvelope<'_>> for Envelope {
    fn from(stored: StoredEnvelope<'_>) -> Envelope {
        let list =
            |addresses: Vec<StoredAddress<'_>>| addresses.into_iter().map(Address::from).collect::<Vec<_>>();
        let from = list(stored.from);
        Envelope {
            date: own(stored.date),
            subject: own(stored.subject),
            sender: stored.sender.map_or_else(|| from.clone(), list),
            reply_to: stored.reply_to.map_or_else(|| from.clone(), list),
            from,
            to: list(stored.to),
            cc: list(stored.cc),
            bcc: list(stored.bcc),
            in_reply_to: own(stored.in_reply_to),
            message_id: own(stored.message_id),
        }
    }
}

impl<'a> From<&'a Address> for StoredAddress<'a> {
    fn from(address: &'a Address) -> StoredAddress<'a> {
        match address {
            Address::Mailbox { name, route, local, host } => StoredAddress::Mailbox {
                name: borrow(name),
                route: borrow(route),
                local: local.into(),
                host: host.into(),
            },
            Address::GroupStart(name) => StoredAddress::GroupStart(name.into()),
            Address::GroupEnd => StoredAddress::GroupEnd,
        }
    }
}

impl From<StoredAddress<'_>> for Address {
    fn from(stored: StoredAddress<'_>) -> Address {
        match stored {
            StoredAddress::Mailbox { name, route, local, host } => Address::Mailbox {
                name: own(name),
                route: own(route),
                local: local.into(),
                host: host.into(),
            },
            StoredAddress::GroupStart(name) => Address::GroupStart(name.into()),
            StoredAddress::GroupEnd => Address::GroupEnd,
        }
    }
}

/// Writes a part and those it holds. `base`: the body of the part that holds it.
fn flatten<'a>(part: &'a Part, base: u64, out: &mut Vec<StoredPart<'a>>) {
    out.push(StoredPart {
        media: media(part),
        id: borrow(&part.id),
        description: borrow(&part.description),
        encoding: borrow(&part.encoding),
        md5: borrow(&part.md5),
        disposition: part.disposition.as_ref().map(|d| (Octets(&d.value), borrow_pairs(&d.parameters))),
        language: part.language.iter().map(Octets::from).collect(),
        location: borrow(&part.location),
        header: part.header.wrapping_sub(base),
        body: part.body.wrapping_sub(part.header),
        end: part.end.wrapping_sub(part.body),
        lines: part.lines,
        kind: match &part.kind {
            Kind::Basic => StoredKind::Basic,
            Kind::Text => StoredKind::Text,
            Kind::Message { envelope, .. } => {
                StoredKind::Message(Box::new(StoredEnvelope::from(&**envelope)))
            }
            Kind::Multipart(parts) => StoredKind::Multipart(u32::try_from(parts.len()).unwrap_or(u32::MAX)),
        },
    });
    match &part.kind {
        Kind::Message { structure, .. } => flatten(structure, part.body, out),
        Kind::Multipart(parts) => parts.iter().for_each(|child| flatten(child, part.body, out)),
        Kind::Basic | Kind::Text => {}
    }
}

/// The type of a part, unless it is the default.
fn media(part: &Part) -> Option<Media<'_>> {
    let is_default = part.kind == Kind::Text
        && part.media_type == b"TEXT"
        && part.subtype == b"PLAIN"
        && matches!(&part.parameters[..], [only] if only.name == b"CHARSET" && only.value == b"US-ASCII");
    let pairs = || borrow_pairs(&part.parameters);
    (!is_default).then(|| (Octets(&part.media_type), Octets(&part.subtype), pairs()))
}

fn borrow_pairs(list: &[Parameter]) -> Pairs<'_> {
    list.iter().map(|parameter| (Octets(&parameter.name), Octets(&parameter.value))).collect()
}

/// Reads a part and those it holds; `None` where they are too few, too deep or out of bounds.
fn unflatten<'a>(parts: &mut impl Iterator<Item = StoredPart<'a>>, base: u64, depth: usize) -> Option<Part> {
    let depth = depth.checked_sub(1)?;
    let stored = parts.next()?;
    let header = base.checked_add(stored.header)?;
    let body = header.checked_add(stored.body)?;
    let end = body.checked_add(stored.end)?;
    let kind = match stored.kind {
        StoredKind::Basic => Kind::Basic,
        StoredKind::Text => Kind::Text,
        StoredKind::Message(envelope) => {
            let structure = Box::new(unflatten(parts, body, depth)?);
            Kind::Message { envelope: Box::new((*envelope).into()), structure }
        }
        StoredKind::Multipart(count) => {
            Kind::Multipart((0..count).map(|_| unflatten(parts, body, depth)).collect::<Option<_>>()?)
        }
    };
    let mut part = Part {
        id: own(stored.id),
        description: own(stored.description),
        encoding: own(stored.encoding),
        md5: own(stored.md5),
        disposition: stored.disposition.map(own_disposition),
        language: stored.language.into_iter().map(Vec::from).collect(),
        location: own(stored.location),
        header,
        body,
        end,
        lines: stored.lines,
        kind,
        ..Part::default()
    };
    if let Some((media_type, subtype, parameters)) = stored.media {
        (part.media_type, part.subtype) = (media_type.into(), subtype.into());
        part.parameters = own_pairs(parameters);
    }
    Some(part)
}

fn own_pairs(pairs: Pairs<'_>) -> Vec<Parameter> {
    pairs.into_iter().map(|(name, value)| Parameter { name: name.into(), value: value.into() }).collect()
}

fn own_disposition((value, parameters): (Octets<'_>, Pairs<'_>)) -> Disposition {
    Disposition { value: value.into(), parameters: own_pairs(parameters) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MESSAGE: &[u8] = b"From: A Group: x <a@b>;, y@z\r\nSender: s@t\r\nSubject: one\r\n\
        Content-Type: multipart/mixed; boundary=b\r\nContent-Language: de, en\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n\
        Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=f\r\n\r\nSubject: two\r\n\r\nx\r\n--b--\r\n";

    #[test]
    fn what_is_encoded_is_decoded() {
        let summary = Summary::parse(MESSAGE);
        let stored = summary.encode();
        assert_eq!(stored[0], VERSION);
        assert_eq!(Summary::decode(&stored), Some(summary));
        assert!(stored.len() < MESSAGE.len(), "{} octets for {}", stored.len(), MESSAGE.len());
    }

    #[test]
    fn other_versions_and_damage_are_refused() {
        let stored = Summary::parse(MESSAGE).encode();
        assert_eq!(Summary::decode(&[]), None);
        assert_eq!(Summary::decode(&[&[VERSION + 1], &stored[1..]].concat()), None);
        assert_eq!(Summary::decode(&[&stored[..], b"x"].concat()), None);
        for length in 0..stored.len() {
            assert_eq!(Summary::decode(&stored[..length]), None, "cut at {length}");
        }
    }

    #[test]
    fn nesting_of_damaged_bytes_is_bounded() {
        // A part of an empty multipart type that holds one part, over and over.
        let part = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1];
        let mut bytes = vec![VERSION, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend([0xff, 0xff, 0x03]); // 65,535 parts
        bytes.extend(part.repeat(65_535));
        assert_eq!(Summary::decode(&bytes), None);
        // The same, once, is good: so the bytes above are refused for their depth.
        let leaf = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        let bytes = [&[VERSION, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], &part[..], &leaf[..]].concat();
        assert!(Summary::decode(&bytes).is_some());
    }

    proptest! {
        #[test]
        fn decode_takes_any_bytes(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Summary::decode(&bytes);
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            let _ = Summary::decode(&bytes);
        }

        #[test]
        fn decode_takes_damaged_summaries(at in any::<prop::sample::Index>(), value in any::<u8>()) {
            let mut stored = Summary::parse(MESSAGE).encode();
            let at = at.index(stored.len());
            stored[at] = value;
            if let Some(summary) = Summary::decode(&stored) {
                prop_assert!(summary.structure.header <= summary.structure.body);
                prop_assert_eq!(Summary::decode(&summary.encode()), Some(summary));
            }
        }
    }
}
