//! Sequence sets: what the client wrote (`2,4:7,9,12:*`), and the shortest way to write numbers back.
//!
//! A set says nothing of what its numbers mean; the view resolves it to messages.

use std::fmt;
use std::ops::RangeInclusive;

/// seq-number = nz-number / "*"
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeqNumber {
    Number(u32),
    /// The largest number in use.
    Star,
}

/// sequence-set, as written: unordered, perhaps overlapping. RFC 9051 section 9
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceSet {
    ranges: Vec<(SeqNumber, SeqNumber)>,
    /// `$`: what the last SEARCH saved is in it too. RFC 5182 section 3
    saved: bool,
}

impl SequenceSet {
    /// `None`: the octets are not exactly one sequence set.
    pub fn parse(octets: &[u8]) -> Option<SequenceSet> {
        // By the grammar of RFC 9051 section 9 a `$` stands alone or last: sequence-set = seq-range "," sequence-set.
        let numbers = match octets.strip_suffix(b"$") {
            Some(b"") => return Some(SequenceSet { ranges: Vec::new(), saved: true }),
            Some(before) => before.strip_suffix(b",")?,
            None => octets,
        };
        let ranges = numbers.split(|&octet| octet == b',').map(seq_range).collect::<Option<Vec<_>>>()?;
        Some(SequenceSet { ranges, saved: numbers.len() < octets.len() })
    }

    /// Whether the result of the last SEARCH (`$`) is in it.
    pub fn is_saved(&self) -> bool {
        self.saved
    }

    /// Nothing is in it but `$`.
    pub fn is_only_saved(&self) -> bool {
        self.saved && self.ranges.is_empty()
    }

    /// The ranges with their ends in order and `*` replaced by the largest number in use; unsorted.
    ///
    /// RFC 9051 section 9: `*:4` and `4:*` are the same, and `5:*` where 3 is the largest is `3:5`.
    pub fn ranges(&self, largest: u32) -> impl Iterator<Item = RangeInclusive<u32>> + '_ {
        let number = move |number| match number {
            SeqNumber::Number(number) => number,
            SeqNumber::Star => largest,
        };
        self.ranges.iter().map(move |&(from, to)| {
            let (from, to) = (number(from), number(to));
            from.min(to)..=from.max(to)
        })
    }

    /// The largest number that is written out, and whether there is a `*`.
    pub fn extent(&self) -> (u32, bool) {
        let ends = self.ranges.iter().flat_map(|&(from, to)| [from, to]);
        ends.fold((0, false), |(largest, star), end| match end {
            SeqNumber::Number(number) => (largest.max(number), star),
            SeqNumber::Star => (largest, true),
        })
    }
}

/// seq-range = seq-number ":" seq-number, or a single seq-number
fn seq_range(octets: &[u8]) -> Option<(SeqNumber, SeqNumber)> {
    match octets.iter().position(|&octet| octet == b':') {
        Some(colon) => Some((seq_number(&octets[..colon])?, seq_number(&octets[colon + 1..])?)),
        None => seq_number(octets).map(|number| (number, number)),
    }
}

fn seq_number(octets: &[u8]) -> Option<SeqNumber> {
    if octets == b"*" {
        return Some(SeqNumber::Star);
    }
    // nz-number = digit-nz *DIGIT
    if !octets.first().is_some_and(|first| (b'1'..=b'9').contains(first)) {
        return None;
    }
    std::str::from_utf8(octets).ok()?.parse().ok().map(SeqNumber::Number)
}

/// Ascending numbers as a sequence set, written while they come: `1:3,5`. Repeated numbers are written once.
#[derive(Debug, Default)]
pub struct Compact {
    open: Option<(u32, u32)>,
    started: bool,
}

impl Compact {
    /// Adds a number, or a whole range; what is complete goes to `out`.
    pub fn push(&mut self, range: RangeInclusive<u32>, out: &mut impl fmt::Write) -> fmt::Result {
        let (from, to) = range.into_inner();
        match &mut self.open {
            Some((_, end)) if from <= end.saturating_add(1) => *end = to.max(*end),
            _ => {
                self.close(out)?;
                self.open = Some((from, to));
            }
        }
        Ok(())
    }

    /// Writes what is still open. Nothing at all where nothing was pushed.
    pub fn close(&mut self, out: &mut impl fmt::Write) -> fmt::Result {
        let Some((from, to)) = self.open.take() else { return Ok(()) };
        if std::mem::replace(&mut self.started, true) {
            out.write_char(',')?;
        }
        if from == to { write!(out, "{from}") } else { write!(out, "{from}:{to}") }
    }
}

/// `1:3,5` of ascending numbers.
pub fn compact(numbers: impl IntoIterator<Item = u32>) -> String {
    let (mut text, mut compact) = (String::new(), Compact::default());
    for number in numbers {
        // Writing to a string cannot fail.
        let _ = compact.push(number..=number, &mut text);
    }
    let _ = compact.close(&mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(text: &str, largest: u32) -> Vec<RangeInclusive<u32>> {
        SequenceSet::parse(text.as_bytes()).unwrap().ranges(largest).collect()
    }

    // RFC 3501 section 9: "Example: a message sequence number set of 2,4:7,9,12:* for a mailbox with 15 messages is
    // equivalent to 2,4,5,6,7,9,12,13,14,15"
    #[test]
    fn rfc_example() {
        assert_eq!(ranges("2,4:7,9,12:*", 15), [2..=2, 4..=7, 9..=9, 12..=15]);
    }

    // RFC 3501 section 9: "a message sequence number set of *:4,5:7 for a mailbox with 10 messages is equivalent to
    // 10,9,8,7,6,5,4,5,6,7"
    #[test]
    fn star_on_either_side() {
        assert_eq!(ranges("*:4,5:7", 10), [4..=10, 5..=7]);
        assert_eq!(ranges("559:*", 10), [10..=559]);
        assert_eq!(ranges("*", 3), [3..=3]);
    }

    #[test]
    fn what_is_no_set() {
        for text in [
            "",
            ",",
            "1,",
            ",1",
            "0",
            "01",
            "1:",
            ":1",
            "1:2:3",
            "-1",
            "+1",
            "a",
            "1 ",
            "**",
            "4294967296",
            "$1",
            "$,1",
            "1$",
            "$,$",
            "1:$",
        ] {
            assert_eq!(SequenceSet::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(ranges("4294967295", 1), [u32::MAX..=u32::MAX]);
    }

    // RFC 5182 section 3
    #[test]
    fn the_saved_result_stands_alone_or_last() {
        let set = |text: &str| SequenceSet::parse(text.as_bytes()).unwrap();
        assert!(set("$").is_saved() && set("$").is_only_saved());
        assert!(set("1,$").is_saved() && !set("1,$").is_only_saved());
        assert_eq!(ranges("1,$", 9), [1..=1]);
        assert!(!set("1").is_saved());
    }

    #[test]
    fn extent_is_what_is_written() {
        let extent = |text: &str| SequenceSet::parse(text.as_bytes()).unwrap().extent();
        assert_eq!(extent("3,9:2,*"), (9, true));
        assert_eq!(extent("*:*"), (0, true));
        assert_eq!(extent("4"), (4, false));
    }

    #[test]
    fn writes_the_shortest_form() {
        assert_eq!(compact([]), "");
        assert_eq!(compact([7]), "7");
        assert_eq!(compact([1, 2, 3, 5, 7, 8]), "1:3,5,7:8");
        assert_eq!(compact([4, 4, 5]), "4:5");
        assert_eq!(compact([u32::MAX - 1, u32::MAX]), "4294967294:4294967295");
    }
}
