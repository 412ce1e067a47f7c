//! A mailbox's row.

use std::sync::Arc;

use super::Fields;
use super::fields::{put_short_text, put_text};
use crate::*;

/// How many keywords a mailbox may have: one bit each in [`KeywordBits`].
pub(crate) const KEYWORDS: usize = 128;
/// The longest keyword, in octets.
pub(crate) const KEYWORD_LENGTH: usize = 100;

const VERSION: u8 = 1;
const NAME: u8 = 1;
const KEYWORD_NAMES: u8 = 2;
const ACL: u8 = 3;

/// Counters, kept true with every change, and a tail of tagged fields.
///
/// | octets | |
/// |---|---|
/// | 0 | version, 1 |
/// | 1 | special use: 0 none, 1 All, 2 Archive, 3 Drafts, 4 Flagged, 5 Junk, 6 Sent, 7 Trash, 8 Important, 9 Memos, 10 Scheduled, 11 Snoozed |
/// | 2..4 | 0 |
/// | 4..8 | u32 UIDVALIDITY |
/// | 8..12 | u32 UIDNEXT |
/// | 12..16 | u32 the first UID that no session has been told of |
/// | 16..20 | u32 how many messages have that UID or a greater one |
/// | 20..28 | u64 HIGHESTMODSEQ |
/// | 28..36 | u64 vanished floor: what vanished at this MODSEQ or before is not known one by one |
/// | 36..40 | u32 messages |
/// | 40..44 | u32 messages without \Seen |
/// | 44..48 | u32 messages with \Deleted |
/// | 48..56 | u64 octets |
/// | 56..64 | u64 octets of messages with \Deleted |
/// | 64.. | fields: u8 tag, u16 length, octets. 1: the name. 2: keywords, each text8. 3: the access control list, see below. Others stay as they are |
///
/// An entry of the list has 7 octets: u8 whom it speaks of (1 anyone, 2 authenticated, 3 group, 4 user; with `80` it is a
/// negative one), u32 id of the group or account, u16 bits of [`Rights`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MailboxRow {
    pub name: MailboxName,
    pub special_use: Option<SpecialUse>,
    pub uid_validity: UidValidity,
    pub uid_next: Uid,
    pub recent_from: Uid,
    pub recent: u32,
    pub highest_modseq: ModSeq,
    pub vanished_floor: ModSeq,
    pub messages: u32,
    pub unseen: u32,
    pub deleted: u32,
    pub bytes: u64,
    pub deleted_bytes: u64,
    pub keywords: Arc<[Keyword]>,
    /// `None`: what holds for the account.
    pub acl: Option<Arc<Acl>>,
    /// Fields of later versions.
    pub others: Vec<u8>,
}

impl MailboxRow {
    pub fn new(name: MailboxName, special_use: Option<SpecialUse>, uid_validity: UidValidity) -> MailboxRow {
        MailboxRow {
            name,
            special_use,
            uid_validity,
            uid_next: Uid(1),
            recent_from: Uid(1),
            recent: 0,
            highest_modseq: ModSeq(1),
            vanished_floor: ModSeq(0),
            messages: 0,
            unseen: 0,
            deleted: 0,
            bytes: 0,
            deleted_bytes: 0,
            keywords: Arc::new([]),
            acl: None,
            others: Vec::new(),
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION, special_use_code(self.special_use), 0, 0];
        for number in [self.uid_validity.0, self.uid_next.0, self.recent_from.0, self.recent] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.highest_modseq.0.to_be_bytes());
        out.extend_from_slice(&self.vanished_floor.0.to_be_bytes());
        for number in [self.messages, self.unseen, self.deleted] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.bytes.to_be_bytes());
        out.extend_from_slice(&self.deleted_bytes.to_be_bytes());
        out.push(NAME);
        put_text(&mut out, self.name.as_str());
        if !self.keywords.is_empty() {
            put_keywords(&mut out, &self.keywords);
        }
        if let Some(acl) = &self.acl {
            put_acl(&mut out, acl);
        }
        out.extend_from_slice(&self.others);
        out
    }

    pub fn decode(octets: &[u8]) -> Result<MailboxRow> {
        let mut fields = Fields::new("mailbox", octets);
        fields.version(VERSION)?;
        let special_use =
            special_use_of(fields.u8()?).ok_or_else(|| fields.damaged("its special use is unknown"))?;
        fields.u16()?;
        let uid_validity = UidValidity(fields.u32()?);
        let mut row = MailboxRow::new(MailboxName::inbox(), special_use, uid_validity);
        row.uid_next = Uid(fields.u32()?);
        row.recent_from = Uid(fields.u32()?);
        row.recent = fields.u32()?;
        row.highest_modseq = ModSeq(fields.u64()?);
        row.vanished_floor = ModSeq(fields.u64()?);
        row.messages = fields.u32()?;
        row.unseen = fields.u32()?;
        row.deleted = fields.u32()?;
        row.bytes = fields.u64()?;
        row.deleted_bytes = fields.u64()?;
        row.decode_tail(fields)?;
        Ok(row)
    }

    fn decode_tail(&mut self, mut fields: Fields<'_>) -> Result<()> {
        let mut named = false;
        while !fields.is_empty() {
            let tag = fields.u8()?;
            let length = fields.u16()?;
            let value = fields.octets(usize::from(length))?;
            match tag {
                NAME => {
                    self.name =
                        stored_name(value).ok_or_else(|| fields.damaged("its name is no mailbox name"))?;
                    named = true;
                }
                KEYWORD_NAMES => self.keywords = keywords(value)?,
                ACL => self.acl = Some(Arc::new(acl(value)?)),
                other => {
                    self.others.push(other);
                    self.others.extend_from_slice(&length.to_be_bytes());
                    self.others.extend_from_slice(value);
                }
            }
        }
        if named { Ok(()) } else { Err(fields.damaged("it has no name")) }
    }

    /// The bit of a keyword, whatever its case.
    pub fn keyword_bit(&self, keyword: &Keyword) -> Option<u32> {
        let position = self.keywords.iter().position(|known| known.0.eq_ignore_ascii_case(&keyword.0))?;
        u32::try_from(position).ok()
    }

    /// The names of a message's keywords.
    pub fn keyword_names(&self, bits: KeywordBits) -> Vec<Keyword> {
        let named = self.keywords.iter().enumerate().filter(|(bit, _)| bits.0 >> bit & 1 == 1);
        named.map(|(_, keyword)| keyword.clone()).collect()
    }
}

fn stored_name(octets: &[u8]) -> Option<MailboxName> {
    std::str::from_utf8(octets).ok().and_then(|name| MailboxName::new(name).ok())
}

fn put_keywords(out: &mut Vec<u8>, names: &[Keyword]) {
    let mut list = Vec::new();
    for name in names {
        put_short_text(&mut list, &name.0);
    }
    out.push(KEYWORD_NAMES);
    out.extend_from_slice(&(list.len() as u16).to_be_bytes());
    out.extend_from_slice(&list);
}

fn keywords(octets: &[u8]) -> Result<Arc<[Keyword]>> {
    let mut fields = Fields::new("mailbox", octets);
    let mut names = Vec::new();
    while !fields.is_empty() {
        names.push(Keyword(fields.short_text()?.into()));
    }
    if names.len() > KEYWORDS {
        return Err(fields.damaged("it has too many keywords"));
    }
    Ok(names.into())
}

/// At most 1,000 entries of 7 octets: the length fits into u16.
fn put_acl(out: &mut Vec<u8>, acl: &Acl) {
    out.push(ACL);
    out.extend_from_slice(&((acl.entries().len() * 7) as u16).to_be_bytes());
    for entry in acl.entries() {
        let (code, id) = subject_code(entry.subject);
        out.push(if entry.negative { code | NEGATIVE } else { code });
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(&entry.rights.bits().to_be_bytes());
    }
}

fn acl(octets: &[u8]) -> Result<Acl> {
    let mut fields = Fields::new("mailbox", octets);
    let mut acl = Acl::default();
    while !fields.is_empty() {
        let (code, id) = (fields.u8()?, fields.u32()?);
        let subject = subject_of(code & !NEGATIVE, id);
        acl.push(AclEntry {
            subject: subject.ok_or_else(|| fields.damaged("its access control list speaks of nobody"))?,
            negative: code & NEGATIVE != 0,
            rights: Rights::of_bits(fields.u16()?),
        });
    }
    Ok(acl)
}

const NEGATIVE: u8 = 0x80;

/// What is on the disk, in the row and in keys of shared: a number is never given again.
pub(crate) fn subject_code(subject: Subject) -> (u8, u32) {
    match subject {
        Subject::Anyone => (1, 0),
        Subject::Authenticated => (2, 0),
        Subject::Group(group) => (3, group.0),
        Subject::User(account) => (4, account.0),
    }
}

pub(crate) fn subject_of(code: u8, id: u32) -> Option<Subject> {
    match code {
        1 => Some(Subject::Anyone),
        2 => Some(Subject::Authenticated),
        3 => Some(Subject::Group(GroupId(id))),
        4 => Some(Subject::User(AccountId(id))),
        _ => None,
    }
}

/// What is on the disk: a number is never given again.
fn special_use_code(special_use: Option<SpecialUse>) -> u8 {
    let Some(special_use) = special_use else { return 0 };
    match special_use {
        SpecialUse::All => 1,
        SpecialUse::Archive => 2,
        SpecialUse::Drafts => 3,
        SpecialUse::Flagged => 4,
        SpecialUse::Junk => 5,
        SpecialUse::Sent => 6,
        SpecialUse::Trash => 7,
        SpecialUse::Important => 8,
        SpecialUse::Memos => 9,
        SpecialUse::Scheduled => 10,
        SpecialUse::Snoozed => 11,
    }
}

/// `None`: no such number.
fn special_use_of(code: u8) -> Option<Option<SpecialUse>> {
    let mut known = SpecialUse::ALL.into_iter().map(Some).chain([None]);
    known.find(|special_use| special_use_code(*special_use) == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> MailboxRow {
        let mut row = MailboxRow::new(MailboxName::inbox(), Some(SpecialUse::Important), UidValidity(5));
        row.uid_next = Uid(u32::MAX);
        row.highest_modseq = ModSeq(77);
        row.deleted_bytes = 1 << 40;
        row.recent = 3;
        row.acl = Some(Arc::new(sample_acl()));
        row.keywords = vec![Keyword("$Forwarded".into()), Keyword("NonJunk".into())].into();
        row
    }

    fn sample_acl() -> Acl {
        let mut acl = Acl::public();
        let rights = Rights::ALL;
        for subject in
            [Subject::Authenticated, Subject::Group(GroupId(7)), Subject::User(AccountId(u32::MAX))]
        {
            acl.push(AclEntry { subject, negative: false, rights });
            acl.push(AclEntry { subject, negative: true, rights: Rights::READ });
        }
        acl
    }

    #[test]
    fn a_row_comes_back_with_fields_it_does_not_know() {
        let mut row = row();
        row.others = vec![9, 0, 2, b'h', b'i'];
        assert_eq!(MailboxRow::decode(&row.encode()).unwrap(), row);
    }

    #[test]
    fn every_special_use_has_its_number() {
        for known in SpecialUse::ALL {
            assert_eq!(special_use_of(special_use_code(Some(known))), Some(Some(known)));
        }
        assert_eq!(special_use_of(12), None);
    }

    #[test]
    fn no_cut_row_is_accepted_or_panics() {
        let whole = row().encode();
        for length in 0..64 {
            assert!(MailboxRow::decode(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn keywords_are_found_in_any_case() {
        let row = row();
        assert_eq!(row.keyword_bit(&Keyword("nonjunk".into())), Some(1));
        assert_eq!(row.keyword_bit(&Keyword("other".into())), None);
        assert_eq!(row.keyword_names(KeywordBits(0b10)), [Keyword("NonJunk".into())]);
    }
}
