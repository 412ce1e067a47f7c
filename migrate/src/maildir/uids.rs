//! The UIDs that clients know: Dovecot's `dovecot-uidlist`, Courier's `courierimapuiddb`.

use std::path::Path;

use super::entry::split;
use crate::octets::text;
use crate::{Error, Result};

/// UIDVALIDITY, UIDNEXT and the UID of each file.
#[derive(Debug, PartialEq, Eq)]
pub struct Uids {
    pub validity: u32,
    pub next: u32,
    pub records: Vec<Record>,
    /// It is Dovecot's.
    pub dovecot: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    pub uid: u32,
    /// A unique-id that Dovecot saved, from a server before it.
    pub unique_id: Option<String>,
    /// The file's name without flags.
    pub base: String,
}

impl Uids {
    /// `None`: there is no such file, so no client knows a UID.
    pub fn read(directory: &Path) -> Result<Option<Uids>> {
        for (file, dovecot) in [("dovecot-uidlist", true), ("courierimapuiddb", false)] {
            let path = directory.join(file);
            if let Some(text) = text(&path)? {
                let uids = parse(&text, dovecot).ok_or_else(|| {
                    Error::Source(format!(
                        "{} is no list of UIDs\n  Remedy: move it away if clients may download the mailbox again.",
                        path.display()
                    ))
                });
                return uids.map(Some);
            }
        }
        Ok(None)
    }
}

/// Version 3 of Dovecot: `3 V<validity> N<next> ...`, then `<uid> <fields> :<name>`. Version 1, of both servers:
/// `1 <validity> <next>`, then `<uid> <name>`.
fn parse(text: &str, dovecot: bool) -> Option<Uids> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next()?.split(' ').collect();
    let (validity, next) = match header[..] {
        ["3", ..] => {
            let field = |letter| header.iter().find_map(|field| field.strip_prefix(letter)?.parse().ok());
            (field('V')?, field('N')?)
        }
        ["1", validity, next, ..] => (validity.parse().ok()?, next.parse().ok()?),
        _ => return None,
    };
    let record = if header[0] == "3" { third } else { first };
    // A line that was not written to its end is as if it were not there: the file gets a new UID.
    let records = lines.filter_map(record).collect();
    (validity != 0).then_some(Uids { validity, next, records, dovecot })
}

fn third(line: &str) -> Option<Record> {
    let (fields, name) =
        line.split_once(" :").or_else(|| line.split_once(':').filter(|(uid, _)| !uid.contains(' ')))?;
    let mut fields = fields.split(' ');
    let uid = fields.next()?.parse().ok()?;
    let unique_id = fields.find_map(|field| field.strip_prefix('P')).map(str::to_owned);
    Some(Record { uid, unique_id, base: split(name).0.to_owned() })
}

fn first(line: &str) -> Option<Record> {
    let (uid, name) = line.split_once(' ')?;
    Some(Record { uid: uid.parse().ok()?, unique_id: None, base: split(name).0.to_owned() })
}
