//! Replies: a code, an enhanced status code, a text (RFC 5321 section 4.2, RFC 2034, RFC 3463).

use std::borrow::Cow;
use std::fmt;

/// One reply. Its text may have several lines, separated by LF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    /// Empty for those that have none: the greeting, LHLO and 354 (RFC 2034 section 4).
    enhanced: &'static str,
    text: Cow<'static, str>,
}

/// What a command that worked answers.
pub(crate) enum Answer {
    One(Reply),
    /// One for each recipient (RFC 2033 section 4.2).
    Each(Vec<Reply>),
    /// The reply, then a TLS handshake (RFC 3207).
    Tls(Reply),
    /// The reply, then the connection is closed.
    Quit(Reply),
}

impl Reply {
    pub(crate) fn new(code: u16, enhanced: &'static str, text: impl Into<Cow<'static, str>>) -> Reply {
        Reply { code, enhanced, text: text.into() }
    }

    /// The three-digit code.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The message was taken.
    pub fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// The enhanced status code, such as `5.1.1`.
    pub fn enhanced(&self) -> &str {
        self.enhanced
    }

    /// For people; lines are separated by LF.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As it goes over the wire. RFC 5321 section 4.2.1: every line but the last has a hyphen after the code; RFC 2034 section 4: each
    /// has the enhanced code.
    pub(crate) fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let mut lines = self.text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let mark = if lines.peek().is_some() { '-' } else { ' ' };
            let space = if self.enhanced.is_empty() { "" } else { " " };
            write!(out, "{}{mark}{}{space}{line}\r\n", self.code, self.enhanced)?;
        }
        Ok(())
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.code, self.enhanced, self.text.replace('\n', " "))
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Answer {
        Answer::One(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_of_several_lines() {
        let mut out = String::new();
        Reply::new(250, "", "foo.edu\nPIPELINING\nSIZE").write(&mut out).unwrap();
        // RFC 2033 section 4.2
        assert_eq!(out, "250-foo.edu\r\n250-PIPELINING\r\n250 SIZE\r\n");
        out.clear();
        Reply::new(550, "5.1.1", "a\nb").write(&mut out).unwrap();
        assert_eq!(out, "550-5.1.1 a\r\n550 5.1.1 b\r\n");
    }
}
