//! What is looked for: words, and where.

use super::tokens::{Token, Tokens};

/// Words of a string that count, and pairs.
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
    pub(super) wanted: Vec<Wanted>,
}

/// A word, or a run of pairs of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub words: Vec<Word>,
    /// So many of them must be there.
    pub least: usize,
}

/// One word of the index that is wanted.
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
        let (mut wanted, mut run) = (Vec::new(), Vec::new());
        let mut count = 0;
        for token in Tokens::of(&text[..end]) {
            let ends_run = !matches!(token, Token::Pair(_));
            let word = Word::of(token);
            count += usize::from(word.is_some());
            if count > WORDS {
                break;
            }
            run.extend(word);
            if ends_run {
                add(&mut wanted, std::mem::take(&mut run));
            }
        }
        add(&mut wanted, run);
        (!wanted.is_empty()).then_some(FuzzyQuery { field, wanted })
    }
}

fn add(wanted: &mut Vec<Wanted>, words: Vec<Word>) {
    // A wrong character in the middle of a run takes two pairs away.
    let least = if words.len() < 3 { words.len() } else { (words.len() * 2).div_ceil(3) };
    let next = Wanted { words, least };
    if least > 0 && !wanted.contains(&next) {
        wanted.push(next);
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
        let wanted = query.map(|query| query.wanted).unwrap_or_default();
        wanted
            .into_iter()
            .flat_map(|wanted| wanted.words)
            .map(|word| (word.text, word.prefix, word.typos))
            .collect()
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
    fn of_long_runs_a_third_may_be_missing() {
        let least = |text| {
            let wanted = FuzzyQuery::new(text, FuzzyField::Text).unwrap().wanted;
            wanted.iter().map(|wanted| (wanted.words.len(), wanted.least)).collect::<Vec<_>>()
        };
        assert_eq!(least("東京都"), [(2, 2)]);
        assert_eq!(least("東京都庁 abc 猫"), [(3, 2), (1, 1), (1, 1)]);
        assert_eq!(least("東京都庁舎の中"), [(6, 4)]);
        assert_eq!(least(&"東京".repeat(1000)), [(16, 11)]);
    }

    #[test]
    fn there_is_an_end() {
        assert!(words("?!").is_empty());
        assert_eq!(words("a a a a").len(), 1);
        let many: String = (0..100_000).map(|n| format!("w{n} ")).collect();
        assert_eq!(words(&many).len(), WORDS);
    }
}
