//! What texts are made of: words, and pairs of characters where words are not told apart by spaces.
//!
//! - Words are runs of letters and digits, case and diacritics taken away.
//! - Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese and Tibetan are pairs of neighbouring characters; the last character of a
//!   run stands alone, so that one character is found wherever it is.

use std::iter::Peekable;
use std::str::Chars;

use unicode_normalization::char::{decompose_canonical, is_combining_mark};
use unicode_normalization::{Recompositions, UnicodeNormalization};

/// Characters of a word that count: longer ones are noise, or found by their beginning.
const LONGEST: usize = 40;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Pair(String),
    /// The last character of a run; `alone` where it is the only one.
    Last {
        text: String,
        alone: bool,
    },
}

impl Token {
    pub fn into_text(self) -> String {
        match self {
            Token::Word(text) | Token::Pair(text) | Token::Last { text, .. } => text,
        }
    }
}

/// The tokens of a text, one after the other.
pub(super) struct Tokens<'a> {
    /// Compatibility forms (wide, narrow, ligatures) are what they stand for.
    chars: Peekable<Recompositions<Chars<'a>>>,
    /// The character before was of a run of pairs.
    within: bool,
}

impl Tokens<'_> {
    pub fn of(text: &str) -> Tokens<'_> {
        Tokens { chars: text.nfkc().peekable(), within: false }
    }

    fn word(&mut self) -> String {
        let (mut word, mut length) = (String::new(), 0);
        while let Some(c) = self.chars.next_if(|c| is_word(*c) && !is_unspaced(*c)) {
            if length < LONGEST {
                fold(c, &mut word);
                length += 1;
            }
        }
        word
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let c = *self.chars.peek()?;
            if is_unspaced(c) {
                self.chars.next();
                if let Some(next) = self.chars.peek().filter(|next| is_unspaced(**next)) {
                    self.within = true;
                    return Some(Token::Pair([c, *next].iter().collect()));
                }
                let alone = !std::mem::take(&mut self.within);
                return Some(Token::Last { text: c.to_string(), alone });
            }
            if is_word(c) {
                let word = self.word();
                if !word.is_empty() {
                    return Some(Token::Word(word));
                }
            } else {
                self.chars.next();
            }
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Of a script that puts no spaces between words, or, Korean, that joins much to them.
fn is_unspaced(c: char) -> bool {
    let is_of_script = matches!(c,
        '\u{e00}'..='\u{eff}' // Thai, Lao
        | '\u{f40}'..='\u{fbc}' // Tibetan
        | '\u{1000}'..='\u{109f}' | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aa7f}' // Burmese
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' // Hiragana, Katakana
        | '\u{3105}'..='\u{312f}' // Bopomofo
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' // Han
        | '\u{ac00}'..='\u{d7a3}' // Hangul
    );
    is_of_script && is_word(c)
}

/// Without case, and without the diacritics that people leave out when they write.
fn fold(c: char, word: &mut String) {
    decompose_canonical(c, |c| match c {
        // Latin, Greek and Cyrillic; Hebrew points; Arabic vowels. Elsewhere marks are vowels, which make the word.
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}' => {}
        'ß' | 'ẞ' => word.push_str("ss"),
        'æ' | 'Æ' => word.push_str("ae"),
        'œ' | 'Œ' => word.push_str("oe"),
        'ø' | 'Ø' => word.push('o'),
        'ł' | 'Ł' => word.push('l'),
        'đ' | 'Đ' => word.push('d'),
        'ı' => word.push('i'),
        'ς' => word.push('σ'),
        _ => word.extend(c.to_lowercase()),
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<String> {
        Tokens::of(text).map(Token::into_text).collect()
    }

    #[test]
    fn words_lose_case_and_diacritics() {
        assert_eq!(texts("Re: Grüße, ÉCOLE (2026)!"), ["re", "grusse", "ecole", "2026"]);
        assert_eq!(texts("js@example.test"), ["js", "example", "test"]);
        assert_eq!(texts("Ελλάς ŁÓDŹ İstanbul"), ["ελλασ", "lodz", "istanbul"]);
        // e and a combining acute, full-width letters, a ligature
        assert_eq!(texts("cafe\u{301} ＡＢＣ ﬁn"), ["cafe", "abc", "fin"]);
        assert_eq!(texts("... --- \u{301} \r\n"), Vec::<String>::new());
        // Vowel signs make the word in Hindi.
        assert_eq!(texts("हिन्दी"), ["हिन्दी"]);
    }

    #[test]
    fn scripts_without_spaces_are_pairs() {
        assert_eq!(texts("東京都 abc"), ["東京", "京都", "都", "abc"]);
        assert_eq!(texts("abc猫"), ["abc", "猫"]);
        assert_eq!(texts("한국어"), ["한국", "국어", "어"]);
        // Narrow katakana with its voiced mark
        assert_eq!(texts("ﾊﾞｽ"), ["バス", "ス"]);
        assert_eq!(texts("、。「」"), Vec::<String>::new());
        let last: Vec<Token> = Tokens::of("猫 東京").collect();
        assert_eq!(last[0], Token::Last { text: "猫".to_owned(), alone: true });
        assert_eq!(last[2], Token::Last { text: "京".to_owned(), alone: false });
        assert_eq!(texts("ภาษาไทย").len(), 7);
    }

    #[test]
    fn long_words_are_cut() {
        let word = "x".repeat(100_000);
        assert_eq!(texts(&word), [&word[..LONGEST]]);
    }

    proptest! {
        #[test]
        fn no_token_is_empty_or_long(text in "\\PC{0,60}") {
            for token in texts(&text) {
                prop_assert!(!token.is_empty() && token.chars().count() <= 4 * LONGEST, "{token:?}");
            }
        }
    }
}
