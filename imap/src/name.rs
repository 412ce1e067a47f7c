//! Mailbox names: modified UTF-7 on the wire, Unicode inside.
//!
//! [`resolve`] is the one place that turns a name into an account's mailbox with the rights that this user has in it.

use unicode_normalization::UnicodeNormalization as _;

use crate::error::Error;
use crate::response::Code;

pub use crate::place::{Place, resolve};
pub use store::Rights;

/// The form in which names are stored and compared: NFC, and the first level INBOX in capitals, however it was written.
/// RFC 9051 section 5.1
pub fn canonical(name: &str) -> String {
    let name: String = name.nfc().collect();
    let first = name.split(['/', '%', '*']).next().unwrap_or_default();
    if first.eq_ignore_ascii_case("INBOX") { format!("INBOX{}", &name[first.len()..]) } else { name }
}

/// Unicode to modified UTF-7. RFC 3501 section 5.1.3
pub use common::utf7::encode;

/// Modified UTF-7 to Unicode, strictly: what another spelling of the same name would be is refused. RFC 3501 section 5.1.3
pub fn decode(wire: &[u8]) -> Result<String, Error> {
    common::utf7::decode(wire).ok_or_else(|| {
        Error::no(Code::Cannot, "The mailbox name is not valid modified UTF-7 (RFC 3501 section 5.1.3)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_examples() {
        // RFC 3501 section 5.1.3
        let name = "~peter/mail/\u{53f0}\u{5317}/\u{65e5}\u{672c}\u{8a9e}";
        let wire = "~peter/mail/&U,BTFw-/&ZeVnLIqe-";
        assert_eq!(encode(name), wire);
        assert_eq!(decode(wire.as_bytes()).unwrap(), name);
        assert_eq!(encode("Tom & Jerry"), "Tom &- Jerry");
        assert_eq!(decode(b"Tom &- Jerry").unwrap(), "Tom & Jerry");
    }

    #[test]
    fn known_names() {
        for (name, wire) in [
            ("Entw\u{fc}rfe", "Entw&APw-rfe"),
            ("&\u{e9}&", "&-&AOk-&-"),
            ("\u{1f4e7}", "&2D3c5w-"),
            ("\u{416}/\u{416}", "&BBY-/&BBY-"),
        ] {
            assert_eq!(encode(name), wire);
            assert_eq!(decode(wire.as_bytes()).unwrap(), name);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for wire in [
            &b"&"[..],
            b"a&b",
            b"&AGE-",              // "a" needs no shift
            b"&Jjo!",              // RFC 3501 section 5.1.3: not a letter of the alphabet
            b"&U,BTFw-&ZeVnLIqe-", // RFC 3501 section 5.1.3: superfluous shift
            b"&AOk=-",             // padded
            b"&AOl-",              // trailing bits
            b"&AO-",               // half a character
            b"&2D0-",              // half a surrogate pair
            b"&3Oc-",
            b"&AAA-&AAA-",
            b"Entw\xc3\xbcrfe", // RFC 3501 section 5.1: 8 bits
            b"Entw\xfcrfe",
            b"a\x7f",
        ] {
            let refused = matches!(decode(wire), Err(Error::No { code: Some(Code::Cannot), .. }));
            assert!(refused, "{}", String::from_utf8_lossy(wire));
        }
    }

    #[test]
    fn inbox_is_inbox_in_any_case() {
        assert_eq!(canonical("inbox"), "INBOX");
        assert_eq!(canonical("InBoX/Sub"), "INBOX/Sub");
        assert_eq!(canonical("inbox%"), "INBOX%");
        assert_eq!(canonical("inboxes"), "inboxes");
        assert_eq!(canonical("a/inbox"), "a/inbox");
    }

    #[test]
    fn names_are_nfc() {
        assert_eq!(canonical("Entwu\u{308}rfe"), "Entw\u{fc}rfe");
    }

    proptest::proptest! {
        #[test]
        fn every_name_comes_back(name in "\\PC*") {
            proptest::prop_assert_eq!(decode(encode(&name).as_bytes()).unwrap(), name);
        }

        #[test]
        fn no_two_spellings(wire in "[&A-Za-z,+-]{0,12}") {
            if let Ok(name) = decode(wire.as_bytes()) {
                proptest::prop_assert_eq!(encode(&name), wire);
            }
        }
    }
}
