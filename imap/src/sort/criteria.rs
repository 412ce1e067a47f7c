//! By what to sort. RFC 5256 section 3, RFC 5957 section 4

use super::facts::Facts;
use super::order;
use crate::collation::Collation;
use crate::error::Error;
use crate::syntax::Parser;

/// A sort-key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Arrival,
    Cc,
    Date,
    DisplayFrom,
    DisplayTo,
    From,
    // RFC 6203 section 6
    Relevancy,
    Size,
    Subject,
    To,
}

const KEYS: [(&str, Key); 10] = [
    ("ARRIVAL", Key::Arrival),
    ("CC", Key::Cc),
    ("DATE", Key::Date),
    ("DISPLAYFROM", Key::DisplayFrom),
    ("DISPLAYTO", Key::DisplayTo),
    ("FROM", Key::From),
    ("RELEVANCY", Key::Relevancy),
    ("SIZE", Key::Size),
    ("SUBJECT", Key::Subject),
    ("TO", Key::To),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Criterion {
    pub key: Key,
    pub reverse: bool,
}

/// sort-criteria, the most significant first. None is there twice: the second one could change nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criteria(pub Vec<Criterion>);

impl Criteria {
    /// `"(" sort-criterion *(SP sort-criterion) ")"`, `sort-criterion = ["REVERSE" SP] sort-key`
    pub fn parse(parser: &mut Parser<'_>) -> Result<Criteria, Error> {
        parser.expect(b'(')?;
        let mut criteria: Vec<Criterion> = Vec::new();
        loop {
            let reverse = parser.word("REVERSE");
            if reverse {
                parser.space()?;
            }
            let name = parser.atom()?;
            let Some((_, key)) = KEYS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else {
                return Err(Error::bad(format!("Unknown sort key {name}")));
            };
            if !criteria.iter().any(|criterion| criterion.key == *key) {
                criteria.push(Criterion { key: *key, reverse });
            }
            if !parser.take(b' ') {
                break;
            }
        }
        parser.expect(b')')?;
        Ok(Criteria(criteria))
    }

    /// Whether what is searched must have a FUZZY key.
    pub fn has_relevancy(&self) -> bool {
        self.0.iter().any(|criterion| criterion.key == Key::Relevancy)
    }

    /// Whether more is compared than the message's own row has.
    pub fn need_header(&self) -> bool {
        self.0.iter().any(|criterion| !matches!(criterion.key, Key::Arrival | Key::Relevancy | Key::Size))
    }

    /// Appends octets that order as the messages do.
    pub fn key(&self, facts: &Facts, collation: Collation, out: &mut Vec<u8>) {
        for Criterion { key, reverse } in &self.0 {
            let start = out.len();
            let keys = &facts.keys;
            let mut text = |text: &str| order::put_text(text, collation, out);
            match key {
                Key::Cc => text(&keys.cc),
                Key::DisplayFrom => text(&keys.display_from),
                Key::DisplayTo => text(&keys.display_to),
                Key::From => text(&keys.from),
                Key::Subject => text(&keys.subject),
                Key::To => text(&keys.to),
                // RFC 6203 section 6: "The message with the highest score is returned first."
                Key::Relevancy => out.push(u8::MAX - facts.relevancy),
                Key::Arrival => order::put_number(facts.arrival, out),
                Key::Date => order::put_number(facts.sent(), out),
                Key::Size => order::put_number(i64::try_from(facts.size).unwrap_or(i64::MAX), out),
            }
            if *reverse {
                out[start..].iter_mut().for_each(|octet| *octet = !*octet);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    fn parse(text: &str) -> Result<Criteria, Error> {
        Criteria::parse(&mut Parser::new(text.as_bytes(), 0, Limits::default()))
    }

    // RFC 5256 section 5
    #[test]
    fn grammar() {
        let one = |key, reverse| Criterion { key, reverse };
        assert_eq!(parse("(SUBJECT)").unwrap().0, [one(Key::Subject, false)]);
        let two = parse("(reverse size REVERSE displayfrom)").unwrap().0;
        assert_eq!(two, [one(Key::Size, true), one(Key::DisplayFrom, true)]);
        assert_eq!(parse("(DATE REVERSE DATE DATE)").unwrap().0, [one(Key::Date, false)]);
        for text in [
            "",
            "()",
            "DATE",
            "(DATE",
            "(DATE )",
            "(REVERSE)",
            "(REVERSE REVERSE DATE)",
            "(DATE,TO)",
            "(BOGUS)",
            "( DATE)",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
