//! One part of a stored password: its scheme and what the scheme needs. All limits are checked in reading it.

use std::str::FromStr;

use super::argon::Argon;
use super::cram::CramKeys;
use super::crypt::Crypt;
use super::digest::{Digest, Kind};
use super::pbkdf2::Pbkdf2;
use super::scram::{ScramHash, ScramKeys};
use crate::crypto;

pub(super) enum Secret {
    Plain(Vec<u8>),
    Digest(Digest),
    Crypt(Crypt),
    Argon(Argon),
    Pbkdf2(Pbkdf2),
    Scram(ScramHash, ScramKeys),
    Cram(CramKeys),
}

impl Secret {
    pub fn matches(&self, password: &[u8]) -> bool {
        match self {
            Secret::Plain(secret) => crypto::equal(secret, password),
            Secret::Digest(digest) => digest.matches(password),
            Secret::Crypt(crypt) => crypt.matches(password),
            Secret::Argon(argon) => argon.matches(password),
            Secret::Pbkdf2(pbkdf2) => pbkdf2.matches(password),
            Secret::Scram(hash, keys) => keys.matches(*hash, password),
            Secret::Cram(keys) => *keys == CramKeys::of(password),
        }
    }

    /// Whether a new hash would be no better.
    pub fn is_current(&self) -> bool {
        matches!(self, Secret::Argon(argon) if argon.is_current())
    }
}

/// `{SCHEME}value`, `{SCHEME.b64}value`, `{SCHEME.hex}value`, or a crypt(3) or PHC string.
impl FromStr for Secret {
    type Err = String;

    fn from_str(part: &str) -> Result<Secret, String> {
        let Some((scheme, value)) = split(part) else {
            return crypt(Value { text: part, encoding: None });
        };
        let (name, suffix) = scheme.split_once('.').unwrap_or((scheme, ""));
        let encoding = match suffix.to_ascii_lowercase().as_str() {
            "" => None,
            "b64" | "base64" => Some(Encoding::Base64),
            "hex" => Some(Encoding::Hex),
            _ => return Err(format!("the encoding .{suffix} is unknown; .b64 and .hex can be used")),
        };
        let row = SCHEMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let (_, read) = row.ok_or_else(|| {
            format!("the scheme {{{name}}} is not supported; set a new password for this account")
        })?;
        read(Value { text: value, encoding })
    }
}

/// Whether the whole of a stored password is one part.
pub(super) fn takes_all(stored: &str) -> bool {
    let scheme = split(stored).map(|(scheme, _)| scheme.split('.').next().unwrap_or_default());
    scheme.is_some_and(|scheme| {
        ["PLAIN", "CLEARTEXT", "CLEAR"].iter().any(|known| known.eq_ignore_ascii_case(scheme))
    })
}

fn split(part: &str) -> Option<(&str, &str)> {
    part.strip_prefix('{')?.split_once('}')
}

type Read = fn(Value<'_>) -> Result<Secret, String>;

const SCHEMES: &[(&str, Read)] = &[
    ("ARGON2", crypt),
    ("ARGON2I", crypt),
    ("ARGON2ID", crypt),
    ("BLF-CRYPT", crypt),
    ("CLEAR", plain),
    ("CLEARTEXT", plain),
    ("CRAM-MD5", cram),
    ("CRYPT", crypt),
    ("DES-CRYPT", crypt),
    ("HMAC-MD5", cram),
    ("LDAP-MD5", |value| digest(value, Kind::Md5)),
    ("MD5", md5),
    ("MD5-CRYPT", crypt),
    ("PBKDF2", |value| pbkdf2(value, "sha1")),
    ("PBKDF2-SHA1", |value| pbkdf2(value, "sha1")),
    ("PBKDF2-SHA256", |value| pbkdf2(value, "sha256")),
    ("PBKDF2-SHA512", |value| pbkdf2(value, "sha512")),
    ("PLAIN", plain),
    ("PLAIN-MD5", |value| digest(value, Kind::Md5)),
    ("SCRAM-SHA-1", |value| scram(value, ScramHash::Sha1)),
    ("SCRAM-SHA-256", |value| scram(value, ScramHash::Sha256)),
    ("SHA", |value| digest(value, Kind::Sha1)),
    ("SHA1", |value| digest(value, Kind::Sha1)),
    ("SHA256", |value| digest(value, Kind::Sha256)),
    ("SHA256-CRYPT", crypt),
    ("SHA512", |value| digest(value, Kind::Sha512)),
    ("SHA512-CRYPT", crypt),
    ("SMD5", |value| salted(value, Kind::Md5)),
    ("SSHA", |value| salted(value, Kind::Sha1)),
    ("SSHA256", |value| salted(value, Kind::Sha256)),
    ("SSHA512", |value| salted(value, Kind::Sha512)),
];

fn plain(value: Value<'_>) -> Result<Secret, String> {
    let octets = match value.encoding {
        None => value.text.as_bytes().to_vec(),
        Some(encoding) => encoding.decode(value.text)?,
    };
    if octets.is_empty() { Err("the password is empty".into()) } else { Ok(Secret::Plain(octets)) }
}

fn digest(value: Value<'_>, kind: Kind) -> Result<Secret, String> {
    Digest::unsalted(kind, value.octets(kind.octets())?).map(Secret::Digest)
}

fn salted(value: Value<'_>, kind: Kind) -> Result<Secret, String> {
    let octets = value.encoding.unwrap_or(Encoding::Base64).decode(value.text)?;
    Digest::salted(kind, octets).map(Secret::Digest)
}

/// Dovecot means MD5-CRYPT by `{MD5}`, directories the bare digest.
fn md5(value: Value<'_>) -> Result<Secret, String> {
    if value.text.starts_with('$') { crypt(value) } else { digest(value, Kind::Md5) }
}

fn crypt(value: Value<'_>) -> Result<Secret, String> {
    let text = value.string()?;
    if text.starts_with("$argon2") {
        Argon::parse(&text).map(Secret::Argon)
    } else if text.starts_with("$pbkdf2") {
        Pbkdf2::parse_phc(&text).map(Secret::Pbkdf2)
    } else {
        Crypt::parse(text).map(Secret::Crypt)
    }
}

fn pbkdf2(value: Value<'_>, prf: &str) -> Result<Secret, String> {
    let text = value.string()?;
    if text.starts_with("$pbkdf2") {
        Pbkdf2::parse_phc(&text).map(Secret::Pbkdf2)
    } else if let Some(fields) = text.strip_prefix("$1$") {
        Pbkdf2::parse_dovecot(fields).map(Secret::Pbkdf2)
    } else {
        Pbkdf2::parse_fields(prf, &text).map(Secret::Pbkdf2)
    }
}

fn scram(value: Value<'_>, hash: ScramHash) -> Result<Secret, String> {
    ScramKeys::parse(hash, &value.string()?).map(|keys| Secret::Scram(hash, keys))
}

fn cram(value: Value<'_>) -> Result<Secret, String> {
    let octets = value.encoding.unwrap_or(Encoding::Hex).decode(value.text)?;
    CramKeys::parse(&octets).map(Secret::Cram)
}

struct Value<'a> {
    text: &'a str,
    /// As the suffix of the scheme said.
    encoding: Option<Encoding>,
}

#[derive(Clone, Copy)]
enum Encoding {
    Base64,
    Hex,
}

impl Value<'_> {
    /// A value that is text, unless the suffix says how the text is encoded.
    fn string(&self) -> Result<String, String> {
        match self.encoding {
            None => Ok(self.text.to_owned()),
            Some(encoding) => String::from_utf8(encoding.decode(self.text)?)
                .map_err(|_| "the decoded hash is not text".to_owned()),
        }
    }

    /// A value of known length: without a suffix the length tells hexadecimal and base64 apart.
    fn octets(&self, length: usize) -> Result<Vec<u8>, String> {
        let guess = if self.text.len() == 2 * length { Encoding::Hex } else { Encoding::Base64 };
        self.encoding.unwrap_or(guess).decode(self.text)
    }
}

impl Encoding {
    fn decode(self, text: &str) -> Result<Vec<u8>, String> {
        match self {
            Encoding::Hex => {
                crypto::unhex(text).ok_or_else(|| "the hash is not hexadecimal; import it again".to_owned())
            }
            Encoding::Base64 => base64(text),
        }
    }
}

/// With or without padding; `.` for `+` as some programs write it.
pub(super) fn base64(text: &str) -> Result<Vec<u8>, String> {
    use base64::Engine;
    let text = text.trim_end_matches('=').replace('.', "+");
    base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(text)
        .map_err(|error| format!("the hash is not base64 ({error}); import it again"))
}
