//! SUBSCRIBE and UNSUBSCRIBE. RFC 9051 section 6.3.7 and section 6.3.8
//!
//! A name needs no mailbox to be subscribed: RFC 9051 section 6.3.7 leaves the check to the server, and a client that
//! moves an account here subscribes before it copies.

use crate::error::Error;
use crate::name;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.end()?;
    let place = name::resolve(session.user()?, &name)?;
    let subscribed = session.command.name == "SUBSCRIBE";
    place.account.subscribe(&place.name, subscribed).await?;
    Ok(Reply::completed())
}
