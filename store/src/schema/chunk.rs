//! What changes of messages: flags, keywords and MODSEQs of the up to 128 messages with the same `uid >> 7`, together.
//!
//! One chunk is one row of the index and one piece of the selected mailbox in memory.

use super::Fields;
use super::fields::put_varint;
use crate::*;

const VERSION: u8 = 1;

pub(crate) fn page_of(uid: Uid) -> u32 {
    uid.0 >> 7
}

pub(crate) fn slot_of(uid: Uid) -> u32 {
    uid.0 & 127
}

/// | octets | |
/// |---|---|
/// | 0 | version, 1 |
/// | 1..9 | u64 the highest MODSEQ, or more: it does not sink when messages go |
/// | 9..25 | u128 occupied: bit n is set when the message with `uid & 127 == n` exists |
/// | then | u8 flags of each existing message |
/// | then | varint of each existing message: the highest MODSEQ less its own |
/// | then | for each message with keywords: u8 n, u128 bits |
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub page: u32,
    highest: ModSeq,
    occupied: u128,
    flags: Vec<u8>,
    modseqs: Vec<u64>,
    /// Ascending; only messages that have any.
    keywords: Vec<(u8, u128)>,
}

impl Chunk {
    pub fn new(page: u32) -> Chunk {
        Chunk { page, highest: ModSeq(0), occupied: 0, flags: vec![], modseqs: vec![], keywords: vec![] }
    }

    pub fn len(&self) -> usize {
        self.flags.len()
    }

    pub fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    /// No message of it has a greater MODSEQ.
    pub fn highest(&self) -> ModSeq {
        self.highest
    }

    pub fn contains(&self, slot: u32) -> bool {
        self.occupied >> slot & 1 == 1
    }

    /// How many messages have a smaller slot. `slot` may be 128.
    pub fn rank(&self, slot: u32) -> usize {
        match 1u128.checked_shl(slot) {
            Some(bit) => (self.occupied & (bit - 1)).count_ones() as usize,
            None => self.len(),
        }
    }

    pub fn row(&self, slot: u32) -> Option<Row> {
        self.contains(slot).then(|| self.row_at(slot, self.rank(slot))).flatten()
    }

    /// The `index`-th message.
    pub fn nth(&self, index: usize) -> Option<Row> {
        let slot = self.slots().nth(index)?;
        self.row_at(slot, index)
    }

    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        self.slots().enumerate().filter_map(|(index, slot)| self.row_at(slot, index))
    }

    /// The first message without these flags, as an index from 0.
    pub fn first_without(&self, flags: Flags) -> Option<usize> {
        self.flags.iter().position(|row| !Flags(*row).contains(flags))
    }

    fn slots(&self) -> impl Iterator<Item = u32> + use<> {
        let mut left = self.occupied;
        std::iter::from_fn(move || {
            let slot = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (slot < 128).then_some(slot)
        })
    }

    fn row_at(&self, slot: u32, index: usize) -> Option<Row> {
        Some(Row {
            uid: Uid(self.page << 7 | slot),
            flags: Flags(*self.flags.get(index)?),
            keywords: self.keywords_of(slot),
            modseq: ModSeq(*self.modseqs.get(index)?),
        })
    }

    fn keywords_of(&self, slot: u32) -> KeywordBits {
        let found = self.keywords.binary_search_by_key(&slot, |(slot, _)| u32::from(*slot));
        KeywordBits(found.ok().and_then(|at| self.keywords.get(at)).map_or(0, |(_, bits)| *bits))
    }

    /// Every keyword that a message of it has.
    pub fn all_keywords(&self) -> KeywordBits {
        KeywordBits(self.keywords.iter().fold(0, |all, (_, bits)| all | bits))
    }

    /// Inserts the message, or changes it if it exists.
    pub fn put(&mut self, row: Row) {
        let slot = slot_of(row.uid);
        let index = self.rank(slot);
        if self.contains(slot) {
            self.flags[index] = row.flags.0;
            self.modseqs[index] = row.modseq.0;
        } else {
            self.occupied |= 1 << slot;
            self.flags.insert(index, row.flags.0);
            self.modseqs.insert(index, row.modseq.0);
        }
        self.put_keywords(slot as u8, row.keywords);
        self.highest = self.highest.max(row.modseq);
    }

    fn put_keywords(&mut self, slot: u8, bits: KeywordBits) {
        match self.keywords.binary_search_by_key(&slot, |(slot, _)| *slot) {
            Ok(at) if bits.0 == 0 => drop(self.keywords.remove(at)),
            Ok(at) => self.keywords[at].1 = bits.0,
            Err(_) if bits.0 == 0 => {}
            Err(at) => self.keywords.insert(at, (slot, bits.0)),
        }
    }

    pub fn remove(&mut self, slot: u32) {
        if self.contains(slot) {
            let index = self.rank(slot);
            self.occupied &= !(1 << slot);
            self.flags.remove(index);
            self.modseqs.remove(index);
            self.put_keywords(slot as u8, KeywordBits(0));
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(25 + self.len() * 3);
        out.push(VERSION);
        out.extend_from_slice(&self.highest.0.to_be_bytes());
        out.extend_from_slice(&self.occupied.to_be_bytes());
        out.extend_from_slice(&self.flags);
        for modseq in &self.modseqs {
            put_varint(&mut out, self.highest.0 - modseq);
        }
        for (slot, bits) in &self.keywords {
            out.push(*slot);
            out.extend_from_slice(&bits.to_be_bytes());
        }
        out
    }

    pub fn decode(page: u32, octets: &[u8]) -> Result<Chunk> {
        let mut fields = Fields::new("flags", octets);
        fields.version(VERSION)?;
        let highest = fields.u64()?;
        let occupied = fields.u128()?;
        let count = occupied.count_ones() as usize;
        let flags = fields.octets(count)?.to_vec();
        let mut modseqs = Vec::with_capacity(count);
        for _ in 0..count {
            let below = fields.varint()?;
            modseqs.push(
                highest.checked_sub(below).ok_or_else(|| fields.damaged("a MODSEQ in it is negative"))?,
            );
        }
        let mut chunk = Chunk { page, highest: ModSeq(highest), occupied, flags, modseqs, keywords: vec![] };
        chunk.decode_keywords(fields)?;
        Ok(chunk)
    }

    fn decode_keywords(&mut self, mut fields: Fields<'_>) -> Result<()> {
        while !fields.is_empty() {
            let slot = fields.u8()?;
            let bits = fields.u128()?;
            let ascending = self.keywords.last().is_none_or(|(last, _)| *last < slot);
            if slot > 127 || !self.contains(u32::from(slot)) || !ascending {
                return Err(fields.damaged("its keywords are of no message"));
            }
            self.keywords.push((slot, bits));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(uid: u32, flags: u8, keywords: u128, modseq: u64) -> Row {
        Row { uid: Uid(uid), flags: Flags(flags), keywords: KeywordBits(keywords), modseq: ModSeq(modseq) }
    }

    fn chunk() -> (Chunk, Vec<Row>) {
        let rows = vec![row(256, 1, 0, 9), row(259, 0, 5, 300), row(383, 31, 1 << 127, 2)];
        let mut chunk = Chunk::new(2);
        for row in rows.iter().rev() {
            chunk.put(*row);
        }
        (chunk, rows)
    }

    #[test]
    fn messages_stand_in_the_order_of_uids() {
        let (chunk, rows) = chunk();
        assert_eq!(chunk.rows().collect::<Vec<_>>(), rows);
        assert_eq!(chunk.nth(1), Some(rows[1]));
        assert_eq!(chunk.nth(3), None);
        assert_eq!(chunk.row(3), Some(rows[1]));
        assert_eq!(chunk.row(4), None);
        assert_eq!((chunk.rank(0), chunk.rank(3), chunk.rank(4), chunk.rank(128)), (0, 1, 2, 3));
        assert_eq!(chunk.highest(), ModSeq(300));
        assert_eq!(chunk.all_keywords(), KeywordBits(5 | 1 << 127));
    }

    #[test]
    fn put_changes_what_exists_and_remove_takes_it_out() {
        let (mut chunk, rows) = chunk();
        chunk.put(row(259, 2, 0, 301));
        assert_eq!(chunk.row(3), Some(row(259, 2, 0, 301)));
        assert_eq!(chunk.len(), 3);
        chunk.remove(3);
        chunk.remove(3);
        assert_eq!(chunk.rows().collect::<Vec<_>>(), [rows[0], rows[2]]);
        assert_eq!(chunk.highest(), ModSeq(301));
    }

    #[test]
    fn a_row_comes_back_and_no_cut_one_panics() {
        let (chunk, _) = chunk();
        let encoded = chunk.encode();
        assert_eq!(Chunk::decode(2, &encoded).unwrap(), chunk);
        for length in 0..encoded.len() {
            // Cut between two keywords it is whole, only shorter.
            let _ = Chunk::decode(2, &encoded[..length]);
        }
        assert!(Chunk::decode(2, &encoded[..encoded.len() - 1]).is_err());
    }

    #[test]
    fn a_full_chunk_is_small_enough_for_one_page_of_the_engine() {
        let mut chunk = Chunk::new(0);
        for uid in 0..128 {
            chunk.put(row(uid, 31, u128::MAX, u64::from(uid) << 56 | 1));
        }
        assert!(chunk.encode().len() < 4096, "{}", chunk.encode().len());
    }
}
