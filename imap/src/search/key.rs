//! SEARCH keys: what they are made of, what they cost, and how they are bound to a mailbox.

use store::{EmailId, Flags, Keyword, KeywordBits, ModSeq, ThreadId, UidSet};

use super::fuzzy::FuzzyKey;
use super::text::Needle;
use crate::date::Date;
use crate::seqset::SequenceSet;
use crate::view::{Known, Numbering, keyword_mask};

/// search-key. What only a mailbox can say (which messages a set means, which bit a keyword has) is written as the client
/// wrote it until [`Key::bind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    And(Vec<Key>),
    Or(Vec<Key>),
    Not(Box<Key>),
    // from the rows of the view
    Flag {
        flag: Flags,
        set: bool,
    },
    /// A message has one of the bits; none where the mailbox does not know the keyword.
    Keyword {
        bits: KeywordBits,
        set: bool,
    },
    Recent {
        set: bool,
    },
    ModSeq(ModSeq),
    Messages(UidSet),
    // not bound yet
    Set(SequenceSet, Numbering),
    Named {
        keyword: Keyword,
        set: bool,
    },
    /// So many seconds before the search. RFC 5032 section 2
    Within(Age, u32),
    // from the stored message
    Larger(u64),
    Smaller(u64),
    Arrived(When, Date),
    /// OLDER and YOUNGER, of this moment: seconds since 1970.
    Aged(Age, i64),
    /// RFC 8514 section 4.3
    Saved(When, Date),
    /// `None`: no message has this objectid. RFC 8474 section 6
    Email(Option<EmailId>),
    Thread(Option<ThreadId>),
    // from its summary
    Sent(When, Date),
    Addresses(AddressField, Needle),
    Subject(Needle),
    // from its octets
    Header(Vec<u8>, Needle),
    Body(Needle),
    Text(Needle),
    // from the fuzzy index
    Fuzzy(Box<FuzzyKey>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    On,
    Since,
}

impl When {
    pub fn holds(self, day: Date, than: Date) -> bool {
        match self {
            When::Before => day < than,
            When::On => day == than,
            When::Since => day >= than,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    Older,
    Younger,
}

impl Age {
    // RFC 5032 section 2: "less recent than or equal to", "more recent than or equal to"
    pub fn holds(self, seconds: i64, than: i64) -> bool {
        match self {
            Age::Older => seconds <= than,
            Age::Younger => seconds >= than,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressField {
    From,
    To,
    Cc,
    Bcc,
}

/// What must be read to decide a key; the cheap ones are asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    Row,
    Message,
    Summary,
    Header,
    Body,
}

impl Key {
    pub fn cost(&self) -> Cost {
        match self {
            Key::And(keys) | Key::Or(keys) => keys.iter().map(Key::cost).max().unwrap_or(Cost::Row),
            Key::Not(key) => key.cost(),
            Key::Flag { .. }
            | Key::Keyword { .. }
            | Key::Recent { .. }
            | Key::ModSeq(_)
            | Key::Messages(_)
            | Key::Set(..)
            | Key::Named { .. } => Cost::Row,
            Key::Within(..)
            | Key::Larger(_)
            | Key::Smaller(_)
            | Key::Arrived(..)
            | Key::Aged(..)
            | Key::Saved(..)
            | Key::Email(_)
            | Key::Thread(_) => Cost::Message,
            Key::Sent(..) | Key::Addresses(..) | Key::Subject(_) => Cost::Summary,
            Key::Header(..) => Cost::Header,
            Key::Body(_) | Key::Text(_) => Cost::Body,
            Key::Fuzzy(fuzzy) if fuzzy.hits.is_some() => Cost::Row,
            Key::Fuzzy(fuzzy) => fuzzy.exact.cost(),
        }
    }

    /// How many keys it is made of, itself counted.
    pub fn weight(&self) -> usize {
        match self {
            Key::And(keys) | Key::Or(keys) => 1 + keys.iter().map(Key::weight).sum::<usize>(),
            Key::Not(key) => 1 + key.weight(),
            _ => 1,
        }
    }

    /// The same key for the messages of one mailbox, now: what [`super::eval`] can answer.
    pub fn bind(&mut self, view: &Known) {
        let now = common::time::now();
        self.each(&mut |key| match key {
            Key::Set(set, numbering) => *key = Key::Messages(view.matching(set, *numbering)),
            Key::Named { keyword, set } => {
                let bits = keyword_mask(std::slice::from_ref(keyword), view.keywords());
                *key = Key::Keyword { bits, set: *set };
            }
            Key::Within(age, interval) => *key = Key::Aged(*age, now.saturating_sub(i64::from(*interval))),
            _ => {}
        });
    }

    /// Turns message numbers and `$` into the messages that they mean now; UIDs, which mean the same for ever, stay.
    pub fn freeze(&mut self, view: &Known) {
        self.each(&mut |key| match key {
            Key::Set(set, numbering) if *numbering == Numbering::Seq || set.is_saved() => {
                *key = Key::Messages(view.matching(set, *numbering));
            }
            _ => {}
        });
    }

    /// Visits every key that has no keys in it.
    pub fn each(&mut self, visit: &mut dyn FnMut(&mut Key)) {
        match self {
            Key::And(keys) | Key::Or(keys) => keys.iter_mut().for_each(|key| key.each(visit)),
            Key::Not(key) => key.each(visit),
            leaf => visit(leaf),
        }
    }

    /// Matches every message.
    pub fn all() -> Key {
        Key::And(Vec::new())
    }

    pub fn flag(flag: Flags) -> Key {
        Key::Flag { flag, set: true }
    }

    pub fn no_flag(flag: Flags) -> Key {
        Key::Flag { flag, set: false }
    }
}
