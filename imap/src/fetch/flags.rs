//! FLAGS: the flags and keywords of a row.

use store::{Keyword, Row};

use crate::response::{SYSTEM_FLAGS, Writer};

/// `"(" [flag-fetch *(SP flag-fetch)] ")"`, straight from the bits.
pub fn write(out: &mut Writer<'_>, row: &Row, keywords: &[Keyword], recent: bool) {
    let mut before = "(";
    for (flag, word) in SYSTEM_FLAGS {
        if row.flags.contains(flag) {
            out.raw(before).raw(word);
            before = " ";
        }
    }
    // RFC 3501 section 2.3.2; RFC 9051 appendix E: there is no \Recent
    if recent && !out.enabled().rev2 {
        out.raw(before).raw("\\Recent");
        before = " ";
    }
    let mut bits = row.keywords.0;
    while bits != 0 {
        if let Some(keyword) = keywords.get(bits.trailing_zeros() as usize) {
            out.raw(before).raw(keyword.0.as_bytes());
            before = " ";
        }
        bits &= bits - 1;
    }
    out.raw(if before == "(" { "()" } else { ")" });
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use store::{Flags, KeywordBits, ModSeq, Uid};

    use super::*;

    #[test]
    fn flags_then_recent_then_keywords() {
        let keywords = [Keyword("$Forwarded".into()), Keyword("x".into()), Keyword("last".into())];
        let line = |flags, bits, recent| {
            let row = Row { uid: Uid(1), flags, keywords: KeywordBits(bits), modseq: ModSeq(1) };
            let mut out = BytesMut::new();
            write(&mut Writer::new(&mut out), &row, &keywords, recent);
            String::from_utf8(out.to_vec()).unwrap()
        };
        assert_eq!(line(Flags::default(), 0, false), "()");
        assert_eq!(line(Flags::default(), 0, true), "(\\Recent)");
        assert_eq!(
            line(Flags::SEEN.with(Flags::ANSWERED), 0b101, true),
            "(\\Answered \\Seen \\Recent $Forwarded last)"
        );
        assert_eq!(line(Flags::default(), 0b10, false), "(x)");
    }
}
