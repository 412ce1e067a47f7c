//! OAuth 2.0 access tokens that are JWTs (RFC 9068), verified with the issuer's public keys (RFC 7517) from a file.
//!
//! Only signatures by a private key count: with HMAC or `none` whoever knows the public keys could make tokens.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::{AuthError, OauthOptions};

const ALGORITHMS: [Algorithm; 4] = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];
/// Seconds by which clocks may differ.
const LEEWAY: u64 = 60;
/// A file with more keys is a mistake; each may be tried for a token that names none.
const MOST_KEYS: usize = 64;

pub(super) struct Tokens {
    options: OauthOptions,
    current: Mutex<Read>,
}

/// The file as it was read.
#[derive(Clone)]
struct Read {
    changed: Option<SystemTime>,
    keys: Arc<Vec<Key>>,
}

struct Key {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    key: DecodingKey,
}

impl Tokens {
    pub fn new(options: OauthOptions) -> Result<Tokens, String> {
        let current = Mutex::new(read(&options.keys)?);
        Ok(Tokens { options, current })
    }

    /// The account that the token is for. Blocks for the file.
    pub fn account(&self, token: &str) -> Result<String, AuthError> {
        let header = decode_header(token).map_err(|_| AuthError::Failed)?;
        if !ALGORITHMS.contains(&header.alg) {
            tracing::info!(algorithm = ?header.alg, "a token is signed in a way that is not accepted");
            return Err(AuthError::Failed);
        }
        let validation = self.validation(header.alg);
        let keys = self.keys();
        let fitting = keys.iter().filter(|key| key.fits(header.alg, header.kid.as_deref()));
        let mut outcome = Err(AuthError::Failed);
        for key in fitting {
            match decode::<Value>(token, &key.key, &validation) {
                Ok(token) => return self.named(&token.claims),
                Err(error) => match error.kind() {
                    // Another key may have made it.
                    ErrorKind::InvalidSignature => {}
                    ErrorKind::ExpiredSignature => outcome = Err(AuthError::Expired),
                    kind => tracing::info!(reason = ?kind, "a token was refused"),
                },
            }
        }
        outcome
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.options.issuer]);
        let mut required = vec!["exp", "iss"];
        match &self.options.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.push("aud");
            }
            None => validation.validate_aud = false,
        }
        validation.set_required_spec_claims(&required);
        validation
    }

    fn named(&self, claims: &Value) -> Result<String, AuthError> {
        // OpenID Connect Core section 5.1: an address that nobody verified may be anyone's.
        if self.options.claim == "email" && claims.get("email_verified") == Some(&Value::Bool(false)) {
            tracing::info!("a token was refused: its e-mail address is not verified");
            return Err(AuthError::Failed);
        }
        let name = claims.get(&self.options.claim).and_then(Value::as_str);
        if name.is_none() {
            tracing::warn!(claim = self.options.claim, "a good token lacks the claim that names the account");
        }
        name.map(str::to_owned).ok_or(AuthError::Failed)
    }

    /// Reads the file again if it has changed. One that cannot be read leaves the keys that are in use.
    fn keys(&self) -> Arc<Vec<Key>> {
        // A panic elsewhere leaves either the old keys or the new ones.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if changed(&self.options.keys) != current.changed {
            match read(&self.options.keys) {
                Ok(new) => *current = new,
                Err(reason) => {
                    tracing::warn!(reason, "the OAuth keys cannot be read again; the old ones stay in use")
                }
            }
        }
        current.keys.clone()
    }
}

impl Key {
    fn fits(&self, algorithm: Algorithm, id: Option<&str>) -> bool {
        self.key.family() == algorithm.family()
            && self.algorithm.is_none_or(|own| own == algorithm)
            && id.is_none_or(|id| self.id.as_deref() == Some(id))
    }
}

fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

fn read(file: &Path) -> Result<Read, String> {
    let told = |reason: String| {
        format!("{}: {reason}; give the issuer's JWK set, {{\"keys\": [...]}} (its jwks_uri)", file.display())
    };
    // Before the reading: a change in between is then seen the next time.
    let changed = changed(file);
    let text = fs::read(file).map_err(|error| told(error.to_string()))?;
    let set: Value = serde_json::from_slice(&text).map_err(|error| told(error.to_string()))?;
    let entries = set.get("keys").and_then(Value::as_array).ok_or_else(|| told("is no JWK set".into()))?;
    if entries.len() > MOST_KEYS {
        return Err(told(format!("has {} keys, more than {MOST_KEYS}", entries.len())));
    }
    // RFC 7517 section 5: keys that are not understood are left out.
    let keys: Vec<Key> = entries.iter().filter_map(key).collect();
    if keys.is_empty() {
        return Err(told("has no key for RS256, PS256, ES256 or EdDSA signatures".into()));
    }
    Ok(Read { changed, keys: Arc::new(keys) })
}

fn key(entry: &Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(entry.clone()).ok()?;
    // RFC 7517 sections 4.2 and 4.3
    let for_signatures = !matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption))
        && jwk.common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    let algorithm = match jwk.common.key_algorithm {
        None => None,
        // RFC 7517 section 4.4: a key that names its algorithm is for no other.
        Some(named) => Some(named.to_string().parse().ok().filter(|named| ALGORITHMS.contains(named))?),
    };
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let asymmetric = ALGORITHMS.iter().any(|algorithm| algorithm.family() == key.family());
    (for_signatures && asymmetric).then_some(Key { id: jwk.common.key_id, algorithm, key })
}

#[cfg(test)]
mod tests;
