//! PBKDF2 (RFC 8018 section 5.2) in the forms that other programs keep.

use super::secret::base64;
use crate::crypto;

/// What an imported hash may ask for at most.
const MAX_ITERATIONS: u32 = 5_000_000;
const MAX_OCTETS: usize = 128;

#[derive(Clone, Copy)]
enum Prf {
    Sha1,
    Sha256,
    Sha512,
}

pub(super) struct Pbkdf2 {
    prf: Prf,
    iterations: u32,
    salt: Vec<u8>,
    key: Vec<u8>,
}

impl Pbkdf2 {
    /// Dovecot's `$1$salt$iterations$key`: SHA-1, the salt as it stands, the key hexadecimal.
    pub fn parse_dovecot(fields: &str) -> Result<Pbkdf2, String> {
        let [salt, iterations, key] = fields.split('$').collect::<Vec<_>>()[..] else {
            return Err(damaged());
        };
        let key = crypto::unhex(key).ok_or_else(damaged)?;
        Pbkdf2::new(Prf::Sha1, iterations, salt.as_bytes().to_vec(), key)
    }

    /// OpenLDAP's `iterations$salt$key`.
    pub fn parse_fields(prf: &str, fields: &str) -> Result<Pbkdf2, String> {
        let [iterations, salt, key] = fields.split('$').collect::<Vec<_>>()[..] else {
            return Err(damaged());
        };
        Pbkdf2::new(Prf::of(prf)?, iterations, base64(salt)?, base64(key)?)
    }

    /// `$pbkdf2-sha256$i=10000,l=32$salt$key`; some write just the number.
    pub fn parse_phc(text: &str) -> Result<Pbkdf2, String> {
        let ["", name, costs, salt, key] = text.split('$').collect::<Vec<_>>()[..] else {
            return Err(damaged());
        };
        let prf = name.strip_prefix("pbkdf2-").unwrap_or("sha1");
        let first = costs.split(',').next().unwrap_or_default();
        let iterations = first.strip_prefix("i=").unwrap_or(first);
        Pbkdf2::new(Prf::of(prf)?, iterations, base64(salt)?, base64(key)?)
    }

    fn new(prf: Prf, iterations: &str, salt: Vec<u8>, key: Vec<u8>) -> Result<Pbkdf2, String> {
        let iterations: u32 = iterations.parse().map_err(|_| damaged())?;
        if iterations == 0 || iterations > MAX_ITERATIONS {
            return Err(format!(
                "the PBKDF2 hash asks for {iterations} iterations, the server gives 1 to {MAX_ITERATIONS}; set a new password"
            ));
        }
        if key.len() < 16 || key.len() > MAX_OCTETS || salt.len() > MAX_OCTETS {
            return Err(damaged());
        }
        Ok(Pbkdf2 { prf, iterations, salt, key })
    }

    pub fn matches(&self, password: &[u8]) -> bool {
        let mut key = vec![0; self.key.len()];
        match self.prf {
            Prf::Sha1 => pbkdf2::pbkdf2_hmac::<sha1::Sha1>(password, &self.salt, self.iterations, &mut key),
            Prf::Sha256 => {
                pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password, &self.salt, self.iterations, &mut key)
            }
            Prf::Sha512 => {
                pbkdf2::pbkdf2_hmac::<sha2::Sha512>(password, &self.salt, self.iterations, &mut key)
            }
        }
        crypto::equal(&self.key, &key)
    }
}

impl Prf {
    fn of(name: &str) -> Result<Prf, String> {
        match name {
            "sha1" => Ok(Prf::Sha1),
            "sha256" => Ok(Prf::Sha256),
            "sha512" => Ok(Prf::Sha512),
            _ => Err(format!("PBKDF2 with {name} is not supported; set a new password")),
        }
    }
}

fn damaged() -> String {
    "the PBKDF2 hash is damaged; import it again".to_owned()
}
