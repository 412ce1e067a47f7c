//! Which messages have the words, and how well they fit.
//!
//! - A word of the message that is the word itself counts most, then one that begins so, then one with a letter or two wrong.
//! - What a place is worth is BM25's, of the messages that are searched: a word that many have says little, and so does
//!   one among many others.
//! - The best message has 100, the others their part of it, and 1 at least. RFC 6203 section 4

use tantivy::postings::{Postings, TermInfo};
use tantivy::query::FuzzyTermQuery;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, InvertedIndexReader, SegmentReader, TERMINATED, Term};

use super::files::{BODY_ID, Index};
use super::query::{FuzzyField, FuzzyQuery, Word};
use crate::{BodyId, Result, Uid};

/// Words of the index that stand for one that is looked for: the best of those that were looked at.
const TERMS: usize = 256;
const LOOKED_AT: usize = 4096;
/// What a word is worth that only begins so (the more of it is left, the less), and one with letters wrong.
const PREFIX: f32 = 0.75;
const ONE_TYPO: f32 = 0.5;
const TWO_TYPOS: f32 = 0.25;
/// BM25's: how soon more of the same says no more, and how much a long text takes away.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// No message that is searched.
const NONE: u32 = u32::MAX;

/// The messages that match, with their relevancy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FuzzyHits(Vec<(Uid, u8)>);

impl FuzzyHits {
    /// From 1 to 100; `None`: it does not match.
    pub fn score(&self, uid: Uid) -> Option<u8> {
        let at = self.0.binary_search_by_key(&uid, |(uid, _)| *uid).ok()?;
        self.0.get(at).map(|(_, score)| *score)
    }
}

/// The messages are sorted by body.
pub(super) fn search(index: &Index, messages: &[(BodyId, Uid)], query: &FuzzyQuery) -> Result<FuzzyHits> {
    let found = totals(index, messages, query).map_err(|error| index.failed(&error));
    found.map(|totals| hits(messages, &totals))
}

/// What the bodies are worth, in their order; 0: nothing.
fn totals(index: &Index, messages: &[(BodyId, Uid)], query: &FuzzyQuery) -> tantivy::Result<Vec<f32>> {
    let same_body = messages.chunk_by(|one, other| one.0 == other.0);
    let bodies: Vec<BodyId> = same_body.filter_map(|same| Some(same.first()?.0)).collect();
    let searcher = index.searcher()?;
    let segments = searcher.segment_readers().iter().map(|reader| Segment::new(reader, &bodies));
    let segments: Vec<Segment<'_>> = segments.collect::<tantivy::Result<_>>()?;
    let places = fields(index, query.field).into_iter().map(|place| Place::new(place, &segments));
    let places: Vec<Place> = places.collect::<tantivy::Result<_>>()?;
    let mut totals = vec![0.0; bodies.len()];
    for (number, wanted) in query.wanted.iter().enumerate() {
        let (mut sums, mut met) = (vec![0.0; bodies.len()], vec![0u8; bodies.len()]);
        for word in &wanted.words {
            let mut values = vec![0.0; bodies.len()];
            for (place, segment) in
                places.iter().flat_map(|place| segments.iter().map(move |one| (place, one)))
            {
                segment.add(place, word, &mut values)?;
            }
            add_word(&values, &mut sums, &mut met);
        }
        for ((total, sum), met) in totals.iter_mut().zip(sums).zip(met) {
            // One that lacks a word has nothing.
            let has_all = usize::from(met) >= wanted.least && (number == 0 || *total > 0.0);
            *total = if has_all { *total + sum } else { 0.0 };
        }
    }
    Ok(totals)
}

/// Where to look, and what a word there is worth.
fn fields(index: &Index, field: FuzzyField) -> Vec<(Field, f32)> {
    let fields = &index.fields;
    match field {
        FuzzyField::Subject => vec![(fields.subject, 1.0)],
        FuzzyField::From => vec![(fields.from, 1.0)],
        FuzzyField::To => vec![(fields.to, 1.0)],
        FuzzyField::Cc => vec![(fields.cc, 1.0)],
        FuzzyField::Bcc => vec![(fields.bcc, 1.0)],
        FuzzyField::Body => vec![(fields.text, 1.0)],
        FuzzyField::Text => vec![
            (fields.subject, 2.0),
            (fields.from, 1.5),
            (fields.to, 1.0),
            (fields.cc, 1.0),
            (fields.bcc, 1.0),
            (fields.text, 1.0),
            (fields.header, 0.5),
        ],
    }
}

/// Adds what a word is worth in each body, the more the fewer have it.
fn add_word(values: &[f32], sums: &mut [f32], met: &mut [u8]) {
    let all = values.len() as f32;
    let with = values.iter().filter(|value| **value > 0.0).count() as f32;
    let rarity = (1.0 + (all - with + 0.5) / (with + 0.5)).ln();
    for ((value, sum), met) in values.iter().zip(sums).zip(met) {
        *sum += value * rarity;
        *met += u8::from(*value > 0.0);
    }
}

fn hits(messages: &[(BodyId, Uid)], totals: &[f32]) -> FuzzyHits {
    let best = totals.iter().copied().fold(0.0, f32::max);
    let same_body = messages.chunk_by(|one, other| one.0 == other.0).zip(totals);
    let matching = same_body.filter(|(_, total)| **total > 0.0);
    let mut hits: Vec<(Uid, u8)> = matching
        .flat_map(|(same, total)| {
            // A float as an integer stays within it.
            let score = ((100.0 * total / best).round() as u8).clamp(1, 100);
            same.iter().map(move |(_, uid)| (*uid, score))
        })
        .collect();
    hits.sort_unstable();
    FuzzyHits(hits)
}

/// Where words are looked for.
struct Place {
    field: Field,
    weight: f32,
    /// Words that a message has there, where it has any.
    average: f32,
}

impl Place {
    fn new((field, weight): (Field, f32), segments: &[Segment<'_>]) -> tantivy::Result<Place> {
        let mut lengths = (0, 0);
        for segment in segments {
            let (sum, count) = segment.lengths(field)?;
            lengths = (lengths.0 + sum, lengths.1 + count);
        }
        Ok(Place { field, weight, average: lengths.0.max(1) as f32 / lengths.1.max(1) as f32 })
    }
}

/// A part of the index, and which of its documents are searched.
struct Segment<'a> {
    reader: &'a SegmentReader,
    /// By document: the place among the bodies.
    places: Vec<u32>,
}

impl<'a> Segment<'a> {
    fn new(reader: &'a SegmentReader, bodies: &[BodyId]) -> tantivy::Result<Segment<'a>> {
        let column = reader.fast_fields().u64(BODY_ID)?;
        let place = |document| {
            let body = BodyId(column.first(document)?);
            u32::try_from(bodies.binary_search(&body).ok()?).ok()
        };
        let places = (0..reader.max_doc()).map(|document| place(document).unwrap_or(NONE)).collect();
        Ok(Segment { reader, places })
    }

    /// How many words the field has in all documents that are searched, and how many documents have any.
    fn lengths(&self, field: Field) -> tantivy::Result<(u64, u64)> {
        let norms = self.reader.get_fieldnorms_reader(field)?;
        let searched = (0..self.reader.max_doc()).zip(&self.places).filter(|(_, place)| **place != NONE);
        let lengths =
            searched.map(|(document, _)| u64::from(norms.fieldnorm(document))).filter(|length| *length > 0);
        Ok(lengths.fold((0, 0), |(sum, count), length| (sum + length, count + 1)))
    }

    fn add(&self, place: &Place, word: &Word, values: &mut [f32]) -> tantivy::Result<()> {
        let inverted = self.reader.inverted_index(place.field)?;
        let norms = self.reader.get_fieldnorms_reader(place.field)?;
        for (likeness, info) in terms(&inverted, place.field, word)? {
            let mut postings = inverted.read_postings_from_terminfo(&info, IndexRecordOption::WithFreqs)?;
            while postings.doc() != TERMINATED {
                let document = postings.doc();
                let body = self.places.get(document as usize).copied().unwrap_or(NONE);
                if let Some(value) = values.get_mut(body as usize) {
                    let times = postings.term_freq() as f32;
                    let length = norms.fieldnorm(document) as f32 / place.average;
                    let worth = times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length));
                    *value = value.max(place.weight * likeness * worth);
                }
                postings.advance();
            }
        }
        Ok(())
    }
}

/// The words of the index that the word may stand for, and how like it they are: 1 the word itself.
fn terms(inverted: &InvertedIndexReader, field: Field, word: &Word) -> tantivy::Result<Vec<(f32, TermInfo)>> {
    let terms = inverted.terms();
    let mut found: Vec<(f32, TermInfo)> = Vec::new();
    found.extend(terms.get(&word.text)?.map(|info| (1.0, info)));
    if word.prefix {
        let mut stream = terms.range().gt(&word.text).into_stream()?;
        let mut looked_at = 0;
        while stream.advance() && looked_at < LOOKED_AT && stream.key().starts_with(word.text.as_bytes()) {
            looked_at += 1;
            let part = word.text.len() as f32 / stream.key().len() as f32;
            found.push((PREFIX * part, stream.value().clone()));
        }
    }
    if word.typos > 0 {
        let query = FuzzyTermQuery::new(Term::from_field_text(field, &word.text), word.typos, true);
        let mut stream = terms.search(query.automaton()?).into_stream()?;
        let mut looked_at = 0;
        while looked_at < LOOKED_AT && stream.advance() {
            looked_at += 1;
            let Ok(other) = str::from_utf8(stream.key()) else { continue };
            match distance(&word.text, other) {
                0 => {}
                1 => found.push((ONE_TYPO, stream.value().clone())),
                _ => found.push((TWO_TYPOS, stream.value().clone())),
            }
        }
    }
    found.sort_unstable_by(|one, other| other.0.total_cmp(&one.0));
    found.truncate(TERMS);
    Ok(found)
}

/// How many letters are wrong, missing, too many, or in the place of their neighbour.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (row[j] + usize::from(a != b)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, is) in [
            ("helo", "hello", 1),
            ("helo", "help", 1),
            ("helo", "helo", 0),
            ("recieve", "receive", 1),
            ("", "ab", 2),
            ("grüße", "gruße", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(one, other), is, "{one} {other}");
            assert_eq!(distance(other, one), is, "{other} {one}");
        }
    }
}
