//! Modified UTF-7, in which IMAP4rev1 and Maildir++ write mailbox names. RFC 3501 section 5.1.3

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

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

/// Modified UTF-7 to Unicode, strictly: what another spelling of the same name would be is `None`, so that one mailbox has
/// one name. RFC 3501 section 5.1.3
pub fn decode(wire: &[u8]) -> Option<String> {
    let wire = std::str::from_utf8(wire).ok().filter(|wire| wire.chars().all(is_plain))?;
    if !wire.contains('&') {
        return Some(wire.into());
    }
    decode_shifts(wire).filter(|name| encode(name) == wire)
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
