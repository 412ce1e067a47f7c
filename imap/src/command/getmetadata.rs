//! GETMETADATA. RFC 5464 section 4.2

use crate::error::Error;
use crate::metadata::{self, Depth, Question};
use crate::name;
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let (name, question) = parse(arguments)?;
    let (shown, all) = if name.is_empty() {
        (String::new(), metadata::of_server(session)?)
    } else {
        let place = name::resolve(session.user()?, &name)?;
        let mailbox = place.mailbox()?;
        metadata::require_any(&place)?;
        let all = metadata::of_mailbox(session, &place.account, mailbox.id())?;
        (place.shown.as_str().to_owned(), all)
    };
    let answer = question.answer(&all);
    metadata::write(session, &shown, &answer).await?;
    Ok(answer.longest.map_or_else(Reply::completed, |size| Reply::code(Code::LongEntries(size))))
}

/// `[SP getmetadata-options] SP mailbox SP entries`. The RFC's examples have the options behind the mailbox, so they may
/// stand there, too.
fn parse(arguments: &mut Parser<'_>) -> Result<(String, Question), Error> {
    let mut question = Question::default();
    arguments.space()?;
    if arguments.peek() == Some(b'(') {
        options(arguments, &mut question)?;
        arguments.space()?;
    }
    let name = arguments.mailbox()?;
    arguments.space()?;
    if matches!(arguments.rest(), [b'(', letter, ..] if letter.is_ascii_alphabetic()) {
        options(arguments, &mut question)?;
        arguments.space()?;
    }
    question.entries = match arguments.peek() {
        Some(b'(') => metadata::entries(arguments)?,
        _ => vec![metadata::entry(arguments)?],
    };
    arguments.end()?;
    Ok((name, question))
}

fn options(arguments: &mut Parser<'_>, question: &mut Question) -> Result<(), Error> {
    arguments.expect(b'(')?;
    option(arguments, question)?;
    while arguments.take(b' ') {
        option(arguments, question)?;
    }
    arguments.expect(b')')
}

fn option(arguments: &mut Parser<'_>, question: &mut Question) -> Result<(), Error> {
    if arguments.word("MAXSIZE") {
        arguments.space()?;
        question.max_size = Some(arguments.number()?.into());
        return Ok(());
    }
    if !arguments.word("DEPTH") {
        return Err(arguments.expected("MAXSIZE or DEPTH"));
    }
    arguments.space()?;
    question.depth = match arguments.atom()?.to_ascii_lowercase().as_str() {
        "0" => Depth::Zero,
        "1" => Depth::One,
        "infinity" => Depth::Infinity,
        _ => return Err(Error::bad("DEPTH is 0, 1 or infinity")),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    fn parsed(text: &str) -> Result<(String, Question), Error> {
        parse(&mut Parser::new(text.as_bytes(), 0, Limits::default()))
    }

    // RFC 5464 section 4.2, section 5
    #[test]
    fn rfc_commands() {
        assert_eq!(parsed(" \"\" /shared/comment").unwrap().0, "");
        let (name, question) =
            parsed(" \"INBOX\" (MAXSIZE 1024) (/shared/comment /private/comment)").unwrap();
        assert_eq!((name.as_str(), question.max_size, question.entries.len()), ("INBOX", Some(1024), 2));
        let (_, question) = parsed(" (depth Infinity MAXSIZE 5) INBOX (/private/filters/values)").unwrap();
        assert_eq!((question.depth, question.max_size), (Depth::Infinity, Some(5)));
    }

    #[test]
    fn what_is_bad() {
        for text in [
            "",
            " INBOX",
            " INBOX ()",
            " () INBOX /private/a",
            " (DEPTH 2) INBOX /private/a",
            " INBOX (MAXSIZE) /private/a",
            " INBOX /private/a /shared/b",
            " INBOX (/private/a",
            " INBOX (MAXSIZE 1)",
            " INBOX x",
        ] {
            assert!(matches!(parsed(text), Err(Error::Bad(_))), "{text}");
        }
    }
}
