//! The server's notes in a message's header, and the message without them.

use store::Flags;

use crate::Meta;

/// Fields that are the server's, in small letters.
const NOTES: [&str; 7] =
    ["status", "x-status", "x-keywords", "x-uid", "x-imap", "x-imapbase", "content-length"];

/// What the fields of a message say.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Notes {
    pub meta: Meta,
    pub uid: Option<u32>,
    /// UIDVALIDITY and the last UID that was given: in the first message.
    pub base: Option<(u32, u32)>,
    /// Octets of the body.
    pub length: Option<u64>,
    /// UW-IMAP keeps its numbers in a message that is none.
    pub internal: bool,
}

impl Notes {
    /// One line of the header, without its end.
    pub fn add(&mut self, line: &[u8]) {
        let Some((name, value)) = field(line) else { return };
        let value = String::from_utf8_lossy(value).trim().to_owned();
        match &*name {
            "status" | "x-status" => self.meta.flags |= flags(&name, &value).0,
            "x-keywords" => self.meta.keywords.extend(value.split_ascii_whitespace().map(str::to_owned)),
            "x-uid" => self.uid = value.parse().ok(),
            "content-length" => self.length = value.parse().ok(),
            "x-imap" | "x-imapbase" => {
                let mut numbers = value.split_ascii_whitespace().map(|word| word.parse().ok());
                if let (Some(Some(validity)), Some(Some(last))) = (numbers.next(), numbers.next()) {
                    self.base = Some((validity, last)).filter(|_| validity != 0);
                }
                self.internal |= name == "x-imap";
            }
            "subject" if self.internal => {
                self.internal = value.starts_with("DON'T DELETE THIS MESSAGE");
            }
            _ => {}
        }
    }
}

/// `R`ead, `A`nswered, `F`lagged, `D`eleted; `T` is a draft. `O`ld is no flag of IMAP4rev2.
fn flags(name: &str, value: &str) -> Flags {
    value.chars().fold(Flags(0), |flags, letter| match (name, letter) {
        ("status", 'R') => flags.with(Flags::SEEN),
        ("x-status", 'A') => flags.with(Flags::ANSWERED),
        ("x-status", 'F') => flags.with(Flags::FLAGGED),
        ("x-status", 'D') => flags.with(Flags::DELETED),
        ("x-status", 'T') => flags.with(Flags::DRAFT),
        _ => flags,
    })
}

fn field(line: &[u8]) -> Option<(String, &[u8])> {
    let colon = line.iter().position(|octet| *octet == b':')?;
    let name = std::str::from_utf8(&line[..colon]).ok()?;
    Some((name.trim_end().to_ascii_lowercase(), &line[colon + 1..]))
}

/// The message of an entry: without the `From ` line, the server's notes, and one `>` of quoted lines.
pub fn message(entry: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entry.len());
    let mut lines = entry.split_inclusive(|octet| *octet == b'\n').skip(1);
    let mut dropped = false;
    let (mut length, start) =
        (None, entry.split_inclusive(|octet| *octet == b'\n').next().map_or(0, <[u8]>::len));
    let mut header = start;
    for line in lines.by_ref() {
        header += line.len();
        if line.trim_ascii().is_empty() {
            out.extend_from_slice(line);
            break;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = field(line).map(|(name, _)| name).unwrap_or_default();
            dropped = NOTES.contains(&&*name);
            if name == "content-length" {
                let mut notes = Notes::default();
                notes.add(line);
                length = notes.length;
            }
        }
        if !dropped {
            out.extend_from_slice(line);
        }
    }
    body(entry.get(header..).unwrap_or_default(), length, &mut out);
    out
}

/// The empty line at the end belongs to the file. Where Content-Length was right, and a line begins with `From `, nothing
/// is quoted; else each line of `>`s and `From ` was given one `>`.
fn body(body: &[u8], length: Option<u64>, out: &mut Vec<u8>) {
    let counted = length.and_then(|length| body.get(..usize::try_from(length).ok()?));
    let lines = |octets: &'_ [u8]| {
        octets.split_inclusive(|octet| *octet == b'\n').any(|line| line.starts_with(b"From "))
    };
    if let Some(counted) = counted.filter(|counted| lines(counted)) {
        out.extend_from_slice(counted);
        return;
    }
    let body = match counted {
        Some(counted) => counted,
        None => body.strip_suffix(b"\r\n\r\n").map_or_else(
            || body.strip_suffix(b"\n\n").map_or(body, |short| &body[..=short.len()]),
            |short| &body[..short.len() + 2],
        ),
    };
    let body = if matches!(body, b"\n" | b"\r\n") && counted.is_none() { b"" } else { body };
    for line in body.split_inclusive(|octet| *octet == b'\n') {
        let quotes = line.iter().take_while(|octet| **octet == b'>').count();
        let quoted = quotes > 0 && line[quotes..].starts_with(b"From ");
        out.extend_from_slice(&line[usize::from(quoted)..]);
    }
}
