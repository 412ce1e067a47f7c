//! CREATE, with the USE parameter. RFC 9051 section 6.3.4, RFC 6154 section 3, RFC 8474 section 4.1

use store::{MailboxName, SpecialUse};

use super::announce;
use crate::error::Error;
use crate::name;
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    let special_use = if arguments.more() { use_parameter(arguments)? } else { None };
    arguments.end()?;
    // RFC 9051 section 6.3.4: a separator at the end says that names below are to follow; it is not part of the name.
    let name = name.strip_suffix(MailboxName::SEPARATOR).unwrap_or(&name);
    let place = name::resolve(session.user()?, name)?;
    place.require_create(session.user()?)?;
    if place.name.is_inbox() {
        return Err(Error::no(Code::AlreadyExists, "INBOX exists always"));
    }
    session.own_change(&place.shown);
    let info = place.account.create(&place.name, special_use).await?;
    announce::normalized(session, &place, name)?;
    Ok(Reply::code(Code::MailboxId(info.id)))
}

/// `create-param = "USE" SP "(" [use-attr *(SP use-attr)] ")"` in parentheses
fn use_parameter(arguments: &mut Parser<'_>) -> Result<Option<SpecialUse>, Error> {
    arguments.expect(b'(')?;
    if !arguments.word("USE") {
        return Err(arguments.expected("the parameter USE"));
    }
    arguments.space()?;
    arguments.expect(b'(')?;
    let mut uses = Vec::new();
    while !arguments.take(b')') {
        if !uses.is_empty() {
            arguments.space()?;
        }
        arguments.expect(b'\\')?;
        uses.push(arguments.atom()?);
    }
    arguments.expect(b')')?;
    one_use(&uses)
}

fn one_use(uses: &[&str]) -> Result<Option<SpecialUse>, Error> {
    let [word] = uses else {
        let several = || Error::no(Code::UseAttr, "A mailbox can have one special use");
        return if uses.is_empty() { Ok(None) } else { Err(several()) };
    };
    let known = SpecialUse::parse(word);
    known.map(Some).ok_or_else(|| Error::no(Code::UseAttr, format!("Special use \\{word} is not known")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    fn parse(text: &str) -> Result<Option<SpecialUse>, Error> {
        use_parameter(&mut Parser::new(text.as_bytes(), 0, Limits::default()))
    }

    #[test]
    fn use_parameters() {
        // RFC 6154 section 5.3
        assert_eq!(parse(r"(USE (\Drafts))").unwrap(), Some(SpecialUse::Drafts));
        assert_eq!(parse(r"(use (\sent))").unwrap(), Some(SpecialUse::Sent));
        assert_eq!(parse("(USE ())").unwrap(), None);
        for text in [r"(USE (\Sent \Trash))", r"(USE (\Bogus))"] {
            assert!(matches!(parse(text), Err(Error::No { code: Some(Code::UseAttr), .. })), "{text}");
        }
        for text in ["()", "(USE)", r"(USE \Sent)", "(USE (Sent))", r"(USE (\Sent)", r"(USE (\Sent\Trash))"] {
            assert!(matches!(parse(text), Err(Error::Bad(_))), "{text}");
        }
    }
}
