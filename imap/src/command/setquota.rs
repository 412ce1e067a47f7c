//! SETQUOTA, for administrators. RFC 9208 section 4.1.3

use common::block;
use store::Limits;

use crate::error::Error;
use crate::quota::{self, RESOURCES, Resource};
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let root = arguments.utf8_astring()?;
    arguments.space()?;
    let list = list(arguments)?;
    arguments.end()?;
    if !quota::is_administrator(session, session.user()?)? {
        return Err(Error::no(Code::NoPerm, "Only an administrator may set limits"));
    }
    let account = quota::account(session, &root)?;
    let limits = limits(&list)?;
    let directory = session.service.store.directory();
    block(|| directory.update(account.name(), &mut |record| record.limits = limits))?;
    tracing::info!(account = %account.name(), ?limits, "limits set over IMAP");
    quota::write(session, &account)?;
    Ok(Reply::completed())
}

/// `setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")"`
fn list<'a>(arguments: &mut Parser<'a>) -> Result<Vec<(&'a str, u64)>, Error> {
    arguments.expect(b'(')?;
    let mut list = Vec::new();
    while !arguments.take(b')') {
        if !list.is_empty() {
            arguments.space()?;
        }
        let name = arguments.atom()?;
        arguments.space()?;
        list.push((name, arguments.number64()?));
    }
    Ok(list)
}

/// What is not named has no limit of its own any more: the site's default holds.
fn limits(list: &[(&str, u64)]) -> Result<Limits, Error> {
    let mut limits = Limits::default();
    for (name, value) in list {
        let resource = resource(name)?;
        // A stored 0 stands for the default.
        if *value == 0 {
            let text = format!(
                "{} cannot be limited to 0; switch the account's delivery off instead",
                resource.name
            );
            return Err(Error::no(Code::Cannot, text));
        }
        (resource.set)(&mut limits, *value);
    }
    Ok(limits)
}

fn resource(name: &str) -> Result<&'static Resource, Error> {
    let known = RESOURCES.iter().find(|resource| resource.name.eq_ignore_ascii_case(name));
    known.ok_or_else(|| {
        Error::no(
            Code::Cannot,
            format!("Resource {name} is not limited here; STORAGE, MESSAGE and MAILBOX are"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Limits, Error> {
        let mut parser = Parser::new(text.as_bytes(), 0, crate::syntax::Limits::default());
        let list = list(&mut parser)?;
        parser.end()?;
        limits(&list)
    }

    // RFC 9208 section 4.1.3, section 7
    #[test]
    fn what_is_not_named_is_dropped() {
        assert_eq!(parse("(STORAGE 510)").unwrap(), Limits { bytes: 510 * 1024, messages: 0, mailboxes: 0 });
        let all = Limits { bytes: 1024, messages: 2, mailboxes: 3 };
        assert_eq!(parse("(storage 1 MESSAGE 2 Mailbox 3)").unwrap(), all);
        assert_eq!(parse("()").unwrap(), Limits::default());
    }

    #[test]
    fn what_is_bad_and_what_is_refused() {
        for text in
            ["", "(", "(STORAGE)", "(STORAGE 1", "(STORAGE -1)", "(STORAGE 1 )", "( STORAGE 1)", "STORAGE 1"]
        {
            assert!(matches!(parse(text), Err(Error::Bad(_))), "{text}");
        }
        for text in ["(STORAGE 0)", "(ANNOTATION-STORAGE 5)", "(X 1)"] {
            assert!(matches!(parse(text), Err(Error::No { code: Some(Code::Cannot), .. })), "{text}");
        }
    }
}
