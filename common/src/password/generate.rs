//! Passwords that nobody needs to remember.

use crate::crypto;

/// Without letters and digits that look alike.
const ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// Groups of letters, and how many in each.
const GROUPS: usize = 4;
const LETTERS: usize = 6;

/// 24 letters and digits in groups of six; 118 bits.
pub fn generate() -> String {
    let mut letters = String::new();
    while letters.len() < GROUPS * LETTERS {
        // Octets from 248 on are left out, so that every letter is as likely as another.
        let octets = crypto::random::<64>().into_iter().filter(|octet| *octet < 248);
        let some = octets.map(|octet| char::from(ALPHABET[usize::from(octet) % ALPHABET.len()]));
        letters.extend(some.take(GROUPS * LETTERS - letters.len()));
    }
    let group = |index: usize| &letters[index * LETTERS..(index + 1) * LETTERS];
    (0..GROUPS).map(group).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_passwords_are_long_and_different() {
        let (one, two) = (generate(), generate());
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [6, 6, 6, 6]);
        assert_ne!(one, two);
    }
}
