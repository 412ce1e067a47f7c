//! Mailbox names: modified UTF-7 on the wire, Unicode inside.
//!
//! [`resolve`] is the one place that turns a name into an account's mailbox with the rights that this user has in it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
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

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone)
    .with_decode_allow_trailing_bits(false);

/// RFC 3501 section 5.1.3: BASE64 with `,` for `/`, unpadded.
#[expect(clippy::expect_used, reason = "64 different printable characters are an alphabet")]
fn modified_base64() -> GeneralPurpose {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
    GeneralPurpose::new(&Alphabet::new(LETTERS).expect("an alphabet"), CONFIG)
}

/// Unicode to modified UTF-7. RFC 3501 section 5.1.3
pub fn encode(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|c| matches!(c, b' '..=b'~') && c != b'&') {
        return Cow::Borrowed(name);
    }
    let mut wire = String::with_capacity(name.len() * 2);
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let is_plain = is_plain(first);
        let end = rest.find(|c| self::is_plain(c) != is_plain).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        if is_plain {
            wire.push_str(&run.replace('&', "&-"));
        } else {
            let octets: Vec<u8> = run.encode_utf16().flat_map(u16::to_be_bytes).collect();
            wire.push('&');
            modified_base64().encode_string(octets, &mut wire);
            wire.push('-');
        }
        rest = after;
    }
    Cow::Owned(wire)
}

fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~')
}

/// Modified UTF-7 to Unicode, strictly: what another spelling of the same name would be is refused, so that one mailbox
/// has one name. RFC 3501 section 5.1.3
pub fn decode(wire: &[u8]) -> Result<String, Error> {
    let refused =
        || Error::no(Code::Cannot, "The mailbox name is not valid modified UTF-7 (RFC 3501 section 5.1.3)");
    let wire =
        std::str::from_utf8(wire).ok().filter(|wire| wire.chars().all(is_plain)).ok_or_else(refused)?;
    if !wire.contains('&') {
        return Ok(wire.into());
    }
    let name = decode_shifts(wire).ok_or_else(refused)?;
    if encode(&name) == wire { Ok(name) } else { Err(refused()) }
}

fn decode_shifts(wire: &str) -> Option<String> {
    let mut name = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some((plain, shifted)) = rest.split_once('&') {
        name.push_str(plain);
        let (shifted, after) = shifted.split_once('-')?;
        if shifted.is_empty() {
            name.push('&');
        } else {
            name.push_str(&decode_utf16(shifted)?);
        }
        rest = after;
    }
    name.push_str(rest);
    Some(name)
}

fn decode_utf16(base64: &str) -> Option<String> {
    let octets = modified_base64().decode(base64).ok()?;
    if octets.len() % 2 != 0 {
        return None;
    }
    let units = octets.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]]));
    char::decode_utf16(units).collect::<Result<String, _>>().ok()
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
