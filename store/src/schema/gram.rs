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

/// The documents of a few grams that follow one another:
///
/// u32 CRC-32C of the key and what follows; u32 first gram that the row covers; for each gram: varint the gram less the
/// one before (the first: less the first covered); varint the length in octets, doubled, and one more for a bitmap;
/// the documents, as a roaring bitmap or each as varint less the one before (the first: itself).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PostingRow {
    pub covers: RangeInclusive<Gram>,
    octets: Vec<u8>,
    previous: Gram,
}

impl PostingRow {
    /// A row that covers grams from this one on.
    pub fn from(first: Gram) -> PostingRow {
        PostingRow { covers: first..=first, octets: Vec::new(), previous: first }
    }

    pub fn len(&self) -> usize {
        self.octets.len()
    }

    /// In the order of grams.
    pub fn add(&mut self, gram: Gram, documents: &RoaringBitmap) {
        put_varint(&mut self.octets, u64::from(gram.saturating_sub(self.previous)));
        let mut sparse = Vec::new();
        let mut previous = 0;
        for document in documents {
            put_varint(&mut sparse, u64::from(document - previous));
            previous = document;
        }
        let mut dense = false;
        if sparse.len() > documents.serialized_size() {
            sparse.clear();
            put_bitmap(&mut sparse, documents);
            dense = true;
        }
        put_varint(&mut self.octets, (sparse.len() as u64) << 1 | u64::from(dense));
        self.octets.extend_from_slice(&sparse);
        self.previous = gram;
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
        each: &mut dyn FnMut(Gram, RoaringBitmap) -> Result<()>,
    ) -> Result<RangeInclusive<Gram>> {
        let (_, _, last) = posting_of_key(key)?;
        let mut fields = Fields::new("gram_posting", unsealed("gram_posting", key, value)?);
        let first = fields.u32()?;
        let mut gram = u64::from(first);
        while !fields.is_empty() {
            gram += fields.varint()?;
            let length = fields.varint()?;
            let octets = fields.octets(usize::try_from(length >> 1).unwrap_or(usize::MAX))?;
            let this = u32::try_from(gram).unwrap_or(u32::MAX);
            if this > last {
                return Err(fields.damaged("a gram of it is of another row"));
            }
            if this > *wanted.end() {
                break;
            }
            if wanted.contains(&this) {
                let documents = if length & 1 == 1 { bitmap(&fields, octets)? } else { sparse(octets)? };
                each(this, documents)?;
            }
        }
        Ok(first..=last)
    }
}

fn sparse(octets: &[u8]) -> Result<RoaringBitmap> {
    let mut fields = Fields::new("gram_posting", octets);
    let (mut documents, mut next) = (RoaringBitmap::new(), 0);
    while !fields.is_empty() {
        next += fields.varint()?;
        documents.insert(u32::try_from(next).unwrap_or(u32::MAX));
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
    use super::*;

    fn grams_of(key: &[u8], value: &[u8], wanted: RangeInclusive<Gram>) -> Vec<(Gram, Vec<u32>)> {
        let mut found = Vec::new();
        PostingRow::read(key, value, &wanted, &mut |gram, documents| {
            found.push((gram, documents.iter().collect()));
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn postings_come_back() {
        let mut row = PostingRow::from(5);
        let many: RoaringBitmap = (0..60_000).filter(|n| n % 3 > 0).collect();
        let few: RoaringBitmap = [0, 7, 65_535].into_iter().collect();
        row.add(5, &few);
        row.add(900, &many);
        let (key, value) = row.encode(3, Part::Body, 1000);
        assert_eq!(posting_of_key(&key).unwrap(), (3, Part::Body, 1000));
        assert!(value.len() < 8400, "{}", value.len());
        assert_eq!(grams_of(&key, &value, 5..=5), [(5, vec![0, 7, 65_535])]);
        assert_eq!(grams_of(&key, &value, 0..=2000)[1].1.len(), 40_000);
        assert_eq!(grams_of(&key, &value, 6..=899), []);
    }

    #[test]
    fn what_was_not_written_is_damaged() {
        let mut row = PostingRow::from(0);
        row.add(1, &RoaringBitmap::from([9]));
        let (key, value) = row.encode(1, Part::Header, grams::LAST);
        let other = posting_key(1, Part::Body, grams::LAST);
        let read = |key: &[u8], value: &[u8]| PostingRow::read(key, value, &(0..=9), &mut |_, _| Ok(()));
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
