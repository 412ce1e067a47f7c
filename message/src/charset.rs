//! Character sets: octets to text. Never fails: an unknown set is guessed, an invalid octet becomes U+FFFD.
//!
//! encoding_rs knows the sets of the web, mail-parser some more that mail has; UTF-7, ISO-2022-KR and HZ, which both
//! refuse or read wrongly, are undone here.

use std::borrow::Cow;

use encoding_rs::{EUC_KR, Encoding, GBK, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

/// The text of octets in the character set with this name.
pub(crate) fn decode(label: &[u8], octets: &[u8]) -> String {
    let label = label.trim_ascii().to_ascii_lowercase();
    match &label[..] {
        _ if octets.is_empty() => String::new(),
        b"" | b"us-ascii" | b"ascii" | b"unknown-8bit" | b"x-unknown" => guess(octets).into_owned(),
        b"utf-7" | b"unicode-1-1-utf-7" | b"csutf7" => utf7(octets),
        b"iso-2022-kr" | b"csiso2022kr" => decode_with(EUC_KR, &shift_out(octets)),
        b"hz-gb-2312" => decode_with(GBK, &hz(octets)),
        b"cp936" | b"ms936" | b"windows-936" => decode_with(GBK, octets),
        b"cp949" | b"ms949" => decode_with(EUC_KR, octets),
        _ => named(&label, octets),
    }
}

/// The text of octets without a character set: UTF-8, and Windows-1252 where that is not valid.
pub(crate) fn guess(octets: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(octets) {
        Ok(text) => Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(octets).0,
    }
}

fn named(label: &[u8], octets: &[u8]) -> String {
    match Encoding::for_label(label) {
        // UTF-16 may say by its first character which way round it is.
        Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => {
            encoding.decode(octets).0.into_owned()
        }
        Some(encoding) if encoding != REPLACEMENT => decode_with(encoding, octets),
        _ => match charset_decoder(label) {
            Some(decoder) => decoder(octets),
            None => guess(octets).into_owned(),
        },
    }
}

fn decode_with(encoding: &'static Encoding, octets: &[u8]) -> String {
    if encoding == UTF_8 {
        return encoding.decode_with_bom_removal(octets).0.into_owned();
    }
    encoding.decode_without_bom_handling(octets).0.into_owned()
}

/// RFC 1557: between SO and SI each octet lacks the high bit that EUC-KR gives it.
fn shift_out(octets: &[u8]) -> Vec<u8> {
    let octets = octets.strip_prefix(b"\x1b$)C").unwrap_or(octets);
    let mut shifted = false;
    let mut raised = Vec::with_capacity(octets.len());
    for &octet in octets {
        match octet {
            0x0e => shifted = true,
            0x0f => shifted = false,
            0x21..=0x7e if shifted => raised.push(octet | 0x80),
            _ => raised.push(octet),
        }
    }
    raised
}

/// RFC 1843: between `~{` and `~}` each octet lacks the high bit that GB 2312 gives it.
fn hz(octets: &[u8]) -> Vec<u8> {
    let mut shifted = false;
    let mut raised = Vec::with_capacity(octets.len());
    let mut rest = octets;
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        match (octet, tail.first()) {
            (b'~', Some(b'{')) => shifted = true,
            (b'~', Some(b'}')) => shifted = false,
            (b'~', Some(b'~')) => raised.push(b'~'),
            (b'~', Some(b'\n')) => {}
            _ => {
                raised.push(if shifted && octet > b' ' { octet | 0x80 } else { octet });
                continue;
            }
        }
        rest = &tail[1..];
    }
    raised
}

/// RFC 2152. An octet above US-ASCII, which has no place in it, is taken as Windows-1252.
fn utf7(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut rest = octets;
    while let Some(plus) = rest.iter().position(|&b| b == b'+') {
        text.push_str(&guess(&rest[..plus]));
        rest = &rest[plus + 1..];
        let length =
            rest.iter().take_while(|&&b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')).count();
        let (run, tail) = rest.split_at(length);
        if run.is_empty() {
            text.push('+');
        } else {
            text.extend(utf16_of_base64(run));
        }
        rest = tail.strip_prefix(b"-").unwrap_or(tail);
    }
    text.push_str(&guess(rest));
    text
}

fn utf16_of_base64(run: &[u8]) -> impl Iterator<Item = char> {
    let octets = crate::transfer::base64(run);
    let units: Vec<u16> = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sets_that_mail_has() {
        let known: [(&str, &[u8], &str); 16] = [
            ("utf-8", b"\xef\xbb\xbf\xc3\xa4", "ä"),
            ("ISO-8859-1", b"\xe4", "ä"),
            ("iso8859-15", b"\xa4", "€"),
            ("Windows-1251", b"\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"),
            ("koi8-r", b"\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"),
            ("ISO-2022-JP", b"\x1b$BF|K\\8l\x1b(B", "日本語"),
            ("shift_jis", b"\x93\xfa\x96\x7b", "日本"),
            ("GBK", b"\xc4\xe3\xba\xc3", "你好"),
            ("gb2312", b"\xc4\xe3\xba\xc3", "你好"),
            ("cp936", b"\xc4\xe3\xba\xc3", "你好"),
            ("big5", b"\xa7A\xa6n", "你好"),
            ("euc-kr", b"\xbe\xc8\xb3\xe7", "안녕"),
            ("iso-2022-kr", b"\x1b$)C\x0e>H3g\x0f!", "안녕!"),
            // The example of RFC 1843.
            ("hz-gb-2312", b"This: ~{<:Ky2;S{#,NpJ)l6HK!#~}Bye.", "This: 己所不欲，勿施於人。Bye."),
            ("utf-16", b"\xfe\xff\x00A\x00B", "AB"),
            ("cp850", b"\x84", "ä"),
        ];
        for (label, octets, text) in known {
            assert_eq!(decode(label.as_bytes(), octets), text, "{label}");
        }
    }

    // RFC 2152, the examples of its section "UTF-7 Definition".
    #[test]
    fn utf_7() {
        for (octets, text) in [
            ("A+ImIDkQ.", "A\u{2262}\u{391}."),
            ("Hi Mom -+Jjo--!", "Hi Mom -\u{263a}-!"),
            ("+ZeVnLIqe-", "\u{65e5}\u{672c}\u{8a9e}"),
            ("Item 3 is +AKM-1.", "Item 3 is £1."),
            ("1 +- 1 = +ADI", "1 + 1 = 2"),
            ("+", "+"),
        ] {
            assert_eq!(decode(b"UTF-7", octets.as_bytes()), text, "{octets}");
        }
    }

    #[test]
    fn unknown_sets_are_guessed() {
        assert_eq!(decode(b"x-nothing", "ä".as_bytes()), "ä");
        assert_eq!(decode(b"x-nothing", b"\xe4"), "ä");
        assert_eq!(decode(b"us-ascii", b"\x80"), "€");
        assert_eq!(decode(b"utf-8", b"a\xff"), "a\u{fffd}");
        assert_eq!(decode(&[b'x'; 1000], b"\xe4"), "ä");
    }

    proptest! {
        #[test]
        fn any_octets_in_any_set_are_text(octets in prop::collection::vec(any::<u8>(), 0..40)) {
            let labels = "utf-8 utf-7 utf-16 utf-16be iso-2022-jp iso-2022-kr iso-2022-cn hz-gb-2312 gb18030 gbk cp936 \
                big5 euc-jp euc-kr shift_jis windows-874 cp850 cp866 koi8-u iso-8859-8-i x-user-defined macintosh \
                tis-620 extended_unix_code_packed_format_for_japanese iso_8859_1 replacement unicode";
            for label in labels.split_whitespace() {
                let text = decode(label.as_bytes(), &octets);
                prop_assert!(text.len() <= 3 + 3 * octets.len(), "{}: {} octets", label, text.len());
            }
        }
    }
}
