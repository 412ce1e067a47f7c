//! CAPABILITY. RFC 9051 section 6.1.1

use crate::capability;
use crate::error::Error;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.end()?;
    let list = capability::list(session);
    session.writer().untagged(format_args!("CAPABILITY {list}"));
    Ok(Reply::completed())
}
