//! CATENATE: a message made of new text and of parts that the server has. RFC 4469

use common::block;
use store::{Spool, Staged};

use super::{Incoming, take_literal_header, url};
use crate::error::Error;
use crate::response::Code;
use crate::syntax::{LiteralHeader, Parser, literal_header};

/// `cat-part = text-literal / url`
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// A literal that the line announces at its end.
    Text,
    Url(Vec<u8>),
    /// A URL as a literal, that the line announces at its end.
    UrlLiteral,
}

impl Incoming<'_> {
    /// `cat-part *(SP cat-part) ")"`
    pub(super) async fn catenate(&mut self) -> Result<Staged, Error> {
        let mut spool = self.session.service.store.binary_spool();
        let mut binary = false;
        loop {
            match self.parse(part)? {
                Part::Text => binary |= self.text(&mut spool).await?,
                Part::Url(url) => self.add(&url, &mut spool)?,
                Part::UrlLiteral => {
                    let url = self.string().await?;
                    self.add(&url, &mut spool)?;
                }
            }
            if !self.parse(|line| Ok(line.take(b' ')))? {
                self.parse(|line| line.expect(b')'))?;
                return self.stage(spool, binary);
            }
        }
    }

    /// `text-literal = "TEXT" SP literal`; whether it was a literal8.
    async fn text(&mut self, spool: &mut Spool) -> Result<bool, Error> {
        let literal = self.take_literal(spool.len()).await?;
        self.write_literal(literal, spool).await?;
        self.next_line().await?;
        Ok(literal.binary)
    }

    /// A short literal, held whole.
    async fn string(&mut self) -> Result<Vec<u8>, Error> {
        let size = self.session.unread.map_or(0, |literal| literal.size);
        let limit = self.session.command_limit();
        if size > limit as u64 {
            return Err(Error::bad(format!("A URL has at most {limit} octets")));
        }
        self.session.accept_literal().await?;
        let mut octets = Vec::new();
        while (octets.len() as u64) < size {
            octets.extend_from_slice(&self.session.piece(size - octets.len() as u64).await?);
        }
        self.next_line().await?;
        Ok(octets)
    }

    /// Appends what the URL names.
    fn add(&mut self, url: &[u8], spool: &mut Spool) -> Result<(), Error> {
        let text = String::from_utf8_lossy(url);
        let bad = |why: &str| Error::no(Code::BadUrl(text.to_string()), format!("The URL {why}"));
        let parsed = std::str::from_utf8(url).ok().and_then(url::Url::parse);
        let parsed = parsed.ok_or_else(|| {
            bad("is not of the form /mailbox;UIDVALIDITY=n/;UID=n/;SECTION=s, relative to this server")
        })?;
        // One answer for all that is not there, whoever it is not there for.
        let source =
            parsed.source(self.session)?.ok_or_else(|| bad("names no message part that you can read"))?;
        self.check_size(spool.len())?;
        block(|| copy(source, spool))?;
        self.check_size(spool.len())
    }
}

fn copy(mut source: crate::fetch::body::Source, spool: &mut Spool) -> store::Result<()> {
    while let Some(octets) = source.next()? {
        spool.write(&octets)?;
    }
    Ok(())
}

fn part(line: &mut Parser<'_>) -> Result<Part, Error> {
    if line.word("TEXT") {
        line.space()?;
        take_literal_header(line)?;
        return Ok(Part::Text);
    }
    if !line.word("URL") {
        return Err(line.expected("TEXT or URL"));
    }
    line.space()?;
    match literal_header(line.rest()) {
        Some(LiteralHeader { at: 0, .. }) => {
            take_literal_header(line)?;
            Ok(Part::UrlLiteral)
        }
        _ => line.astring().map(|url| Part::Url(url.into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    // RFC 4469 section 5
    #[test]
    fn parts() {
        let parse = |text: &str| part(&mut Parser::new(text.as_bytes(), 0, Limits::default()));
        assert_eq!(parse("TEXT {5}").unwrap(), Part::Text);
        assert_eq!(parse("text ~{5+}").unwrap(), Part::Text);
        assert_eq!(parse("URL {5}").unwrap(), Part::UrlLiteral);
        assert_eq!(parse("URL \"/INBOX/;UID=1\")").unwrap(), Part::Url(b"/INBOX/;UID=1".to_vec()));
        assert_eq!(parse("url /INBOX/;UID=1 TEXT {5}").unwrap(), Part::Url(b"/INBOX/;UID=1".to_vec()));
        for text in ["", "TEXT", "TEXT x", "TEXT \"x\"", "TEXT {5} ", "URL", "URL ", "FILE x", "TEXTS {5}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
