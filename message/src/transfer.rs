//! Content-Transfer-Encoding undone, as leniently as it can be: what is not valid stands for itself or is left out.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;

/// The decoded octets of a body with this Content-Transfer-Encoding. An unknown one is taken as the identity.
pub(crate) fn decode<'a>(encoding: Option<&[u8]>, body: &'a [u8]) -> Cow<'a, [u8]> {
    let is = |name: &[u8]| encoding.is_some_and(|encoding| encoding.eq_ignore_ascii_case(name));
    if is(b"base64") {
        Cow::Owned(base64(body))
    } else if is(b"quoted-printable") {
        Cow::Owned(quoted_printable(body))
    } else {
        Cow::Borrowed(body)
    }
}

/// Whether the encoding leaves the octets as they are, as RFC 2046 section 5.2.1 demands of message/rfc822.
pub(crate) fn is_identity(encoding: Option<&[u8]>) -> bool {
    let identities: [&[u8]; 3] = [b"7bit", b"8bit", b"binary"];
    encoding.is_none_or(|encoding| identities.iter().any(|name| encoding.eq_ignore_ascii_case(name)))
}

/// RFC 2045 section 6.8: characters outside of the alphabet are ignored.
pub(crate) fn base64(body: &[u8]) -> Vec<u8> {
    base64_strict(body).unwrap_or_else(|| {
        let valid: Vec<u8> = body.iter().copied().filter(|&b| is_base64(b)).collect();
        base64_strict(&valid).unwrap_or_default()
    })
}

/// `None` where there is a character that is neither of the alphabet nor white space.
pub(crate) fn base64_strict(body: &[u8]) -> Option<Vec<u8>> {
    base64_decode(body)
}

fn is_base64(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=')
}

/// RFC 2045 section 6.7. An `=` that starts neither an octet nor a soft line break stands for itself.
pub(crate) fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len());
    body.split_inclusive(|&b| b == b'\n').for_each(|line| quoted_line(line, &mut decoded));
    decoded
}

/// One line, with its end or the last one without.
pub(crate) fn quoted_line(line: &[u8], out: &mut Vec<u8>) {
    let text = crate::header::without_line_end(line);
    let end = &line[text.len()..];
    // Rule 3: white space at the end of a line was added on the way.
    let text = text.trim_ascii_end();
    match text.strip_suffix(b"=") {
        Some(soft) => quoted(soft, out),
        None => {
            quoted(text, out);
            out.extend_from_slice(end);
        }
    }
}

/// Undoes `=XX` in text without line breaks.
pub(crate) fn quoted(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&b| b == b'=') {
        out.extend_from_slice(&rest[..at]);
        match hex_pair(&rest[at + 1..]) {
            Some(octet) => {
                out.push(octet);
                rest = &rest[at + 3..];
            }
            None => {
                out.push(b'=');
                rest = &rest[at + 1..];
            }
        }
    }
    out.extend_from_slice(rest);
}

/// The octet that the two hexadecimal digits at the front stand for.
pub(crate) fn hex_pair(text: &[u8]) -> Option<u8> {
    let digit =
        |at: usize| text.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|n| u8::try_from(n).ok());
    Some(digit(0)? << 4 | digit(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_of_rfc_2045() {
        // RFC 2045 section 6.7, the example of soft line breaks.
        let body = b"Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.";
        assert_eq!(
            quoted_printable(body),
            b"Now's the time for all folk to come to the aid of their country."
        );
        assert_eq!(quoted_printable(b"a=3D=20 \t\r\nb= \nc"), b"a= \r\nbc");
    }

    #[test]
    fn broken_quoted_printable_stands_for_itself() {
        assert_eq!(quoted_printable(b"a=ZZ b=4 c=c3=\xa9 =="), b"a=ZZ b=4 c\xc3=\xa9 =");
        assert_eq!(quoted_printable(b"=f6"), b"\xf6");
        assert_eq!(quoted_printable(b"="), b"");
    }

    #[test]
    fn base64_ignores_what_is_not_base64() {
        assert_eq!(base64(b"SGVs\r\nbG8="), b"Hello");
        assert_eq!(base64(b"SG!Vs*bG8"), b"Hello");
        assert_eq!(base64(b"SGVsbG8=SGVsbG8="), b"HelloHello");
        assert_eq!(base64(b"!"), b"");
        assert!(base64_strict(b"SG!V").is_none());
    }

    #[test]
    fn encodings_by_name() {
        assert_eq!(&*decode(Some(b"BASE64"), b"QQ=="), b"A");
        assert_eq!(&*decode(Some(b"x-unknown"), b"QQ=="), b"QQ==");
        assert!(is_identity(None) && is_identity(Some(b"8Bit")) && !is_identity(Some(b"base64")));
    }
}
