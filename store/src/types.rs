//! The numbers and names of the data model. Each is a type of its own: mixing them is a compile error.

mod acl;
mod name;
mod uid_set;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub use acl::{Acl, AclChange, AclEntry, Rights, Subject, Who};
pub use name::{AccountName, AliasName, GroupName, InvalidName, MailboxName};
pub use uid_set::UidSet;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
    };
}

number!(
    /// An account, for ever: never re-used, unchanged by renaming.
    AccountId(u32)
);
number!(
    /// A group of accounts, for ever: never re-used.
    GroupId(u32)
);
number!(
    /// A mailbox, for ever: never re-used in the store, unchanged by renaming. It is RFC 8474's MAILBOXID.
    MailboxId(u64)
);
number!(
    /// RFC 9051 section 2.3.1.1. Never 0.
    Uid(u32)
);
number!(
    /// RFC 9051 section 2.3.1.1. From a persistent counter of the shard, so no two mailboxes of a shard ever share one.
    UidValidity(u32)
);
number!(
    /// RFC 7162 section 3.1. One counter per mailbox; at least 1 in a mailbox, 0 only as "since ever".
    ModSeq(u64)
);
number!(
    /// The stored octets of a message, shared by all its copies in the shard.
    BodyId(u64)
);
number!(
    /// RFC 8474's EMAILID: the same for all copies of one message in the account.
    EmailId(u64)
);
number!(
    /// RFC 8474's THREADID.
    ThreadId(u64)
);

/// A moment as IMAP's INTERNALDATE has it: seconds since 1970-01-01T00:00:00Z and the zone it was told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    pub seconds: i64,
    /// Minutes east of UTC.
    pub offset: i16,
}

/// The system flags of RFC 9051 section 2.3.2 as bits. `\Recent` is no flag of a message but of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u8);

impl Flags {
    pub const SEEN: Flags = Flags(1);
    pub const ANSWERED: Flags = Flags(2);
    pub const FLAGGED: Flags = Flags(4);
    pub const DELETED: Flags = Flags(8);
    pub const DRAFT: Flags = Flags(16);

    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
    pub fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
    pub fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
}

/// A set of a mailbox's keywords: bit n is the n-th name of that mailbox's keyword list. At most 128 a mailbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct KeywordBits(pub u128);

/// A keyword's name (RFC 9051 section 2.3.2): an atom, compared without case, kept as first written.
#[derive(Debug, Clone)]
pub struct Keyword(pub Arc<str>);

impl Keyword {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn folded(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|octet| octet.to_ascii_lowercase())
    }
}

// Keywords are atoms, so ASCII; RFC 9051 section 2.3.2 compares flags without case.
impl PartialEq for Keyword {
    fn eq(&self, other: &Keyword) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Keyword {}

impl Hash for Keyword {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().for_each(|octet| state.write_u8(octet));
        state.write_u8(0xff);
    }
}

impl Ord for Keyword {
    fn cmp(&self, other: &Keyword) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl PartialOrd for Keyword {
    fn partial_cmp(&self, other: &Keyword) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 6154 section 2, RFC 8457 section 4, RFC 9979. The attribute's word without the backslash is [`SpecialUse::as_str`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpecialUse {
    All,
    Archive,
    Drafts,
    Flagged,
    Junk,
    Sent,
    Trash,
    /// RFC 8457
    Important,
    /// Notes that were made in other messages' place. RFC 9979
    Memos,
    /// Messages to be sent later. RFC 9979
    Scheduled,
    /// Messages that come back to where they were at a time. RFC 9979
    Snoozed,
}

impl SpecialUse {
    pub const ALL: [SpecialUse; 11] = [
        SpecialUse::All,
        SpecialUse::Archive,
        SpecialUse::Drafts,
        SpecialUse::Flagged,
        SpecialUse::Junk,
        SpecialUse::Sent,
        SpecialUse::Trash,
        SpecialUse::Important,
        SpecialUse::Memos,
        SpecialUse::Scheduled,
        SpecialUse::Snoozed,
    ];

    /// `Sent`
    pub fn as_str(self) -> &'static str {
        match self {
            SpecialUse::All => "All",
            SpecialUse::Archive => "Archive",
            SpecialUse::Drafts => "Drafts",
            SpecialUse::Flagged => "Flagged",
            SpecialUse::Junk => "Junk",
            SpecialUse::Sent => "Sent",
            SpecialUse::Trash => "Trash",
            SpecialUse::Important => "Important",
            SpecialUse::Memos => "Memos",
            SpecialUse::Scheduled => "Scheduled",
            SpecialUse::Snoozed => "Snoozed",
        }
    }

    /// The word in any case, with or without its backslash.
    pub fn parse(word: &str) -> Option<SpecialUse> {
        let word = word.strip_prefix('\\').unwrap_or(word);
        SpecialUse::ALL.into_iter().find(|special_use| special_use.as_str().eq_ignore_ascii_case(word))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn keyword(name: &str) -> Keyword {
        Keyword(name.into())
    }

    #[test]
    fn keywords_are_compared_without_case() {
        assert_eq!(keyword("$Forwarded"), keyword("$FORWARDED"));
        assert_ne!(keyword("$Forwarded"), keyword("$Forward"));
        let names: HashSet<Keyword> = ["$Junk", "$junk", "NonJunk"].map(keyword).into();
        assert_eq!(names.len(), 2);
        assert_eq!(keyword("abc").cmp(&keyword("ABC")), Ordering::Equal);
        assert!(keyword("abc") < keyword("ABD"));
        assert!(keyword("ab") < keyword("ABC"));
        assert_eq!(keyword("$Forwarded").to_string(), "$Forwarded");
    }

    #[test]
    fn flags_are_sets() {
        let flags = Flags::SEEN.with(Flags::DRAFT);
        assert!(flags.contains(Flags::SEEN) && !flags.contains(Flags::SEEN.with(Flags::DELETED)));
        assert_eq!(flags.without(Flags::SEEN), Flags::DRAFT);
    }

    // RFC 6154 section 2, RFC 8457 section 4, RFC 9979
    #[test]
    fn special_uses_are_read_in_any_case() {
        for special_use in SpecialUse::ALL {
            assert_eq!(SpecialUse::parse(special_use.as_str()), Some(special_use));
            assert_eq!(
                SpecialUse::parse(&format!("\\{}", special_use.as_str().to_uppercase())),
                Some(special_use)
            );
        }
        assert_eq!(SpecialUse::parse("Inbox"), None);
        assert_eq!(SpecialUse::parse(""), None);
    }
}
