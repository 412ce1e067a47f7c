//! Strings in SEARCH: substrings of decoded text, case disregarded. RFC 9051 section 6.4.4

use message::{Address, text};

/// What is looked for, its case folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle(String);

impl Needle {
    pub fn new(text: &str) -> Needle {
        Needle(text::fold_case(text))
    }

    /// Its case folded, as it is looked for.
    pub fn folded(&self) -> &str {
        &self.0
    }

    /// An empty string is in every text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn is_in(&self, text: &str) -> bool {
        self.is_empty() || text::fold_case(text).contains(&self.0)
    }

    /// Whether it is in a text whose case is folded already.
    pub fn is_in_folded(&self, folded: &str) -> bool {
        folded.contains(&self.0)
    }

    /// Whether it is in the decoded value of a header field.
    pub fn is_in_field(&self, value: &[u8]) -> bool {
        self.is_empty() || self.is_in(&text::decode_header(value))
    }

    /// Whether it is in one of the addresses, written as `Name <local@host>` with the name decoded.
    pub fn is_in_addresses(&self, list: &[Address]) -> bool {
        list.iter().any(|address| self.is_in(&text::address_text(address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9051 section 6.4.4: "a message matches the key if the string is a substring of the associated text", in any case
    #[test]
    fn substrings_in_any_case() {
        assert!(Needle::new("hel").is_in_field(b"Oh, HELLO there"));
        assert!(Needle::new("ÉCOLE").is_in_field("à l'école".as_bytes()));
        assert!(!Needle::new("help").is_in_field(b"hello"));
        assert!(Needle::new("").is_in_field(b""));
    }

    #[test]
    fn encoded_words_are_decoded() {
        assert!(Needle::new("grüße").is_in_field(b"=?iso-8859-1?Q?Gr=FC=DFe?= aus Wien"));
        assert!(!Needle::new("=FC").is_in_field(b"=?iso-8859-1?Q?Gr=FC=DFe?="));
    }

    #[test]
    fn addresses_are_searched_whole() {
        let mailbox = Address::Mailbox {
            name: Some(b"=?utf-8?Q?J=C3=B6rg?= Smith".to_vec()),
            route: None,
            local: b"js".to_vec(),
            host: b"Example.TEST".to_vec(),
        };
        let list = [Address::GroupStart(b"friends".to_vec()), mailbox, Address::GroupEnd];
        for text in
            ["smith", "jörg", "js@example", "@example.test", "<js@example.test>", "Smith <js", "friends", ""]
        {
            assert!(Needle::new(text).is_in_addresses(&list), "{text}");
        }
        assert!(!Needle::new("jones").is_in_addresses(&list));
        assert!(!Needle::new("").is_in_addresses(&[]));
    }
}
