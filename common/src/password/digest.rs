//! Bare and salted digests, as directories keep them: digest of password and salt, then the salt.

use sha2::Digest as _;

use crate::crypto;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

pub(super) struct Digest {
    kind: Kind,
    digest: Vec<u8>,
    salt: Vec<u8>,
}

impl Kind {
    pub fn octets(self) -> usize {
        match self {
            Kind::Md5 => 16,
            Kind::Sha1 => 20,
            Kind::Sha256 => 32,
            Kind::Sha512 => 64,
        }
    }

    fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        let octets = parts.concat();
        match self {
            Kind::Md5 => md5::Md5::digest(octets).to_vec(),
            Kind::Sha1 => sha1::Sha1::digest(octets).to_vec(),
            Kind::Sha256 => sha2::Sha256::digest(octets).to_vec(),
            Kind::Sha512 => sha2::Sha512::digest(octets).to_vec(),
        }
    }
}

impl Digest {
    pub fn unsalted(kind: Kind, digest: Vec<u8>) -> Result<Digest, String> {
        if digest.len() == kind.octets() {
            Ok(Digest { kind, digest, salt: Vec::new() })
        } else {
            Err(format!("the hash has {} octets instead of {}; import it again", digest.len(), kind.octets()))
        }
    }

    pub fn salted(kind: Kind, mut octets: Vec<u8>) -> Result<Digest, String> {
        if octets.len() <= kind.octets() {
            return Err(format!("the hash has no salt after its {} octets; import it again", kind.octets()));
        }
        let salt = octets.split_off(kind.octets());
        Ok(Digest { kind, digest: octets, salt })
    }

    pub fn matches(&self, password: &[u8]) -> bool {
        crypto::equal(&self.digest, &self.kind.digest(&[password, &self.salt]))
    }
}
