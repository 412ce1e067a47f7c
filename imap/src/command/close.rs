//! CLOSE and UNSELECT. RFC 9051 section 6.4.1 and section 6.4.2, RFC 3691
//!
//! CLOSE expunges first, silently, unless the mailbox is read-only; UNSELECT does not.

use crate::error::Error;
use crate::name::Rights;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.end()?;
    let expunges = session.command.name == "CLOSE";
    let (selected, _) = session.selected()?;
    let (mailbox, may_expunge) = (selected.mailbox.clone(), selected.may(Rights::EXPUNGE));
    if expunges && may_expunge {
        // RFC 7162 section 3.2.8: no HIGHESTMODSEQ here, the client has not seen what went.
        match mailbox.expunge(None).await {
            // Another session deleted it: what is left to do is to leave it.
            Ok(_) | Err(store::Error::NoSuchMailbox(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    session.leave();
    Ok(Reply::completed())
}
