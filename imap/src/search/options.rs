//! What RETURN asks for, and how much of a result that needs. RFC 4731 section 3.1, RFC 5182, RFC 9394 section 3.1

use std::fmt;

use store::{Uid, UidSet};

use crate::error::Error;
use crate::syntax::Parser;
use crate::view::Known;

/// The result options of SEARCH, SORT and ESEARCH.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    pub min: bool,
    pub max: bool,
    pub all: bool,
    pub count: bool,
    /// RFC 5182 section 2: `$` is set to what is told.
    pub save: bool,
    pub partial: Option<Partial>,
    /// RFC 5267 section 4.3: changes of the result are told.
    pub update: bool,
    /// The scores of what is told. RFC 6203 section 4
    pub relevancy: bool,
}

/// partial-range: places in the result, counted from 1 at its first or last message. RFC 9394 section 4
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial {
    /// As the client wrote it: it is told again.
    written: (u32, u32),
    from_end: bool,
}

/// How much of a result a client can see, so that a search may stop early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    All,
    /// So many of the first and of the last messages.
    Ends {
        first: u64,
        last: u64,
    },
}

impl Options {
    /// `"(" [search-return-opt *(SP search-return-opt)] ")"`. An empty list means ALL.
    pub fn parse(parser: &mut Parser<'_>) -> Result<Options, Error> {
        parser.expect(b'(')?;
        if parser.take(b')') {
            return Ok(Options { all: true, ..Options::default() });
        }
        let mut options = Options::default();
        loop {
            options.option(parser)?;
            if !parser.take(b' ') {
                break;
            }
        }
        parser.expect(b')')?;
        Ok(options)
    }

    fn option(&mut self, parser: &mut Parser<'_>) -> Result<(), Error> {
        let name = parser.atom()?;
        match &*name.to_ascii_uppercase() {
            "MIN" => self.min = true,
            "MAX" => self.max = true,
            "ALL" => self.all = true,
            "COUNT" => self.count = true,
            "SAVE" => self.save = true,
            // RFC 5267 section 4.2: "Servers MAY ignore this return option"
            "CONTEXT" => {}
            "UPDATE" => self.update = true,
            "RELEVANCY" => self.relevancy = true,
            "PARTIAL" if self.partial.is_none() => {
                parser.space()?;
                self.partial = Some(Partial::parse(parser)?);
            }
            "PARTIAL" => return Err(Error::bad("More than one PARTIAL in RETURN")),
            _ => return Err(Error::bad(format!("Unknown search return option {name}"))),
        }
        // RFC 9394 section 3.1
        if self.all && self.partial.is_some() {
            return Err(Error::bad("RETURN takes ALL or PARTIAL, not both"));
        }
        Ok(())
    }

    /// RFC 9051 section 6.4.4: where SAVE is all that is asked for, no ESEARCH is sent.
    pub fn is_silent(self) -> bool {
        self == Options { save: true, ..Options::default() }
    }

    /// What must be found: to tell changes of a result, all of it must be known.
    pub fn search_for(self) -> Need {
        if self.update { Need::All } else { self.need() }
    }

    pub fn need(self) -> Need {
        // RFC 6203 section 4: where no part is asked for, the scores are those of all.
        let is_all_scored = self.relevancy && !self.min && !self.max && self.partial.is_none();
        if self.all || self.count || self.is_silent() || is_all_scored {
            return Need::All;
        }
        let (mut first, mut last) = (u64::from(self.min), u64::from(self.max));
        match self.partial {
            Some(partial) if partial.from_end => last = last.max(partial.ends().1),
            Some(partial) => first = first.max(partial.ends().1),
            None => {}
        }
        Need::Ends { first, last }
    }

    /// Of the messages that were found, in mailbox order, those that are told. This is what SAVE saves, too.
    // RFC 5182 section 2.4, RFC 9394 section 3.2
    pub fn told(self, found: &UidSet) -> UidSet {
        if self.need() == Need::All {
            return found.clone();
        }
        let ends = [found.first().filter(|_| self.min), found.last().filter(|_| self.max)];
        let told: UidSet = ends.into_iter().flatten().collect();
        match self.partial {
            Some(partial) => told.union(&partial.of(found)),
            None => told,
        }
    }
}

impl Options {
    /// The same of a result in an order of its own: MIN and MAX are its ends, and places are counted in it.
    // RFC 5267 section 3.1
    pub fn told_of(self, sorted: &[Uid]) -> UidSet {
        if self.need() == Need::All {
            return sorted.iter().copied().collect();
        }
        let places = self.partial.map_or(0..0, |partial| partial.indices(sorted.len()));
        let part = sorted.get(places).unwrap_or_default();
        let ends = [sorted.first().filter(|_| self.min), sorted.last().filter(|_| self.max)];
        ends.into_iter().flatten().chain(part).copied().collect()
    }
}

impl Partial {
    /// `partial-range = nz-number ":" nz-number / "-" nz-number ":" "-" nz-number`
    pub fn parse(parser: &mut Parser<'_>) -> Result<Partial, Error> {
        let from_end = parser.take(b'-');
        let from = parser.nz_number()?;
        parser.expect(b':')?;
        if from_end {
            parser.expect(b'-')?;
        }
        Ok(Partial { written: (from, parser.nz_number()?), from_end })
    }

    /// The lower and the higher place, counted from 1. RFC 9394 section 4: "A range 500:400 is the same as 400:500."
    fn ends(self) -> (u64, u64) {
        let (from, to) = self.written;
        (u64::from(from.min(to)), u64::from(from.max(to)))
    }

    /// The indices from 0 in a result of so many messages; empty where there are none.
    pub fn places(self, length: u64) -> std::ops::Range<u64> {
        let (low, high) = self.ends();
        let (start, end) = ((low - 1).min(length), high.min(length));
        if self.from_end { length - end..length - start } else { start..end }
    }

    /// The messages at these places among those of a set that exist. RFC 9394 section 3.3
    pub fn among(self, uids: &UidSet, view: &Known) -> UidSet {
        let count: usize = view.positions(uids).map(|range| range.len()).sum();
        let places = self.places(count as u64);
        let index = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        let (start, length) = (index(places.start), index(places.end - places.start));
        let indices = view.positions(uids).flatten().skip(start).take(length);
        indices.filter_map(|index| view.at(index)).map(|(_, row)| row.uid).collect()
    }

    /// The same for a result that is held whole.
    pub fn indices(self, length: usize) -> std::ops::Range<usize> {
        // No place is beyond the length.
        let index = |place: u64| usize::try_from(place).unwrap_or(length);
        let places = self.places(length as u64);
        index(places.start)..index(places.end)
    }

    /// The messages at these places of a result in mailbox order.
    pub fn of(self, found: &UidSet) -> UidSet {
        let places = self.places(found.len());
        let mut at = 0;
        let ranges = found.ranges().iter().filter_map(|range| {
            let (start, length) = (at, u64::from(range.end() - range.start()) + 1);
            at += length;
            let (from, to) = (places.start.max(start), places.end.min(at));
            // Both lie within the range, so their distance from its start is less than its length.
            let offset = |place: u64| range.start() + u32::try_from(place - start).unwrap_or(u32::MAX);
            (from < to).then(|| offset(from)..=offset(to - 1))
        });
        UidSet::from_ranges(ranges)
    }
}

impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.from_end { "-" } else { "" };
        write!(f, "{sign}{}:{sign}{}", self.written.0, self.written.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    fn parse(text: &str) -> Result<Options, Error> {
        let mut parser = Parser::new(text.as_bytes(), 0, Limits::default());
        let options = Options::parse(&mut parser)?;
        parser.end()?;
        Ok(options)
    }

    fn uids(text: &str) -> UidSet {
        let set = crate::seqset::SequenceSet::parse(text.as_bytes()).unwrap();
        UidSet::from_ranges(set.ranges(0))
    }

    // RFC 5182 section 2.4, RFC 9394 section 3.2: the tables of what `$` is
    #[test]
    fn what_is_told_is_what_is_saved() {
        let found = uids("2,10:15,21");
        for (options, saved) in [
            ("(SAVE)", "2,10:15,21"),
            ("()", "2,10:15,21"),
            ("(SAVE MIN)", "2"),
            ("(SAVE MAX)", "21"),
            ("(MAX SAVE MIN)", "2,21"),
            ("(MAX SAVE MIN COUNT)", "2,10:15,21"),
            ("(ALL SAVE MIN)", "2,10:15,21"),
            ("(SAVE PARTIAL 2:4)", "10:12"),
            ("(SAVE PARTIAL 4:2)", "10:12"),
            ("(SAVE PARTIAL -1:-2)", "15,21"),
            ("(SAVE PARTIAL 2:4 MIN)", "2,10:12"),
            ("(SAVE PARTIAL 2:4 MAX)", "10:12,21"),
            ("(SAVE MIN MAX PARTIAL 4:4)", "2,12,21"),
            ("(SAVE PARTIAL 2:4 COUNT MIN)", "2,10:15,21"),
            ("(PARTIAL 9:12)", ""),
            ("(PARTIAL 8:12)", "21"),
            ("(PARTIAL -8:-12)", "2"),
            ("(PARTIAL -9:-12)", ""),
            ("(PARTIAL 1:4294967295)", "2,10:15,21"),
        ] {
            assert_eq!(parse(options).unwrap().told(&found).to_string(), saved, "{options}");
        }
        assert!(parse("(MIN MAX SAVE)").unwrap().told(&UidSet::new()).is_empty());
    }

    // RFC 5267 section 3.1: "the first and the last" in the order
    #[test]
    fn in_an_order_ends_and_places_are_its_own() {
        let sorted = [9, 3, 7, 1].map(Uid);
        for (options, told) in [
            ("()", "1,3,7,9"),
            ("(MIN)", "9"),
            ("(MAX MIN)", "1,9"),
            ("(PARTIAL 2:3)", "3,7"),
            ("(PARTIAL -1:-2 MIN)", "1,7,9"),
            ("(PARTIAL 5:9)", ""),
            ("(COUNT MIN)", "1,3,7,9"),
        ] {
            assert_eq!(parse(options).unwrap().told_of(&sorted).to_string(), told, "{options}");
        }
        assert!(parse("(MIN MAX PARTIAL 1:2)").unwrap().told_of(&[]).is_empty());
    }

    #[test]
    fn a_search_may_stop_early() {
        let need = |options: &str| parse(options).unwrap().need();
        assert_eq!(need("(MIN)"), Need::Ends { first: 1, last: 0 });
        assert_eq!(need("(MAX PARTIAL 7:9)"), Need::Ends { first: 9, last: 1 });
        assert_eq!(need("(PARTIAL -100:-1)"), Need::Ends { first: 0, last: 100 });
        assert_eq!(need("(PARTIAL -100:-1 COUNT)"), Need::All);
        assert_eq!(need("(SAVE)"), Need::All);
    }

    #[test]
    fn ranges_are_told_as_they_were_written() {
        for text in ["1:500", "500:400", "-1:-100"] {
            let mut parser = Parser::new(text.as_bytes(), 0, Limits::default());
            assert_eq!(Partial::parse(&mut parser).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_option() {
        for text in [
            "(PARTIAL 1:5 ALL)",
            "(ALL PARTIAL 1:5)",
            "(PARTIAL 1:5 PARTIAL 6:9)",
            "(PARTIAL)",
            "(PARTIAL 0:5)",
            "(PARTIAL 1:*)",
            "(PARTIAL -1:5)",
            "(PARTIAL 1:-5)",
            "(PARTIAL 5)",
            "(PARTIAL \"1:5\")",
            "(PARTIAL 1:4294967296)",
            "(PARTIAL 1:2,4)",
            "(BOGUS)",
            "(MIN",
            "(MIN,MAX)",
            "( MIN)",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
