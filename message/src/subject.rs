//! The base subject: what is left of a Subject when all that replying and forwarding adds is taken away.
//!
//! Each step only ever looks at octets that it then takes away or that end the search, so the work is linear.

/// A Subject, as SORT and THREAD compare it. RFC 5256 section 2.1
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseSubject {
    pub text: String,
    /// The message is a reply or a forward: a `Re:`, a `Fwd:`, a `(fwd)` or a `[fwd: ]` was taken away. RFC 5256 section 3
    pub reply: bool,
}

impl BaseSubject {
    /// From the raw value of the field.
    pub fn new(raw: &[u8]) -> BaseSubject {
        // RFC 5256 section 2.1, step 1
        BaseSubject::of_text(&with_single_spaces(&crate::text::decode_header(raw)))
    }

    /// Steps 2 to 6, for a decoded text with single spaces.
    fn of_text(text: &str) -> BaseSubject {
        let mut rest = Rest { text, reply: false };
        loop {
            rest.drop_trailers();
            rest.drop_leaders_and_blobs();
            if !rest.drop_forward() {
                return BaseSubject { text: rest.text.to_owned(), reply: rest.reply };
            }
        }
    }
}

/// Tabs, line ends and their like become spaces, several spaces become one.
fn with_single_spaces(text: &str) -> String {
    let mut single = String::with_capacity(text.len());
    for character in text.chars() {
        let is_space = matches!(character, ' ' | '\t' | '\r' | '\n');
        if !is_space {
            single.push(character);
        } else if !single.ends_with(' ') {
            single.push(' ');
        }
    }
    single
}

struct Rest<'a> {
    text: &'a str,
    reply: bool,
}

impl Rest<'_> {
    /// Step 2. `subj-trailer = "(fwd)" / WSP`
    fn drop_trailers(&mut self) {
        loop {
            self.text = self.text.trim_end_matches(' ');
            let Some(end) = self.text.len().checked_sub(5) else { return };
            if !self.text.get(end..).is_some_and(|tail| tail.eq_ignore_ascii_case("(fwd)")) {
                return;
            }
            self.text = &self.text[..end];
            self.reply = true;
        }
    }

    /// Steps 3 to 5: leaders, and blobs as long as something is left behind them.
    fn drop_leaders_and_blobs(&mut self) {
        loop {
            self.text = self.text.trim_start_matches(' ');
            let run = Blobs::at(self.text);
            match after_refwd(&self.text[run.end..]) {
                // `subj-leader = (*subj-blob subj-refwd) / WSP`
                Some(rest) => {
                    self.text = rest;
                    self.reply = true;
                }
                None => {
                    // Step 4. The last blob is the base where nothing else would be.
                    let end = if run.end == self.text.len() { run.last } else { run.end };
                    self.text = &self.text[end..];
                    return;
                }
            }
        }
    }

    /// Step 6. `subj-fwd-hdr = "[fwd:"`, `subj-fwd-trl = "]"`
    fn drop_forward(&mut self) -> bool {
        let header = self.text.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("[fwd:"));
        match self.text.strip_suffix(']') {
            Some(inner) if header && inner.len() >= 5 => {
                self.text = &inner[5..];
                self.reply = true;
                true
            }
            _ => false,
        }
    }
}

/// A run of `subj-blob`s at the start of a text.
struct Blobs {
    /// Where the last one begins.
    last: usize,
    end: usize,
}

impl Blobs {
    fn at(text: &str) -> Blobs {
        let mut run = Blobs { last: 0, end: 0 };
        while let Some(length) = blob(&text[run.end..]) {
            run.last = run.end;
            run.end += length;
        }
        run
    }
}

/// `subj-blob = "[" *BLOBCHAR "]" *WSP`: how long it is.
fn blob(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let close = inner.find(['[', ']']).filter(|&at| inner.as_bytes()[at] == b']')?;
    let rest = &inner[close + 1..];
    Some(text.len() - rest.trim_start_matches(' ').len())
}

/// `subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"`: what follows it.
fn after_refwd(text: &str) -> Option<&str> {
    let word = |word: &str| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let length = ["re", "fwd", "fw"].into_iter().find(|candidate| word(candidate))?.len();
    let rest = text[length..].trim_start_matches(' ');
    rest[blob(rest).unwrap_or(0)..].strip_prefix(':')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base(raw: &str) -> (String, bool) {
        let base = BaseSubject::new(raw.as_bytes());
        (base.text, base.reply)
    }

    // RFC 5256 section 5, the grammar of subjects, rule by rule
    #[test]
    fn replies_and_forwards() {
        for raw in [
            "Re: hello",
            "RE:hello",
            "re  : hello",
            "Fw: hello",
            "fwd: hello",
            "Re: Fwd: re: hello",
            "hello (fwd)",
            "hello (FWD) (fwd)  ",
            "hello(fwd)",
            "[fwd: hello]",
            "[Fwd: re: hello (fwd)]",
            "[fwd:[fwd: hello]]",
            "Re: [fwd: hello]",
            "[list] Re: hello",
            "[list][more] re[2]: hello",
            "Re [2] : hello",
            "[a] [b] fw: [c] hello",
            "=?utf-8?Q?Re:_?= hello",
            "Re:\r\n hello",
            "[list] [fwd: hello]",
        ] {
            assert_eq!(base(raw), ("hello".into(), true), "{raw}");
        }
    }

    #[test]
    fn blobs_alone_are_no_reply() {
        for raw in ["hello", " hello ", "[list] hello", "[a][b] [c]  hello", "\thello"] {
            assert_eq!(base(raw), ("hello".into(), false), "{raw}");
        }
    }

    #[test]
    fn the_last_blob_stays_where_nothing_else_is() {
        assert_eq!(base("[a]"), ("[a]".into(), false));
        assert_eq!(base("[a] [b]"), ("[b]".into(), false));
        assert_eq!(base("Re: [a][b] "), ("[b]".into(), true));
        assert_eq!(base("Re:"), (String::new(), true));
        assert_eq!(base("[fwd:]"), (String::new(), true));
        assert_eq!(base("(fwd)"), (String::new(), true));
        assert_eq!(base(""), (String::new(), false));
    }

    #[test]
    fn what_only_looks_like_it_stays() {
        for raw in [
            "Regarding hello",
            "re hello",
            "re[2] hello",
            "re[2",
            "[fwd: hello",
            "[fwd hello",
            "Antw: hello",
            "hello (fwd",
            "[[a] hello",
            "[a",
            "fwdx: hello",
            "[fwd:",
            "]",
            "Ré: hello",
            "é",
        ] {
            assert_eq!(base(raw), (raw.to_owned(), false), "{raw}");
        }
        assert_eq!(base("[fwd: a] b"), ("b".into(), false));
        assert_eq!(base("[fwd: [x] y]"), ("y".into(), true));
    }

    // RFC 5256 section 2.1: "Convert all tabs and continuations to space. Convert all multiple spaces to a single space."
    #[test]
    fn white_space_becomes_one_space() {
        assert_eq!(base("a \t b\r\n\tc  d").0, "a b c d");
    }

    #[test]
    fn other_charsets_are_decoded_first() {
        assert_eq!(base("=?koi8-r?B?UmU6INDSydfF1A==?="), ("привет".into(), true));
        assert_eq!(base("Re: =?ISO-2022-JP?B?GyRCRnxLXDhsGyhC?="), ("日本語".into(), true));
    }

    #[test]
    fn hostile_subjects_are_linear() {
        for piece in
            ["[a]", "[fwd:", "re:", "(fwd)", "[", "]", "re[", "re [a]", " ", "[a]re:", "[fwd:]", "re[x]:["]
        {
            let raw = piece.repeat(1 << 18);
            assert!(base(&raw).0.len() <= raw.len());
        }
        let nested = format!("{}x{}", "[fwd:".repeat(1 << 16), "]".repeat(1 << 16));
        assert_eq!(base(&nested), ("x".into(), true));
    }

    /// The steps as they stand, one removal at a time.
    fn plain(text: &str) -> (String, bool) {
        let mut text: Vec<u8> = text.bytes().map(|c| if c == b'\t' { b' ' } else { c }).collect();
        text.dedup_by(|a, b| *a == b' ' && *b == b' ');
        let mut reply = false;
        loop {
            loop {
                if text.last() == Some(&b' ') {
                    text.pop();
                } else if text.len() >= 5 && text[text.len() - 5..].eq_ignore_ascii_case(b"(fwd)") {
                    text.truncate(text.len() - 5);
                    reply = true;
                } else {
                    break;
                }
            }
            loop {
                let before = text.len();
                while let Some((length, word)) = plain_leader(&text) {
                    text.drain(..length);
                    reply |= word;
                }
                if let Some(length) = plain_blob(&text)
                    && length < text.len()
                {
                    text.drain(..length);
                }
                if text.len() == before {
                    break;
                }
            }
            let is_forward =
                text.len() >= 6 && text[..5].eq_ignore_ascii_case(b"[fwd:") && text.ends_with(b"]");
            if !is_forward {
                return (String::from_utf8(text).unwrap(), reply);
            }
            text.pop();
            text.drain(..5);
            reply = true;
        }
    }

    fn plain_blob(text: &[u8]) -> Option<usize> {
        if text.first() != Some(&b'[') {
            return None;
        }
        let mut at = 1;
        while text.get(at).is_some_and(|c| !b"[]".contains(c)) {
            at += 1;
        }
        if text.get(at) != Some(&b']') {
            return None;
        }
        at += 1;
        while text.get(at) == Some(&b' ') {
            at += 1;
        }
        Some(at)
    }

    fn plain_leader(text: &[u8]) -> Option<(usize, bool)> {
        if text.first() == Some(&b' ') {
            return Some((1, false));
        }
        let mut at = 0;
        while let Some(length) = plain_blob(&text[at..]) {
            at += length;
        }
        let lower = text[at..].to_ascii_lowercase();
        at += if lower.starts_with(b"re") {
            2
        } else if lower.starts_with(b"fwd") {
            3
        } else if lower.starts_with(b"fw") {
            2
        } else {
            return None;
        };
        while text.get(at) == Some(&b' ') {
            at += 1;
        }
        at += plain_blob(&text[at..]).unwrap_or(0);
        (text.get(at) == Some(&b':')).then_some((at + 1, true))
    }

    proptest! {
        #[test]
        fn the_steps_one_by_one_find_the_same(pieces in prop::collection::vec(prop::sample::select(vec![
            "re", "Re:", "fw", "d", ":", " ", "[", "]", "[fwd:", "(fwd)", "x", "[a]", "\t", "fwd ",
        ]), 0..14)) {
            let raw = pieces.concat();
            prop_assert_eq!(base(&raw), plain(&raw));
        }
    }
}
