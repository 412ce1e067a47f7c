//! How strings are compared: the collations of RFC 4790 and RFC 5051 that COMPARATOR chooses from. RFC 5255 section 4

use message::text::fold_case;

/// An ordering of strings, and when two are equal. The default is what RFC 5255 section 4.3 and RFC 5256 want.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Collation {
    // RFC 4790 section 9.3
    Octet,
    // RFC 4790 section 9.2
    AsciiCasemap,
    // RFC 5051
    #[default]
    UnicodeCasemap,
}

impl Collation {
    /// In the order in which patterns are tried: the general one first. i;ascii-numeric is none of them, since it knows no
    /// substrings.
    // RFC 5255 section 4.4
    pub const ALL: [Collation; 3] = [Collation::UnicodeCasemap, Collation::AsciiCasemap, Collation::Octet];

    pub fn name(self) -> &'static str {
        match self {
            Collation::Octet => "i;octet",
            Collation::AsciiCasemap => "i;ascii-casemap",
            Collation::UnicodeCasemap => "i;unicode-casemap",
        }
    }

    /// Those that a comp-order names: `default`, a name, or a name with `*` for any characters. RFC 5255 section 4.7
    pub fn matching(pattern: &[u8]) -> Vec<Collation> {
        if pattern.eq_ignore_ascii_case(b"default") {
            return vec![Collation::default()];
        }
        let matches = |collation: &Collation| is_match(pattern, collation.name().as_bytes());
        Collation::ALL.into_iter().filter(matches).collect()
    }

    /// The text in a form in which substrings are looked for.
    pub fn folded(self, text: &str) -> String {
        match self {
            Collation::UnicodeCasemap => fold_case(text),
            Collation::AsciiCasemap => text.to_ascii_uppercase(),
            Collation::Octet => text.to_owned(),
        }
    }

    /// Appends octets that order as the strings do, and are the same where the strings are equal.
    ///
    /// RFC 5255 section 4.6: what could not be decoded comes after all else.
    pub fn key(self, text: &str, out: &mut Vec<u8>) {
        if text.contains(char::REPLACEMENT_CHARACTER) {
            out.push(1);
            out.extend_from_slice(text.as_bytes());
            return;
        }
        out.push(0);
        match self {
            Collation::UnicodeCasemap => out.extend_from_slice(fold_case(text).as_bytes()),
            Collation::AsciiCasemap => out.extend(text.bytes().map(|octet| octet.to_ascii_uppercase())),
            Collation::Octet => out.extend_from_slice(text.as_bytes()),
        }
    }
}

/// Linear: after a star only the shortest match need be tried.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    let mut pieces = pattern.split(|&octet| octet == b'*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        let Some(at) = rest.windows(piece.len()).position(|window| window == piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(collation: Collation, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        collation.key(text, &mut out);
        out
    }

    fn sorted(collation: Collation, mut texts: Vec<&str>) -> Vec<&str> {
        texts.sort_by_key(|text| key(collation, text));
        texts
    }

    // RFC 4790 section 9, RFC 5051 section 2
    #[test]
    fn orders() {
        use Collation::*;
        assert_eq!(sorted(Octet, vec!["b", "a", "B", "é", ""]), ["", "B", "a", "b", "é"]);
        assert_eq!(sorted(AsciiCasemap, vec!["b", "_", "A", "c", "Z"]), ["A", "b", "c", "Z", "_"]);
        assert_eq!(sorted(UnicodeCasemap, vec!["б", "А", "b", "A"]), ["A", "b", "А", "б"]);
        assert_eq!(key(AsciiCasemap, "Re"), key(AsciiCasemap, "rE"));
        assert_ne!(key(AsciiCasemap, "É"), key(AsciiCasemap, "é"));
        assert_eq!(key(UnicodeCasemap, "É"), key(UnicodeCasemap, "e\u{301}"));
    }

    // RFC 5255 section 4.6
    #[test]
    fn what_could_not_be_decoded_comes_last() {
        for collation in Collation::ALL {
            assert_eq!(sorted(collation, vec!["\u{fffd}1", "9", "\u{10ffff}"]).last(), Some(&"\u{fffd}1"));
        }
    }

    #[test]
    fn patterns() {
        use Collation::*;
        assert_eq!(Collation::matching(b"i;octet"), [Octet]);
        assert_eq!(Collation::matching(b"*"), Collation::ALL);
        assert_eq!(Collation::matching(b"i;ascii-*"), [AsciiCasemap]);
        assert_eq!(Collation::matching(b"*casemap"), [UnicodeCasemap, AsciiCasemap]);
        assert_eq!(Collation::matching(b"i;*a*map"), [UnicodeCasemap, AsciiCasemap]);
        assert_eq!(Collation::matching(b"DEFAULT"), [UnicodeCasemap]);
        for none in ["", "cz;*", "i;octet2", "i;oct", "i;basic", "i;octet*t", "i;ascii-numeric"] {
            assert_eq!(Collation::matching(none.as_bytes()), [], "{none}");
        }
    }

    proptest! {
        #[test]
        fn stars_stand_for_anything(pattern in "[io;*]{0,6}", name in "[io;]{0,6}") {
            fn plain(pattern: &[u8], name: &[u8]) -> bool {
                match pattern.split_first() {
                    None => name.is_empty(),
                    Some((b'*', rest)) => (0..=name.len()).any(|at| plain(rest, &name[at..])),
                    Some((octet, rest)) => name.first() == Some(octet) && plain(rest, &name[1..]),
                }
            }
            prop_assert_eq!(is_match(pattern.as_bytes(), name.as_bytes()), plain(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
