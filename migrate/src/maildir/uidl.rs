//! The POP3 unique-ids that the old server gave (RFC 1939 section 7).

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;

use md5::{Digest, Md5};

use super::entry::{Entry, split};
use super::uids::Uids;
use crate::Result;
use crate::octets::text;

/// Of a maildrop.
pub struct UniqueIds {
    /// By the file's base name.
    courier: HashMap<String, String>,
    by_format: Option<UidlFormat>,
    /// Dovecot gave unique-ids by its default where it has a list of UIDs.
    by_default: bool,
}

impl UniqueIds {
    pub fn none() -> UniqueIds {
        UniqueIds { courier: HashMap::new(), by_format: None, by_default: false }
    }

    pub fn read(directory: &Path, by_format: Option<UidlFormat>) -> Result<UniqueIds> {
        let courier = text(&directory.join("courierpop3dsizelist"))?.unwrap_or_default();
        Ok(UniqueIds { courier: parse_courier(&courier), by_format, by_default: true })
    }

    pub fn of(&self, entry: &Entry, uid: u32, uids: &Uids) -> Option<String> {
        let saved = || uids.records.binary_search_by_key(&uid, |record| record.uid).ok();
        let saved = || saved().and_then(|at| uids.records[at].unique_id.clone());
        let format = match &self.by_format {
            Some(format) => Some(format.clone()),
            None => (self.by_default && uids.dovecot).then(UidlFormat::default),
        };
        let made = || format.map(|format| format.made(uid, uids.validity, &entry.base));
        self.courier.get(&entry.base).cloned().or_else(saved).or_else(made)
    }

    /// Where no UIDs are known.
    pub fn without_numbers(&self, entry: &Entry) -> Option<String> {
        self.courier.get(&entry.base).cloned()
    }
}

/// The first line is `/VERSION NEXT VALIDITY`, the others `name size uid:validity:...`, in version 1 `name size uid`.
/// The name has the flags that the file had then. Without a first line of that form (version 0) the name was the
/// unique-id.
fn parse_courier(text: &str) -> HashMap<String, String> {
    let mut lines = text.lines().peekable();
    if lines.next_if(|line| line.starts_with('/')).is_none() {
        let names = lines.filter_map(|line| line.split(' ').next());
        return names.map(|name| (split(name).0.to_owned(), split(name).0.to_owned())).collect();
    }
    lines
        .filter_map(|line| {
            let (rest, number) = line.rsplit_once(' ')?;
            let (name, _size) = rest.rsplit_once(' ')?;
            let mut number = number.split(':');
            let uid: u32 = number.next()?.parse().ok()?;
            let validity: u32 = number.next().unwrap_or("0").parse().ok()?;
            let unique_id = if validity == 0 { format!("UID{uid}") } else { format!("UID{uid}-{validity}") };
            Some((split(name).0.to_owned(), unique_id))
        })
        .collect()
}

/// Dovecot's setting `pop3_uidl_format`: `%u` UID, `%v` UIDVALIDITY, `%f` the file's base name, `%Mf` its MD5; before
/// the letter a width, with 0 to fill, and `X` for hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UidlFormat(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Uid(Form),
    Validity(Form),
    Name,
    NameMd5,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    width: usize,
    zeros: bool,
    hexadecimal: bool,
}

impl Default for UidlFormat {
    /// `%08Xu%08Xv`
    fn default() -> UidlFormat {
        let form = Form { width: 8, zeros: true, hexadecimal: true };
        UidlFormat(vec![Part::Uid(form), Part::Validity(form)])
    }
}

impl UidlFormat {
    pub(crate) fn made(&self, uid: u32, validity: u32, base: &str) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Uid(form) => form.write(uid),
            Part::Validity(form) => form.write(validity),
            Part::Name => base.to_owned(),
            Part::NameMd5 => Md5::digest(base).iter().map(|octet| format!("{octet:02x}")).collect(),
        };
        self.0.iter().map(part).collect()
    }
}

impl Form {
    fn write(self, number: u32) -> String {
        let text = if self.hexadecimal { format!("{number:x}") } else { number.to_string() };
        let fill = if self.zeros { "0" } else { " " };
        fill.repeat(self.width.saturating_sub(text.len())) + &text
    }
}

impl FromStr for UidlFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<UidlFormat, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let end =
                after.find(|c: char| !c.is_ascii_digit() && !matches!(c, 'X' | 'M')).unwrap_or(after.len());
            let (modifiers, tail) = after.split_at(end);
            let letter =
                tail.chars().next().ok_or_else(|| format!("{text:?} ends in the middle of a variable"))?;
            parts.push(part(modifiers, letter)?);
            rest = &tail[letter.len_utf8()..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let unique = parts.iter().any(|part| !matches!(part, Part::Text(_) | Part::Validity(_)));
        if unique {
            Ok(UidlFormat(parts))
        } else {
            Err(format!("{text:?} gives all messages the same unique-id"))
        }
    }
}

fn part(modifiers: &str, letter: char) -> Result<Part, String> {
    let digits = modifiers.trim_end_matches(['X', 'M']);
    let zeros = digits.starts_with('0');
    let width = digits.parse::<usize>().unwrap_or(0).min(70);
    let form = Form { width, zeros, hexadecimal: modifiers.contains('X') };
    match (letter, modifiers) {
        ('u', _) => Ok(Part::Uid(form)),
        ('v', _) => Ok(Part::Validity(form)),
        ('f', "") => Ok(Part::Name),
        ('f', "M") => Ok(Part::NameMd5),
        ('%', "") => Ok(Part::Text("%".to_owned())),
        _ => {
            Err(format!("%{modifiers}{letter} is none of %u, %v, %f, %Mf, with a width and X such as %08Xu"))
        }
    }
}
