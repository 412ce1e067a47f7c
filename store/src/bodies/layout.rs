//! The layout of segments and records, byte by byte. Numbers are little-endian.
//!
//! A segment file, `bodies/00000001.seg`:
//!
//! | offset | octets | |
//! |---|---|---|
//! | 0 | 8 | `RSTBODY` and NUL |
//! | 8 | 2 | format version, 1 |
//! | 10 | 2 | shard |
//! | 12 | 4 | segment id, from 1 |
//! | 16 | 12 | zero |
//! | 28 | 4 | CRC-32C of the 28 octets before |
//! | 32 | | records, one after the other, no gaps |
//!
//! A record does not know where it is, so it can be made before it is appended and moved by compaction as it is:
//!
//! | offset | octets | |
//! |---|---|---|
//! | 0 | 4 | `RREC` |
//! | 4 | 4 | length of the header, 68 + 8 times the number of frames |
//! | 8 | 4 | length of the whole record |
//! | 12 | 4 | number of frames: as many as the size needs, so none for an empty body |
//! | 16 | 8 | size of the body |
//! | 24 | 32 | BLAKE3 of the body |
//! | 56 | 1 | codec: 0 all frames are raw, 1 zstd |
//! | 57 | 3 | zero |
//! | 60 | 4 | frame size: octets of the body in each frame but the last, 262,144 as written now |
//! | 64 | 8 each | for each frame: stored length (the top bit set: the frame is raw), CRC-32C of it as stored |
//! | | 4 | CRC-32C of the header up to here |
//! | | | frames, each compressed for itself |

use std::ops::Range;

/// Octets of the body in a frame, as written now.
pub(crate) const FRAME: usize = 256 << 10;

/// The largest frame size that is believed when read: a bound on memory.
const FRAME_MAX: u32 = 16 << 20;

/// The longest header that is believed when read: a bound on memory.
pub(super) const HEADER_MAX: u64 = 16 << 20;

/// Octets of a segment's header: where its first record is.
pub(super) const SEGMENT_HEADER: u64 = 32;

const SEGMENT_MAGIC: &[u8; 8] = b"RSTBODY\0";
const SEGMENT_VERSION: u16 = 1;

const MAGIC: &[u8; 4] = b"RREC";
const FIXED: usize = 64;
const RAW: u32 = 1 << 31;

/// What stands at the start of a segment.
pub(super) fn encode_segment(shard: u16, id: u32) -> [u8; SEGMENT_HEADER as usize] {
    let mut out = [0; SEGMENT_HEADER as usize];
    out[..8].copy_from_slice(SEGMENT_MAGIC);
    out[8..10].copy_from_slice(&SEGMENT_VERSION.to_le_bytes());
    out[10..12].copy_from_slice(&shard.to_le_bytes());
    out[12..16].copy_from_slice(&id.to_le_bytes());
    let checksum = crc32c::crc32c(&out[..28]);
    out[28..].copy_from_slice(&checksum.to_le_bytes());
    out
}

/// Why a segment is not to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    Newer(u16),
    Damaged(String),
}

/// Checks a segment's header against what it should be.
pub(super) fn check_segment(header: &[u8], shard: u16, id: u32) -> Result<(), Unreadable> {
    let damaged = |text: String| Err(Unreadable::Damaged(text));
    if header.len() < SEGMENT_HEADER as usize || header[..8] != *SEGMENT_MAGIC {
        return damaged("it is no segment of bodies".into());
    }
    match u16_at(header, 8) {
        SEGMENT_VERSION => {}
        newer if newer > SEGMENT_VERSION => return Err(Unreadable::Newer(newer)),
        _ => return damaged("its format version is 0".into()),
    }
    if crc32c::crc32c(&header[..28]) != u32_at(header, 28) {
        return damaged("its header fails its checksum".into());
    }
    match (u16_at(header, 10), u32_at(header, 12)) {
        found if found == (shard, id) => Ok(()),
        (shard, id) => damaged(format!("its header says segment {id} of shard {shard}")),
    }
}

/// A record's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub size: u64,
    pub hash: [u8; 32],
    pub frame_size: u32,
    pub frames: Vec<Frame>,
    pub compressed: bool,
}

/// One frame as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// From the start of the record. Not stored: the sum of what is before.
    pub offset: u32,
    pub length: u32,
    pub raw: bool,
    pub checksum: u32,
}

impl Header {
    /// Octets of the header of a body of so many octets, as written now.
    pub(super) fn length_for(size: u64) -> u64 {
        header_length(size.div_ceil(FRAME as u64))
    }

    /// Octets of the whole record. The frames know it.
    pub(super) fn stored(&self) -> u64 {
        match self.frames.last() {
            Some(last) => u64::from(last.offset) + u64::from(last.length),
            None => header_length(0),
        }
    }

    /// Which octets of the body are in the frame.
    pub(super) fn octets_of(&self, frame: usize) -> Range<u64> {
        let start = frame as u64 * u64::from(self.frame_size);
        start..self.size.min(start + u64::from(self.frame_size))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let length = header_length(self.frames.len() as u64);
        let mut out = Vec::with_capacity(length as usize);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&(length as u32).to_le_bytes());
        out.extend_from_slice(&(self.stored() as u32).to_le_bytes());
        out.extend_from_slice(&(self.frames.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.size.to_le_bytes());
        out.extend_from_slice(&self.hash);
        out.extend_from_slice(&[u8::from(self.compressed), 0, 0, 0]);
        out.extend_from_slice(&self.frame_size.to_le_bytes());
        for frame in &self.frames {
            let raw = if frame.raw { RAW } else { 0 };
            out.extend_from_slice(&(frame.length | raw).to_le_bytes());
            out.extend_from_slice(&frame.checksum.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// How long the header says that it is. `octets` are its first [`FIXED`] or more.
    pub(super) fn length(octets: &[u8]) -> Result<usize, &'static str> {
        if octets.len() < FIXED || octets[..4] != *MAGIC {
            return Err("there is no record");
        }
        let length = u32_at(octets, 4) as usize;
        if length as u64 != header_length(u64::from(u32_at(octets, 12))) {
            return Err("the record's header has a wrong length");
        }
        if length as u64 > HEADER_MAX {
            return Err("the record's header is impossibly long");
        }
        Ok(length)
    }

    /// Reads a header and checks all that it says, so that nobody has to distrust it later.
    pub(super) fn decode(octets: &[u8]) -> Result<Header, &'static str> {
        let length = Header::length(octets)?;
        let header = octets.get(..length).ok_or("the record's header is cut off")?;
        let (said, checksum) = header.split_at(length - 4);
        if crc32c::crc32c(said) != u32_at(checksum, 0) {
            return Err("the record's header fails its checksum");
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(&said[24..56]);
        let decoded = Header {
            size: u64_at(said, 16),
            hash,
            frame_size: u32_at(said, 60),
            frames: decode_frames(&said[FIXED..], length)?,
            compressed: said[56] == 1,
        };
        decoded.check(u32_at(said, 8), said[56])?;
        Ok(decoded)
    }

    fn check(&self, stored: u32, codec: u8) -> Result<(), &'static str> {
        if codec > 1 {
            return Err("the record's codec is unknown: it was written by a newer version");
        }
        if self.frame_size == 0 || self.frame_size > FRAME_MAX {
            return Err("the record's frame size is impossible");
        }
        if self.frames.len() as u64 != self.size.div_ceil(u64::from(self.frame_size)) {
            return Err("the record's frames do not make up its size");
        }
        if self.stored() != u64::from(stored) {
            return Err("the record's frames do not make up its length");
        }
        // What does not get smaller is kept raw.
        let is_right = |(at, frame): (usize, &Frame)| {
            let octets = self.octets_of(at);
            let whole = octets.end - octets.start;
            if frame.raw { u64::from(frame.length) == whole } else { u64::from(frame.length) < whole }
        };
        if !self.frames.iter().enumerate().all(is_right) {
            return Err("a frame of the record has a wrong length");
        }
        Ok(())
    }
}

fn header_length(frames: u64) -> u64 {
    FIXED as u64 + 8 * frames + 4
}

fn decode_frames(table: &[u8], header: usize) -> Result<Vec<Frame>, &'static str> {
    let mut offset = header as u32;
    let mut frames = Vec::with_capacity(table.len() / 8);
    for entry in table.chunks_exact(8) {
        let (length, checksum) = (u32_at(entry, 0), u32_at(entry, 4));
        let frame = Frame { offset, length: length & !RAW, raw: length & RAW != 0, checksum };
        offset = offset.checked_add(frame.length).ok_or("the record is longer than 4 GiB")?;
        frames.push(frame);
    }
    Ok(frames)
}

fn u16_at(octets: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([octets[at], octets[at + 1]])
}

fn u32_at(octets: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
}

fn u64_at(octets: &[u8], at: usize) -> u64 {
    u64::from(u32_at(octets, at)) | u64::from(u32_at(octets, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let frame = |offset, length, raw| Frame { offset, length, raw, checksum: 7 };
        Header {
            size: FRAME as u64 + 10,
            hash: [9; 32],
            frame_size: FRAME as u32,
            frames: vec![frame(84, 1000, false), frame(1084, 10, true)],
            compressed: true,
        }
    }

    #[test]
    fn a_header_survives() {
        let octets = header().encode();
        assert_eq!(octets.len() as u64, Header::length_for(FRAME as u64 + 10));
        assert_eq!(Header::decode(&octets), Ok(header()));
        assert_eq!(header().stored(), 1094);
        assert_eq!(header().octets_of(1), FRAME as u64..FRAME as u64 + 10);
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        let octets = header().encode();
        for bit in 0..octets.len() * 8 {
            let mut flipped = octets.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..octets.len() {
            assert!(Header::decode(&octets[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn a_header_that_lies_with_a_good_checksum_is_refused() {
        let lies: [fn(&mut Header); 6] = [
            |header| header.frames[0].length = FRAME as u32,
            |header| header.size += FRAME as u64,
            |header| header.frame_size = 0,
            |header| header.frame_size = u32::MAX,
            |header| header.frames[1].length = 11,
            |header| header.frames.truncate(1),
        ];
        for (at, lie) in lies.iter().enumerate() {
            let mut header = header();
            lie(&mut header);
            assert!(Header::decode(&header.encode()).is_err(), "lie {at}");
        }
    }

    #[test]
    fn a_segment_header_is_checked() {
        let header = encode_segment(3, 17);
        assert_eq!(check_segment(&header, 3, 17), Ok(()));
        assert!(matches!(check_segment(&header, 2, 17), Err(Unreadable::Damaged(_))));
        assert!(matches!(check_segment(&header, 3, 18), Err(Unreadable::Damaged(_))));
        assert!(matches!(check_segment(&header[..31], 3, 17), Err(Unreadable::Damaged(_))));
        let mut newer = header;
        newer[8] = 2;
        assert_eq!(check_segment(&newer, 3, 17), Err(Unreadable::Newer(2)));
        for bit in (0..header.len() * 8).filter(|bit| !(64..80).contains(bit)) {
            let mut flipped = header;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(check_segment(&flipped, 3, 17), Err(Unreadable::Damaged(_))), "bit {bit}");
        }
    }
}
