//! NAMESPACE: the personal one, other users', and the shared one. RFC 2342 section 5

use store::MailboxName;

use crate::error::Error;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.end()?;
    write(session)?;
    Ok(Reply::completed())
}

/// The untagged response.
pub fn write(session: &mut Session) -> Result<(), Error> {
    let user = session.user()?;
    let public = common::block(|| user.public())?;
    let sharing = user.sharing();
    let others = sharing.has_others().then(|| sharing.other_namespace.clone());
    let shared = public.map(|_| sharing.public_namespace.clone());
    let separator = MailboxName::SEPARATOR;
    let mut out = session.writer();
    out.raw(format!("* NAMESPACE ((\"\" \"{separator}\"))"));
    for namespace in [others, shared] {
        match namespace {
            Some(level) => {
                let prefix = MailboxName::prefix(&level);
                out.raw(" ((").mailbox(&prefix).raw(format!(" \"{separator}\"))"));
            }
            None => drop(out.raw(" NIL")),
        }
    }
    out.crlf();
    Ok(())
}
