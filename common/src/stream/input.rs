//! What has been received and not yet read, and how lines are cut from it.
//!
//! Pure. Costs linear time however the octets are cut into packets, and never asks for more than the limit and one read.

use bytes::{Buf, Bytes, BytesMut};

use super::StreamError;

/// How many times the limit a line may run on before the connection is given up.
const ENDLESS: usize = 10;

#[derive(Default)]
pub(super) struct Input {
    buffer: BytesMut,
    /// The octets up to here hold no line end.
    scanned: usize,
    /// While an over-long line is thrown away: how much of it is gone.
    discarded: Option<usize>,
}

impl Input {
    /// To add to. Whoever takes from it uses the other methods.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    pub fn octets(&self) -> &[u8] {
        &self.buffer
    }

    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Frees the memory if there is nothing in it.
    pub fn release(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > 0 {
            self.buffer = BytesMut::new();
        }
    }

    /// At most `max` of what is there.
    pub fn some(&mut self, max: usize) -> Bytes {
        let count = max.min(self.buffer.len());
        self.scanned = self.scanned.saturating_sub(count);
        self.buffer.split_to(count).freeze()
    }

    /// The next line without its end, or why there is none; `None`: more input is needed.
    pub fn line(&mut self, limit: usize) -> Option<Result<Bytes, StreamError>> {
        match self.discarded {
            Some(discarded) => self.discard(discarded, limit),
            None => self.cut(limit),
        }
    }

    fn cut(&mut self, limit: usize) -> Option<Result<Bytes, StreamError>> {
        let Some(end) = self.line_end() else {
            // One more for the CR of a line that is just as long as it may be.
            return if self.buffer.len() > limit.saturating_add(1) { self.discard(0, limit) } else { None };
        };
        let length = end - usize::from(end > 0 && self.buffer[end - 1] == b'\r');
        if length > limit {
            return self.discard(0, limit);
        }
        let mut line = self.buffer.split_to(end + 1);
        line.truncate(length);
        self.scanned = 0;
        Some(Ok(line.freeze()))
    }

    fn discard(&mut self, discarded: usize, limit: usize) -> Option<Result<Bytes, StreamError>> {
        let end = self.line_end();
        let discarded = discarded.saturating_add(end.unwrap_or(self.buffer.len()));
        self.buffer.advance(end.map_or(self.buffer.len(), |end| end + 1));
        self.scanned = 0;
        self.discarded = Some(discarded);
        if discarded > limit.saturating_mul(ENDLESS) {
            return Some(Err(StreamError::Endless));
        }
        end?;
        self.discarded = None;
        Some(Err(StreamError::LineTooLong))
    }

    fn line_end(&mut self) -> Option<usize> {
        let found = self.buffer[self.scanned..].iter().position(|octet| *octet == b'\n');
        match found {
            Some(offset) => Some(self.scanned + offset),
            None => {
                self.scanned = self.buffer.len();
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `octets` in pieces of `piece` and collects what `line` says, until all is used up or a line is endless.
    fn lines(octets: &[u8], piece: usize, limit: usize) -> Vec<String> {
        let mut input = Input::default();
        let mut seen = Vec::new();
        for part in octets.chunks(piece) {
            input.buffer().extend_from_slice(part);
            while let Some(line) = input.line(limit) {
                let endless = matches!(line, Err(StreamError::Endless));
                seen.push(match line {
                    Ok(line) => String::from_utf8(line.to_vec()).unwrap(),
                    Err(error) => format!("<{error}>"),
                });
                if endless {
                    return seen;
                }
            }
            assert!(input.octets().len() <= limit + 1, "holds more than a line may have");
        }
        seen
    }

    #[test]
    fn lines_end_with_crlf_or_lf_however_they_are_cut() {
        for piece in 1..12 {
            assert_eq!(
                lines(b"a NOOP\r\nb\n\r\n\nc\rd\r\r\nrest", piece, 100),
                ["a NOOP", "b", "", "", "c\rd\r"],
                "pieces of {piece}"
            );
        }
    }

    #[test]
    fn the_limit_counts_without_the_line_end() {
        for piece in 1..12 {
            assert_eq!(lines(b"12345\r\n12345\n", piece, 5), ["12345", "12345"], "pieces of {piece}");
            assert_eq!(
                lines(b"123456\r\nok\r\n123456\nok\n", piece, 5),
                ["<line too long>", "ok", "<line too long>", "ok"],
                "pieces of {piece}"
            );
        }
    }

    #[test]
    fn a_line_past_ten_times_the_limit_is_endless() {
        let (limit, ok) = (5, "x".repeat(50) + "\r\nok\r\n");
        for piece in [1, 2, 3, 7, 100] {
            // The CR counts towards what is thrown away: 49 and it make fifty.
            assert_eq!(lines(&ok.as_bytes()[1..], piece, limit), ["<line too long>", "ok"]);
            assert_eq!(lines("x".repeat(51).as_bytes(), piece, limit), ["<endless line>"]);
            assert_eq!(lines("x".repeat(5000).as_bytes(), piece, limit), ["<endless line>"]);
        }
    }

    #[test]
    fn endless_stays_endless() {
        let mut input = Input::default();
        input.buffer().extend_from_slice(&[b'x'; 100]);
        assert!(matches!(input.line(5), Some(Err(StreamError::Endless))));
        input.buffer().extend_from_slice(b"x\r\nNOOP\r\n");
        assert!(matches!(input.line(5), Some(Err(StreamError::Endless))));
    }

    #[test]
    fn octets_and_lines_mix() {
        let mut input = Input::default();
        input.buffer().extend_from_slice(b"12345a\r\n");
        assert_eq!(input.some(5), "12345");
        assert_eq!(input.line(10).unwrap().unwrap(), "a");
        assert_eq!(input.some(5), "");
        input.buffer().extend_from_slice(b"no end yet");
        assert!(input.line(100).is_none());
        assert_eq!(input.some(3), "no ");
        input.buffer().extend_from_slice(b"\n");
        assert_eq!(input.line(100).unwrap().unwrap(), "end yet");
    }

    #[test]
    fn release_frees_only_an_empty_buffer() {
        let mut input = Input::default();
        input.buffer().extend_from_slice(b"a\r\nb");
        input.line(10).unwrap().unwrap();
        input.release();
        assert_eq!(input.octets(), b"b");
        input.some(1);
        input.release();
        assert_eq!(input.buffer().capacity(), 0);
    }
}
