//! The charset of a SEARCH's strings. RFC 9051 section 6.4.4, `"CHARSET" SP charset`

use encoding_rs::{Encoding, REPLACEMENT, UTF_8};

use crate::error::Error;
use crate::response::Code;

/// What BADCHARSET lists: the usual ones. Every charset of the WHATWG's list is understood.
const SUPPORTED: &[&str] =
    &["UTF-8", "US-ASCII", "ISO-8859-1", "WINDOWS-1252", "ISO-2022-JP", "SHIFT_JIS", "GB18030"];

/// How a SEARCH's strings are written.
#[derive(Debug, Clone, Copy)]
pub struct Charset {
    encoding: &'static Encoding,
}

impl Default for Charset {
    /// Without CHARSET it is US-ASCII (RFC 3501 section 6.4.4) or UTF-8 (RFC 9051 section 6.4.4), which contains it.
    fn default() -> Charset {
        Charset { encoding: UTF_8 }
    }
}

impl Charset {
    /// RFC 3501 section 6.4.4: an unknown charset is answered NO, not BAD.
    pub fn named(name: &[u8]) -> Result<Charset, Error> {
        if name.eq_ignore_ascii_case(b"US-ASCII") || name.eq_ignore_ascii_case(b"ASCII") {
            return Ok(Charset::default());
        }
        match Encoding::for_label(name) {
            Some(encoding) if encoding != REPLACEMENT => Ok(Charset { encoding }),
            _ => Err(refused("Unknown charset")),
        }
    }

    /// "Use of the FILTER search key implies the CHARSET UTF-8 parameter"; with another one "MUST result in the tagged BAD".
    // RFC 5466 section 3.1
    pub fn require_utf8(self) -> Result<(), Error> {
        if self.encoding == UTF_8 {
            return Ok(());
        }
        let text = format!("FILTER takes UTF-8, and no CHARSET {}", self.encoding.name());
        Err(Error::BadCode { code: Code::BadCharset(&["UTF-8", "US-ASCII"]), text: text.into() })
    }

    pub fn decode(self, octets: &[u8]) -> Result<String, Error> {
        match self.encoding.decode_without_bom_handling_and_without_replacement(octets) {
            Some(text) => Ok(text.into_owned()),
            None => Err(refused(&format!("The search string is not valid {}", self.encoding.name()))),
        }
    }
}

fn refused(text: &str) -> Error {
    Error::no(Code::BadCharset(SUPPORTED), text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_charset_is_known() {
        for name in SUPPORTED {
            assert!(Charset::named(name.as_bytes()).is_ok(), "{name}");
        }
    }

    #[test]
    fn strings_are_decoded() {
        let decode = |name: &str, octets: &[u8]| Charset::named(name.as_bytes()).unwrap().decode(octets);
        assert_eq!(decode("ISO-8859-1", b"f\xfcr").unwrap(), "für");
        assert_eq!(decode("utf-8", "für".as_bytes()).unwrap(), "für");
        assert_eq!(decode("KOI8-R", b"\xd0\xd2\xc9\xd7\xc5\xd4").unwrap(), "привет");
        assert_eq!(decode("iso-2022-jp", b"\x1b$B%F%9%H\x1b(B").unwrap(), "テスト");
        assert!(decode("UTF-8", b"f\xfcr").is_err());
    }

    #[test]
    fn unknown_charsets_are_refused_with_a_list() {
        for name in ["X-BOGUS", "", "UTF-7", "hz-gb-2312"] {
            let error = Charset::named(name.as_bytes()).unwrap_err();
            assert!(matches!(error, Error::No { code: Some(Code::BadCharset(_)), .. }), "{name}");
        }
    }
}
