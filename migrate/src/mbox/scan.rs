//! Where the messages of a file are.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Result, Seek, SeekFrom};
use std::ops::Range;

use super::from;
use super::header::Notes;
use crate::Meta;

/// Longer lines are looked at in pieces.
const LINE: u64 = 64 << 10;

/// What is in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    pub messages: Vec<Found>,
    /// UIDVALIDITY and the last UID that was given.
    pub base: Option<(u32, u32)>,
}

/// A message in the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// With its `From ` line.
    pub range: Range<u64>,
    pub uid: Option<u32>,
    pub meta: Meta,
}

/// Reads the file once, from the front to the end; where a Content-Length is right, its body is passed over.
pub fn scan(file: File) -> Result<Scanned> {
    let mut lines = Lines { reader: BufReader::new(file), at: 0, line: Vec::new(), whole: true };
    let (mut scanned, mut blank) = (Scanned::default(), true);
    let mut open: Option<(u64, i64, Notes)> = None;
    let mut in_header = false;
    while let Some((start, first)) = lines.next()? {
        let date = (first && blank && !in_header).then(|| from::date(&lines.line)).flatten();
        if let Some(date) = date {
            scanned.close(open.take(), start);
            open = Some((start, date, Notes::default()));
            (in_header, blank) = (true, false);
            continue;
        }
        blank = first && lines.line.trim_ascii().is_empty();
        let Some((_, _, notes)) = &mut open else { continue };
        if in_header && blank {
            in_header = false;
            if lines.skip_body(notes.length)? {
                blank = true;
            }
        } else if in_header && first {
            notes.add(&lines.line);
        }
    }
    scanned.close(open, lines.at);
    Ok(scanned)
}

impl Scanned {
    fn close(&mut self, open: Option<(u64, i64, Notes)>, end: u64) {
        let Some((start, date, notes)) = open else { return };
        if self.messages.is_empty() && self.base.is_none() {
            self.base = notes.base;
        }
        if !notes.internal {
            let dates = Some(date);
            let meta = Meta { internal_date: dates, save_date: dates, ..notes.meta };
            self.messages.push(Found { range: start..end, uid: notes.uid, meta });
        }
    }
}

struct Lines {
    reader: BufReader<File>,
    /// Behind what was read.
    at: u64,
    line: Vec<u8>,
    /// The last piece ended its line.
    whole: bool,
}

impl Lines {
    /// Where the next piece begins, and whether it begins a line.
    fn next(&mut self) -> Result<Option<(u64, bool)>> {
        self.line.clear();
        let count = (&mut self.reader).take(LINE).read_until(b'\n', &mut self.line)?;
        let (start, first) = (self.at, self.whole);
        self.at += count as u64;
        self.whole = self.line.ends_with(b"\n");
        Ok((count > 0).then_some((start, first)))
    }

    /// Goes to the end of a body of this length, if the next message, or the end of the file, follows it.
    fn skip_body(&mut self, length: Option<u64>) -> Result<bool> {
        let Some(end) = length.and_then(|length| self.at.checked_add(length)) else { return Ok(false) };
        let back = self.at;
        if end > self.reader.get_ref().metadata()?.len() {
            return Ok(false);
        }
        self.go(end)?;
        let mut seen = end;
        while self.next()?.is_some() {
            if !self.line.trim_ascii().is_empty() {
                if from::date(&self.line).is_some() {
                    self.go(seen)?;
                    return Ok(true);
                }
                self.go(back)?;
                return Ok(false);
            }
            seen = self.at;
        }
        Ok(true)
    }

    fn go(&mut self, to: u64) -> Result<()> {
        self.reader.seek(SeekFrom::Start(to))?;
        (self.at, self.whole) = (to, true);
        Ok(())
    }
}
