//! The numbers and names of the data model. Each is a type of its own: mixing them is a compile error.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

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
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Keyword(pub Arc<str>);

/// A mailbox name in Unicode (NFC), levels separated by `/`. `INBOX` in any case is `INBOX`.
///
/// Made only by [`MailboxName::new`], which refuses what no mailbox may be called: empty names or levels, control
/// characters, `%` and `*`, more than 1,000 octets, more than 32 levels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxName(Arc<str>);

impl MailboxName {
    pub const SEPARATOR: char = '/';

    pub fn new(name: &str) -> Result<MailboxName, InvalidName> {
        let _ = name;
        unimplemented!()
    }
    pub fn inbox() -> MailboxName {
        MailboxName("INBOX".into())
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
    pub fn is_inbox(&self) -> bool {
        &*self.0 == "INBOX"
    }
    /// The name one level up, if there is one.
    pub fn parent(&self) -> Option<MailboxName> {
        self.0.rsplit_once(Self::SEPARATOR).map(|(up, _)| MailboxName(up.into()))
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a name was refused, in words for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(pub String);

/// An account's name: `user@domain` or `user`; lower case, NFC, no white space, `/`, `%`, `*` or control characters, at most 255 octets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(Arc<str>);

impl AccountName {
    pub fn new(name: &str) -> Result<AccountName, InvalidName> {
        let _ = name;
        unimplemented!()
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccountName {
    type Error = InvalidName;
    fn try_from(name: String) -> Result<Self, InvalidName> {
        AccountName::new(&name)
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> String {
        name.0.to_string()
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 6154 section 2. The attribute's word without the backslash is [`SpecialUse::as_str`].
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
}

/// A set of UIDs as sorted, disjoint, non-adjacent ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UidSet {
    ranges: Vec<RangeInclusive<u32>>,
}

impl UidSet {
    pub fn new() -> UidSet {
        UidSet::default()
    }
    /// Any ranges, in any order, overlapping or not.
    pub fn from_ranges(ranges: impl IntoIterator<Item = RangeInclusive<u32>>) -> UidSet {
        let _ = ranges.into_iter();
        unimplemented!()
    }
    pub fn insert(&mut self, uid: Uid) {
        let _ = uid;
        unimplemented!()
    }
    pub fn contains(&self, uid: Uid) -> bool {
        let _ = uid;
        unimplemented!()
    }
    pub fn ranges(&self) -> &[RangeInclusive<u32>] {
        &self.ranges
    }
    pub fn iter(&self) -> impl Iterator<Item = Uid> + '_ {
        self.ranges.iter().flat_map(|range| range.clone().map(Uid))
    }
    /// How many UIDs are in it.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|range| u64::from(range.end() - range.start()) + 1).sum()
    }
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> UidSet {
        let _ = uids.into_iter();
        unimplemented!()
    }
}

/// `1:3,5,9:12`
impl fmt::Display for UidSet {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unimplemented!()
    }
}
