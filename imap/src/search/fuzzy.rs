//! FUZZY: strings that are matched by words like theirs, and how relevant what matches is. RFC 6203
//!
//! - What is made fuzzy: SUBJECT, FROM, TO, CC, BCC, BODY and TEXT, and HEADER for a field that one of them is about. Every other key
//!   is matched exactly (section 5), and so is a string without words, and every string where there is no search index.
//! - Relevancy: the mean of the scores of the fuzzy strings that a message matches, as far as they stand below no NOT. A
//!   message that matches by other keys alone (OR) has 1; where there is no such string, all have 100.

use std::collections::VecDeque;
use std::sync::Arc;

use common::block;
use store::{Fuzzy, FuzzyField, FuzzyHits, FuzzyQuery, Mailbox, Uid, UidSet};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::key::{AddressField, Key};
use crate::error::Error;
use crate::progress::Progress;
use crate::response::Code;

/// Fuzzy strings in one command: each is looked up in the index of every mailbox that is searched.
const MOST: usize = 32;

/// One at a time adds to an index: it takes memory and a core.
static TURN: Semaphore = Semaphore::const_new(1);

/// A string under FUZZY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FuzzyKey {
    query: FuzzyQuery,
    /// The same without FUZZY.
    pub exact: Key,
    /// What matches in the mailbox that it is bound to; `None`: it is matched exactly.
    pub hits: Option<Arc<FuzzyHits>>,
}

impl Key {
    /// The same under FUZZY.
    pub fn fuzzily(mut self) -> Key {
        self.each(&mut |key| {
            let query = match &*key {
                Key::Subject(needle) => FuzzyQuery::new(needle.indexed(), FuzzyField::Subject),
                Key::Addresses(field, needle) => FuzzyQuery::new(needle.indexed(), field_of(*field)),
                Key::Body(needle) => FuzzyQuery::new(needle.indexed(), FuzzyField::Body),
                Key::Text(needle) => FuzzyQuery::new(needle.indexed(), FuzzyField::Text),
                Key::Header(name, needle) => {
                    header(name).and_then(|field| FuzzyQuery::new(needle.indexed(), field))
                }
                _ => None,
            };
            if let Some(query) = query {
                let exact = std::mem::replace(key, Key::all());
                *key = Key::Fuzzy(Box::new(FuzzyKey { query, exact, hits: None }));
            }
        });
        self
    }
}

fn field_of(field: AddressField) -> FuzzyField {
    match field {
        AddressField::From => FuzzyField::From,
        AddressField::To => FuzzyField::To,
        AddressField::Cc => FuzzyField::Cc,
        AddressField::Bcc => FuzzyField::Bcc,
    }
}

fn header(name: &[u8]) -> Option<FuzzyField> {
    match &*name.to_ascii_lowercase() {
        b"subject" => Some(FuzzyField::Subject),
        b"from" => Some(FuzzyField::From),
        b"to" => Some(FuzzyField::To),
        b"cc" => Some(FuzzyField::Cc),
        b"bcc" => Some(FuzzyField::Bcc),
        _ => None,
    }
}

/// Refuses what would cost too much. RFC 6203 section 8
pub fn check(key: &mut Key) -> Result<(), Error> {
    let mut count = 0;
    key.each(&mut |key| count += usize::from(matches!(key, Key::Fuzzy(_))));
    if count > MOST {
        return Err(Error::no(Code::Limit, format!("More than {MOST} fuzzy strings; search in steps")));
    }
    Ok(())
}

/// Finds what the fuzzy strings match among these messages, which are brought into the index first. Returns why the first
/// message that could not be read could not.
pub async fn resolve(
    key: &mut Key,
    mailbox: &Mailbox,
    uids: &UidSet,
    progress: &mut Progress<'_>,
) -> Result<Option<store::Error>, Error> {
    let mut is_fuzzy = false;
    key.each(&mut |key| is_fuzzy |= matches!(key, Key::Fuzzy(_)));
    if !is_fuzzy {
        return Ok(None);
    }
    let Some(mut fuzzy) = block(|| mailbox.fuzzy(uids))? else { return Ok(None) };
    while fuzzy.missing() > 0 {
        let turn = progress.during(TURN.acquire()).await?;
        let turn = turn.map_err(|_| Error::bug("nobody closes the turn of the fuzzy index"))?;
        // How far this is says nothing of how far the search is: the numbers of that begin when this is done.
        fuzzy = progress.during(round(fuzzy, turn)).await??;
    }
    let mut strings = Vec::new();
    key.each(&mut |key| {
        if let Key::Fuzzy(string) = key {
            strings.push(string.query.clone());
        }
    });
    let (mut found, mut failure) = (VecDeque::new(), fuzzy.failure());
    for query in strings {
        let hits = block(|| fuzzy.search(&query));
        // Where it fails nothing matches, and the client is told why.
        found.push_back(hits.unwrap_or_else(|error| {
            failure.get_or_insert(error);
            FuzzyHits::default()
        }));
        progress.during(tokio::task::yield_now()).await?;
    }
    key.each(&mut |key| {
        if let Key::Fuzzy(string) = key {
            string.hits = found.pop_front().map(Arc::new);
        }
    });
    Ok(failure)
}

/// Goes on when nobody waits for it any more, until it has done its part.
async fn round(mut fuzzy: Fuzzy, turn: SemaphorePermit<'static>) -> Result<Fuzzy, Error> {
    let work = tokio::task::spawn_blocking(move || {
        let done = fuzzy.round();
        drop(turn);
        done.map(|()| fuzzy)
    });
    let done = work.await.map_err(|_| Error::bug("the fuzzy index stopped"))?;
    Ok(done?)
}

/// What the messages that match are worth. RFC 6203 section 4
#[derive(Debug, Default)]
pub struct Relevancy(Vec<Arc<FuzzyHits>>);

impl Relevancy {
    /// Of a key whose strings were [`resolve`]d.
    pub fn of(key: &Key) -> Relevancy {
        let mut strings = Vec::new();
        collect(key, &mut strings);
        Relevancy(strings)
    }

    /// From 1 to 100.
    pub fn score(&self, uid: Uid) -> u8 {
        if self.0.is_empty() {
            return 100;
        }
        let scores = self.0.iter().filter_map(|hits| hits.score(uid));
        let (sum, count) = scores.fold((0, 0), |(sum, count), score| (sum + u32::from(score), count + 1));
        // A mean of what is 100 at most.
        (sum + count / 2).checked_div(count).map_or(1, |mean| u8::try_from(mean).unwrap_or(100))
    }
}

fn collect(key: &Key, strings: &mut Vec<Arc<FuzzyHits>>) {
    match key {
        Key::And(keys) | Key::Or(keys) => keys.iter().for_each(|key| collect(key, strings)),
        Key::Fuzzy(string) => strings.extend(string.hits.clone()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::Needle;
    use super::*;
    use crate::collation::Collation;

    fn needle(text: &str) -> Needle {
        Needle::new(text, Collation::default())
    }

    #[test]
    fn strings_with_words_are_fuzzy_and_nothing_else_is() {
        for key in [
            Key::Subject(needle("a")),
            Key::Addresses(AddressField::Cc, needle("a")),
            Key::Text(needle("猫")),
            Key::Body(needle("a b")),
            Key::Header(b"SUBJECT".to_vec(), needle("a")),
        ] {
            let Key::Fuzzy(fuzzy) = key.clone().fuzzily() else { panic!("{key:?}") };
            assert_eq!(fuzzy.exact, key);
            let again = Key::Fuzzy(fuzzy.clone()).fuzzily();
            assert_eq!(again, Key::Fuzzy(fuzzy));
        }
        for key in [
            Key::Subject(needle("")),
            Key::Text(needle("?!")),
            Key::Larger(1),
            Key::Header(b"X-Y".to_vec(), needle("a")),
        ] {
            assert_eq!(key.clone().fuzzily(), key);
        }
    }

    #[test]
    fn there_are_few_strings() {
        let many = |count| Key::And(vec![Key::Subject(needle("a")).fuzzily(); count]);
        assert!(check(&mut many(MOST)).is_ok());
        assert!(matches!(check(&mut many(MOST + 1)), Err(Error::No { code: Some(Code::Limit), .. })));
    }

    #[test]
    fn without_strings_all_is_relevant() {
        assert_eq!(Relevancy::default().score(Uid(1)), 100);
        assert_eq!(Relevancy(vec![Arc::default()]).score(Uid(1)), 1);
    }
}
