//! Rows of bodies, of their summaries and of the segments that hold them.

use super::Fields;
use crate::bodies::Location;
use crate::*;

/// | octets | |
/// |---|---|
/// | 0..32 | BLAKE3 of the octets |
/// | 32..36 | u32 segment |
/// | 36..44 | u64 offset of the record |
/// | 44..48 | u32 octets of the record |
/// | 48..56 | u64 octets of the body |
/// | 56..64 | u64 references: rows of message and retained that name it, and messages of deleted mailboxes |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyRow {
    pub hash: [u8; 32],
    pub location: Location,
    pub references: u64,
}

impl BodyRow {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.hash.to_vec();
        out.extend_from_slice(&self.location.segment.to_be_bytes());
        out.extend_from_slice(&self.location.offset.to_be_bytes());
        out.extend_from_slice(&self.location.stored.to_be_bytes());
        out.extend_from_slice(&self.location.size.to_be_bytes());
        out.extend_from_slice(&self.references.to_be_bytes());
        out
    }

    pub fn decode(octets: &[u8]) -> Result<BodyRow> {
        let mut fields = Fields::new("body", octets);
        let hash = fields.hash()?;
        let location = Location {
            segment: fields.u32()?,
            offset: fields.u64()?,
            stored: fields.u32()?,
            size: fields.u64()?,
        };
        let row = BodyRow { hash, location, references: fields.u64()? };
        fields.end()?;
        Ok(row)
    }
}

/// | octets | |
/// |---|---|
/// | 0..8 | u64 records that a body row names |
/// | 8..16 | u64 their octets |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SegmentRow {
    pub records: u64,
    pub bytes: u64,
}

impl SegmentRow {
    pub fn encode(&self) -> Vec<u8> {
        [self.records.to_be_bytes(), self.bytes.to_be_bytes()].concat()
    }

    pub fn decode(octets: &[u8]) -> Result<SegmentRow> {
        let mut fields = Fields::new("segment", octets);
        let row = SegmentRow { records: fields.u64()?, bytes: fields.u64()? };
        fields.end()?;
        Ok(row)
    }
}

/// redb rounds values over 4 KB up to a power of two, so longer summaries are compressed.
const LONG: usize = 3500;
/// No summary is longer: what claims to be is damaged.
const LONGEST: usize = 64 << 20;
const PLAIN: u8 = 0;
const COMPRESSED: u8 = 1;

pub(crate) fn encode_summary(encoded: &[u8]) -> Vec<u8> {
    if encoded.len() > LONG
        && let Ok(compressed) = zstd::bulk::compress(encoded, 3)
    {
        return [&[COMPRESSED][..], &(encoded.len() as u32).to_be_bytes(), &compressed].concat();
    }
    [&[PLAIN][..], encoded].concat()
}

/// `None` when it is damaged: a summary can always be made again.
pub(crate) fn decode_summary(row: &[u8]) -> Option<::message::Summary> {
    match row.split_first()? {
        (&PLAIN, encoded) => ::message::Summary::decode(encoded),
        (&COMPRESSED, rest) => {
            let (length, compressed) = rest.split_first_chunk()?;
            let length = u32::from_be_bytes(*length) as usize;
            let encoded = zstd::bulk::decompress(compressed, length.min(LONGEST)).ok()?;
            ::message::Summary::decode(&encoded)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let location = Location { segment: 1, offset: 2, stored: 3, size: 4 };
        let row = BodyRow { hash: [7; 32], location, references: 5 };
        assert_eq!(BodyRow::decode(&row.encode()).unwrap(), row);
        assert_eq!(row.encode().len(), 64);
        let segment = SegmentRow { records: 1, bytes: 2 };
        assert_eq!(SegmentRow::decode(&segment.encode()).unwrap(), segment);
        assert!(BodyRow::decode(&row.encode()[..63]).is_err());
    }

    #[test]
    fn long_summaries_are_compressed_and_come_back() {
        let raw = format!("Subject: {}\r\n\r\nHello\r\n", "word ".repeat(2000));
        let summary = ::message::Summary::parse(raw.as_bytes());
        let stored = encode_summary(&summary.encode());
        assert_eq!(stored[0], COMPRESSED);
        assert!(stored.len() < LONG);
        assert_eq!(decode_summary(&stored), Some(summary));
        assert_eq!(decode_summary(&stored[..40]), None);
        assert_eq!(decode_summary(&[]), None);
    }
}
