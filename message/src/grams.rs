//! Trigrams of the text that SEARCH looks at, for an index that narrows which messages can hold a string.
//!
//! The text is folded as verification folds it ([`crate::text::fold_case`]) and each character becomes units of eight
//! bits, whatever stands around it. So the units of a string stand in one piece among those of every text that holds the
//! string, and each three of them are a gram of that text. That different characters may share a unit costs only
//! time.
//!
//! - A letter or digit of US-ASCII is one unit below 80 (hex), an alphabet's letter one above: the low seven bits of its
//!   code. Whatever else US-ASCII has, and as much of it as stands together, is one blank: what separates words tells
//!   little, and made nearly half of the grams.
//! - From U+2E80 on, where a character is a word, it is two units: a string of two characters has two grams.
//! - A text ends with a unit of its own, so that two units alone are the beginning of some gram.

use std::ops::{ControlFlow, RangeInclusive};

use crate::casemap::fold;
use crate::summary::Summary;
use crate::text;

/// To be raised when the texts, their case folding or their units change: an index of another version is made anew.
pub const VERSION: u8 = 2;

/// Three units, the first in bits 16 to 23.
pub type Gram = u32;

/// The greatest gram.
pub const LAST: Gram = 0xff_ffff;

/// Grams of one string that are asked for, at most: more narrow little.
const ASKED: usize = 16;

/// Grams, each once. Takes 2 MiB, so keep one and clear it.
pub struct GramSet {
    /// A bit for each gram.
    seen: Vec<u64>,
    grams: Vec<Gram>,
}

impl Default for GramSet {
    fn default() -> GramSet {
        GramSet { seen: vec![0; (LAST as usize + 1) / 64], grams: Vec::new() }
    }
}

impl GramSet {
    /// Adds the grams of one text, whose case is not folded yet.
    pub fn add(&mut self, text: &str) {
        let mut window = Window { units: 0, count: 0 };
        for character in text.chars() {
            if let Some(unit) = ASCII.get(character as usize) {
                self.push(&mut window, *unit);
            } else {
                fold(character, |piece| units(piece, |unit| self.push(&mut window, unit)));
            }
        }
        if window.count >= 2 {
            self.insert(window.units << 8 & LAST);
        }
    }

    fn push(&mut self, window: &mut Window, unit: u8) {
        if unit == BLANK && window.units & 0xff == u32::from(BLANK) {
            return;
        }
        window.units = (window.units << 8 | u32::from(unit)) & LAST;
        window.count += 1;
        if window.count >= 3 {
            self.insert(window.units);
        }
    }

    fn insert(&mut self, gram: Gram) {
        let (at, bit) = ((gram >> 6) as usize, 1u64 << (gram & 63));
        let Some(word) = self.seen.get_mut(at) else { return };
        if *word & bit == 0 {
            *word |= bit;
            self.grams.push(gram);
        }
    }

    /// In no order.
    pub fn grams(&self) -> &[Gram] {
        &self.grams
    }

    pub fn clear(&mut self) {
        for gram in self.grams.drain(..) {
            if let Some(word) = self.seen.get_mut((gram >> 6) as usize) {
                *word = 0;
            }
        }
    }
}

struct Window {
    units: u32,
    count: usize,
}

/// The unit of all that separates words; no two follow one another.
const BLANK: u8 = b' ';

/// The unit of each character of US-ASCII, in any case.
const ASCII: [u8; 128] = {
    let mut units = [BLANK; 128];
    let mut code = 0;
    while code < units.len() {
        if (code as u8).is_ascii_alphanumeric() {
            units[code] = (code as u8).to_ascii_uppercase();
        }
        code += 1;
    }
    units
};

/// The units of a character whose case is folded.
fn units(character: char, mut each: impl FnMut(u8)) {
    let code = u32::from(character);
    match ASCII.get(code as usize) {
        Some(unit) => each(*unit),
        None if code < 0x2e80 => each(0x80 | (code & 0x7f) as u8),
        None => {
            each(0x80 | (code >> 7 & 0x7f) as u8);
            each(0x80 | (code & 0x7f) as u8);
        }
    }
}

/// Which grams a text must have to hold a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// The string is too short to tell.
    Any,
    /// One of these.
    One(RangeInclusive<Gram>),
    /// All of these.
    All(Vec<Gram>),
}

/// What to ask for to find a string whose case is folded.
pub fn probe(folded: &str) -> Probe {
    let mut string = Vec::new();
    for character in folded.chars() {
        units(character, |unit| {
            if unit != BLANK || string.last() != Some(&u32::from(BLANK)) {
                string.push(u32::from(unit));
            }
        });
    }
    match string[..] {
        [] | [_] => Probe::Any,
        [first, second] => {
            let start = first << 16 | second << 8;
            Probe::One(start..=start | 0xff)
        }
        _ => {
            let mut grams: Vec<Gram> =
                string.windows(3).map(|three| three[0] << 16 | three[1] << 8 | three[2]).collect();
            grams.sort_unstable();
            grams.dedup();
            let step = grams.len().div_ceil(ASKED);
            Probe::All(grams.into_iter().step_by(step).collect())
        }
    }
}

/// Adds the grams of all that SEARCH looks at in a message: to `header` those of its header and addresses, to `body` those
/// of its body.
pub fn collect(summary: &Summary, raw: &[u8], header: &mut GramSet, body: &mut GramSet) {
    header.add(&text::header_text(text::slice(raw, 0, summary.structure.body)));
    let envelope = &summary.envelope;
    for address in [&envelope.from, &envelope.to, &envelope.cc, &envelope.bcc].into_iter().flatten() {
        header.add(&text::address_text(address));
    }
    let _ = text::body_texts(summary, raw, &mut |text| {
        body.add(text);
        ControlFlow::Continue(())
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holds(text: &str, string: &str) -> bool {
        let mut set = GramSet::default();
        set.add(text);
        match probe(&text::fold_case(string)) {
            Probe::Any => true,
            Probe::One(range) => set.grams().iter().any(|gram| range.contains(gram)),
            Probe::All(grams) => grams.iter().all(|gram| set.grams().contains(gram)),
        }
    }

    #[test]
    fn substrings_are_found_in_any_case() {
        for (text, string) in [
            ("Hello World", "lo w"),
            ("Hello", "LO"),
            ("Hello", "hello"),
            ("Grüße", "ÜSS".trim_end_matches('S')),
            ("Привет, мир", "ВЕТ"),
            ("日本語のテキスト", "日"),
            ("日本語のテキスト", "本語"),
            ("ab", "AB"),
            ("one\r\ntwo", "e\r\nt"),
            ("a, b -- c", ", B -"),
            ("<sender@host.example>", "R@HOST.E"),
            ("안녕하세요", "녕하"),
            ("สวัสดีครับ", "สดี"),
        ] {
            assert!(holds(text, string), "{text} {string}");
        }
        for (text, string) in
            [("Hello", "help"), ("日本語", "語本"), ("日本語", "月"), ("ПРИВЕТ", "ответ"), ("ab", "ba")]
        {
            assert!(!holds(text, string), "{text} {string}");
        }
    }

    #[test]
    fn a_cleared_set_is_empty() {
        let mut set = GramSet::default();
        set.add("some text");
        set.clear();
        assert!(set.grams().is_empty() && set.seen.iter().all(|word| *word == 0));
        set.add("xyz");
        assert_eq!(set.grams().len(), 2);
    }

    proptest! {
        #[test]
        fn every_substring_has_its_grams(text in "[a-cA-C1 .@<\\r\\näÖßς日本語한글ﾃﾞﬁ\u{1f600}]{0,30}", cut in any::<(u8, u8)>()) {
            let characters: Vec<char> = text.chars().collect();
            let start = usize::from(cut.0) % (characters.len() + 1);
            let end = start + usize::from(cut.1) % (characters.len() - start + 1);
            let part: String = characters[start..end].iter().collect();
            prop_assert!(holds(&text, &part), "{:?} in {:?}", part, text);
        }
    }
}
