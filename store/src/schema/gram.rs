//! Rows of the search index: its runs, and the postings of their grams.
//!
//! Both carry a checksum over key and value: a row that is not what was written costs time and never a match.

use std::ops::RangeInclusive;

use message::grams::{self, Gram};
use roaring::RoaringBitmap;

use super::{Fields, put_varint};
use crate::{BodyId, Error, Result};

/// Bodies whose numbers differ in the lower 16 bits alone share a run at most; those bits are the body's *document*.
pub(crate) const DOCUMENTS: u64 = 1 << 16;

/// Which text of a message a gram is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Header = 0,
    Body = 1,
}

/// Key: u64 first body. Value:
///
/// | octets | |
/// |---|---|
/// | 0..4 | u32 CRC-32C of the key and what follows |
/// | 4 | version of the grams |
/// | 5..13 | u64 number of the run |
/// | 13..21 | u64 last body |
/// | 21..25 | u32 bodies that it was made of |
/// | 25.. | documents that may hold any string, as a roaring bitmap |
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunRow {
    pub number: u64,
    pub bodies: RangeInclusive<u64>,
    pub count: u32,
    pub opaque: RoaringBitmap,
}

pub(crate) fn run_key(first: u64) -> [u8; 8] {
    first.to_be_bytes()
}

impl RunRow {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![grams::VERSION];
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.bodies.end().to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        put_bitmap(&mut out, &self.opaque);
        sealed(&run_key(*self.bodies.start()), &out)
    }

    pub fn decode(key: &[u8], octets: &[u8]) -> Result<RunRow> {
        let first = super::u64_of("gram_run", key)?;
        let mut fields = Fields::new("gram_run", unsealed("gram_run", key, octets)?);
        fields.version(grams::VERSION)?;
        let (number, last, count) = (fields.u64()?, fields.u64()?, fields.u32()?);
        if last < first || first / DOCUMENTS != last / DOCUMENTS {
            return Err(fields.damaged("its bodies are no range"));
        }
        let opaque = bitmap(&fields, fields.remaining())?;
        Ok(RunRow { number, bodies: first..=last, count, opaque })
    }

    pub fn holds(&self, body: BodyId) -> bool {
        self.bodies.contains(&body.0)
    }
}

/// The lower 16 bits.
pub(crate) fn document(body: BodyId) -> u32 {
    (body.0 % DOCUMENTS) as u32
}

/// Key: u64 run, u8 part, u24 last gram of the row. A part's rows cover all grams without a gap.
pub(crate) fn posting_key(run: u64, part: Part, last: Gram) -> [u8; 12] {
    let gram = u32::from(part as u8) << 24 | last & grams::LAST;
    super::joined(&run.to_be_bytes(), &gram.to_be_bytes())
}

pub(crate) fn run_prefix(run: u64) -> [u8; 8] {
    run.to_be_bytes()
}

/// Run, part and last gram of a key.
pub(crate) fn posting_of_key(key: &[u8]) -> Result<(u64, Part, Gram)> {
    let mut fields = Fields::new("gram_posting", key);
    let (run, gram) = (fields.u64()?, fields.u32()?);
    let part = match gram >> 24 {
        0 => Part::Header,
        1 => Part::Body,
        _ => return Err(fields.damaged("its part is unknown")),
    };
    fields.end()?;
    Ok((run, part, gram & grams::LAST))
}

/// The documents of bodies that have a gram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Posting {
    /// More than half of those of the run have it: all may.
    All,
    /// In order.
    Some(Vec<u16>),
}

/// The documents of a few grams that follow one another:
///
/// u32 CRC-32C of the key and what follows; u32 first gram that the row covers; for each gram: varint the gram less the
/// one before (the first: less the first covered); varint 16 times the octets of the documents, and how many bits of a
/// difference are written as they are (15: any document may have the gram); the documents.
///
/// These are varint the first; then for each other, the difference to the one before less one as a Rice code: the upper
/// bits as so many ones and a zero, the lower ones highest first. The last octet is filled up with ones.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PostingRow {
    pub covers: RangeInclusive<Gram>,
    octets: Vec<u8>,
    previous: Gram,
}

/// In place of the number of bits: any document may have the gram.
const ALL: u32 = 15;

impl PostingRow {
    /// A row that covers grams from this one on.
    pub fn from(first: Gram) -> PostingRow {
        PostingRow { covers: first..=first, octets: Vec::new(), previous: first }
    }

    /// In the order of grams. False, and nothing is added, where there is something and this would make it longer than
    /// `most`.
    pub fn add(&mut self, gram: Gram, posting: &Posting, most: usize) -> bool {
        let length = self.octets.len();
        put_varint(&mut self.octets, u64::from(gram.saturating_sub(self.previous)));
        match posting {
            Posting::All => put_varint(&mut self.octets, u64::from(ALL)),
            Posting::Some(documents) => {
                let bits = rice_bits(documents);
                let coded = rice(documents, bits);
                put_varint(&mut self.octets, (coded.len() as u64) << 4 | u64::from(bits));
                self.octets.extend_from_slice(&coded);
            }
        }
        if length > 0 && self.octets.len() > most {
            self.octets.truncate(length);
            return false;
        }
        self.previous = gram;
        true
    }

    /// Key and value of the row, which covers grams up to this one.
    pub fn encode(&self, run: u64, part: Part, last: Gram) -> ([u8; 12], Vec<u8>) {
        let key = posting_key(run, part, last);
        let content = [&self.covers.start().to_be_bytes()[..], &self.octets].concat();
        (key, sealed(&key, &content))
    }

    /// Calls `each` for every gram of the row that is `wanted`. What grams the row covers.
    pub fn read(
        key: &[u8],
        value: &[u8],
        wanted: &RangeInclusive<Gram>,
        each: &mut dyn FnMut(Gram, Posting),
    ) -> Result<RangeInclusive<Gram>> {
        let (_, _, last) = posting_of_key(key)?;
        let mut fields = Fields::new("gram_posting", unsealed("gram_posting", key, value)?);
        let first = fields.u32()?;
        let mut gram = u64::from(first);
        while !fields.is_empty() {
            gram += fields.varint()?;
            let head = fields.varint()?;
            let octets = fields.octets(usize::try_from(head >> 4).unwrap_or(usize::MAX))?;
            let this = u32::try_from(gram).unwrap_or(u32::MAX);
            if this > last {
                return Err(fields.damaged("a gram of it is of another row"));
            }
            if this > *wanted.end() {
                break;
            }
            if wanted.contains(&this) {
                let bits = (head & 15) as u32;
                each(this, if bits == ALL { Posting::All } else { Posting::Some(unrice(octets, bits)?) });
            }
        }
        Ok(first..=last)
    }
}

/// How many bits of the differences make their codes shortest, nearly: those of their mean.
fn rice_bits(documents: &[u16]) -> u32 {
    let (Some(first), Some(last)) = (documents.first(), documents.last()) else { return 0 };
    let differences = (documents.len() as u32 - 1).max(1);
    let mean = u32::from(last - first) / differences;
    // ln 2 times the mean is where one bit more and one bit less cost the same.
    (mean * 7 / 10).checked_ilog2().unwrap_or(0).min(ALL - 1)
}

fn rice(documents: &[u16], bits: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(documents.len() / 4 + 4);
    let Some(first) = documents.first() else { return out };
    put_varint(&mut out, u64::from(*first));
    let (mut filling, mut filled) = (0u8, 0);
    let mut put = |bit: bool| {
        filling = filling << 1 | u8::from(bit);
        filled += 1;
        if filled == 8 {
            out.push(filling);
            filled = 0;
        }
    };
    for (before, document) in documents.iter().zip(documents.iter().skip(1)) {
        let difference = u32::from(document.saturating_sub(*before)).saturating_sub(1);
        (0..difference >> bits).for_each(|_| put(true));
        put(false);
        (0..bits).rev().for_each(|bit| put(difference >> bit & 1 == 1));
    }
    if filled > 0 {
        out.push(filling << (8 - filled) | (0xff >> filled));
    }
    out
}

fn unrice(octets: &[u8], bits: u32) -> Result<Vec<u16>> {
    let mut fields = Fields::new("gram_posting", octets);
    let first = fields.varint()?;
    let too_high = |_| fields.damaged("a document in it is too high");
    let mut documents = vec![u16::try_from(first).map_err(too_high)?];
    let mut document = first as u32;
    let (mut upper, mut lower, mut left) = (0u32, 0u32, None);
    for octet in fields.remaining() {
        for at in (0..8).rev() {
            let bit = u32::from(octet >> at & 1);
            match left {
                None if bit == 1 => {
                    upper += 1;
                    continue;
                }
                None => left = Some(bits),
                Some(more) => {
                    lower = lower << 1 | bit;
                    left = Some(more - 1);
                }
            }
            if left == Some(0) {
                document = document.saturating_add((upper << bits | lower) + 1);
                documents.push(u16::try_from(document).map_err(too_high)?);
                (upper, lower, left) = (0, 0, None);
            }
        }
    }
    Ok(documents)
}

fn bitmap(fields: &Fields<'_>, octets: &[u8]) -> Result<RoaringBitmap> {
    RoaringBitmap::deserialize_from(octets).map_err(|_| fields.damaged("a bitmap in it is damaged"))
}

fn put_bitmap(out: &mut Vec<u8>, bitmap: &RoaringBitmap) {
    // Writing to memory cannot fail.
    let _ = bitmap.serialize_into(out);
}

fn sealed(key: &[u8], content: &[u8]) -> Vec<u8> {
    [&checksum(key, content).to_be_bytes()[..], content].concat()
}

fn unsealed<'a>(row: &'static str, key: &[u8], octets: &'a [u8]) -> Result<&'a [u8]> {
    let mut fields = Fields::new(row, octets);
    let stored = fields.u32()?;
    let content = fields.remaining();
    if stored == checksum(key, content) { Ok(content) } else { Err(mismatch(row)) }
}

fn checksum(key: &[u8], content: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), content)
}

fn mismatch(row: &str) -> Error {
    Error::Damaged(format!("a {row} row fails its checksum: the index is made anew in the background"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grams_of(key: &[u8], value: &[u8], wanted: RangeInclusive<Gram>) -> Vec<(Gram, Posting)> {
        let mut found = Vec::new();
        PostingRow::read(key, value, &wanted, &mut |gram, posting| found.push((gram, posting))).unwrap();
        found
    }

    #[test]
    fn postings_come_back() {
        let mut row = PostingRow::from(5);
        let many = Posting::Some((0..60_000).filter(|n| n % 3 == 0).collect());
        let few = Posting::Some(vec![0, 7, 65_535]);
        assert!(row.add(5, &few, 10_000));
        assert!(row.add(900, &many, 10_000));
        assert!(row.add(901, &Posting::All, 10_000));
        assert!(!row.add(902, &many, 10_000));
        let (key, value) = row.encode(3, Part::Body, 1000);
        assert_eq!(posting_of_key(&key).unwrap(), (3, Part::Body, 1000));
        assert!(value.len() < 7600, "{}", value.len());
        assert_eq!(grams_of(&key, &value, 5..=5), [(5, few)]);
        assert_eq!(grams_of(&key, &value, 6..=2000), [(900, many), (901, Posting::All)]);
        assert_eq!(grams_of(&key, &value, 6..=899), []);
    }

    proptest! {
        #[test]
        fn documents_come_back(documents in prop::collection::btree_set(any::<u16>(), 1..300), shift in 0..16) {
            let documents: std::collections::BTreeSet<u16> = documents.into_iter().map(|n| n >> shift).collect();
            let documents: Vec<u16> = documents.into_iter().collect();
            for bits in [0, rice_bits(&documents), 14] {
                prop_assert_eq!(&unrice(&rice(&documents, bits), bits).unwrap(), &documents);
            }
        }
    }

    #[test]
    fn what_was_not_written_is_damaged() {
        let mut row = PostingRow::from(0);
        row.add(1, &Posting::Some(vec![9]), 100);
        let (key, value) = row.encode(1, Part::Header, grams::LAST);
        let other = posting_key(1, Part::Body, grams::LAST);
        let read = |key: &[u8], value: &[u8]| PostingRow::read(key, value, &(0..=9), &mut |_, _| ());
        assert!(read(&key, &value).is_ok());
        assert!(read(&other, &value).is_err());
        for at in 0..value.len() {
            let mut damaged = value.clone();
            damaged[at] ^= 1;
            assert!(read(&key, &damaged).is_err(), "octet {at}");
            assert!(read(&key, &value[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn runs_come_back() {
        let row = RunRow { number: 7, bodies: 3..=900, count: 5, opaque: RoaringBitmap::from([4]) };
        let key = run_key(3);
        assert_eq!(RunRow::decode(&key, &row.encode()).unwrap(), row);
        assert!(RunRow::decode(&run_key(4), &row.encode()).is_err());
        assert!(row.holds(BodyId(900)) && !row.holds(BodyId(901)));
    }
}
