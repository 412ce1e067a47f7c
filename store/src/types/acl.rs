//! Access control lists: who may do what in a mailbox (RFC 4314).
//!
//! Users and groups stand here by their ids, which are never given twice: a new account with an old name has none of the
//! old one's rights, and a renamed one keeps what it had.

use crate::{AccountId, Flags, GroupId};

/// Entries of a list, at most: it stands in the mailbox's row.
const ENTRIES: usize = 1000;

/// The letters of RFC 4314 section 2.1 as bits: what somebody may do in a mailbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rights(u16);

/// In the order in which they are shown.
const LETTERS: [(char, Rights); 11] = [
    ('l', Rights::LOOKUP),
    ('r', Rights::READ),
    ('s', Rights::SEEN),
    ('w', Rights::WRITE),
    ('i', Rights::INSERT),
    ('p', Rights::POST),
    ('k', Rights::CREATE),
    ('x', Rights::DELETE),
    ('t', Rights::DELETE_MESSAGES),
    ('e', Rights::EXPUNGE),
    ('a', Rights::ADMINISTER),
];

/// The rights of RFC 2086 that stand for others. RFC 4314 section 2.1.1
const VIRTUAL: [(char, Rights); 2] =
    [('c', Rights::CREATE.with(Rights::DELETE)), ('d', Rights::DELETE_MESSAGES.with(Rights::EXPUNGE))];

impl Rights {
    pub const NONE: Rights = Rights(0);
    /// `l`: the mailbox can be seen: LIST, SUBSCRIBE.
    pub const LOOKUP: Rights = Rights(1);
    /// `r`: SELECT, STATUS.
    pub const READ: Rights = Rights(2);
    /// `s`: keep \Seen.
    pub const SEEN: Rights = Rights(4);
    /// `w`: keep other flags and keywords.
    pub const WRITE: Rights = Rights(8);
    /// `i`: APPEND, COPY into it.
    pub const INSERT: Rights = Rights(16);
    /// `k`: CREATE below it.
    pub const CREATE: Rights = Rights(32);
    /// `x`: DELETE, RENAME.
    pub const DELETE: Rights = Rights(64);
    /// `t`: keep \Deleted.
    pub const DELETE_MESSAGES: Rights = Rights(128);
    /// `e`: EXPUNGE.
    pub const EXPUNGE: Rights = Rights(256);
    /// `a`: SETACL, GETACL.
    pub const ADMINISTER: Rights = Rights(512);
    /// `p`: send mail to its address. Not enforced here.
    pub const POST: Rights = Rights(1024);
    /// The owner's.
    pub const ALL: Rights = Rights(2047);
    /// What nobody can take from the owner, who could lock himself out.
    pub const OWNER: Rights = Rights::LOOKUP.with(Rights::ADMINISTER);
    /// "Any" in the table of RFC 4314 section 4: who has one of these knows that the mailbox exists.
    const KNOWN_BY: Rights = Rights(1 | 2 | 16 | 32 | 64 | 512);
    const CHANGES: Rights = Rights(4 | 8 | 16 | 128 | 256);

    pub const fn contains(self, other: Rights) -> bool {
        self.0 & other.0 == other.0
    }

    #[must_use]
    pub const fn with(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }

    #[must_use]
    pub const fn without(self, other: Rights) -> Rights {
        Rights(self.0 & !other.0)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whoever has these may know that the mailbox exists. RFC 4314 section 4, MYRIGHTS, and section 6
    pub const fn shows_existence(self) -> bool {
        self.0 & Rights::KNOWN_BY.0 != 0
    }

    /// Of these flags the ones that may be kept. RFC 4314 section 4
    #[must_use]
    pub fn allowed(self, flags: Flags) -> Flags {
        let own = |right, those: Flags| if self.contains(right) { those } else { Flags::default() };
        let seen = own(Rights::SEEN, Flags::SEEN);
        let deleted = own(Rights::DELETE_MESSAGES, Flags::DELETED);
        let others = own(Rights::WRITE, Flags::ANSWERED.with(Flags::FLAGGED).with(Flags::DRAFT));
        Flags(flags.0 & seen.with(deleted).with(others).0)
    }

    /// What is left of them after EXAMINE. RFC 9051 section 6.3.3
    #[must_use]
    pub const fn read_only(self) -> Rights {
        self.without(Rights::CHANGES)
    }

    /// SELECT answers READ-ONLY. RFC 4314 section 5.2
    pub const fn is_read_only(self) -> bool {
        self.0 & Rights::CHANGES.0 == 0
    }

    /// The letters, with those of RFC 2086 that have a member here. RFC 4314 section 2.1.1
    pub fn letters(self) -> String {
        let own = LETTERS.iter().filter(|(_, right)| self.contains(*right));
        let obsolete = VIRTUAL.iter().filter(|(_, members)| self.0 & members.0 != 0);
        own.chain(obsolete).map(|(letter, _)| *letter).collect()
    }

    /// Each right by itself, the obsolete ones among them. RFC 4314 section 3.7
    pub fn each() -> impl Iterator<Item = (char, Rights)> {
        LETTERS.into_iter().chain(VIRTUAL)
    }

    /// The letter that is no right. RFC 4314 section 3.1
    pub fn parse(letters: &str) -> Result<Rights, char> {
        letters.chars().try_fold(Rights::NONE, |rights, letter| {
            let known = Rights::each().find(|(known, _)| *known == letter);
            known.map(|(_, right)| rights.with(right)).ok_or(letter)
        })
    }

    pub(crate) fn bits(self) -> u16 {
        self.0
    }

    pub(crate) fn of_bits(bits: u16) -> Rights {
        Rights(bits & Rights::ALL.0)
    }
}

/// Whom an entry speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The owner among them.
    User(AccountId),
    Group(GroupId),
    Authenticated,
    Anyone,
}

/// `identifier rights`. RFC 4314 section 2
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AclEntry {
    pub subject: Subject,
    /// `-identifier`: these rights are taken away, whoever else gave them.
    pub negative: bool,
    pub rights: Rights,
}

/// A mailbox's list, sorted by subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acl(Vec<AclEntry>);

/// Somebody with the groups that he is in.
#[derive(Debug, Clone, Copy)]
pub struct Who<'a> {
    pub account: AccountId,
    pub groups: &'a [GroupId],
}

/// What SETACL and DELETEACL do with an entry. RFC 4314 section 3.1 and section 3.2
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AclChange {
    Replace(Rights),
    Add(Rights),
    Remove(Rights),
    Delete,
}

impl Acl {
    /// Everybody may see and read.
    pub fn public() -> Acl {
        let rights = Rights::LOOKUP.with(Rights::READ);
        Acl(vec![AclEntry { subject: Subject::Anyone, negative: false, rights }])
    }

    pub fn entries(&self) -> &[AclEntry] {
        &self.0
    }

    pub(crate) fn push(&mut self, entry: AclEntry) {
        self.0.push(entry);
    }

    /// `None`: there is no such entry.
    pub fn entry(&self, subject: Subject, negative: bool) -> Option<Rights> {
        let found = self.0.iter().find(|entry| (entry.subject, entry.negative) == (subject, negative));
        found.map(|entry| entry.rights)
    }

    /// What the user may do: the union of what all entries give that speak of him, without what negative ones take. The
    /// owner has every right unless an entry of his own says less, and always those of [`Rights::OWNER`].
    pub fn rights(&self, owner: AccountId, who: Who<'_>) -> Rights {
        let of = |negative: bool| {
            let matching = self.0.iter().filter(|entry| entry.negative == negative && who.is(entry.subject));
            matching.fold(Rights::NONE, |sum, entry| sum.with(entry.rights))
        };
        if owner != who.account {
            return of(false).without(of(true));
        }
        let own = if self.entry(Subject::User(owner), false).is_none() { Rights::ALL } else { Rights::NONE };
        of(false).with(own).without(of(true)).with(Rights::OWNER)
    }

    /// The list after a change of one entry. An entry without rights goes, but for the owner's, who would have all without it.
    pub(crate) fn changed(
        &self,
        owner: AccountId,
        (subject, negative): (Subject, bool),
        change: AclChange,
    ) -> crate::Result<Acl> {
        let is_owner = subject == Subject::User(owner) && !negative;
        let without = if is_owner { Rights::ALL } else { Rights::NONE };
        let before = self.entry(subject, negative).unwrap_or(without);
        let rights = match change {
            AclChange::Replace(rights) => Some(rights),
            AclChange::Add(rights) => Some(before.with(rights)),
            AclChange::Remove(rights) => Some(before.without(rights)),
            AclChange::Delete => None,
        };
        let mut entries = self.0.clone();
        entries.retain(|entry| (entry.subject, entry.negative) != (subject, negative));
        let kept = rights.filter(|rights| if is_owner { *rights != Rights::ALL } else { !rights.is_empty() });
        entries.extend(kept.map(|rights| AclEntry { subject, negative, rights }));
        if entries.len() > ENTRIES {
            let text = format!("an access control list may have {ENTRIES} entries: use a group");
            return Err(crate::Error::Limit(text));
        }
        entries.sort_by_key(|entry| (entry.subject, entry.negative));
        Ok(Acl(entries))
    }
}

impl Who<'_> {
    fn is(&self, subject: Subject) -> bool {
        match subject {
            Subject::User(account) => account == self.account,
            Subject::Group(group) => self.groups.contains(&group),
            // Nobody has a mailbox selected without a login.
            Subject::Authenticated | Subject::Anyone => true,
        }
    }

    /// Every subject that speaks of this user.
    pub fn subjects(&self) -> impl Iterator<Item = Subject> {
        let groups = self.groups.iter().copied().map(Subject::Group);
        [Subject::User(self.account), Subject::Authenticated, Subject::Anyone].into_iter().chain(groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: AccountId = AccountId(1);
    const FRED: Subject = Subject::User(AccountId(2));

    fn rights(letters: &str) -> Rights {
        Rights::parse(letters).unwrap()
    }

    fn fred(groups: &[GroupId]) -> Who<'_> {
        Who { account: AccountId(2), groups }
    }

    fn acl(entries: &[(Subject, bool, &str)]) -> Acl {
        entries.iter().fold(Acl::default(), |acl, (subject, negative, letters)| {
            acl.changed(OWNER, (*subject, *negative), AclChange::Replace(rights(letters))).unwrap()
        })
    }

    // RFC 4314 section 2.1.1
    #[test]
    fn obsolete_rights_stand_for_others() {
        assert_eq!(rights("lrswida"), rights("lrswieta"));
        assert_eq!(rights("lrswida").letters(), "lrswitead");
        assert_eq!(rights("lrswikda").letters(), "lrswikteacd");
        assert_eq!(rights("c"), rights("kx"));
        assert_eq!(Rights::ALL.letters(), "lrswipkxteacd");
        assert_eq!(Rights::parse("lrQ"), Err('Q'));
        assert_eq!(Rights::parse("lrq"), Err('q'));
        assert_eq!(Rights::parse("0"), Err('0'));
        assert_eq!(Rights::parse(""), Ok(Rights::NONE));
    }

    // RFC 4314 section 2
    #[test]
    fn rights_are_added_up_and_negative_ones_taken_away() {
        let team = Subject::Group(GroupId(7));
        let list = acl(&[(FRED, false, "lr"), (team, false, "w"), (Subject::Anyone, false, "l")]);
        assert_eq!(list.rights(OWNER, fred(&[])), rights("lr"));
        assert_eq!(list.rights(OWNER, fred(&[GroupId(7)])), rights("lrw"));
        let other = Who { account: AccountId(3), groups: &[] };
        assert_eq!(list.rights(OWNER, other), rights("l"));
        let list = acl(&[(Subject::Authenticated, false, "lrs"), (FRED, true, "s"), (team, true, "r")]);
        assert_eq!(list.rights(OWNER, fred(&[])), rights("lr"));
        assert_eq!(list.rights(OWNER, fred(&[GroupId(7)])), rights("l"));
        assert_eq!(Acl::default().rights(OWNER, fred(&[])), Rights::NONE);
    }

    #[test]
    fn the_owner_has_all_unless_his_entry_says_less() {
        let owner = Who { account: OWNER, groups: &[] };
        assert_eq!(Acl::default().rights(OWNER, owner), Rights::ALL);
        let own = Subject::User(OWNER);
        let list = acl(&[(own, false, "r"), (Subject::Anyone, false, "s"), (own, true, "l")]);
        assert_eq!(list.rights(OWNER, owner), rights("lrsa"));
        let less = Acl::default().changed(OWNER, (own, false), AclChange::Remove(rights("x"))).unwrap();
        assert_eq!(less.rights(OWNER, owner), Rights::ALL.without(Rights::DELETE));
        let again = less.changed(OWNER, (own, false), AclChange::Delete).unwrap();
        assert_eq!(again, Acl::default());
    }

    #[test]
    fn changes_add_remove_and_replace() {
        let list = acl(&[(FRED, false, "lr")]);
        let change = |change| list.changed(OWNER, (FRED, false), change).unwrap().entry(FRED, false);
        assert_eq!(change(AclChange::Add(rights("s"))), Some(rights("lrs")));
        assert_eq!(change(AclChange::Remove(rights("r"))), Some(rights("l")));
        assert_eq!(change(AclChange::Remove(rights("lr"))), None);
        assert_eq!(change(AclChange::Replace(Rights::NONE)), None);
        assert_eq!(change(AclChange::Delete), None);
    }

    #[test]
    fn a_list_has_an_end() {
        let mut list = Acl::default();
        for id in 2..1002 {
            list = list
                .changed(OWNER, (Subject::User(AccountId(id)), false), AclChange::Add(rights("l")))
                .unwrap();
        }
        let more = (Subject::User(AccountId(5000)), false);
        assert!(list.changed(OWNER, more, AclChange::Add(rights("l"))).is_err());
        assert!(list.changed(OWNER, more, AclChange::Delete).is_ok());
    }

    // RFC 4314 section 5.2
    #[test]
    fn a_mailbox_is_read_only_where_nothing_can_be_changed() {
        assert!(rights("lrpkxa").is_read_only());
        for letter in ["i", "e", "s", "w", "t"] {
            assert!(!rights(letter).is_read_only(), "{letter}");
        }
        assert!(Rights::ALL.read_only().is_read_only());
    }
}
