//! The message ids by which messages belong to one thread.

use std::collections::HashSet;

use crate::header::{field_values, unfold};

/// How many references are kept: the first, which began the thread, and the newest.
const MAX_REFERENCES: usize = 100;

/// RFC 5322 section 2.1.1: no line is longer, so no message id is.
const MAX_ID: usize = 998;

/// What a message says about its thread (RFC 5322 section 3.6.4). Ids are without angle brackets and white space.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThreadKeys {
    pub message_id: Option<Vec<u8>>,
    /// The ids of References, then those of In-Reply-To; none twice, at most 100.
    pub references: Vec<Vec<u8>>,
}

/// Reads the ids from a header (or a whole message).
pub fn thread_keys(raw_header: &[u8]) -> ThreadKeys {
    let message_id = field_values(raw_header, b"message-id").next().and_then(message_id);
    let mut references = Vec::new();
    let mut seen = HashSet::new();
    for name in [&b"references"[..], b"in-reply-to"] {
        let value = field_values(raw_header, name).next().unwrap_or_default();
        references.extend(ids(value).filter(|id| seen.insert(id.clone())));
    }
    forget_excess(&mut references);
    ThreadKeys { message_id, references }
}

/// Keeps the first and the newest.
pub(crate) fn forget_excess(references: &mut Vec<Vec<u8>>) {
    let excess = references.len().saturating_sub(MAX_REFERENCES);
    if excess > 0 {
        references.drain(1..1 + excess);
    }
}

/// The id between brackets, or, since some mail has none, the only word of the field.
pub(crate) fn message_id(value: &[u8]) -> Option<Vec<u8>> {
    ids(value).next().or_else(|| {
        let word = unfold(value);
        let plain = word.iter().all(|b| !b.is_ascii_whitespace() && !matches!(b, b'<' | b'>'));
        (plain && (1..=MAX_ID).contains(&word.len())).then(|| word.into_owned())
    })
}

/// What stands between `<` and `>`.
pub(crate) fn ids(value: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let ends = value.split_inclusive(|&b| b == b'>').filter_map(|piece| piece.strip_suffix(b">"));
    ends.filter_map(|piece| {
        let open = piece.iter().rposition(|&b| b == b'<')?;
        let id: Vec<u8> = piece[open + 1..].iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
        (1..=MAX_ID).contains(&id.len()).then_some(id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 5322 appendix A.2, the last message.
    #[test]
    fn the_example_of_rfc_5322() {
        let keys = thread_keys(
            b"From: John Doe <jdoe@machine.example>\r\nMessage-ID: <abcd.1234@local.machine.test>\r\n\
              In-Reply-To: <3456@example.net>\r\nReferences: <1234@local.machine.example> <3456@example.net>\r\n\r\n",
        );
        assert_eq!(keys.message_id, Some(b"abcd.1234@local.machine.test".to_vec()));
        assert_eq!(keys.references, [&b"1234@local.machine.example"[..], b"3456@example.net"]);
    }

    #[test]
    fn odd_ids() {
        let keys = thread_keys(b"Message-ID: bare@id\nIn-Reply-To: Your mail of <a\r\n @b> (x <c@d) <>\n\n");
        assert_eq!(keys.message_id, Some(b"bare@id".to_vec()));
        assert_eq!(keys.references, [b"a@b"]);
        assert_eq!(thread_keys(b"Message-ID: two words\n").message_id, None);
        assert_eq!(thread_keys(b"").references, Vec::<Vec<u8>>::new());
    }

    #[test]
    fn long_lists_keep_the_first_and_the_newest() {
        let list: String = (0..300_000).map(|n| format!("<{n}@x>")).collect();
        let keys = thread_keys(format!("References: {list}\n").as_bytes());
        assert_eq!(keys.references.len(), 100);
        assert_eq!(keys.references[0], b"0@x");
        assert_eq!(keys.references[1], b"299901@x");
        assert_eq!(keys.references[99], b"299999@x");
    }
}
