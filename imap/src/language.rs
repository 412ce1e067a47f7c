//! The languages of what people read, and how LANGUAGE finds one. RFC 5255 section 3

/// A language of the server's texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// RFC 2277 section 4.5: English that everybody is thought to bear, in ASCII.
    #[default]
    Default,
    English,
    German,
    French,
}

impl Language {
    pub const ALL: [Language; 4] = [Language::Default, Language::English, Language::German, Language::French];

    /// Of RFC 5646.
    pub fn tag(self) -> &'static str {
        match self {
            Language::Default => "i-default",
            Language::English => "en",
            Language::German => "de",
            Language::French => "fr",
        }
    }

    /// The language that a range names; a longer range finds the language that it begins with, so that `de-CH` is served
    /// in `de`. `default` is what the server prefers.
    // RFC 4647 section 3.4, RFC 5255 section 3.2
    pub fn matching(range: &str) -> Option<Language> {
        if range == "*" || range.eq_ignore_ascii_case("default") {
            return Some(Language::Default);
        }
        let mut range = range;
        loop {
            let known = Language::ALL.into_iter().find(|known| known.tag().eq_ignore_ascii_case(range));
            if known.is_some() {
                return known;
            }
            range = range.rsplit_once('-')?.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_find_the_language_that_they_begin_with() {
        for (range, language) in [
            ("de", Language::German),
            ("DE", Language::German),
            ("de-CH-1996", Language::German),
            ("en-GB", Language::English),
            ("fr-CA", Language::French),
            ("I-Default", Language::Default),
            ("default", Language::Default),
            ("*", Language::Default),
        ] {
            assert_eq!(Language::matching(range), Some(language), "{range}");
        }
        for range in ["mul", "d", "deu", "", "-", "x-de", "i", "de_CH"] {
            assert_eq!(Language::matching(range), None, "{range}");
        }
    }
}
