//! UIDs that were expunged, by the MODSEQ at which they were (RFC 7162 section 3.2).
//!
//! A row's key ends with the first UID of its value, so one expunge may fill several rows of bounded size.
//!
//! | octets | |
//! |---|---|
//! | 0 | version, 1 |
//! | then | for each range: varint the gap from the end of the one before (from 0 at first), varint its length less 1 |

use std::ops::RangeInclusive;

use super::{Fields, put_varint};
use crate::*;

const VERSION: u8 = 1;
/// A row is closed when it is this long.
const FULL: usize = 2000;

pub(crate) fn key(mailbox: MailboxId, modseq: ModSeq, first: u32) -> [u8; 20] {
    let mut key = [0; 20];
    key[..8].copy_from_slice(&mailbox.0.to_be_bytes());
    key[8..16].copy_from_slice(&modseq.0.to_be_bytes());
    key[16..].copy_from_slice(&first.to_be_bytes());
    key
}

/// The MODSEQ of a key.
pub(crate) fn modseq_of_key(key: &[u8]) -> Result<ModSeq> {
    let mut fields = Fields::new("vanished", key);
    fields.u64()?;
    Ok(ModSeq(fields.u64()?))
}

/// The rows for a set: the first UID, for the key, and the value.
pub(crate) fn encode(uids: &UidSet) -> Vec<(u32, Vec<u8>)> {
    let mut rows: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut end = 0;
    for range in uids.ranges() {
        if rows.last().is_none_or(|(_, row)| row.len() >= FULL) {
            rows.push((*range.start(), vec![VERSION]));
            end = 0;
        }
        if let Some((_, row)) = rows.last_mut() {
            put_varint(row, u64::from(range.start() - end));
            put_varint(row, u64::from(range.end() - range.start()));
        }
        end = *range.end();
    }
    rows
}

pub(crate) fn decode(octets: &[u8]) -> Result<Vec<RangeInclusive<u32>>> {
    let mut fields = Fields::new("vanished", octets);
    fields.version(VERSION)?;
    let (mut ranges, mut end) = (Vec::new(), 0u64);
    while !fields.is_empty() {
        let start = end.checked_add(fields.varint()?);
        let last = start.zip(Some(fields.varint()?)).and_then(|(start, more)| start.checked_add(more));
        let range = start.and_then(|start| u32::try_from(start).ok());
        let range = range.zip(last.and_then(|last| u32::try_from(last).ok()));
        let (start, last) = range.ok_or_else(|| fields.damaged("a UID in it is too large"))?;
        ranges.push(start..=last);
        end = u64::from(last);
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_come_back_in_rows_of_bounded_size() {
        let ranges: Vec<_> = (0..5000u32).map(|n| n * 10 + 1..=n * 10 + 1 + n % 3).collect();
        let uids = UidSet::from_ranges(ranges.clone());
        let rows = encode(&uids);
        assert!(rows.len() > 1);
        assert!(rows.iter().all(|(_, row)| row.len() < FULL + 20));
        let back: Vec<_> = rows.iter().flat_map(|(_, row)| decode(row).unwrap()).collect();
        assert_eq!(back, ranges);
        assert_eq!(rows[0].0, 1);
    }

    #[test]
    fn damage_is_an_error() {
        assert!(decode(&[]).is_err());
        assert!(decode(&[VERSION, 0x80]).is_err());
        let mut too_large = vec![VERSION];
        put_varint(&mut too_large, u64::MAX);
        put_varint(&mut too_large, u64::MAX);
        assert!(decode(&too_large).is_err());
    }
}
