//! NAMESPACE: the personal one; there are no others' and no shared ones yet. RFC 2342 section 5

use store::MailboxName;

use crate::error::Error;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.end()?;
    write(session);
    Ok(Reply::completed())
}

/// The untagged response.
pub fn write(session: &mut Session) {
    let separator = MailboxName::SEPARATOR;
    session.writer().untagged(format_args!("NAMESPACE ((\"\" \"{separator}\")) NIL NIL"));
}
