//! Password hashes: Argon2id for new ones; imported schemes are verified and then replaced at the next good login.
//!
//! A stored password is one or more parts with a blank between them, the first of which decides:
//!
//! ```text
//! {ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH {SCRAM-SHA-256}10000,SALT,STORED-KEY,SERVER-KEY {SCRAM-SHA-1}10000,...
//! ```
//!
//! The SCRAM parts (RFC 5803's values, separated by commas) are what a SCRAM login needs, since an Argon2id hash cannot serve
//! one. `{PLAIN}` and `{CLEARTEXT}` take all that follows as the password, blanks too.
//!
//! Rules: a cost that an imported hash asks for has a cap, so that nobody can store a login that takes minutes; comparing
//! takes the same time for near and far misses.

mod argon;
mod cram;
mod crypt;
mod digest;
mod generate;
mod pbkdf2;
mod scram;
mod secret;

use std::borrow::Cow;

use crate::crypto;
pub(crate) use cram::CramKeys;
pub use generate::generate;
pub(crate) use scram::{ScramHash, ScramKeys};
use secret::Secret;

/// Longer ones are wrong without a look: some imported schemes take time with the square of the length.
pub const MAX_OCTETS: usize = 1024;

/// How often new SCRAM keys are iterated: RFC 7677 section 4 asks for 4096 at least; the client pays for each.
pub(crate) const SCRAM_ITERATIONS: u32 = 10_000;

/// For storing: Argon2id and the keys for SCRAM. Computes for tens of milliseconds: run it in [`crate::block`()].
///
/// The SCRAM keys make logins possible that do not show the password to this server, but whoever steals them can guess
/// at the password about a hundred times faster than against Argon2id. [`hash_without_scram`] leaves them out.
pub fn hash(password: &str) -> String {
    with_scram(hash_without_scram(password), password)
}

/// For storing: Argon2id alone.
pub fn hash_without_scram(password: &str) -> String {
    format!("{{ARGON2ID}}{}", argon::hash(&prepared(password.as_bytes())))
}

fn with_scram(mut stored: String, password: &str) -> String {
    // A password that SASLprep does not allow cannot be used with SCRAM by anyone.
    if let Some(prepared) = for_scram(password) {
        for hash in [ScramHash::Sha256, ScramHash::Sha1] {
            let keys =
                ScramKeys::derive(hash, prepared.as_bytes(), &crypto::random::<16>(), SCRAM_ITERATIONS);
            stored.push_str(&format!(" {{{}}}{keys}", hash.scheme()));
        }
    }
    stored
}

/// RFC 5802 section 2.2: Normalize()
pub(crate) fn for_scram(password: &str) -> Option<Cow<'_, str>> {
    stringprep::saslprep(password).ok().filter(|prepared| !prepared.is_empty())
}

/// What [`verify`] finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// Right, and the stored form should be replaced by [`hash`]'s.
    RightButOutdated,
    Wrong,
    /// Unknown scheme, damaged, or a cost above the cap: the administrator must look.
    Unusable,
}

/// Verifies against `{SCHEME}hash` (PLAIN, CLEARTEXT, CRYPT, MD5-CRYPT, SHA256-CRYPT, SHA512-CRYPT, BLF-CRYPT, SHA, SSHA, SHA256,
/// SSHA256, SHA512, SSHA512, PBKDF2, ARGON2I, ARGON2ID, SCRAM-SHA-1, SCRAM-SHA-256, CRAM-MD5, PLAIN-MD5, SMD5, LDAP-MD5; with `.b64`/`.hex`)
/// or a PHC or crypt(3) string without a scheme.
pub fn verify(stored: &str, password: &str) -> Verdict {
    verify_octets(stored, password.as_bytes())
}

/// The same for a password as a client sent it, which need not be UTF-8.
pub fn verify_octets(stored: &str, password: &[u8]) -> Verdict {
    let Ok(secret) = parts(stored).next().unwrap_or_default().parse::<Secret>() else {
        return Verdict::Unusable;
    };
    if password.is_empty() || password.len() > MAX_OCTETS || password.contains(&0) {
        return Verdict::Wrong;
    }
    let prepared = prepared(password);
    let right = secret.matches(&prepared) || (*prepared != *password && secret.matches(password));
    match right {
        true if secret.is_current() => Verdict::Right,
        true => Verdict::RightButOutdated,
        false => Verdict::Wrong,
    }
}

/// Whether an imported `{SCHEME}hash` can be used at all; the text says what is wrong with it.
pub fn acceptable(stored: &str) -> Result<(), String> {
    parts(stored).try_for_each(|part| part.parse::<Secret>().map(drop))
}

/// Whether [`renewed`] would give a better form. For a password that is right.
pub(crate) fn is_outdated(stored: &str, password: &str, scram: bool) -> bool {
    let scram = scram && for_scram(password).is_some();
    !first_is_current(stored) || scram_keys(stored, ScramHash::Sha256).is_some() != scram
}

/// The form in which a password that is right had better be stored. An Argon2id hash that is at least as costly as ours
/// stays.
pub(crate) fn renewed(stored: &str, password: &str, scram: bool) -> String {
    let argon = match parts(stored).next() {
        Some(first) if first_is_current(stored) => first.to_owned(),
        _ => hash_without_scram(password),
    };
    if scram { with_scram(argon, password) } else { argon }
}

fn first_is_current(stored: &str) -> bool {
    let first = parts(stored).next().unwrap_or_default().parse::<Secret>();
    first.is_ok_and(|secret| secret.is_current())
}

/// The keys for a SCRAM login, if there are any.
pub(crate) fn scram_keys(stored: &str, hash: ScramHash) -> Option<ScramKeys> {
    parts(stored).find_map(|part| match part.parse() {
        Ok(Secret::Scram(of, keys)) if of == hash => Some(keys),
        _ => None,
    })
}

/// The password itself, where the site keeps it.
pub(crate) fn plain_text(stored: &str) -> Option<Vec<u8>> {
    match stored.parse() {
        Ok(Secret::Plain(password)) => Some(password),
        _ => None,
    }
}

/// What CRAM-MD5 needs: kept as such, or made from the password itself.
pub(crate) fn cram_keys(stored: &str) -> Option<CramKeys> {
    parts(stored).find_map(|part| match part.parse() {
        Ok(Secret::Cram(keys)) => Some(keys),
        Ok(Secret::Plain(password)) => Some(CramKeys::of(&password)),
        _ => None,
    })
}

/// RFC 4013: what different keyboards make of the same password becomes the same. Octets that are no text, or that
/// SASLprep forbids, stay as they are.
fn prepared(password: &[u8]) -> Cow<'_, [u8]> {
    let prepared = str::from_utf8(password).ok().and_then(|text| stringprep::saslprep(text).ok());
    match prepared {
        Some(Cow::Owned(text)) if !text.is_empty() => Cow::Owned(text.into_bytes()),
        _ => Cow::Borrowed(password),
    }
}

fn parts(stored: &str) -> impl Iterator<Item = &str> {
    let whole = secret::takes_all(stored);
    let mut rest = Some(stored);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = if whole { None } else { text.find(" {") };
        rest = end.map(|end| &text[end + 1..]);
        Some(end.map_or(text, |end| &text[..end]))
    })
}

#[cfg(test)]
mod tests;
