//! Octets on their way into the store: bare LF becomes CRLF, NUL is noticed, everything else stays as it is.
//!
//! The pieces may be cut anywhere: the outcome is that of the whole.

/// One message's normalization.
#[derive(Debug, Default)]
pub(crate) struct Normalizer {
    after_cr: bool,
    seen: u64,
    nul: Option<u64>,
}

impl Normalizer {
    /// Appends the normalized octets to `out`. A bare CR is kept: it may be part of a body that is not text.
    pub(crate) fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        let Some(&last) = octets.last() else { return };
        self.look_for_nul(octets);
        out.reserve(octets.len());
        let mut from = 0;
        for (at, &octet) in octets.iter().enumerate() {
            if octet == b'\n' && !self.cr_before(octets, at) {
                out.extend_from_slice(&octets[from..at]);
                out.push(b'\r');
                from = at;
            }
        }
        out.extend_from_slice(&octets[from..]);
        self.after_cr = last == b'\r';
        self.seen += octets.len() as u64;
    }

    /// Where the first NUL stands among the octets that were pushed, counted from 0.
    pub(crate) fn nul(&self) -> Option<u64> {
        self.nul
    }

    fn look_for_nul(&mut self, octets: &[u8]) {
        // `contains` is much faster than `position`, and there is hardly ever a NUL.
        if self.nul.is_none() && octets.contains(&0) {
            self.nul = octets.iter().position(|&octet| octet == 0).map(|at| self.seen + at as u64);
        }
    }

    fn cr_before(&self, octets: &[u8], at: usize) -> bool {
        match at.checked_sub(1) {
            Some(before) => octets[before] == b'\r',
            None => self.after_cr,
        }
    }
}

/// [`Staged::hash`](crate::Staged::hash) of these octets.
pub fn content_hash(octets: &[u8]) -> [u8; 32] {
    let mut normalized = Vec::new();
    Normalizer::default().push(octets, &mut normalized);
    *blake3::hash(&normalized).as_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normalize(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut normalizer, mut out) = (Normalizer::default(), Vec::new());
        pieces.iter().for_each(|piece| normalizer.push(piece, &mut out));
        out
    }

    #[test]
    fn bare_lf_becomes_crlf() {
        assert_eq!(normalize(&[b"a\nb\r\n\n\r\nc"]), b"a\r\nb\r\n\r\n\r\nc");
        assert_eq!(normalize(&[b"\n"]), b"\r\n");
        assert_eq!(normalize(&[b""]), b"");
    }

    #[test]
    fn bare_cr_stays() {
        assert_eq!(normalize(&[b"a\rb\r\r\nc\r"]), b"a\rb\r\r\nc\r");
    }

    #[test]
    fn a_crlf_cut_in_two_is_one() {
        assert_eq!(normalize(&[b"a\r", b"", b"\nb"]), b"a\r\nb");
        assert_eq!(normalize(&[b"a", b"\n", b"\n"]), b"a\r\n\r\n");
    }

    #[test]
    fn the_first_nul_is_named() {
        let (mut normalizer, mut out) = (Normalizer::default(), Vec::new());
        normalizer.push(b"ab\n", &mut out);
        assert_eq!(normalizer.nul(), None);
        normalizer.push(b"c\0\0", &mut out);
        normalizer.push(b"\0", &mut out);
        assert_eq!(normalizer.nul(), Some(4));
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(
            octets in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), any::<u8>()], 0..300),
            cuts in proptest::collection::vec(0usize..300, 0..5),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(octets.len())).collect();
            cuts.extend([0, octets.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &octets[cut[0]..cut[1]]).collect();
            let whole = normalize(&[&octets]);
            prop_assert_eq!(&normalize(&pieces), &whole);
            // No LF without a CR before it, and normalizing again changes nothing.
            for (at, &octet) in whole.iter().enumerate() {
                prop_assert!(octet != b'\n' || (at > 0 && whole[at - 1] == b'\r'));
            }
            prop_assert_eq!(&normalize(&[&whole]), &whole);
        }
    }
}
