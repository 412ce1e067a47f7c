//! What is looked for: words, and where.

use super::tokens::{Token, Tokens};

/// Words of a string that count.
const WORDS: usize = 16;
/// Characters of a string that are looked at.
const CHARACTERS: usize = 4096;

/// Where the words are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FuzzyField {
    Subject,
    From,
    To,
    Cc,
    Bcc,
    /// The decoded texts of the body.
    Body,
    /// All of these, and the rest of the header.
    Text,
}

/// A string of a fuzzy search: all of its words are wanted, or words like them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FuzzyQuery {
    pub(super) field: FuzzyField,
    pub(super) words: Vec<Word>,
}

/// One word that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    /// Longer words that begin so match too.
    pub prefix: bool,
    /// How many letters may be wrong, missing or too many.
    pub typos: u8,
}

impl FuzzyQuery {
    /// `None` where the string has no words. Of a very long one only the beginning counts.
    pub fn new(text: &str, field: FuzzyField) -> Option<FuzzyQuery> {
        let end = text.char_indices().nth(CHARACTERS).map_or(text.len(), |(at, _)| at);
        let mut words: Vec<Word> = Vec::new();
        for word in Tokens::of(&text[..end]).filter_map(Word::of) {
            if words.len() < WORDS && !words.contains(&word) {
                words.push(word);
            }
        }
        (!words.is_empty()).then_some(FuzzyQuery { field, words })
    }
}

impl Word {
    fn of(token: Token) -> Option<Word> {
        match token {
            Token::Word(text) => {
                let length = text.chars().count();
                // RFC 6203 section 4: "hello" and "help" for the misspelled "Helo". A number is another one when a digit is.
                let typos = match length {
                    _ if text.chars().any(char::is_numeric) => 0,
                    0..4 => 0,
                    4..8 => 1,
                    _ => 2,
                };
                Some(Word { text, prefix: length >= 3, typos })
            }
            Token::Pair(text) => Some(Word { text, prefix: false, typos: 0 }),
            // Every pair that begins with it, or it at the end of a run.
            Token::Last { text, alone: true } => Some(Word { text, prefix: true, typos: 0 }),
            Token::Last { alone: false, .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(String, bool, u8)> {
        let query = FuzzyQuery::new(text, FuzzyField::Text);
        let words = query.map(|query| query.words).unwrap_or_default();
        words.into_iter().map(|word| (word.text, word.prefix, word.typos)).collect()
    }

    #[test]
    fn short_words_and_numbers_are_taken_as_they_are() {
        let word = |text: &str, prefix, typos| (text.to_owned(), prefix, typos);
        assert_eq!(
            words("Re: the Helo statement 20260131"),
            [
                word("re", false, 0),
                word("the", true, 0),
                word("helo", true, 1),
                word("statement", true, 2),
                word("20260131", true, 0)
            ]
        );
        assert_eq!(words("東京都 猫"), [word("東京", false, 0), word("京都", false, 0), word("猫", true, 0)]);
    }

    #[test]
    fn there_is_an_end() {
        assert!(words("?!").is_empty());
        assert_eq!(words("a a a a").len(), 1);
        let many: String = (0..100_000).map(|n| format!("w{n} ")).collect();
        assert_eq!(words(&many).len(), WORDS);
    }
}
