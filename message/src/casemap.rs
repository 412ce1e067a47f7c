//! The collation i;unicode-casemap (RFC 5051), which RFC 5255 makes IMAP's own.

use unicode_normalization::char::decompose_compatible;

/// Folds case (and normalizes, RFC 5255 i;unicode-casemap) so that two strings that differ in case alone become equal.
pub fn fold_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    let mut folded = String::with_capacity(text.len() + text.len() / 4);
    for character in text.chars() {
        fold(character, |piece| folded.push(piece));
    }
    folded
}

/// RFC 5051 section 2: the titlecase property, then the decomposition properties, both those of UnicodeData.txt. That
/// file decomposes no Hangul syllable, so they stay whole (and one never matches the beginning of another).
pub(crate) fn fold(character: char, mut out: impl FnMut(char)) {
    if character.is_ascii() {
        out(character.to_ascii_uppercase());
    } else if matches!(character, '\u{ac00}'..='\u{d7a3}') {
        out(character);
    } else {
        decompose_compatible(titlecase(character), out);
    }
}

/// The simple titlecase mapping: one character for one. It is the uppercase mapping but for the exceptions here.
fn titlecase(character: char) -> char {
    match character {
        // The digraphs have three cases each.
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        // Georgian has capitals but no titlecase.
        '\u{10d0}'..='\u{10ff}' => character,
        // Greek with iota subscript: Rust gives the full mapping of two characters, the simple one is this.
        '\u{1f80}'..='\u{1faf}' => char::from_u32(u32::from(character) | 8).unwrap_or(character),
        '\u{1fb3}' => '\u{1fbc}',
        '\u{1fc3}' => '\u{1fcc}',
        '\u{1ff3}' => '\u{1ffc}',
        _ => {
            let mut upper = character.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(single), None) => single,
                _ => character,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 5051 section 2: U+01C4 has the titlecase U+01C5, which decomposes to U+0044 U+017E, and that to U+007A U+030C.
    #[test]
    fn the_example_of_rfc_5051() {
        assert_eq!(fold_case("\u{1c4}"), "\u{44}\u{7a}\u{30c}");
        assert_eq!(fold_case("\u{1c6}"), "\u{44}\u{7a}\u{30c}");
    }

    #[test]
    fn case_and_composition_do_not_matter() {
        for (one, other) in [
            ("Subject", "sUBJECT"),
            ("Grüße ÄÖ", "gRÜßE äö"),
            ("Ä", "a\u{308}"),
            ("ПРИВЕТ", "привет"),
            ("ΩΣΆ", "ωσά"),
            ("ᾳᾀ", "ᾼᾈ"),
            ("ａｂ", "AB"),
            ("ﾃﾞ", "デ"),
        ] {
            assert_eq!(fold_case(one), fold_case(other), "{one} {other}");
        }
    }

    #[test]
    fn what_differs_stays_different() {
        assert_ne!(fold_case("straße"), fold_case("strasse"), "the mappings are simple, not full");
        assert_eq!(fold_case("한"), "한");
        assert_eq!(fold_case("ა"), "ა");
        assert_ne!(fold_case("a"), fold_case("b"));
    }
}
