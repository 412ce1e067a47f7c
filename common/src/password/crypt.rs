//! crypt(3) strings: DES, MD5, Blowfish, SHA-256 and SHA-512.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha_crypt::{PasswordVerifier, ShaCrypt};

use crate::crypto;

/// What an imported hash may ask for at most: seconds, not minutes.
const MAX_BCRYPT_COST: u32 = 16;
const MAX_SHA_ROUNDS: u32 = 2_000_000;
const MIN_SHA_ROUNDS: u32 = 1_000;

pub(super) enum Crypt {
    Des(String),
    Md5(String),
    Blowfish(Blowfish),
    Sha(String),
}

impl Crypt {
    pub fn parse(text: String) -> Result<Crypt, String> {
        if let Some(fields) = text.strip_prefix("$1$") {
            salt_and_hash(fields, 22)?;
            Ok(Crypt::Md5(text))
        } else if text.starts_with("$2") {
            Blowfish::parse(&text).map(Crypt::Blowfish)
        } else if let Some(fields) = text.strip_prefix("$5$") {
            sha(fields, 43)?;
            Ok(Crypt::Sha(text))
        } else if let Some(fields) = text.strip_prefix("$6$") {
            sha(fields, 86)?;
            Ok(Crypt::Sha(text))
        } else if text.len() == 13 && text.bytes().all(is_crypt64) {
            Ok(Crypt::Des(text))
        } else {
            Err(unknown(&text))
        }
    }

    pub fn matches(&self, password: &[u8]) -> bool {
        match self {
            Crypt::Des(text) => pwhash::unix_crypt::verify(password, text),
            Crypt::Md5(text) => pwhash::md5_crypt::verify(password, text),
            Crypt::Blowfish(blowfish) => blowfish.matches(password),
            Crypt::Sha(text) => ShaCrypt::default().verify_password(password, text.as_str()).is_ok(),
        }
    }
}

/// Never shows the text: it may be a password that was meant as `{PLAIN}`.
fn unknown(text: &str) -> String {
    let mut fields = text.split('$');
    match (fields.next(), fields.next()) {
        (Some(""), Some(method)) if method.len() < 16 => {
            format!("the crypt(3) method ${method}$ is not supported; set a new password for this account")
        }
        _ => "no {SCHEME} and not a crypt(3) hash; write {PLAIN} before it if it is the password itself"
            .to_owned(),
    }
}

fn sha(fields: &str, octets: usize) -> Result<(), String> {
    let Some(costly) = fields.strip_prefix("rounds=") else { return salt_and_hash(fields, octets) };
    let (rounds, fields) = costly.split_once('$').ok_or_else(damaged)?;
    let rounds: u32 = rounds.parse().map_err(|_| damaged())?;
    if !(MIN_SHA_ROUNDS..=MAX_SHA_ROUNDS).contains(&rounds) {
        return Err(format!(
            "the hash asks for {rounds} rounds, the server gives {MIN_SHA_ROUNDS} to {MAX_SHA_ROUNDS}; set a new password"
        ));
    }
    salt_and_hash(fields, octets)
}

fn salt_and_hash(fields: &str, octets: usize) -> Result<(), String> {
    match fields.split_once('$') {
        Some((salt, hash))
            if hash.len() == octets && hash.bytes().all(is_crypt64) && salt.bytes().all(is_crypt64) =>
        {
            Ok(())
        }
        _ => Err(damaged()),
    }
}

/// bcrypt: the cost is the logarithm of the rounds.
pub(super) struct Blowfish {
    cost: u32,
    salt: [u8; 16],
    hash: [u8; 23],
}

impl Blowfish {
    /// `$2b$12$`, 22 characters of salt and 31 of hash.
    fn parse(text: &str) -> Result<Blowfish, String> {
        if text.starts_with("$2x$") {
            return Err(
                "$2x$ marks hashes of a faulty program that cannot be verified; set a new password".into()
            );
        }
        let fields = ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| text.strip_prefix(prefix));
        let (cost, hash) = fields.and_then(|fields| fields.split_once('$')).ok_or_else(damaged)?;
        let cost: u32 = cost.parse().map_err(|_| damaged())?;
        if !(4..=MAX_BCRYPT_COST).contains(&cost) {
            return Err(format!(
                "the hash asks for the bcrypt cost {cost}, the server gives 4 to {MAX_BCRYPT_COST}; set a new password"
            ));
        }
        let (salt, hash) = hash.split_at_checked(22).ok_or_else(damaged)?;
        Ok(Blowfish { cost, salt: decode(salt)?, hash: decode(hash)? })
    }

    fn matches(&self, password: &[u8]) -> bool {
        // The zero at the end belongs to the key; what is past 72 octets never did.
        let mut key = [password, &[0]].concat();
        key.truncate(72);
        crypto::equal(&self.hash, &bcrypt::bcrypt(self.cost, self.salt, &key)[..23])
    }
}

/// Some programs leave stray bits in the last character.
fn decode<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone);
    let octets =
        GeneralPurpose::new(&base64::alphabet::BCRYPT, lenient).decode(text).map_err(|_| damaged())?;
    octets.try_into().map_err(|_| damaged())
}

fn is_crypt64(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'/')
}

fn damaged() -> String {
    "the crypt(3) hash is damaged; import it again".to_owned()
}
