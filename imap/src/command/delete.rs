//! DELETE. RFC 9051 section 6.3.5

use super::announce;
use crate::error::Error;
use crate::name::{self, Rights};
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.end()?;
    let place = name::resolve(session.user()?, &name)?;
    place.require(Rights::DELETE)?;
    if place.name.is_inbox() {
        return Err(Error::no(Code::Cannot, "INBOX cannot be deleted"));
    }
    let id = place.mailbox()?.id();
    session.own_change(&place.shown);
    place.account.delete(&place.name).await?;
    announce::normalized(session, &place, &name)?;
    if session.selected.as_ref().is_some_and(|selected| selected.mailbox.id() == id) {
        session.unselect();
    }
    Ok(Reply::completed())
}
