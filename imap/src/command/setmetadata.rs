//! SETMETADATA. RFC 5464 section 4.3
//!
//! All or none: what the site shares and what is the user's own lie in two places, so one command takes one of them.

use std::collections::BTreeMap;

use common::block;

use crate::error::Error;
use crate::filters;
use crate::metadata::{self, ADMIN, SPECIAL_USE};
use crate::name::{self, Rights};
use crate::quota;
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

type Changes = Vec<(String, Option<Vec<u8>>)>;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let (name, changes) = parse(arguments)?;
    let limit = session.service.options.metadata_value_limit;
    if changes.iter().any(|(_, value)| value.as_ref().is_some_and(|value| value.len() as u64 > limit)) {
        return Err(Error::no(Code::MetadataMaxSize(limit), format!("A value may have {limit} octets")));
    }
    if name.is_empty() {
        set_of_server(session, changes).await?;
    } else {
        set_of_mailbox(session, &name, changes).await?;
    }
    Ok(Reply::completed())
}

async fn set_of_mailbox(session: &Session, name: &str, changes: Changes) -> Result<(), Error> {
    let user = session.user()?;
    let place = name::resolve(user, name)?;
    let mailbox = place.mailbox()?;
    metadata::require_any(&place)?;
    // Who may only read must not change what others see.
    if changes.iter().any(|(entry, _)| is_shared(entry)) {
        place.require(Rights::WRITE)?;
    }
    read_only(&changes, SPECIAL_USE)?;
    let limits = session.service.options.metadata_limits;
    let set = place.account.set_metadata(Some(mailbox.id()), user.account.id(), changes, limits);
    set.await.map_err(too_many)
}

/// RFC 5464 section 3.3: restricted as the server likes.
async fn set_of_server(session: &Session, changes: Changes) -> Result<(), Error> {
    for (entry, value) in changes.iter().filter_map(|(entry, value)| Some((entry, value.as_ref()?))) {
        filters::check(entry, value, session.syntax_limits())?;
    }
    let (user, limits) = (session.user()?, session.service.options.metadata_limits);
    let shared = changes.iter().filter(|(entry, _)| is_shared(entry)).count();
    if shared == 0 {
        return user.account.set_metadata(None, user.account.id(), changes, limits).await.map_err(too_many);
    }
    read_only(&changes, ADMIN)?;
    if !quota::is_administrator(session, user)? {
        return Err(Error::no(Code::NoPerm, "Only an administrator may set what the server shows to all"));
    }
    if shared < changes.len() {
        return Err(Error::no(
            Code::Cannot,
            "Set /shared and /private entries of the server in two commands",
        ));
    }
    block(|| session.service.store.directory().set_metadata(&changes, limits)).map_err(too_many)
}

fn is_shared(entry: &str) -> bool {
    entry.starts_with("/shared/")
}

fn read_only(changes: &Changes, entry: &str) -> Result<(), Error> {
    if changes.iter().any(|(name, _)| name == entry) {
        return Err(Error::no(Code::Cannot, format!("{entry} cannot be set by clients")));
    }
    Ok(())
}

/// RFC 5464 section 4.3
fn too_many(error: store::Error) -> Error {
    match error {
        store::Error::Limit(text) => Error::no(Code::MetadataTooMany, text),
        other => other.into(),
    }
}

/// `SP mailbox SP "(" entry SP value *(SP entry SP value) ")"`. Of an entry that is named twice the last value counts.
fn parse(arguments: &mut Parser<'_>) -> Result<(String, Changes), Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.space()?;
    arguments.expect(b'(')?;
    let mut changes = BTreeMap::new();
    loop {
        let entry = metadata::entry(arguments)?;
        require_components(&entry)?;
        arguments.space()?;
        let value = arguments.nstring()?.map(|value| value.into_owned());
        changes.insert(entry, value);
        if !arguments.take(b' ') {
            break;
        }
    }
    arguments.expect(b')')?;
    arguments.end()?;
    Ok((name, changes.into_iter().collect()))
}

/// RFC 5464 section 3.2: two components at least, four in the vendors' namespace.
fn require_components(entry: &str) -> Result<(), Error> {
    let components: Vec<&str> = entry.split('/').skip(1).collect();
    let least = if components.get(1) == Some(&"vendor") { 4 } else { 2 };
    if components.len() < least {
        return Err(Error::bad(format!("The entry {entry} needs {least} components to have a value")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    fn parsed(text: &[u8]) -> Result<(String, Changes), Error> {
        parse(&mut Parser::new(text, 0, Limits::default()))
    }

    // RFC 5464 section 4.3, section 5
    #[test]
    fn rfc_commands() {
        let (name, changes) = parsed(b" INBOX (/private/comment {4}\r\na\r\nb)").unwrap();
        assert_eq!(
            (name.as_str(), &changes[0]),
            ("INBOX", &("/private/comment".into(), Some(b"a\r\nb".to_vec())))
        );
        let (_, changes) = parsed(b" \"\" (/private/comment NIL /shared/comment \"x\")").unwrap();
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0].1, None);
        let (_, changes) = parsed(b" INBOX (/private/comment ~{3}\r\na\0b)").unwrap();
        assert_eq!(changes[0].1, Some(b"a\0b".to_vec()));
    }

    #[test]
    fn what_is_bad() {
        for text in [
            &b""[..],
            b" INBOX",
            b" INBOX ()",
            b" INBOX (/private/a)",
            b" INBOX (/private/a b)",
            b" INBOX (/private \"x\")",
            b" INBOX (/shared/vendor/x \"x\")",
            b" INBOX (/private/a \"x\" /shared/b)",
            b" INBOX (/private/a \"x\"",
            b" INBOX /private/a \"x\"",
            b" INBOX (/private/a {3}\r\na\0b)",
        ] {
            assert!(matches!(parsed(text), Err(Error::Bad(_))), "{}", String::from_utf8_lossy(text));
        }
    }
}
