//! The texts of responses in other languages than English. RFC 5255 section 3
//!
//! One table of texts: each row is a text as the code has it, where `{}` stands for what is filled in. A text without a row
//! stays English. Another has the phrases that two of the rows are filled in with; what comes from a client, like the name of a
//! mailbox, is never translated. A third has the names of the namespaces, which clients show in place of ours.

mod texts;

use std::borrow::Cow;

use self::texts::{NAMESPACES, PHRASES, Row, TAKE_PHRASES, TEXTS};
use crate::language::Language;

impl Row {
    fn in_language(&self, language: Language) -> &'static str {
        match language {
            Language::Default | Language::English => self.english,
            Language::German => self.german,
            Language::French => self.french,
        }
    }
}

/// The text in the language, or as it is where it has no row.
pub fn translated(text: &str, language: Language) -> Cow<'_, str> {
    if matches!(language, Language::Default | Language::English) {
        return Cow::Borrowed(text);
    }
    let found = TEXTS.iter().find_map(|row| filled(row.english, text).map(|values| (row, values)));
    let Some((row, values)) = found else { return Cow::Borrowed(text) };
    let takes_phrases = TAKE_PHRASES.contains(&row.english);
    let phrase = |value| {
        let row = PHRASES.iter().filter(|_| takes_phrases).find(|row| row.english == value);
        row.map_or(value, |row| row.in_language(language))
    };
    Cow::Owned(fill(row.in_language(language), values.into_iter().map(phrase)))
}

/// What the first level of a namespace is called in the language; `None` where it is not called otherwise, or where the
/// site has given it a name of its own. RFC 5255 section 3.4
pub fn namespace(level: &str, language: Language) -> Option<&'static str> {
    let row = NAMESPACES.iter().find(|row| row.english == level)?;
    Some(row.in_language(language)).filter(|name| *name != level)
}

/// What stands in the text where the pattern has `{}`; `None` when the text is another one.
fn filled<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut values = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let at =
            if pieces.peek().is_some() { rest.find(piece)? } else { rest.len().checked_sub(piece.len())? };
        let value = rest.get(..at)?;
        rest = rest.get(at..)?.strip_prefix(piece)?;
        values.push(value);
    }
    rest.is_empty().then_some(values)
}

fn fill<'v>(pattern: &str, values: impl Iterator<Item = &'v str>) -> String {
    let mut out = String::new();
    let mut values = values.fuse();
    for (index, piece) in pattern.split("{}").enumerate() {
        if index > 0 {
            out.push_str(values.next().unwrap_or_default());
        }
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn texts_are_translated_with_what_is_filled_in() {
        let german = |text| translated(text, Language::German);
        assert_eq!(german("NOOP completed"), "NOOP ausgef\u{fc}hrt");
        assert_eq!(german("FETCH is not allowed before login"), "FETCH ist vor der Anmeldung nicht erlaubt");
        assert_eq!(translated("Logged in", Language::French), "Connect\u{e9}");
        for language in [Language::Default, Language::English] {
            assert_eq!(translated("Logged in", language), "Logged in");
        }
    }

    #[test]
    fn what_has_no_row_stays_as_it_is() {
        for text in ["", "No such thing as this", "completed", "Logged in twice"] {
            assert_eq!(translated(text, Language::German), text);
        }
    }

    #[test]
    fn names_that_others_gave_are_left_alone() {
        let german = |text| translated(text, Language::German);
        assert_eq!(german("no mailbox Moved"), "kein Postfach Moved");
        assert_eq!(german("no mailbox a number"), "kein Postfach a number");
        assert_eq!(
            german("Expected a number at octet 7 (\"x\")"),
            "Erwartet wird eine Zahl an der Stelle: octet 7 (\"x\")"
        );
    }

    #[test]
    fn namespaces_are_called_otherwise() {
        assert_eq!(namespace("Other Users", Language::German), Some("Andere Benutzer"));
        assert_eq!(namespace("Public", Language::German), Some("\u{d6}ffentlich"));
        for language in [Language::Default, Language::English, Language::French] {
            assert_eq!(namespace("Public", language), None);
        }
        assert_eq!(namespace("Freigaben", Language::German), None);
    }

    fn all() -> impl Iterator<Item = &'static Row> {
        TEXTS.iter().chain(PHRASES).chain(NAMESPACES)
    }

    #[test]
    fn rows_fill_in_the_same_everywhere_and_are_safe_to_send() {
        for row in all() {
            let count = |text: &str| text.matches("{}").count();
            assert_eq!(count(row.english), count(row.german), "{}", row.english);
            assert_eq!(count(row.english), count(row.french), "{}", row.english);
            // RFC 5255 section 3.1: i-default is ASCII. RFC 9051 section 9: no text begins like a response code.
            assert!(row.english.is_ascii(), "{}", row.english);
            for text in [row.english, row.german, row.french] {
                assert!(!text.is_empty() && !text.starts_with('[') && !text.contains(char::is_control));
            }
        }
    }

    #[test]
    fn no_text_has_two_rows() {
        for (index, row) in all().enumerate() {
            assert!(all().take(index).all(|other| other.english != row.english), "{}", row.english);
        }
        assert!(TAKE_PHRASES.iter().all(|text| TEXTS.iter().any(|row| row.english == *text)));
    }

    /// A row whose text nobody sends any more would rot: each stands in the code.
    #[test]
    fn every_row_is_said_somewhere() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut sources = String::new();
        for folder in ["imap/src", "store/src", "common/src"] {
            read(&root.join(folder), &mut sources);
        }
        for row in all() {
            let written = row.english.replace('\\', "\\\\").replace('"', "\\\"");
            assert!(sources.contains(&format!("\"{written}\"")), "{}", row.english);
        }
    }

    /// All sources, what is filled in as `{}`, without these two files.
    fn read(folder: &Path, sources: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, sources);
            } else if !["translation.rs", "texts.rs"].iter().any(|own| path.ends_with(own)) {
                let text = std::fs::read_to_string(path).unwrap();
                let mut pieces = text.split('{');
                sources.push_str(pieces.next().unwrap());
                for piece in pieces {
                    let rest =
                        piece.split_once('}').filter(|(name, _)| name.len() < 30 && !name.contains(' '));
                    sources.push('{');
                    sources.push_str(&rest.map_or(piece.to_owned(), |(_, rest)| format!("}}{rest}")));
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_translation(text in "\\PC{0,40}") {
            let _ = translated(&text, Language::French);
        }
    }
}
