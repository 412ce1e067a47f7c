//! Whether the lines that delivery put before one copy can hold a string: they are of the copy, not of the body that the
//! index knows.

use memchr::memmem::Finder;
use message::text;

/// A string that is looked for in traces.
pub(super) struct TraceProbe {
    /// Its case folded.
    needle: String,
    /// Its longest piece without white space and colons, which unfolding and writing a field anew leave in one piece.
    piece: Finder<'static>,
    /// For a trace in upper case.
    upper: Vec<u8>,
}

impl TraceProbe {
    pub fn new(folded: &str) -> TraceProbe {
        let pieces = folded.split(|c: char| c.is_ascii_whitespace() || c == ':');
        let piece = pieces.max_by_key(|piece| piece.len()).unwrap_or_default();
        let piece = Finder::new(piece.as_bytes()).into_owned();
        TraceProbe { needle: folded.to_owned(), piece, upper: Vec::new() }
    }

    /// False only where it does not hold it, and where the header after it is a text of its own.
    pub fn may_be_in(&mut self, trace: &[u8]) -> bool {
        if trace.is_empty() {
            return false;
        }
        if !trace.ends_with(b"\n") {
            return true;
        }
        if !trace.is_ascii() || trace.windows(2).any(|pair| pair == b"=?") {
            return text::fold_case(&text::header_text(trace)).contains(&self.needle);
        }
        if !self.needle.is_ascii() {
            return false;
        }
        self.upper.clear();
        self.upper.extend(trace.iter().map(u8::to_ascii_uppercase));
        self.piece.find(&self.upper).is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn traces_hold_what_they_hold() {
        let trace = b"Return-Path: <a@example.test>\r\nReceived: from mx\r\n\tby host; now\r\n";
        for needle in ["RETURN-PATH: <A@", "MX\tBY", "; NOW", ": ", "RECEIVED", "EXAMPLE.TEST>"] {
            assert!(TraceProbe::new(needle).may_be_in(trace), "{needle}");
        }
        for needle in ["OTHER", "Ä"] {
            assert!(!TraceProbe::new(needle).may_be_in(trace), "{needle}");
        }
        assert!(!TraceProbe::new("").may_be_in(b""));
        assert!(TraceProbe::new(&text::fold_case("Ä")).may_be_in(b"X: =?utf-8?Q?=C3=A4?=\r\n"));
    }

    proptest! {
        #[test]
        fn no_trace_that_holds_it_is_missed(trace in "([XYab] ?: ?[abA: \\t]{0,5}(\\r\\n[ \\t][abB:]{0,3})?\\r\\n){0,3}", cut in any::<(u8, u8)>()) {
            let text = text::fold_case(&text::header_text(trace.as_bytes()));
            let start = usize::from(cut.0) % (text.len() + 1);
            let end = start + usize::from(cut.1) % (text.len() - start + 1);
            let needle = &text[start..end];
            if !needle.is_empty() {
                prop_assert!(TraceProbe::new(needle).may_be_in(trace.as_bytes()), "{:?}", needle);
            }
        }
    }
}
