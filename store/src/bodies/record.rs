//! Reading a record.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};

use super::Location;
use super::codec;
use super::layout::{Frame, HEADER_MAX, Header};
use crate::{Error, Result};

/// A record up to this many octets is read at once when it is opened.
const AT_ONCE: u64 = 16 << 10;

const OTHER_BODY: &str = "the record there is of another body than the index says";

/// Where a record's octets come from: a segment, whatever that is.
pub(crate) trait Source: Send + Sync {
    /// [`Error::Damaged`] when there are not so many.
    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<()>;
    /// For people.
    fn name(&self) -> String;
}

/// An open record. Cheap to clone; stays readable when its segment is deleted.
#[derive(Clone)]
pub(crate) struct Record(Arc<Inner>);

struct Inner {
    source: Arc<dyn Source>,
    location: Location,
    header: Header,
    /// The record's octets, if it is small.
    octets: Option<Bytes>,
    /// The frame that was read last and not to its end: a client that reads in small pieces decompresses it once.
    last: Mutex<Option<(usize, Bytes)>>,
}

impl Record {
    /// Reads the header and checks that it is the one which the location means.
    pub(super) fn open(source: Arc<dyn Source>, location: Location) -> Result<Record> {
        let damaged = |reason: &str| damaged(&*source, location.offset, reason);
        let octets = read_start(&*source, location)?;
        let header = Header::decode(&octets).map_err(damaged)?;
        if (header.size, header.stored()) != (location.size, u64::from(location.stored)) {
            return Err(damaged("the record there is of another size than the index says"));
        }
        let whole = octets.len() as u64 == u64::from(location.stored);
        let octets = whole.then(|| Bytes::from(octets));
        Ok(Record(Arc::new(Inner { source, location, header, octets, last: Mutex::new(None) })))
    }

    /// This record, if it is of the body that the index means. A log that is older or newer than the index may have
    /// another one there, sound in itself: somebody else's mail.
    pub(crate) fn of(self, hash: &[u8; 32]) -> Result<Record> {
        if self.0.header.hash == *hash { Ok(self) } else { Err(self.damaged_record(OTHER_BODY)) }
    }

    /// Reads all of it as stored and compares the checksums: it can be read. Much cheaper than [`Record::verify`].
    pub(crate) fn probe(&self) -> Result<()> {
        self.stored_pieces(&mut |_| Ok(()))
    }

    /// Octets of the body.
    pub(crate) fn len(&self) -> u64 {
        self.0.header.size
    }

    /// The octets of the range, cut to the length.
    pub(crate) fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let end = range.end.min(self.len());
        if range.start >= end {
            return Ok(Bytes::new());
        }
        let frame_size = u64::from(self.0.header.frame_size);
        let (first, last) = ((range.start / frame_size) as usize, ((end - 1) / frame_size) as usize);
        if first == last {
            return self.piece(first, range.start..end);
        }
        let mut octets = BytesMut::with_capacity((end - range.start) as usize);
        for frame in first..=last {
            octets.extend_from_slice(&self.piece(frame, range.start..end)?);
        }
        Ok(octets.freeze())
    }

    /// The part of the range that is in the frame.
    fn piece(&self, frame: usize, range: Range<u64>) -> Result<Bytes> {
        let octets = self.0.header.octets_of(frame);
        let (start, end) = (range.start.max(octets.start), range.end.min(octets.end));
        let content = match self.last().take_if(|last| last.0 == frame) {
            Some((_, content)) => content,
            None => self.frame(frame)?,
        };
        let piece = content.slice((start - octets.start) as usize..(end - octets.start) as usize);
        if end < octets.end {
            *self.last() = Some((frame, content));
        }
        Ok(piece)
    }

    /// Reads and decompresses a frame.
    fn frame(&self, at: usize) -> Result<Bytes> {
        let inner = &*self.0;
        let frame = inner.header.frames[at];
        let stored = self.stored_frame(frame)?;
        if frame.raw {
            return Ok(stored);
        }
        let octets = inner.header.octets_of(at);
        let content = codec::decompress(&stored, (octets.end - octets.start) as usize)
            .map_err(|error| self.damaged(frame, &format!("cannot decompress it: {error}")))?;
        Ok(content.into())
    }

    /// A frame's octets as stored, checked.
    fn stored_frame(&self, frame: Frame) -> Result<Bytes> {
        let inner = &*self.0;
        let stored = match &inner.octets {
            Some(octets) => octets.slice(frame.offset as usize..(frame.offset + frame.length) as usize),
            None => {
                let mut stored = vec![0; frame.length as usize];
                inner.source.read(&mut stored, inner.location.offset + u64::from(frame.offset))?;
                stored.into()
            }
        };
        if crc32c::crc32c(&stored) != frame.checksum {
            return Err(self.damaged(frame, "it fails its checksum"));
        }
        Ok(stored)
    }

    /// Calls `each` for every piece of the record as stored, from the header on, all checksums checked.
    pub(super) fn stored_pieces(&self, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        each(&self.0.header.encode())?;
        for &frame in &self.0.header.frames {
            each(&self.stored_frame(frame)?)?;
        }
        Ok(())
    }

    /// Reads everything and compares it with the hash that the index has.
    pub(super) fn verify(&self, hash: &[u8; 32]) -> Result<()> {
        let mut hasher = blake3::Hasher::new();
        for frame in 0..self.0.header.frames.len() {
            hasher.update(&self.frame(frame)?);
        }
        let found = hasher.finalize();
        if *found.as_bytes() != self.0.header.hash {
            return Err(self.damaged_record("the body does not have the hash that the record says"));
        }
        if self.0.header.hash != *hash {
            return Err(self.damaged_record(OTHER_BODY));
        }
        Ok(())
    }

    fn damaged_record(&self, reason: &str) -> Error {
        damaged(&*self.0.source, self.0.location.offset, reason)
    }

    fn damaged(&self, frame: Frame, reason: &str) -> Error {
        let offset = self.0.location.offset + u64::from(frame.offset);
        damaged(&*self.0.source, offset, &format!("a frame of a message: {reason}"))
    }

    fn last(&self) -> MutexGuard<'_, Option<(usize, Bytes)>> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The whole record if it is small, else at least its header.
fn read_start(source: &dyn Source, location: Location) -> Result<Vec<u8>> {
    let stored = u64::from(location.stored);
    let guess = if stored <= AT_ONCE {
        stored
    } else {
        stored.min(Header::length_for(location.size).min(HEADER_MAX))
    };
    let mut octets = vec![0; guess as usize];
    source.read(&mut octets, location.offset)?;
    let length = Header::length(&octets).map_err(|reason| damaged(source, location.offset, reason))?;
    if length as u64 > stored {
        return Err(damaged(source, location.offset, "the record's header is longer than the record"));
    }
    if length > octets.len() {
        octets.resize(length, 0);
        source.read(&mut octets, location.offset)?;
    }
    Ok(octets)
}

/// Names what is damaged and what to do.
pub(super) fn damaged(source: &dyn Source, offset: u64, reason: &str) -> Error {
    Error::Damaged(format!(
        "{} at offset {offset}: {reason}; run `restante check`, and restore the file from a backup",
        source.name()
    ))
}
