//! What goes between source and sink, also over the administration socket.

use serde::{Deserialize, Serialize};

/// Asks for a mailbox to put messages into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    pub mailbox: String,
    pub subscribed: bool,
    /// `None`: the source has none that clients could have noted.
    pub numbers: Option<Numbers>,
    /// Nothing is made and nothing is changed.
    pub look: bool,
}

/// What clients have noted of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    pub uid_validity: u32,
    pub uid_next: u32,
    pub highest_modseq: u64,
}

/// A mailbox as it is before messages are put into it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// UIDs are those of the source.
    pub kept: bool,
    pub uid_next: u32,
    pub held: Vec<Held>,
}

/// A message that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub uid: u32,
    /// BLAKE3 of the octets with CRLF as line ends, the first 16 octets.
    #[serde(with = "hexadecimal")]
    pub hash: [u8; 16],
    /// INTERNALDATE, seconds since 1970.
    pub date: i64,
}

/// Messages for one mailbox, in the order of their UIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub mailbox: String,
    pub items: Vec<Item>,
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub meta: Meta,
    pub octets: Vec<u8>,
}

/// What there is to a message beside its octets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// `None`: the next one.
    pub uid: Option<u32>,
    pub unique_id: Option<String>,
    /// Bits of [`store::Flags`].
    pub flags: u8,
    pub keywords: Vec<String>,
    /// Seconds since 1970.
    pub internal_date: Option<i64>,
    /// Seconds since 1970.
    pub save_date: Option<i64>,
}

/// What became of an [`Item`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Put {
    Stored { uid: u32 },
    Refused { reason: String },
}

impl Batch {
    /// One octet string: of each item the length of its [`Meta`] as JSON, that, the length of its octets, those. Lengths
    /// are u32, big-endian.
    pub fn encode(&self, json: impl Fn(&Meta) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(self.items.iter().map(|item| item.octets.len() + 256).sum());
        for item in &self.items {
            for octets in [&json(&item.meta)?, &item.octets] {
                out.extend_from_slice(&u32::try_from(octets.len()).ok()?.to_be_bytes());
                out.extend_from_slice(octets);
            }
        }
        Some(out)
    }

    /// `None` for what [`Batch::encode`] does not make.
    pub fn decode(mailbox: String, octets: &[u8], json: impl Fn(&[u8]) -> Option<Meta>) -> Option<Batch> {
        let (mut items, mut rest) = (Vec::new(), octets);
        while !rest.is_empty() {
            let meta = json(field(&mut rest)?)?;
            items.push(Item { meta, octets: field(&mut rest)?.to_vec() });
        }
        Some(Batch { mailbox, items })
    }
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk()?;
    let (field, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = after;
    Some(field)
}

/// A hash as 32 digits: a large mailbox has many.
mod hexadecimal {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(hash: &[u8; 16], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{:032x}", u128::from_be_bytes(*hash)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 16], D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(u128::to_be_bytes).map_err(D::Error::custom)
    }
}
