//! Password hashes: Argon2id for new ones; imported schemes are verified and then replaced at the next good login.

/// Hashes for storing: Argon2id, PHC string. Computes for tens of milliseconds: run it in [`crate::block`].
pub fn hash(password: &str) -> String {
    let _ = password;
    unimplemented!()
}

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
    let _ = (stored, password);
    unimplemented!()
}

/// Whether an imported `{SCHEME}hash` can be used at all; the text says what is wrong with it.
pub fn acceptable(stored: &str) -> Result<(), String> {
    let _ = stored;
    unimplemented!()
}
