//! Which messages a SEARCH looks at: all that could match, by what costs next to nothing to know.

use store::{ModSeq, Query, UidSet};

use super::key::Key;
use super::text::Needle;
use crate::collation::Collation;
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
        Key::Not(key) => match &**key {
            Key::Messages(uids) => among.difference(uids),
            _ => among,
        },
        Key::ModSeq(modseq) => view.changed_since(&among, ModSeq(modseq.0.saturating_sub(1))),
        _ => among,
    }
}

/// What the search index is asked. A key that it cannot tell of asks nothing: every message can match.
pub fn query(key: &Key) -> Query {
    let text = |needle: &Needle, header, trace, body| {
        let folded = needle.indexed().to_owned();
        Query::Text { folded, header, trace, body }
    };
    match key {
        Key::And(keys) => Query::And(keys.iter().map(query).collect()),
        Key::Or(keys) => Query::Or(keys.iter().map(query).collect()),
        // The summary, which these are answered from, knows nothing of the trace.
        Key::Addresses(_, needle) | Key::Subject(needle) => text(needle, true, false, false),
        Key::Header(name, needle) if name.is_empty() || !name.is_ascii() => text(needle, true, true, false),
        Key::Header(name, needle) => {
            let name = Needle::new(&format!("{}:", String::from_utf8_lossy(name)), Collation::default());
            Query::And(vec![text(&name, true, true, false), text(needle, true, true, false)])
        }
        Key::Body(needle) => text(needle, false, false, true),
        Key::Text(needle) => text(needle, true, true, true),
        Key::Fuzzy(fuzzy) if fuzzy.hits.is_none() => query(&fuzzy.exact),
        // What does not match the one may be what the index cannot tell from what does.
        _ => Query::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_index_knows_is_asked() {
        let text = Key::Text(Needle::new("Word", Collation::default()));
        assert_eq!(query(&Key::Not(Box::new(text.clone()))), Query::All);
        assert_eq!(query(&Key::Larger(1)), Query::All);
        let asked = Query::Text { folded: "WORD".to_owned(), header: true, trace: true, body: true };
        assert_eq!(query(&Key::Or(vec![text, Key::Larger(1)])), Query::Or(vec![asked, Query::All]));
    }
}
