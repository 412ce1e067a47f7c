//! The multi-line form of a message: lines that begin with a dot get a second one, CRLF and a lone dot end it, and TOP's
//! limit on lines. Both work on chunks of any size and remember what stands across their borders.
//!
//! The store keeps messages with CRLF line ends; a line begins after LF here, so that one that somehow has a bare LF
//! cannot end the response early either.

use bytes::Bytes;

/// Puts octets in line for the client, without copying them.
pub(crate) trait Sink {
    fn octets(&mut self, octets: Bytes);
}

/// Byte-stuffing, RFC 1939 section 3.
#[derive(Debug)]
pub(crate) struct DotStuffer {
    /// The last two octets; `\r\n` at the start, where a line begins.
    last: [u8; 2],
}

impl DotStuffer {
    pub fn new() -> DotStuffer {
        DotStuffer { last: *b"\r\n" }
    }

    pub fn push(&mut self, chunk: Bytes, sink: &mut impl Sink) {
        let mut sent = 0;
        let mut line_start = self.last[1] == b'\n';
        let mut at = 0;
        loop {
            if line_start && chunk.get(at) == Some(&b'.') {
                sink.octets(chunk.slice(sent..at));
                sink.octets(Bytes::from_static(b"."));
                sent = at;
            }
            let Some(end) = chunk[at..].iter().position(|&octet| octet == b'\n') else { break };
            at += end + 1;
            line_start = true;
        }
        self.remember(&chunk);
        sink.octets(chunk.slice(sent..));
    }

    /// Ends the last line if the message did not, and the response.
    pub fn finish(self, sink: &mut impl Sink) {
        if self.last != *b"\r\n" {
            sink.octets(Bytes::from_static(b"\r\n"));
        }
        sink.octets(Bytes::from_static(b".\r\n"));
    }

    fn remember(&mut self, chunk: &[u8]) {
        match chunk {
            [] => {}
            [one] => self.last = [self.last[1], *one],
            [.., before, last] => self.last = [*before, *last],
        }
    }
}

/// Where TOP stops: after the blank line that ends the header and so many lines of the body (RFC 1939 section 7).
#[derive(Debug)]
pub(crate) struct TopLimit {
    lines: u64,
    in_header: bool,
    /// Whether the line so far has an octet other than CR.
    blank: bool,
}

impl TopLimit {
    pub fn new(lines: u64) -> TopLimit {
        TopLimit { lines, in_header: true, blank: true }
    }

    /// How much of the chunk is wanted, and whether that is the end.
    pub fn take(&mut self, chunk: &[u8]) -> (usize, bool) {
        let mut at = 0;
        loop {
            if !self.in_header && self.lines == 0 {
                return (at, true);
            }
            let Some(end) = chunk[at..].iter().position(|&octet| octet == b'\n') else { break };
            self.blank &= chunk[at..at + end].iter().all(|&octet| octet == b'\r');
            at += end + 1;
            self.end_line();
        }
        self.blank &= chunk[at..].iter().all(|&octet| octet == b'\r');
        (chunk.len(), false)
    }

    fn end_line(&mut self) {
        if self.in_header {
            self.in_header = !self.blank;
        } else {
            self.lines -= 1;
        }
        self.blank = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Sink for Vec<u8> {
        fn octets(&mut self, octets: Bytes) {
            self.extend_from_slice(&octets);
        }
    }

    /// The response for chunks cut at the given places.
    fn stuffed(message: &[u8], cuts: &[usize]) -> Vec<u8> {
        let (mut out, mut stuffer, mut from) = (Vec::new(), DotStuffer::new(), 0);
        for &cut in cuts.iter().chain([&message.len()]) {
            stuffer.push(Bytes::copy_from_slice(&message[from..cut]), &mut out);
            from = cut;
        }
        stuffer.finish(&mut out);
        out
    }

    /// What RFC 1939 section 3 tells the client to do.
    fn read_by_client(response: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        let mut rest = response;
        loop {
            let end = rest.windows(2).position(|pair| pair == b"\r\n").expect("a line") + 2;
            let (line, after) = rest.split_at(end);
            if line == b".\r\n" {
                assert!(after.is_empty(), "the response ends at its first lone dot");
                return message;
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
            rest = after;
        }
    }

    #[test]
    fn dots_at_the_start_of_lines_are_doubled() {
        assert_eq!(stuffed(b".\r\n..a\r\nb.\r\n", &[]), b"..\r\n...a\r\nb.\r\n.\r\n");
        assert_eq!(stuffed(b"", &[]), b".\r\n");
    }

    #[test]
    fn a_message_without_a_final_line_end_gets_one() {
        assert_eq!(stuffed(b"a", &[]), b"a\r\n.\r\n");
        assert_eq!(stuffed(b"a\r\n.", &[]), b"a\r\n..\r\n.\r\n");
        assert_eq!(stuffed(b"a\r", &[]), b"a\r\r\n.\r\n");
    }

    /// Every message of up to seven octets over the four that matter, cut at every two places.
    #[test]
    fn the_client_reads_what_was_stored_wherever_the_chunks_end() {
        for length in 0..=7_u32 {
            for number in 0..4_u32.pow(length) {
                let message: Vec<u8> =
                    (0..length).map(|i| b"\r\n.a"[(number / 4_u32.pow(i) % 4) as usize]).collect();
                let whole = stuffed(&message, &[]);
                for first in 0..=message.len() {
                    for second in first..=message.len() {
                        assert_eq!(stuffed(&message, &[first, second]), whole);
                    }
                }
                // Bare line ends cannot be told apart by the client; messages with CRLF alone are read as they are.
                let text = String::from_utf8(message.clone()).unwrap();
                if text.replace("\r\n", "").contains(['\r', '\n']) {
                    continue;
                }
                let mut expected = message;
                if !expected.is_empty() && !expected.ends_with(b"\r\n") {
                    expected.extend_from_slice(b"\r\n");
                }
                assert_eq!(read_by_client(&whole), expected);
            }
        }
    }

    fn top(message: &[u8], lines: u64, cut: usize) -> Vec<u8> {
        let mut limit = TopLimit::new(lines);
        let (first, second) = message.split_at(cut);
        let (taken, done) = limit.take(first);
        let mut out = first[..taken].to_vec();
        if !done {
            out.extend_from_slice(&second[..limit.take(second).0]);
        }
        out
    }

    #[test]
    fn top_gives_the_header_the_blank_line_and_so_many_lines() {
        let message = b"A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree";
        let expected: [(u64, &[u8]); 5] = [
            (0, b"A: 1\r\nB: 2\r\n\r\n"),
            (1, b"A: 1\r\nB: 2\r\n\r\none\r\n"),
            (2, b"A: 1\r\nB: 2\r\n\r\none\r\n\r\n"),
            (3, message),
            (u64::MAX, message),
        ];
        for (lines, expected) in expected {
            for cut in 0..=message.len() {
                assert_eq!(top(message, lines, cut), expected, "{lines} lines, cut at {cut}");
            }
        }
        assert_eq!(top(b"A: 1\r\n", 5, 3), b"A: 1\r\n", "a message that is a header alone");
        assert_eq!(top(b"\r\nbody\r\n", 0, 1), b"\r\n", "a message without header");
    }
}
