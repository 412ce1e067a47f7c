//! NOOP and CHECK: the session sends what is pending before the tagged line. RFC 9051 section 6.1.2, RFC 3501 section 6.4.1
//!
//! CHECK has nothing of its own to do: whatever was acknowledged is on disk already.

use crate::error::Error;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(_: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.end()?;
    Ok(Reply::completed())
}
