//! LIST patterns: `*` stands for anything, `%` for anything within one level. RFC 9051 section 6.3.9
//!
//! A pattern becomes a row of bits, one for each place in it; a name is walked once, and all places that fit so far are
//! held at the same time. So the cost is the name's length times the pattern's (a 64th of it), whatever is in them.

use std::collections::HashMap;

/// A pattern, ready to match.
pub struct Pattern {
    /// How many 64-bit words hold a bit for each place and one for the end.
    words: usize,
    end: usize,
    /// Where the pattern has this octet.
    octets: HashMap<u8, Vec<u64>>,
    /// Where it has `*`.
    any: Vec<u64>,
    /// Where it has `%`.
    level: Vec<u64>,
}

impl Pattern {
    /// From Unicode, as [`crate::name::canonical`] leaves it.
    pub fn new(pattern: &str) -> Pattern {
        let places = squeeze(pattern);
        let words = places.len() / 64 + 1;
        let mut new = Pattern {
            words,
            end: places.len(),
            octets: HashMap::new(),
            any: vec![0; words],
            level: vec![0; words],
        };
        for (place, &octet) in places.iter().enumerate() {
            let bits = match octet {
                b'*' => &mut new.any,
                b'%' => &mut new.level,
                _ => new.octets.entry(octet).or_insert_with(|| vec![0; words]),
            };
            bits[place / 64] |= 1 << (place % 64);
        }
        new
    }

    /// Whether the whole name fits.
    pub fn matches(&self, name: &str) -> bool {
        let mut places = vec![0; self.words];
        places[0] = 1;
        self.skip_wildcards(&mut places);
        for octet in name.bytes() {
            self.step(&mut places, octet);
            if places.iter().all(|&word| word == 0) {
                return false;
            }
        }
        places[self.end / 64] & (1 << (self.end % 64)) != 0
    }

    /// Whether some name that begins so may fit.
    pub fn reaches(&self, prefix: &str) -> bool {
        let mut places = vec![0; self.words];
        places[0] = 1;
        self.skip_wildcards(&mut places);
        prefix.bytes().for_each(|octet| self.step(&mut places, octet));
        places.iter().any(|&word| word != 0)
    }

    /// The places that fit after one octet more.
    fn step(&self, places: &mut [u64], octet: u8) {
        let here = self.octets.get(&octet);
        let mut carry = 0;
        for (index, word) in places.iter_mut().enumerate() {
            let advance = *word & here.map_or(0, |bits| bits[index]);
            let level = if octet == b'/' { 0 } else { self.level[index] };
            *word = (*word & (self.any[index] | level)) | (advance << 1) | carry;
            carry = advance >> 63;
        }
        self.skip_wildcards(places);
    }

    /// A wildcard may stand for nothing. No two stand side by side, so one step is enough.
    fn skip_wildcards(&self, places: &mut [u64]) {
        let mut carry = 0;
        for (index, word) in places.iter_mut().enumerate() {
            let skip = *word & (self.any[index] | self.level[index]);
            *word |= (skip << 1) | carry;
            carry = skip >> 63;
        }
    }
}

/// A run of wildcards is one: `*` where there is one in it, else `%`.
fn squeeze(pattern: &str) -> Vec<u8> {
    let mut places: Vec<u8> = Vec::with_capacity(pattern.len());
    for octet in pattern.bytes() {
        match (places.last_mut(), octet) {
            (Some(last @ (b'*' | b'%')), b'*' | b'%') => {
                if octet == b'*' {
                    *last = octet;
                }
            }
            _ => places.push(octet),
        }
    }
    places
}

/// Several patterns: a name matches if it matches one. RFC 5258 section 3
pub struct Patterns {
    patterns: Vec<Pattern>,
    /// The same ones in capitals, for INBOX alone, whose name has no case. RFC 9051 section 5.1
    capitals: Vec<Pattern>,
}

impl Patterns {
    /// Whether some name that begins so may match.
    pub fn reach(&self, prefix: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.reaches(prefix))
    }

    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Patterns {
        let canonical: Vec<String> = patterns.into_iter().map(crate::name::canonical).collect();
        Patterns {
            patterns: canonical.iter().map(|pattern| Pattern::new(pattern)).collect(),
            capitals: canonical.iter().map(|pattern| Pattern::new(&pattern.to_ascii_uppercase())).collect(),
        }
    }

    pub fn matches(&self, name: &str) -> bool {
        let patterns = if name == "INBOX" { &self.capitals } else { &self.patterns };
        patterns.iter().any(|pattern| pattern.matches(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, name, expected) in [
            ("*", "a/b/c", true),
            ("%", "a", true),
            ("%", "a/b", false),
            ("%/%", "a/b", true),
            ("%/%", "a/b/c", false),
            ("a/*", "a/b/c", true),
            ("a/*", "a", false),
            ("a*", "a", true),
            ("a%", "a/b", false),
            ("a%*", "a/b", true),
            ("*b", "a/b", true),
            ("%b", "a/b", false),
            ("a/%/c", "a/b/c", true),
            ("a/%/c", "a/b/b/c", false),
            ("a/*/c", "a/b/b/c", true),
            ("*%", "a/b", true),
            ("%%", "ab", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("ab", "a", false),
            ("", "", true),
            ("", "a", false),
            ("%", "", true),
            ("Entw\u{fc}%", "Entw\u{fc}rfe", true),
            ("a", "A", false),
            // RFC 5258 section 5, example 9
            ("*2", "foo2/bar22", true),
            ("*2", "eps2/mamba", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn inbox_has_no_case() {
        for pattern in ["inbox", "InBoX", "inb%", "*x", "%"] {
            assert!(Patterns::new([pattern]).matches("INBOX"), "{pattern}");
        }
        assert!(Patterns::new(["inbox/%"]).matches("INBOX/a"));
        assert!(!Patterns::new(["trash"]).matches("Trash"));
        assert!(Patterns::new(["x", "Trash"]).matches("Trash"));
    }

    #[test]
    fn long_ones_cost_no_more_than_their_lengths() {
        let pattern = format!("{}b", "a*%".repeat(20_000));
        assert!(!Pattern::new(&pattern).matches(&"a".repeat(1000)));
        let pattern = format!("{}b", "%a".repeat(400));
        assert!(Pattern::new(&pattern).matches(&format!("{}b", "a".repeat(900))));
    }

    /// The plain definition, exponential.
    fn slow(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some((b'*' | b'%', rest)), _) if slow(rest, name) => true,
            (Some((b'*', _)), Some((_, after))) => slow(pattern, after),
            (Some((b'%', _)), Some((octet, after))) => *octet != b'/' && slow(pattern, after),
            (Some((octet, rest)), Some((first, after))) => octet == first && slow(rest, after),
            (Some(_), None) => false,
        }
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab/*%]{0,8}", name in "[ab/]{0,10}") {
            let expected = slow(pattern.as_bytes(), name.as_bytes());
            proptest::prop_assert_eq!(Pattern::new(&pattern).matches(&name), expected);
        }

        #[test]
        fn word_boundaries_do_not_matter(fill in 60usize..70, pattern in "[ab/*%]{0,6}", name in "[ab/]{0,6}") {
            let expected = slow(pattern.as_bytes(), name.as_bytes());
            let fill = "x".repeat(fill);
            let (pattern, name) = (format!("{fill}{pattern}"), format!("{fill}{name}"));
            proptest::prop_assert_eq!(Pattern::new(&pattern).matches(&name), expected);
        }
    }
}
