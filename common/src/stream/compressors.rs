//! Compressors that wait for their next connection.
//!
//! One is 256 KiB. Given back to the allocator, its room is soon cut up for smaller things, and the next one needs new
//! room: a thousand idle connections then hold nearly as much as if each had kept its own.

use std::sync::{Mutex, PoisonError};

use flate2::{Compress, Compression};

/// Mail is text for the most part: more effort than this costs more time than it saves octets.
const LEVEL: u32 = 3;
/// So many wait (16 MiB); those above are freed.
const MOST: usize = 64;

static WAITING: Mutex<Vec<Compress>> = Mutex::new(Vec::new());

/// A compressor that knows of nothing that was compressed before.
pub fn take() -> Compress {
    let waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner).pop();
    waiting.unwrap_or_else(|| Compress::new(Compression::new(LEVEL), false))
}

pub fn give_back(mut compressor: Compress) {
    // Nothing of one account's mail waits for another's connection.
    compressor.reset();
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    if waiting.len() < MOST {
        waiting.push(compressor);
    }
}

#[cfg(test)]
mod tests {
    use flate2::FlushCompress;

    use super::*;

    fn compressed(compressor: &mut Compress) -> Vec<u8> {
        let mut out = Vec::with_capacity(1000);
        compressor.compress_vec(b"what was said, what was said", &mut out, FlushCompress::Sync).unwrap();
        out
    }

    #[test]
    fn nothing_is_left_of_what_went_before() {
        let (mut used, mut other) = (take(), take());
        let first = compressed(&mut used);
        assert_ne!(compressed(&mut used), first, "the second time it refers to the first");
        give_back(used);
        assert_eq!(compressed(&mut take()), first);
        assert_eq!(compressed(&mut other), first);
    }

    #[test]
    fn not_all_are_kept() {
        let many: Vec<Compress> = std::iter::repeat_with(take).take(MOST + 10).collect();
        many.into_iter().for_each(give_back);
        assert!(WAITING.lock().unwrap().len() <= MOST);
    }
}
