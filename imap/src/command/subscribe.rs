//! SUBSCRIBE and UNSUBSCRIBE. RFC 9051 section 6.3.7 and section 6.3.8
//!
//! A name of one's own needs no mailbox to be subscribed: RFC 9051 section 6.3.7 leaves the check to the server, and a client that
//! moves an account here subscribes before it copies. Subscriptions to others' mailboxes are kept in the user's own account.

use store::MailboxName;

use crate::error::Error;
use crate::name::{self, Rights};
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::sharing::Namespace;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.end()?;
    let place = name::resolve(session.user()?, &name)?;
    let subscribed = session.command.name == "SUBSCRIBE";
    // RFC 4314 section 4: whether another's mailbox exists is checked, and so the right to know of it.
    if subscribed && place.namespace != Namespace::Personal {
        place.require(Rights::LOOKUP)?;
    }
    let name =
        MailboxName::new(place.shown.as_str()).map_err(|why| Error::no(Code::Cannot, why.to_string()))?;
    session.own_change(&name);
    session.user()?.account.subscribe(&name, subscribed).await?;
    Ok(Reply::completed())
}
