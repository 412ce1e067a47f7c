//! The keys of a SCRAM login (RFC 5802 section 3) and how they are kept: `iterations,salt,StoredKey,ServerKey`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::secret::base64;
use crate::crypto;

/// What an imported entry may ask for at most.
const MAX_ITERATIONS: u32 = 5_000_000;
const MAX_SALT: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScramHash {
    Sha1,
    Sha256,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScramKeys {
    pub iterations: u32,
    pub salt: Vec<u8>,
    pub stored_key: Vec<u8>,
    pub server_key: Vec<u8>,
}

impl ScramHash {
    pub fn scheme(self) -> &'static str {
        match self {
            ScramHash::Sha1 => "SCRAM-SHA-1",
            ScramHash::Sha256 => "SCRAM-SHA-256",
        }
    }

    pub fn octets(self) -> usize {
        match self {
            ScramHash::Sha1 => 20,
            ScramHash::Sha256 => 32,
        }
    }

    /// H()
    pub fn digest(self, octets: &[u8]) -> Vec<u8> {
        match self {
            ScramHash::Sha1 => Sha1::digest(octets).to_vec(),
            ScramHash::Sha256 => Sha256::digest(octets).to_vec(),
        }
    }

    /// HMAC()
    pub fn hmac(self, key: &[u8], octets: &[u8]) -> Vec<u8> {
        match self {
            ScramHash::Sha1 => crypto::hmac::<Sha1>(key, &[octets]),
            ScramHash::Sha256 => crypto::hmac::<Sha256>(key, &[octets]),
        }
    }

    /// Hi()
    pub fn iterate(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        let mut salted = vec![0; self.octets()];
        match self {
            ScramHash::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut salted),
            ScramHash::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut salted),
        }
        salted
    }
}

impl ScramKeys {
    // RFC 5802 section 3
    pub fn derive(hash: ScramHash, password: &[u8], salt: &[u8], iterations: u32) -> ScramKeys {
        let salted = hash.iterate(password, salt, iterations);
        let client_key = hash.hmac(&salted, b"Client Key");
        ScramKeys {
            iterations,
            salt: salt.to_vec(),
            stored_key: hash.digest(&client_key),
            server_key: hash.hmac(&salted, b"Server Key"),
        }
    }

    pub fn parse(hash: ScramHash, text: &str) -> Result<ScramKeys, String> {
        let damaged = || format!("the {} keys are damaged; import them again", hash.scheme());
        let [iterations, salt, stored_key, server_key] = text.split(',').collect::<Vec<_>>()[..] else {
            return Err(damaged());
        };
        let iterations: u32 = iterations.parse().map_err(|_| damaged())?;
        if iterations == 0 || iterations > MAX_ITERATIONS {
            return Err(format!(
                "the {} keys ask for {iterations} iterations, the server gives 1 to {MAX_ITERATIONS}; set a new password",
                hash.scheme()
            ));
        }
        let (salt, stored_key, server_key) = (base64(salt)?, base64(stored_key)?, base64(server_key)?);
        let lengths = [stored_key.len(), server_key.len()];
        if lengths != [hash.octets(); 2] || salt.is_empty() || salt.len() > MAX_SALT {
            return Err(damaged());
        }
        Ok(ScramKeys { iterations, salt, stored_key, server_key })
    }

    /// For a login that shows the password.
    pub fn matches(&self, hash: ScramHash, password: &[u8]) -> bool {
        let theirs = ScramKeys::derive(hash, password, &self.salt, self.iterations);
        crypto::equal(&self.stored_key, &theirs.stored_key)
    }
}

impl fmt::Display for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |octets| STANDARD.encode(octets);
        let [salt, stored_key, server_key] = [&self.salt, &self.stored_key, &self.server_key].map(encode);
        write!(f, "{},{salt},{stored_key},{server_key}", self.iterations)
    }
}
