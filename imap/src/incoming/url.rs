//! IMAP URLs of messages and their parts, relative to this server. RFC 5092 section 7
//!
//! No other server is asked and no URLAUTH is honoured: a URL opens nothing that FETCH would not.

use common::block;
use store::{Mailbox, Uid, UidValidity};

use crate::error::Error;
use crate::fetch::body::{Loaded, Octets, Partial, Source};
use crate::fetch::section::{Section, SectionText};
use crate::name;
use crate::session::Session;
use crate::syntax::{Limits, Parser};

/// `imessagepart`
#[derive(Debug, PartialEq, Eq)]
pub struct Url {
    /// `None`: the selected one.
    mailbox: Option<String>,
    uid_validity: Option<UidValidity>,
    uid: Uid,
    section: Section,
    partial: Option<Partial>,
}

impl Url {
    /// `"/" enc-mailbox [";UIDVALIDITY=" nz-number] "/;UID=" nz-number ["/;SECTION=" enc-section] ["/;PARTIAL=" partial-range]`,
    /// or without the mailbox and its slashes.
    pub fn parse(text: &str) -> Option<Url> {
        let (mailbox, rest) = match strip(text, ";UID=") {
            Some(rest) => (None, rest),
            None => {
                let path = text.strip_prefix('/').filter(|path| !path.starts_with('/'))?;
                split(path, "/;UID=").map(|(mailbox, rest)| (Some(mailbox), rest))?
            }
        };
        let (mailbox, uid_validity) =
            match mailbox.map(|mailbox| split(mailbox, ";UIDVALIDITY=").ok_or(mailbox)) {
                None => (None, None),
                Some(Ok((mailbox, number))) => (Some(mailbox), Some(UidValidity(nz_number(number)?))),
                Some(Err(mailbox)) => (Some(mailbox), None),
            };
        let mailbox = match mailbox {
            Some(mailbox) => Some(decode(mailbox).filter(|name| !name.is_empty())?),
            None => None,
        };
        let (rest, partial) = match split(rest, ";PARTIAL=") {
            Some((rest, range)) => (rest, Some(partial(range)?)),
            None => (rest, None),
        };
        let (uid, section) = match split(rest, ";SECTION=") {
            Some((uid, section)) => (uid, self::section(section.strip_suffix('/').unwrap_or(section))?),
            None => (rest, Section::whole(SectionText::All)),
        };
        let uid = Uid(nz_number(uid.strip_suffix('/').unwrap_or(uid))?);
        Some(Url { mailbox, uid_validity, uid, section, partial })
    }

    /// The octets that it names. `None`: there are none, or none for this user.
    pub fn source(self, session: &mut Session) -> Result<Option<Source>, Error> {
        let Some(mailbox) = self.mailbox(session)? else { return Ok(None) };
        let octets = Octets::of_url(self.section, self.partial);
        Ok(block(|| {
            if self
                .uid_validity
                .is_some_and(|expected| mailbox.info().is_ok_and(|info| info.uid_validity != expected))
            {
                return Ok(None);
            }
            match mailbox.snapshot()?.message(self.uid)? {
                Some(message) => octets.source(&message, &mut Loaded::default()),
                None => Ok(None),
            }
        })?)
    }

    fn mailbox(&self, session: &mut Session) -> Result<Option<Mailbox>, Error> {
        let Some(name) = &self.mailbox else {
            return Ok(session.selected.as_ref().map(|selected| selected.mailbox.clone()));
        };
        let user = session.user()?;
        let found = name::resolve(user, name).and_then(|place| place.require_readable(user));
        match found {
            Ok(mailbox) => Ok(Some(mailbox)),
            Err(Error::No { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

/// What stands before and behind the word, in any case of letters.
fn split<'a>(text: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let at =
        text.as_bytes().windows(word.len()).position(|part| part.eq_ignore_ascii_case(word.as_bytes()))?;
    Some((text.get(..at)?, text.get(at + word.len()..)?))
}

fn strip<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    split(text, word).filter(|(before, _)| before.is_empty()).map(|(_, rest)| rest)
}

fn nz_number(text: &str) -> Option<u32> {
    let is_number = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|&number| is_number && number != 0)
}

/// `partial-range = number ["." nz-number]`
fn partial(text: &str) -> Option<Partial> {
    let number = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|octet| octet.is_ascii_digit()));
    match text.split_once('.') {
        None => Some(Partial { offset: number(text)?, length: u64::MAX }),
        Some((offset, length)) => {
            let length = number(length).filter(|&length| length != 0)?;
            Some(Partial { offset: number(offset)?, length })
        }
    }
}

/// `enc-section`: what BODY has between its brackets.
fn section(text: &str) -> Option<Section> {
    let text = format!("[{}]", decode(text)?);
    let mut parser = Parser::new(text.as_bytes(), 0, Limits::default());
    Section::parse(&mut parser).ok().filter(|_| parser.rest().is_empty())
}

/// Percent-encoding undone; UTF-8 it must be. RFC 3986 section 2.1
fn decode(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, behind)) = rest.split_first() {
        rest = behind;
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let (digits, behind) = rest.split_first_chunk::<2>()?;
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        octets.push(u8::try_from(digit(0)? << 4 | digit(1)?).ok()?);
        rest = behind;
    }
    String::from_utf8(octets).ok().filter(|text| !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(mailbox: Option<&str>, uid_validity: Option<u32>, uid: u32, path: &[u32]) -> Url {
        Url {
            mailbox: mailbox.map(Into::into),
            uid_validity: uid_validity.map(UidValidity),
            uid: Uid(uid),
            section: Section { path: path.to_vec(), text: SectionText::All },
            partial: None,
        }
    }

    #[test]
    fn urls_of_rfc_4469() {
        assert_eq!(
            Url::parse("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER"),
            Some(Url {
                section: Section::whole(SectionText::Header),
                ..url(Some("Drafts"), Some(385_759_045), 20, &[])
            })
        );
        assert_eq!(
            Url::parse("/INBOX;UIDVALIDITY=785799047/;UID=113330/;section=1.5.9"),
            Some(url(Some("INBOX"), Some(785_799_047), 113_330, &[1, 5, 9]))
        );
        // As the example of BADURL has it, without a slash.
        assert_eq!(
            Url::parse("/INBOX;UIDVALIDITY=785799047/;UID=113330;section=1.5.9"),
            Some(url(Some("INBOX"), Some(785_799_047), 113_330, &[1, 5, 9]))
        );
    }

    #[test]
    fn names_sections_and_ranges() {
        assert_eq!(Url::parse("/a/b%20%c3%A4/;uid=1"), Some(url(Some("a/b \u{e4}"), None, 1, &[])));
        assert_eq!(Url::parse(";UID=7/;SECTION=2"), Some(url(None, None, 7, &[2])));
        let partial = |offset, length| Some(Partial { offset, length });
        assert_eq!(
            Url::parse("/a/;UID=1/;PARTIAL=5.10"),
            Some(Url { partial: partial(5, 10), ..url(Some("a"), None, 1, &[]) })
        );
        assert_eq!(
            Url::parse("/a/;UID=1/;SECTION=1.2/;PARTIAL=5"),
            Some(Url { partial: partial(5, u64::MAX), ..url(Some("a"), None, 1, &[1, 2]) })
        );
        let fields = Url::parse("/a/;UID=1/;SECTION=HEADER.FIELDS%20(SUBJECT)").unwrap();
        assert!(matches!(fields.section.text, SectionText::HeaderFields { not: false, .. }));
    }

    #[test]
    fn what_is_no_url_of_a_part_here() {
        for text in [
            "",
            "/",
            "/INBOX",
            "INBOX/;UID=1",
            "//host/INBOX/;UID=1",
            "imap://user@host/INBOX/;UID=1",
            "http://host/;UID=1",
            "/;UID=1",
            "/INBOX/;UID=0",
            "/INBOX/;UID=x",
            "/INBOX/;UID=+1",
            "/INBOX/;UID=4294967296",
            "/INBOX;UIDVALIDITY=0/;UID=1",
            "/INBOX;UIDVALIDITY=/;UID=1",
            "/INBOX/;UID=1/;SECTION=BOGUS",
            "/INBOX/;UID=1/;SECTION=1]x",
            "/INBOX/;UID=1/;PARTIAL=1.0",
            "/INBOX/;UID=1/;PARTIAL=",
            "/INBOX/;UID=1;URLAUTH=anonymous",
            "/INBOX/;UID=1/;SECTION=1;EXPIRE=2030-01-01T00:00:00Z;URLAUTH=user+a:internal",
            "/IN%2/;UID=1",
            "/IN%ff/;UID=1",
            "/IN%00/;UID=1",
        ] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_url_or_none(text in "(/|;UID=|;SECTION=|;PARTIAL=|;UIDVALIDITY=|[0-9]|%|ä|\\PC){0,12}") {
            let _ = Url::parse(&text);
        }
    }
}
