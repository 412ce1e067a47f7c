//! Strings in SEARCH: substrings of decoded text, case disregarded. RFC 9051 section 6.4.4

use message::{Address, text};

use crate::collation::Collation;

/// What is looked for, its case folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    folded: String,
    /// As the search index has it, by i;unicode-casemap: what any collation takes for equal is equal there.
    indexed: String,
    collation: Collation,
}

impl Needle {
    /// To be found by the comparator that is active. RFC 5255 section 4.6
    pub fn new(text: &str, collation: Collation) -> Needle {
        Needle { folded: collation.folded(text), indexed: text::fold_case(text), collation }
    }

    pub fn collation(&self) -> Collation {
        self.collation
    }

    /// Its case folded, as it is looked for.
    pub fn indexed(&self) -> &str {
        &self.indexed
    }

    /// An empty string is in every text.
    pub fn is_empty(&self) -> bool {
        self.folded.is_empty()
    }

    pub fn is_in(&self, text: &str) -> bool {
        self.is_empty() || self.collation.folded(text).contains(&self.folded)
    }

    /// Whether it is in a text whose case is folded already.
    pub fn is_in_folded(&self, folded: &str) -> bool {
        folded.contains(&self.folded)
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

    fn needle(text: &str) -> Needle {
        Needle::new(text, Collation::default())
    }

    // RFC 9051 section 6.4.4: "a message matches the key if the string is a substring of the associated text", in any case
    #[test]
    fn substrings_in_any_case() {
        assert!(needle("hel").is_in_field(b"Oh, HELLO there"));
        assert!(needle("ÉCOLE").is_in_field("à l'école".as_bytes()));
        assert!(!needle("help").is_in_field(b"hello"));
        assert!(needle("").is_in_field(b""));
    }

    #[test]
    fn encoded_words_are_decoded() {
        assert!(needle("grüße").is_in_field(b"=?iso-8859-1?Q?Gr=FC=DFe?= aus Wien"));
        assert!(!needle("=FC").is_in_field(b"=?iso-8859-1?Q?Gr=FC=DFe?="));
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
            assert!(needle(text).is_in_addresses(&list), "{text}");
        }
        assert!(!needle("jones").is_in_addresses(&list));
        assert!(!needle("").is_in_addresses(&[]));
    }
}
