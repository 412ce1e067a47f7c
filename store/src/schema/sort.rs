//! The row of what SORT and THREAD compare.

use super::Fields;
use crate::*;

const VERSION: u8 = 1;
const REPLY: u8 = 1;
const SENT: u8 = 2;
const MESSAGE_ID: u8 = 4;

/// What SORT and THREAD compare of a message. Texts are decoded, and empty where the message has none; message-ids are
/// hashes. RFC 5256 section 2, RFC 5957 section 3
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SortKeys {
    /// Seconds since 1970, in UTC. `None`: the Date field is absent or names no day.
    pub sent: Option<i64>,
    /// The base subject.
    pub subject: String,
    /// The subject says that the message is a reply or a forward.
    pub reply: bool,
    pub from: String,
    pub to: String,
    pub cc: String,
    pub display_from: String,
    pub display_to: String,
    pub message_id: Option<u64>,
    pub references: Vec<u64>,
}

impl From<::message::SortKeys> for SortKeys {
    fn from(keys: ::message::SortKeys) -> SortKeys {
        SortKeys {
            sent: keys.sent,
            subject: keys.subject.text,
            reply: keys.subject.reply,
            from: keys.from,
            to: keys.to,
            cc: keys.cc,
            display_from: keys.display_from,
            display_to: keys.display_to,
            message_id: keys.message_id.as_deref().map(hash),
            references: keys.references.iter().map(|id| hash(id)).collect(),
        }
    }
}

/// Two message-ids with the same hash are taken for one another, no more.
fn hash(message_id: &[u8]) -> u64 {
    let hash = blake3::hash(message_id);
    hash.as_bytes().iter().take(8).fold(0, |number, octet| number << 8 | u64::from(*octet))
}

/// | octets | |
/// |---|---|
/// | 0 | version 1 |
/// | 1 | bits: 1 reply, 2 there is a sent date, 4 there is a message-id |
/// | 2..10 | i64 sent date, or 0 |
/// | 10..18 | u64 hash of the message-id, or 0 |
/// | then | text16 subject, from, to, cc, display from, display to |
/// | then | u64 a reference, to the end |
impl SortKeys {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let bit = |bit: u8, is_set: bool| if is_set { bit } else { 0 };
        let bits = bit(REPLY, self.reply)
            | bit(SENT, self.sent.is_some())
            | bit(MESSAGE_ID, self.message_id.is_some());
        let mut out = vec![VERSION, bits];
        out.extend_from_slice(&self.sent.unwrap_or_default().to_be_bytes());
        out.extend_from_slice(&self.message_id.unwrap_or_default().to_be_bytes());
        for text in [&self.subject, &self.from, &self.to, &self.cc, &self.display_from, &self.display_to] {
            // `message` keeps texts far shorter than that.
            let length = u16::try_from(text.len()).unwrap_or(0);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(&text.as_bytes()[..usize::from(length)]);
        }
        for reference in &self.references {
            out.extend_from_slice(&reference.to_be_bytes());
        }
        out
    }

    pub(crate) fn decode(octets: &[u8]) -> Result<SortKeys> {
        let mut fields = Fields::new("sort", octets);
        fields.version(VERSION)?;
        let bits = fields.u8()?;
        let (sent, message_id) = (fields.i64()?, fields.u64()?);
        let mut keys = SortKeys {
            sent: (bits & SENT != 0).then_some(sent),
            message_id: (bits & MESSAGE_ID != 0).then_some(message_id),
            reply: bits & REPLY != 0,
            subject: fields.text()?.to_owned(),
            from: fields.text()?.to_owned(),
            to: fields.text()?.to_owned(),
            cc: fields.text()?.to_owned(),
            display_from: fields.text()?.to_owned(),
            display_to: fields.text()?.to_owned(),
            references: Vec::new(),
        };
        while !fields.is_empty() {
            keys.references.push(fields.u64()?);
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let keys = SortKeys {
            sent: Some(-5),
            subject: "Grüße".into(),
            reply: true,
            display_to: "x".into(),
            message_id: Some(u64::MAX),
            references: vec![1, 0, 3],
            ..SortKeys::default()
        };
        for keys in [keys, SortKeys::default()] {
            let row = keys.encode();
            assert_eq!(SortKeys::decode(&row).unwrap(), keys);
            assert!((0..row.len()).all(|end| end == 30 + keys.subject.len() + keys.display_to.len()
                || SortKeys::decode(&row[..end]).is_err()
                || (row.len() - end).is_multiple_of(8)));
        }
    }
}
