//! Which messages a SEARCH looks at: all that could match, by what costs next to nothing to know.

use store::{ModSeq, UidSet};

use super::key::Key;
use crate::view::Known;

/// A set that holds every message that can match; whether they do is for `eval` to say.
pub fn candidates(key: &Key, view: &Known) -> UidSet {
    let everything = UidSet::from_ranges([1..=u32::MAX]);
    narrow(key, view, everything)
}

/// What all keys of a conjunction have in common.
fn narrow(key: &Key, view: &Known, among: UidSet) -> UidSet {
    match key {
        Key::And(keys) => keys.iter().fold(among, |among, key| narrow(key, view, among)),
        Key::Messages(uids) => among.intersection(uids),
        Key::ModSeq(modseq) => view.changed_since(&among, ModSeq(modseq.0.saturating_sub(1))),
        _ => among,
    }
}
