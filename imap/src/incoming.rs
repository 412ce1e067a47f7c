//! Messages on their way in: what APPEND and REPLACE have behind the mailbox. RFC 9051 section 6.3.12, RFC 3502, RFC 4469,
//! RFC 3516 section 4.4
//!
//! - A message goes from the socket into the store's spool piece by piece; the session never holds it whole.
//! - What is refused is refused before a synchronizing client sends it; whatever is announced and not read is left in
//!   [`Session::unread`] for the session to skip.

mod catenate;
mod url;

use bytes::Bytes;
use common::block;
use store::{Account, DateTime, NewMessage, Spool, Staged};

use crate::error::Error;
use crate::name::Rights;
use crate::response::Code;
use crate::session::Session;
use crate::syntax::{FlagList, LiteralHeader, Parser, literal_header};

/// The rest of a command whose literals its handler reads.
pub struct Incoming<'s> {
    pub session: &'s mut Session,
    /// The line in work, and how far it is read.
    line: Bytes,
    at: usize,
    /// Octets of the messages so far.
    received: u64,
    /// Whose mail grows by them.
    owner: Option<Account>,
}

/// A message that is announced.
pub struct Announced {
    attributes: Attributes,
    data: Data,
}

/// What stands before a message.
#[derive(Debug, Default, PartialEq, Eq)]
struct Attributes {
    flags: FlagList,
    internal_date: Option<DateTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Data {
    Literal,
    /// A literal8 in `UTF8 (...)`. RFC 6855 section 4
    Utf8,
    Catenate,
}

/// So many messages of the greatest size may wait in one command, or as many smaller ones as make so much.
const MOST_AT_ONCE: u64 = 16;

impl<'s> Incoming<'s> {
    /// Begins behind the mailbox.
    pub fn new(session: &'s mut Session, arguments: &Parser<'_>) -> Incoming<'s> {
        Incoming { session, line: Bytes::copy_from_slice(arguments.rest()), at: 0, received: 0, owner: None }
    }

    /// From here on what does not fit into the account's limits is refused before it is sent.
    pub fn charge(&mut self, owner: &Account) {
        self.owner = Some(owner.clone());
    }

    /// `append-message = [SP flag-list] [SP date-time] SP append-data`, up to the message itself. RFC 4466 section 2.5
    pub fn announced(&mut self) -> Result<Announced, Error> {
        let (attributes, data) = self.parse(announced)?;
        Ok(Announced { attributes, data })
    }

    /// Whether the command is at its end; else another message follows.
    pub fn ended(&self) -> bool {
        self.at == self.line.len()
    }

    /// Reads the message and the line behind it. Flags that the user may not set are left out (RFC 4314 section 4).
    pub async fn receive(&mut self, announced: Announced, rights: Rights) -> Result<NewMessage, Error> {
        let Announced { attributes, data } = announced;
        let staged = match data {
            Data::Literal => self.literal(false).await?,
            Data::Utf8 => self.literal(true).await?,
            Data::Catenate => self.catenate().await?,
        };
        Ok(new_message(staged, attributes, rights))
    }

    async fn literal(&mut self, in_parentheses: bool) -> Result<Staged, Error> {
        let literal = self.take_literal(0).await?;
        let store = &self.session.service.store;
        let mut spool = if literal.binary { store.binary_spool() } else { store.spool() };
        self.write_literal(literal, &mut spool).await?;
        self.next_line().await?;
        if in_parentheses {
            self.parse(|parser| parser.expect(b')'))?;
        }
        self.stage(spool, literal.binary)
    }

    /// The literal that the line announces at its end, when there is room for it behind `filled` octets of the message.
    async fn take_literal(&mut self, filled: u64) -> Result<LiteralHeader, Error> {
        let literal = self.session.unread.ok_or_else(|| Error::bug("a message without its literal"))?;
        self.check_size(filled.saturating_add(literal.size))?;
        self.session.accept_literal().await?;
        Ok(literal)
    }

    /// Whether a message may have so many octets, alone and with those before it.
    fn check_size(&self, size: u64) -> Result<(), Error> {
        let limit = self.session.service.options.append_limit;
        if size > limit {
            // RFC 4469 section 4.2, RFC 7889 section 4
            let text = format!("Message of {size} octets is larger than the limit of {limit}");
            return Err(Error::no(Code::TooBig, text));
        }
        let most = limit.saturating_mul(MOST_AT_ONCE);
        if self.received.saturating_add(size) > most {
            let text = format!("More than {most} octets in one command; append the messages in several");
            return Err(Error::no(Code::Limit, text));
        }
        match &self.owner {
            Some(owner) => Ok(block(|| owner.check_room(self.received.saturating_add(size), 1))?),
            None => Ok(()),
        }
    }

    async fn write_literal(&mut self, literal: LiteralHeader, spool: &mut Spool) -> Result<(), Error> {
        let mut left = literal.size;
        while left > 0 {
            let piece = self.session.piece(left).await?;
            left -= piece.len() as u64;
            let written = block(|| spool.write(&piece)).map_err(Error::from);
            let is_text = literal.binary || !spool.is_binary() || !piece.contains(&0);
            let written = written.and(if is_text { Ok(()) } else { Err(nul()) });
            if written.is_err() {
                // The client goes on sending: the session skips the rest.
                self.session.unread = Some(LiteralHeader { size: left, synchronizing: false, ..literal });
                return written;
            }
        }
        Ok(())
    }

    /// The line behind a literal.
    async fn next_line(&mut self) -> Result<(), Error> {
        let limit = self.session.command_limit();
        self.line = self.session.next_line(limit).await?;
        self.at = 0;
        Ok(())
    }

    fn stage(&mut self, spool: Spool, binary: bool) -> Result<Staged, Error> {
        if spool.is_empty() {
            // RFC 3502 section 6.3.11: so a client cancels what it has begun.
            return Err(Error::no(Code::Cannot, "The message is empty: nothing was appended"));
        }
        self.received += spool.len();
        let store = self.session.service.store.clone();
        match block(|| store.stage(spool)) {
            // RFC 3516 section 4.4
            Err(store::Error::InvalidMessage(why)) if binary => Err(Error::no(Code::UnknownCte, why)),
            staged => Ok(staged?),
        }
    }

    /// Reads on in the line.
    fn parse<T>(&mut self, read: impl FnOnce(&mut Parser<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut parser = Parser::new(&self.line, self.at, self.session.syntax_limits());
        let value = read(&mut parser)?;
        self.at = self.line.len() - parser.rest().len();
        Ok(value)
    }
}

fn nul() -> Error {
    Error::no(Code::Cannot, "NUL in a literal that is no literal8")
}

/// `[SP flag-list] [SP date-time] SP append-data`, where the message itself is only announced.
fn announced(parser: &mut Parser<'_>) -> Result<(Attributes, Data), Error> {
    let mut attributes = Attributes::default();
    parser.space()?;
    // IMAPClient 4.1.0 has two spaces between the messages of a MULTIAPPEND.
    parser.take(b' ');
    if parser.peek() == Some(b'(') {
        attributes.flags = parser.flag_list()?;
        parser.space()?;
    }
    if parser.peek() == Some(b'"') {
        attributes.internal_date = Some(parser.date_time()?);
        parser.space()?;
    }
    if parser.word("CATENATE") {
        parser.space()?;
        parser.expect(b'(')?;
        return Ok((attributes, Data::Catenate));
    }
    // RFC 9755 drops this form; clients of RFC 6855 section 4 use it after ENABLE UTF8=ACCEPT.
    if parser.enabled().utf8_accept && parser.word("UTF8") {
        parser.space()?;
        parser.expect(b'(')?;
        if parser.peek() != Some(b'~') {
            return Err(parser.expected("a literal8"));
        }
        take_literal_header(parser)?;
        return Ok((attributes, Data::Utf8));
    }
    take_literal_header(parser)?;
    Ok((attributes, Data::Literal))
}

/// The announcement of a literal, which ends the line.
fn take_literal_header(parser: &mut Parser<'_>) -> Result<(), Error> {
    match literal_header(parser.rest()) {
        Some(LiteralHeader { at: 0, .. }) => {
            parser.take_while(|_| true);
            Ok(())
        }
        _ => Err(parser.expected("the message as a literal")),
    }
}

fn new_message(staged: Staged, attributes: Attributes, rights: Rights) -> NewMessage {
    let Attributes { flags: FlagList { flags, mut keywords }, internal_date } = attributes;
    if !rights.contains(Rights::WRITE) {
        keywords.clear();
    }
    NewMessage { staged, trace: Bytes::new(), flags: rights.allowed(flags), keywords, internal_date }
}

#[cfg(test)]
mod tests {
    use store::{Flags, Keyword};

    use super::*;
    use crate::syntax::Limits;

    fn parse(text: &str) -> Result<(Attributes, Data), Error> {
        announced(&mut Parser::new(text.as_bytes(), 0, Limits::default()))
    }

    #[test]
    fn attributes_before_the_literal() {
        // RFC 9051 section 6.3.12
        let (attributes, data) = parse(r" (\Seen) {326}").unwrap();
        assert_eq!((attributes.flags.flags, attributes.internal_date), (Flags::SEEN, None));
        assert_eq!(data, Data::Literal);
        assert_eq!(parse(" {326+}").unwrap(), (Attributes::default(), Data::Literal));
        assert_eq!(parse(" ~{326+}").unwrap(), (Attributes::default(), Data::Literal));
        let (attributes, _) = parse(r#" (\Draft $a) " 1-Feb-2026 00:00:00 +0100" {1}"#).unwrap();
        assert_eq!(attributes.flags.keywords, [Keyword("$a".into())]);
        assert_eq!(attributes.internal_date.unwrap().offset, 60);
        assert!(parse(r#" "01-Feb-2026 00:00:00 +0100" {1}"#).is_ok());
        // RFC 4469 section 5
        let (attributes, data) = parse(r" (\Seen) catenate (URL x)").unwrap();
        assert_eq!((attributes.flags.flags, data), (Flags::SEEN, Data::Catenate));
    }

    #[test]
    fn anything_else_is_bad() {
        for text in [
            "",
            " ",
            " (\\Seen)",
            " (\\Seen){1}",
            " x{1}",
            " \"x\" {1}",
            " () \"1-Feb-2026\" {1}",
            " {1} x",
            " ~~{1}",
            " CATENATE",
            " CATENATE{1}",
            " CATENATE URL x",
        ] {
            assert!(matches!(parse(text), Err(Error::Bad(_))), "{text}");
        }
    }
}
