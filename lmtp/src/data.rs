//! DATA (RFC 5321 section 4.1.1.4) and BDAT (RFC 3030): the message, and its end.
//!
//! Whatever goes wrong, the rest of the message is read and thrown away, so that no octet of it is taken for a command.

use bytes::Bytes;
use common::block;

use crate::content::Content;
use crate::delivery;
use crate::error::{Error, Result};
use crate::reply::{Answer, Reply};
use crate::session::Session;

/// How much of a BDAT chunk is taken at once.
const CHUNK: u64 = 64 * 1024;

/// RFC 2033 section 4.2
pub(crate) async fn data(session: &mut Session, arguments: &str) -> Result<Answer> {
    if !arguments.is_empty() {
        return Err(Error::Syntax(Reply::new(501, "5.5.4", "DATA has no arguments")));
    }
    let transaction = session.transaction()?;
    if transaction.chunks.is_some() {
        return Err(Error::sequence("DATA and BDAT cannot be mixed: send RSET first"));
    }
    if transaction.recipients.is_empty() {
        return Err(Error::sequence("no valid recipients"));
    }
    let mut content = Content::new(&session.service.store);
    session.write(&Reply::new(354, "", "Start mail input; end with <CRLF>.<CRLF>"));
    session.stream.flush().await?;
    receive(session, &mut content).await?;
    Ok(Answer::Each(delivery::finish(session, content).await?))
}

/// Reads up to the end of the message, and no octet further: the next commands may be there already (RFC 2920 section 3.1).
async fn receive(session: &mut Session, content: &mut Content) -> Result<()> {
    let mut decoder = Decoder::default();
    let mut octets = Vec::new();
    loop {
        let buffered = session.stream.buffered();
        let done = if buffered.is_empty() {
            let octet = session.stream.read_some(1).await?;
            decoder.push(&octet, &mut octets).1
        } else {
            let (count, done) = decoder.push(buffered, &mut octets);
            session.stream.read_some(count).await?;
            done
        };
        if octets.len() as u64 >= CHUNK || done {
            block(|| content.write(&octets));
            octets.clear();
        }
        if done {
            return Ok(());
        }
    }
}

/// Undoes dot-stuffing and finds the end: CRLF `.` CRLF alone. A bare LF or CR ends no line here, and a dot after one is
/// content; the store makes CRLF of them afterwards.
// RFC 5321 section 4.1.1.4: "only" CRLF may end a line, or two servers see two messages
#[derive(Debug, Default)]
struct Decoder {
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// After CRLF, and at the start.
    #[default]
    LineStart,
    /// After CRLF `.`; the dot is taken off.
    Dot,
    /// After CRLF `.` CR; the CR is held back.
    DotCr,
    Text,
    /// After CR within a line.
    Cr,
}

impl Decoder {
    /// Adds content to `out`. How many octets were of the message, and whether it ended with them.
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> (usize, bool) {
        let mut at = 0;
        while let Some(&octet) = input.get(at) {
            if self.state == State::Text {
                let rest = &input[at..];
                let run = rest.iter().position(|&octet| octet == b'\r').unwrap_or(rest.len());
                out.extend_from_slice(&rest[..run]);
                at += run;
                if at == input.len() {
                    break;
                }
                out.push(b'\r');
                at += 1;
                self.state = State::Cr;
                continue;
            }
            at += 1;
            if self.step(octet, out) {
                return (at, true);
            }
        }
        (at, false)
    }

    fn step(&mut self, octet: u8, out: &mut Vec<u8>) -> bool {
        self.state = match (self.state, octet) {
            (State::LineStart, b'.') => State::Dot,
            (State::Dot, b'\r') => State::DotCr,
            (State::DotCr, b'\n') => return true,
            (held, octet) => {
                if held == State::DotCr {
                    out.push(b'\r');
                }
                out.push(octet);
                match octet {
                    b'\r' => State::Cr,
                    b'\n' if held == State::Cr => State::LineStart,
                    _ => State::Text,
                }
            }
        };
        false
    }
}

/// RFC 3030 section 2. The chunk is read in any case: its octets are on their way. What is wrong with the message is told
/// after the last chunk, for each recipient.
pub(crate) async fn bdat(session: &mut Session, arguments: &str) -> Result<Answer> {
    let (size, last) = chunk(arguments).ok_or_else(|| {
        // Without its size the chunk cannot be told from the commands after it.
        Error::Close(Reply::new(501, "5.5.4", "BDAT needs a size, and LAST or nothing"))
    })?;
    let mut content = session.take_chunks();
    read_chunk(session, size, content.as_mut().ok()).await?;
    let content = content?;
    let transaction = session.transaction()?;
    if last {
        // RFC 2033 section 4.3: without recipients there is no reply.
        return Ok(Answer::Each(delivery::finish(session, content).await?));
    }
    transaction.chunks = Some(content);
    if transaction.recipients.is_empty() {
        return Err(Error::sequence("no valid recipients"));
    }
    Ok(Reply::new(250, "2.0.0", format!("{size} octets received")).into())
}

/// chunk-size [ SP "LAST" ]
fn chunk(arguments: &str) -> Option<(u64, bool)> {
    let (size, last) = match arguments.split_once(' ') {
        Some((size, last)) => (size, last.trim().eq_ignore_ascii_case("LAST").then_some(true)?),
        None => (arguments, false),
    };
    let digits = (1..=18).contains(&size.len()) && size.bytes().all(|digit| digit.is_ascii_digit());
    digits.then(|| size.parse().ok().map(|size| (size, last)))?
}

async fn read_chunk(session: &mut Session, size: u64, mut content: Option<&mut Content>) -> Result<()> {
    let mut left = size;
    while left > 0 {
        let octets: Bytes = session.stream.read_some(left.min(CHUNK) as usize).await?;
        left -= octets.len() as u64;
        if let Some(content) = &mut content {
            block(|| content.write(&octets));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left after the end, or `None` without an end.
    fn decode(input: &[u8], cut: usize) -> (Vec<u8>, Option<usize>) {
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        let (count, done) = decoder.push(&input[..cut], &mut out);
        if done {
            return (out, Some(count));
        }
        assert_eq!(count, cut);
        let (count, done) = decoder.push(&input[cut..], &mut out);
        (out, done.then_some(cut + count))
    }

    #[test]
    fn data_ends_at_crlf_dot_crlf_alone_wherever_the_chunks_end() {
        let cases: &[(&[u8], &[u8], bool)] = &[
            (b".\r\n", b"", true),
            (b"a\r\n.\r\n", b"a\r\n", true),
            (b"a\r\n..\r\n.\r\n", b"a\r\n.\r\n", true),
            (b"..a\r\n.b\r\n.\r\n", b".a\r\nb\r\n", true),
            // SMTP smuggling: none of these is the end.
            (b"a\n.\n", b"a\n.\n", false),
            (b"a\n.\r\n", b"a\n.\r\n", false),
            (b"a\r\n.\n", b"a\r\n\n", false),
            (b"a\r.\r\n", b"a\r.\r\n", false),
            (b"a\r\n.\r.\r\n", b"a\r\n\r.\r\n", false),
            (b"a\r\n.\r\r\n", b"a\r\n\r\r\n", false),
            (b"a\r\r\n.\r\n", b"a\r\r\n", true),
            (b"a\r\n.\rb\r\n.\r\n", b"a\r\n\rb\r\n", true),
        ];
        for (input, content, ends) in cases {
            let mut input = input.to_vec();
            let end = ends.then_some(input.len());
            if *ends {
                input.extend_from_slice(b"MAIL FROM:<>\r\n");
            }
            for cut in 0..=input.len() {
                assert_eq!(
                    decode(&input, cut),
                    (content.to_vec(), end),
                    "{:?} cut at {cut}",
                    input.escape_ascii().to_string()
                );
            }
        }
    }

    /// What a client of RFC 5321 section 4.5.2 sends of any message is received as it was.
    #[test]
    fn stuffed_messages_come_back() {
        for length in 0..=7_u32 {
            for number in 0..4_u32.pow(length) {
                let mut message: Vec<u8> =
                    (0..length).map(|i| b"\r\n.a"[(number / 4_u32.pow(i) % 4) as usize]).collect();
                if !message.is_empty() && !message.ends_with(b"\r\n") {
                    message.extend_from_slice(b"\r\n");
                }
                let mut sent: Vec<u8> = Vec::new();
                for (at, &octet) in message.iter().enumerate() {
                    let line_start = at == 0 || message[..at].ends_with(b"\r\n");
                    if octet == b'.' && line_start {
                        sent.push(b'.');
                    }
                    sent.push(octet);
                }
                sent.extend_from_slice(b".\r\n");
                for cut in 0..=sent.len() {
                    assert_eq!(decode(&sent, cut), (message.clone(), Some(sent.len())));
                }
            }
        }
    }

    #[test]
    fn chunk_sizes() {
        assert_eq!(chunk("86 LAST"), Some((86, true)));
        assert_eq!(chunk("0 last"), Some((0, true)));
        assert_eq!(chunk("69"), Some((69, false)));
        for bad in ["", "LAST", "-1", "1 FIRST", "1x", "1 LAST x", "9999999999999999999"] {
            assert_eq!(chunk(bad), None, "{bad}");
        }
    }
}
