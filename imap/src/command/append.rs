//! APPEND. RFC 9051 section 6.3.12, RFC 4315 section 3
//!
//! The message goes from the socket into the store's spool piece by piece; the session never holds it whole.

use common::block;
use store::{DateTime, NewMessage, Spool, Staged};

use crate::error::Error;
use crate::name::{self, Rights};
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::{FlagList, LiteralHeader, Parser, literal_header};

/// What stands before a message's literal.
#[derive(Debug, Default, PartialEq, Eq)]
struct Attributes {
    flags: FlagList,
    internal_date: Option<DateTime>,
}

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    let attributes = attributes(arguments)?;
    let place = name::resolve(session.user()?, &name)?;
    // Before the literal, so that a synchronizing client does not send the message for nothing.
    let mailbox = place.target()?;
    let staged = receive(session).await?;
    let message = new_message(staged, attributes, place.rights);
    let appended = mailbox.append(vec![message]).await.map_err(|error| Error::from(error).or_try_create())?;
    Ok(Reply::code(Code::AppendUid(appended.uid_validity, appended.uids.into_iter().collect())))
}

/// `[SP flag-list] [SP date-time] SP literal`, where the literal is only announced.
fn attributes(arguments: &mut Parser<'_>) -> Result<Attributes, Error> {
    let mut attributes = Attributes::default();
    arguments.space()?;
    if arguments.peek() == Some(b'(') {
        attributes.flags = arguments.flag_list()?;
        arguments.space()?;
    }
    if arguments.peek() == Some(b'"') {
        attributes.internal_date = Some(arguments.date_time()?);
        arguments.space()?;
    }
    match literal_header(arguments.rest()) {
        Some(LiteralHeader { at: 0, .. }) => Ok(attributes),
        _ => Err(arguments.expected("the message as a literal")),
    }
}

/// Reads the message and the end of the command.
async fn receive(session: &mut Session) -> Result<Staged, Error> {
    let limit = session.service.options.append_limit;
    let Some(literal) = session.unread else { return Err(Error::bug("APPEND without its literal")) };
    if literal.binary {
        return Err(Error::bad("literal8 is not supported here"));
    }
    if literal.size > limit {
        // RFC 4469 section 4.2
        let text = format!("Message of {} octets is larger than the limit of {limit}", literal.size);
        return Err(Error::no(Code::TooBig, text));
    }
    session.accept_literal().await?;
    let spool = spool(session, literal.size).await?;
    let limit = session.command_limit();
    if !session.next_line(limit).await?.is_empty() {
        return Err(Error::bad("Expected the end of the command behind the message"));
    }
    if spool.is_empty() {
        return Err(Error::no(Code::Cannot, "The message is empty"));
    }
    let store = session.service.store.clone();
    Ok(block(|| store.stage(spool))?)
}

async fn spool(session: &mut Session, size: u64) -> Result<Spool, Error> {
    let mut spool = session.service.store.spool();
    let mut left = size;
    while left > 0 {
        let piece = session.piece(left).await?;
        left -= piece.len() as u64;
        if let Err(error) = block(|| spool.write(&piece)) {
            // The client goes on sending: the session skips the rest.
            session.unread = Some(LiteralHeader { size: left, synchronizing: false, binary: false, at: 0 });
            return Err(error.into());
        }
    }
    Ok(spool)
}

/// Flags that the user may not set are left out. RFC 4314 section 4
fn new_message(staged: Staged, attributes: Attributes, rights: Rights) -> NewMessage {
    let Attributes { flags: FlagList { flags, mut keywords }, internal_date } = attributes;
    if !rights.contains(Rights::WRITE) {
        keywords.clear();
    }
    NewMessage { staged, trace: bytes::Bytes::new(), flags: rights.allowed(flags), keywords, internal_date }
}

#[cfg(test)]
mod tests {
    use store::{Flags, Keyword};

    use super::*;
    use crate::syntax::Limits;

    fn parse(text: &str) -> Result<Attributes, Error> {
        attributes(&mut Parser::new(text.as_bytes(), 0, Limits::default()))
    }

    #[test]
    fn attributes_before_the_literal() {
        // RFC 9051 section 6.3.12
        let attributes = parse(r" (\Seen) {326}").unwrap();
        assert_eq!((attributes.flags.flags, attributes.internal_date), (Flags::SEEN, None));
        assert_eq!(parse(" {326+}").unwrap(), Attributes::default());
        let attributes = parse(r#" (\Draft $a) " 1-Feb-2026 00:00:00 +0100" {1}"#).unwrap();
        assert_eq!(attributes.flags.keywords, [Keyword("$a".into())]);
        assert_eq!(attributes.internal_date.unwrap().offset, 60);
        assert!(parse(r#" "01-Feb-2026 00:00:00 +0100" {1}"#).is_ok());
    }

    #[test]
    fn anything_else_is_bad() {
        for text in
            ["", " ", " (\\Seen)", " (\\Seen){1}", " x{1}", " \"x\" {1}", " () \"1-Feb-2026\" {1}", " {1} x"]
        {
            assert!(matches!(parse(text), Err(Error::Bad(_))), "{text}");
        }
    }
}
