//! LIST patterns: `*` stands for anything, `%` for anything within one level. RFC 9051 section 6.3.9
//!
//! The patterns of one command become one row of bits, one for each place in them; a name is walked once, and all places
//! that fit so far are held at the same time. So the cost is the name's length times that of the patterns together (a
//! 64th of it), whatever is in them and however many they are.

use std::collections::HashMap;

/// Patterns side by side, ready to match.
struct Automaton {
    /// Where the patterns begin.
    starts: Vec<u64>,
    /// Behind their last octets. Nothing leads on from here, so no pattern runs into the next one.
    ends: Vec<u64>,
    /// Where a pattern has this octet.
    octets: HashMap<u8, Vec<u64>>,
    /// Where one has `*`.
    any: Vec<u64>,
    /// Where one has `%`.
    level: Vec<u64>,
}

impl Automaton {
    /// From Unicode, as [`crate::name::canonical`] leaves it.
    fn new(patterns: impl Iterator<Item = String>) -> Automaton {
        let patterns: Vec<Vec<u8>> = patterns.map(|pattern| squeeze(&pattern)).collect();
        let places: usize = patterns.iter().map(|places| places.len() + 1).sum();
        let none = vec![0; places / 64 + 1];
        let mut new = Automaton {
            starts: none.clone(),
            ends: none.clone(),
            octets: HashMap::new(),
            any: none.clone(),
            level: none.clone(),
        };
        let mut place = 0;
        for pattern in patterns {
            set(&mut new.starts, place);
            for octet in pattern {
                let bits = match octet {
                    b'*' => &mut new.any,
                    b'%' => &mut new.level,
                    _ => new.octets.entry(octet).or_insert_with(|| none.clone()),
                };
                set(bits, place);
                place += 1;
            }
            set(&mut new.ends, place);
            place += 1;
        }
        new
    }

    /// Whether the whole name fits one of the patterns.
    fn matches(&self, name: &str) -> bool {
        self.walk(name)
            .is_some_and(|places| places.iter().zip(&self.ends).any(|(word, ends)| word & ends != 0))
    }

    /// Whether some name that begins so may fit.
    fn reaches(&self, prefix: &str) -> bool {
        self.walk(prefix).is_some()
    }

    /// The places that fit after these octets, or nothing when there are none.
    fn walk(&self, octets: &str) -> Option<Vec<u64>> {
        let mut places = self.starts.clone();
        self.skip_wildcards(&mut places);
        for octet in octets.bytes() {
            self.step(&mut places, octet);
            if places.iter().all(|&word| word == 0) {
                return None;
            }
        }
        Some(places)
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

fn set(bits: &mut [u64], place: usize) {
    bits[place / 64] |= 1 << (place % 64);
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
    patterns: Automaton,
    /// The same ones in capitals, for INBOX alone, whose name has no case. RFC 9051 section 5.1
    capitals: Automaton,
}

impl Patterns {
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Patterns {
        let canonical: Vec<String> = patterns.into_iter().map(crate::name::canonical).collect();
        Patterns {
            capitals: Automaton::new(canonical.iter().map(|pattern| pattern.to_ascii_uppercase())),
            patterns: Automaton::new(canonical.into_iter()),
        }
    }

    pub fn matches(&self, name: &str) -> bool {
        let patterns = if name == "INBOX" { &self.capitals } else { &self.patterns };
        patterns.matches(name)
    }

    /// Whether some name that begins so may match.
    pub fn reach(&self, prefix: &str) -> bool {
        self.patterns.reaches(prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(pattern: &str) -> Automaton {
        Automaton::new(std::iter::once(pattern.to_owned()))
    }

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
            assert_eq!(one(pattern).matches(name), expected, "{pattern} {name}");
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
        assert!(!one(&pattern).matches(&"a".repeat(1000)));
        let pattern = format!("{}b", "%a".repeat(400));
        assert!(one(&pattern).matches(&format!("{}b", "a".repeat(900))));
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
            proptest::prop_assert_eq!(one(&pattern).matches(&name), expected);
        }

        #[test]
        fn many_are_each_for_itself(patterns in proptest::collection::vec("[ab/*%]{0,5}", 0..40), name in "[ab/]{0,6}") {
            let expected = patterns.iter().any(|pattern| slow(pattern.as_bytes(), name.as_bytes()));
            let begins = |prefix: &str| Automaton::new(patterns.iter().cloned()).reaches(prefix);
            proptest::prop_assert_eq!(Automaton::new(patterns.iter().cloned()).matches(&name), expected);
            proptest::prop_assert!(!expected || (0..=name.len()).all(|length| begins(&name[..length])));
        }

        #[test]
        fn word_boundaries_do_not_matter(fill in 60usize..70, pattern in "[ab/*%]{0,6}", name in "[ab/]{0,6}") {
            let expected = slow(pattern.as_bytes(), name.as_bytes());
            let fill = "x".repeat(fill);
            let (pattern, name) = (format!("{fill}{pattern}"), format!("{fill}{name}"));
            proptest::prop_assert_eq!(one(&pattern).matches(&name), expected);
        }
    }
}
