//! RENAME. RFC 9051 section 6.3.6
//!
//! Renaming INBOX moves its messages into the new mailbox and leaves INBOX empty; the store does both.

use store::MailboxName;

use super::announce;
use crate::error::Error;
use crate::name::{self, Rights};
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let old = arguments.mailbox()?;
    arguments.space()?;
    let to = arguments.mailbox()?;
    arguments.end()?;
    let to = to.strip_suffix(MailboxName::SEPARATOR).unwrap_or(&to);
    let (from, to) = (name::resolve(session.user()?, &old)?, name::resolve(session.user()?, to)?);
    from.require(Rights::DELETE)?;
    to.require_create(session.user()?)?;
    if from.account.id() != to.account.id() {
        return Err(Error::no(Code::Cannot, "A mailbox cannot be renamed into another account"));
    }
    session.own_change(&to.shown);
    from.account.rename(&from.name, &to.name).await?;
    announce::renamed(session, &to, &old)?;
    Ok(Reply::completed())
}
