//! Argon2 (RFC 9106) in PHC strings.

use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::secret::base64;
use crate::crypto;

/// OWASP's choice for servers: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OCTETS: usize = 32;

/// What an imported hash may ask for at most.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 64;
const MAX_LANES: u32 = 64;
/// Memory times passes: what the time is proportional to. About four seconds.
const MAX_WORK_KIB: u64 = 4 * 1024 * 1024;
const MAX_OCTETS: usize = 128;

pub(super) struct Argon {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// A new hash with a new salt, as a PHC string.
pub(super) fn hash(password: &[u8]) -> String {
    let salt = crypto::random::<16>();
    let argon = Argon {
        algorithm: Algorithm::Argon2id,
        version: Version::V0x13,
        params: current(),
        salt: salt.to_vec(),
        hash: vec![0; OCTETS],
    };
    let hash = argon.compute(password);
    format!(
        "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(hash)
    )
}

#[expect(clippy::expect_used, reason = "constants within the algorithm's bounds")]
fn current() -> Params {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(OCTETS)).expect("the constants are in bounds")
}

impl Argon {
    /// `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`; without `v=` it is version 16.
    pub fn parse(text: &str) -> Result<Argon, String> {
        let damaged = || "the Argon2 hash is damaged; import it again".to_owned();
        let mut fields: Vec<&str> = text.split('$').skip(1).collect();
        if fields.get(1).is_some_and(|field| !field.starts_with("v=")) {
            fields.insert(1, "v=16");
        }
        let [algorithm, version, params, salt, hash] = fields[..] else { return Err(damaged()) };
        let algorithm = match algorithm {
            "argon2i" => Algorithm::Argon2i,
            "argon2id" => Algorithm::Argon2id,
            "argon2d" => Algorithm::Argon2d,
            _ => return Err(damaged()),
        };
        let version = match version {
            "v=19" => Version::V0x13,
            "v=16" => Version::V0x10,
            _ => return Err(damaged()),
        };
        let (salt, hash) = (base64(salt)?, base64(hash)?);
        if salt.len() > MAX_OCTETS || hash.len() > MAX_OCTETS || salt.len() < argon2::MIN_SALT_LEN {
            return Err(damaged());
        }
        let params = costs(params, hash.len())?;
        Ok(Argon { algorithm, version, params, salt, hash })
    }

    pub fn matches(&self, password: &[u8]) -> bool {
        crypto::equal(&self.hash, &self.compute(password))
    }

    pub fn is_current(&self) -> bool {
        let costs = (self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && costs.0 >= MEMORY_KIB
            && costs.1 >= PASSES
            && self.hash.len() >= OCTETS
    }

    /// As long as the stored hash is.
    #[expect(
        clippy::expect_used,
        reason = "every bound that the algorithm has was checked in reading the hash"
    )]
    fn compute(&self, password: &[u8]) -> Vec<u8> {
        let mut hash = vec![0; self.hash.len()];
        let mut memory = Memory::take(self.params.block_count());
        Argon2::new(self.algorithm, self.version, self.params.clone())
            .hash_password_into_with_memory(password, &self.salt, &mut hash, &mut memory.0)
            .expect("salt, password and output lengths are in bounds");
        memory.give_back();
        hash
    }
}

/// What a computation works in. It is kept for the next one: freed, it would stay with the allocator for whichever thread
/// it was, and there are many threads that never need it again.
struct Memory(Vec<Block>);

static IDLE: Mutex<Vec<Memory>> = Mutex::new(Vec::new());

impl Memory {
    fn take(blocks: usize) -> Memory {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut memory = idle.unwrap_or(Memory(Vec::new()));
        memory.0.resize(blocks, Block::new());
        memory
    }

    /// No more is kept than computations run at once, and nothing that only an imported hash needs.
    fn give_back(self) {
        let most = available_parallelism().map_or(1, |cores| cores.get());
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < most && self.0.len() <= MEMORY_KIB as usize {
            idle.push(self);
        }
    }
}

fn costs(text: &str, octets: usize) -> Result<Params, String> {
    let (mut memory, mut passes, mut lanes) = (0, 0, 0);
    for field in text.split(',') {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let value: u32 = value
            .parse()
            .map_err(|_| format!("the Argon2 parameter {field:?} cannot be used; set a new password"))?;
        match name {
            "m" => memory = value,
            "t" => passes = value,
            "p" => lanes = value,
            _ => return Err(format!("the Argon2 parameter {name} is not supported; set a new password")),
        }
    }
    if memory > MAX_MEMORY_KIB
        || passes > MAX_PASSES
        || lanes > MAX_LANES
        || u64::from(memory) * u64::from(passes) > MAX_WORK_KIB
    {
        return Err(format!(
            "the Argon2 hash asks for m={memory},t={passes},p={lanes}, more than the server gives (m={MAX_MEMORY_KIB},t={MAX_PASSES},p={MAX_LANES}, and m times t {MAX_WORK_KIB}); set a new password"
        ));
    }
    Params::new(memory, passes, lanes, Some(octets))
        .map_err(|error| format!("the Argon2 parameters cannot be used ({error}); set a new password"))
}
