//! LOGOUT. RFC 9051 section 6.1.3

use crate::error::Error;
use crate::response::{After, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.end()?;
    session.writer().status(b"*", "BYE", None, "Logging out");
    Ok(Reply { after: After::Close, ..Reply::completed() })
}
