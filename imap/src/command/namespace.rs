//! NAMESPACE: the personal one, other users', and the shared one. RFC 2342 section 5

use store::MailboxName;

use crate::error::Error;
use crate::response::{Reply, Writer};
use crate::session::Session;
use crate::syntax::Parser;
use crate::translation;

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
            Some(level) => write_namespace(&mut out, &level),
            None => drop(out.raw(" NIL")),
        }
    }
    out.crlf();
    Ok(())
}

/// `"(" "(" string SP QUOTED-CHAR [namespace-trans] ")" ")"`
fn write_namespace(out: &mut Writer<'_>, level: &str) {
    let separator = MailboxName::SEPARATOR;
    out.raw(" ((").mailbox(&MailboxName::prefix(level)).raw(format!(" \"{separator}\""));
    // RFC 5255 section 3.4; in UTF-8 where names are: RFC 9755 section 3
    if let Some(translated) = translation::namespace(level, out.enabled().language) {
        out.raw(" \"TRANSLATION\" (").mailbox(&MailboxName::prefix(translated)).raw(")");
    }
    out.raw("))");
}
