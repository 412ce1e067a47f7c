//! Command lines of the protocols whose commands are a keyword, a space and the rest: POP3 and LMTP.

use std::str::Utf8Error;

/// The keyword, and what follows it and one space. The keyword of a command is ASCII, so another one is as unknown in any
/// spelling; whether arguments may be other than UTF-8 is for the protocol to say.
pub fn split(line: &[u8]) -> (String, Result<&str, Utf8Error>) {
    let end = line.iter().position(|&octet| octet == b' ').unwrap_or(line.len());
    let keyword = String::from_utf8_lossy(&line[..end]).into_owned();
    (keyword, std::str::from_utf8(line.get(end + 1..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_ends_at_the_first_space() {
        let cases: &[(&[u8], &str, &str)] = &[
            (b"", "", ""),
            (b"QUIT", "QUIT", ""),
            (b"QUIT ", "QUIT", ""),
            (b"PASS  a b ", "PASS", " a b "),
            (b" NOOP", "", "NOOP"),
            ("USER j\u{fc}rgen".as_bytes(), "USER", "j\u{fc}rgen"),
        ];
        for (line, keyword, arguments) in cases {
            assert_eq!(split(line), ((*keyword).to_owned(), Ok(*arguments)));
        }
    }

    #[test]
    fn what_is_not_utf8_is_told() {
        assert_eq!(split(b"\xff\xfe 1").0, "\u{fffd}\u{fffd}");
        assert!(split(b"USER \xff").1.is_err());
    }
}
