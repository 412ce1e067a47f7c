//! What CRAM-MD5 (RFC 2195) can be verified with: HMAC-MD5's two inner states once the key has gone in, which do not show the
//! password but are as good as it for CRAM-MD5.

use md5::block_api::compress;

use crate::crypto;

const BLOCK: usize = 64;
/// RFC 1321 section 3.3
const INITIAL: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

type State = [u32; 4];

#[derive(Clone)]
pub(crate) struct CramKeys {
    outer: State,
    inner: State,
}

impl CramKeys {
    pub fn of(password: &[u8]) -> CramKeys {
        use md5::Digest;
        let mut key = [0; BLOCK];
        if password.len() > BLOCK {
            key[..16].copy_from_slice(&md5::Md5::digest(password));
        } else {
            key[..password.len()].copy_from_slice(password);
        }
        // RFC 2104 section 2
        CramKeys {
            outer: absorb(&key.map(|octet| octet ^ 0x5c)),
            inner: absorb(&key.map(|octet| octet ^ 0x36)),
        }
    }

    /// Dovecot's form: the outer state, then the inner one, little-endian.
    pub fn parse(octets: &[u8]) -> Result<CramKeys, String> {
        if octets.len() != 32 {
            return Err(format!(
                "the CRAM-MD5 keys have {} octets instead of 32; import them again",
                octets.len()
            ));
        }
        Ok(CramKeys { outer: state(&octets[..16]), inner: state(&octets[16..]) })
    }

    /// HMAC-MD5 of the message.
    pub fn hmac(&self, message: &[u8]) -> [u8; 16] {
        let inner = octets(finish(self.inner, message));
        octets(finish(self.outer, &inner))
    }
}

impl PartialEq for CramKeys {
    fn eq(&self, other: &CramKeys) -> bool {
        crypto::equal(&octets(self.outer), &octets(other.outer))
            && crypto::equal(&octets(self.inner), &octets(other.inner))
    }
}

fn absorb(block: &[u8; BLOCK]) -> State {
    let mut state = INITIAL;
    compress(&mut state, &[*block]);
    state
}

/// Goes on from a state that has taken one block already.
fn finish(mut state: State, message: &[u8]) -> State {
    // RFC 1321 sections 3.1 and 3.2
    let bits = (BLOCK as u64 + message.len() as u64).wrapping_mul(8);
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 8).next_multiple_of(BLOCK) - 8, 0);
    padded.extend_from_slice(&bits.to_le_bytes());
    for chunk in padded.chunks_exact(BLOCK) {
        let mut block = [0; BLOCK];
        block.copy_from_slice(chunk);
        compress(&mut state, &[block]);
    }
    state
}

fn state(octets: &[u8]) -> State {
    let mut state = [0; 4];
    for (word, octets) in state.iter_mut().zip(octets.chunks_exact(4)) {
        *word = octets.iter().rev().fold(0, |word, octet| word << 8 | u32::from(*octet));
    }
    state
}

fn octets(state: State) -> [u8; 16] {
    let mut octets = [0; 16];
    for (octets, word) in octets.chunks_exact_mut(4).zip(state) {
        octets.copy_from_slice(&word.to_le_bytes());
    }
    octets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_rfc_2195_section_2() {
        let keys = CramKeys::of(b"tanstaaftanstaaf");
        let digest = keys.hmac(b"<1896.697170952@postoffice.reston.mci.net>");
        assert_eq!(crypto::hex(&digest), "b913a602c7eda7a495b4e6e7334d3890");
    }

    #[test]
    fn as_hmac_md5_at_every_length() {
        for length in 0..200 {
            let (key, message) = (vec![b'k'; length], vec![b'm'; length]);
            let expected = crypto::hmac::<md5::Md5>(&key, &[&message]);
            assert_eq!(CramKeys::of(&key).hmac(&message), expected[..], "{length} octets");
        }
    }
}
