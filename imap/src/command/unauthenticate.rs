//! UNAUTHENTICATE: back to the state before login. RFC 8437 section 3
//!
//! The mailbox is left without expunging, what was enabled is off again, the account's place is free; TLS stays. It is never
//! answered NO: a client may already have sent its next login. Section 4.1: compression ends behind the OK.

use crate::error::Error;
use crate::response::{After, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.end()?;
    tracing::info!("unauthenticated");
    session.log_out();
    let after = if session.stream.is_compressed() { After::EndCompression } else { After::Next };
    Ok(Reply { after, ..Reply::completed() })
}
