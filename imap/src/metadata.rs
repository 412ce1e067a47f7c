//! Annotations: the names of entries, what is asked for, and the METADATA response. RFC 5464
//!
//! - Entry names are compared without case, so they are stored and told in lower case.
//! - The answer to any question is at most what is stored, whatever it names how often.

use std::collections::BTreeMap;

use common::block;
use store::{Account, MailboxId, MailboxName, Metadata, Rights};

use crate::error::Error;
use crate::name::{self, Place};
use crate::response::Writer;
use crate::session::Session;
use crate::syntax::Parser;

/// The longest name of an entry, in octets.
const LONGEST: usize = 500;

/// How far below the named entries. RFC 5464 section 4.2.2
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Depth {
    #[default]
    Zero,
    One,
    Infinity,
}

/// What is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Question {
    pub entries: Vec<String>,
    pub depth: Depth,
    pub max_size: Option<u64>,
}

/// Of which an answer consists.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer<'a> {
    /// `None`: there is no such entry.
    pub values: BTreeMap<&'a str, Option<&'a [u8]>>,
    /// The size of the largest that was too large.
    pub longest: Option<u64>,
}

/// `entry = astring`, in lower case. RFC 5464 section 3.2
pub fn entry(arguments: &mut Parser<'_>) -> Result<String, Error> {
    let name = arguments.utf8_astring()?.to_ascii_lowercase();
    let scoped = name == "/private"
        || name == "/shared"
        || name.starts_with("/private/")
        || name.starts_with("/shared/");
    let plain = name.bytes().all(|c| matches!(c, b' '..=b'~') && !matches!(c, b'*' | b'%'));
    if !scoped || !plain || name.contains("//") || name.ends_with('/') || name.len() > LONGEST {
        return Err(Error::bad(
            "An entry is /private/name or /shared/name, in ASCII without *, %, // and a / at the end",
        ));
    }
    Ok(name)
}

/// `"(" entry *(SP entry) ")"`
pub fn entries(arguments: &mut Parser<'_>) -> Result<Vec<String>, Error> {
    arguments.expect(b'(')?;
    let mut entries = vec![entry(arguments)?];
    while arguments.take(b' ') {
        entries.push(entry(arguments)?);
    }
    arguments.expect(b')')?;
    Ok(entries)
}

impl Question {
    /// Picks the values out of all that there are, which are sorted.
    pub fn answer<'a>(&'a self, all: &'a Metadata) -> Answer<'a> {
        let mut answer = Answer::default();
        for named in &self.entries {
            let mut any = false;
            for (name, value) in all.iter().filter(|(name, _)| self.reaches(named, name)) {
                any = true;
                let size = value.len() as u64;
                if self.max_size.is_some_and(|most| size > most) {
                    answer.longest = answer.longest.max(Some(size));
                } else {
                    answer.values.insert(name, Some(value));
                }
            }
            if !any {
                answer.values.entry(named).or_insert(None);
            }
        }
        answer
    }

    fn reaches(&self, named: &str, name: &str) -> bool {
        let Some(below) = name.strip_prefix(named) else { return false };
        match (below.strip_prefix('/'), self.depth) {
            _ if below.is_empty() => true,
            (None, _) | (_, Depth::Zero) => false,
            (Some(below), Depth::One) => !below.contains('/'),
            (Some(_), Depth::Infinity) => true,
        }
    }
}

/// All that the user may see of a mailbox; its special use too (RFC 6154 section 4).
pub fn of_mailbox(session: &Session, account: &Account, mailbox: MailboxId) -> Result<Metadata, Error> {
    let user = session.user()?.account.id();
    let (mut all, info) = block(|| {
        let info = account.mailbox_by_id(mailbox)?.info()?;
        Ok::<_, Error>((account.metadata(Some(mailbox), user)?, info))
    })?;
    if let Some(special_use) = info.special_use {
        all.push((SPECIAL_USE.to_owned(), format!("\\{}", special_use.as_str()).into_bytes()));
    }
    all.sort();
    Ok(all)
}

/// What is computed, and cannot be set.
pub const SPECIAL_USE: &str = "/private/specialuse";
pub const ADMIN: &str = "/shared/admin";

/// All that the user may see of the server.
pub fn of_server(session: &Session) -> Result<Metadata, Error> {
    let account = &session.user()?.account;
    let mut all = block(|| account.metadata(None, account.id()))?;
    all.extend(block(|| session.service.store.directory().metadata())?);
    let contact = &session.service.options.admin_contact;
    if !contact.is_empty() {
        all.push((ADMIN.to_owned(), contact.clone().into_bytes()));
    }
    all.sort();
    Ok(all)
}

/// `* METADATA mailbox (entry value ...)`. RFC 5464 section 4.4.1
pub async fn write(session: &mut Session, mailbox: &str, answer: &Answer<'_>) -> Result<(), Error> {
    if answer.values.is_empty() {
        return Ok(());
    }
    session.writer().raw("* METADATA ").mailbox_text(mailbox).raw(" (");
    let mut gap = "";
    for (name, value) in &answer.values {
        session.writer().raw(gap).astring(name.as_bytes()).raw(" ");
        write_value(&mut session.writer(), *value);
        session.flush_batch().await?;
        gap = " ";
    }
    session.writer().raw(")\r\n");
    Ok(())
}

/// `value = nstring / literal8`
fn write_value(out: &mut Writer<'_>, value: Option<&[u8]>) {
    match value {
        Some(octets) if octets.contains(&0) => {
            out.raw("~").literal_header(octets.len() as u64).raw(octets);
        }
        value => drop(out.nstring(value)),
    }
}

/// The METADATA response behind a LIST response: one value for each entry, NIL where there is none. RFC 9590 section 3
pub async fn write_listed(
    session: &mut Session,
    listed: &MailboxName,
    entries: &[String],
) -> Result<(), Error> {
    let place = name::resolve(session.user()?, listed.as_str())?;
    // Of a mailbox whose annotations the user may not have, or that was deleted since, nothing is told.
    let Ok(mailbox) = require_any(&place).and_then(|()| place.mailbox()) else { return Ok(()) };
    let all = match of_mailbox(session, &place.account, mailbox.id()) {
        Err(Error::No { .. }) => return Ok(()),
        all => all?,
    };
    let question = Question { entries: entries.to_vec(), ..Question::default() };
    write(session, place.shown.as_str(), &question.answer(&all)).await
}

/// The right `l`, and any one of `r`, `s`, `w`, `i` and `p`. RFC 5464 section 3.3
pub fn require_any(place: &Place) -> Result<(), Error> {
    let any = [Rights::SEEN, Rights::WRITE, Rights::INSERT, Rights::POST];
    let any = any.into_iter().find(|right| place.rights.contains(*right));
    place.require(Rights::LOOKUP)?;
    place.require(any.unwrap_or(Rights::READ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    fn parsed(text: &str) -> Result<String, Error> {
        entry(&mut Parser::new(text.as_bytes(), 0, Limits::default()))
    }

    fn names<'a>(question: &'a Question, all: &'a Metadata) -> Vec<&'a str> {
        question.answer(all).values.into_keys().collect()
    }

    // RFC 5464 section 3.2
    #[test]
    fn names_of_entries() {
        assert_eq!(parsed("/Private/Comment").unwrap(), "/private/comment");
        assert_eq!(parsed("\"/shared/vendor/x/a b\"").unwrap(), "/shared/vendor/x/a b");
        for text in [
            "/privat/x",
            "/private/",
            "/private//x",
            "\"/private/a*\"",
            "\"/private/a%\"",
            "/other/x",
            "x",
            "\"\"",
        ] {
            assert!(matches!(parsed(text), Err(Error::Bad(_))), "{text}");
        }
    }

    // RFC 5464 section 4.2.1, section 4.2.2
    #[test]
    fn depth_and_size() {
        let all: Metadata = ["/private/a", "/private/a/b", "/private/a/b/c", "/private/ab"]
            .map(|name| (name.to_owned(), name.as_bytes().to_vec()))
            .into();
        let mut question = Question { entries: vec!["/private/a".into()], ..Question::default() };
        assert_eq!(names(&question, &all), ["/private/a"]);
        question.depth = Depth::One;
        assert_eq!(names(&question, &all), ["/private/a", "/private/a/b"]);
        question.depth = Depth::Infinity;
        assert_eq!(names(&question, &all), ["/private/a", "/private/a/b", "/private/a/b/c"]);
        question.max_size = Some(12);
        assert_eq!(names(&question, &all), ["/private/a", "/private/a/b"]);
        assert_eq!(question.answer(&all).longest, Some(14));
        let question = Question { entries: vec!["/shared/x".into()], ..Question::default() };
        assert_eq!(question.answer(&all).values, BTreeMap::from([("/shared/x", None)]));
    }
}
