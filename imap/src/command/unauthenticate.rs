//! UNAUTHENTICATE: back to the state before login. RFC 8437 section 3
//!
//! The mailbox is left without expunging, what was enabled is off again, the account's place is free; TLS stays.

use crate::error::Error;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.end()?;
    tracing::info!("unauthenticated");
    session.log_out();
    Ok(Reply::completed())
}
