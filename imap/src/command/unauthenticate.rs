//! UNAUTHENTICATE: back to the state before login. RFC 8437 section 3
//!
//! The mailbox is left without expunging, what was enabled is off again, the account's place is free; TLS stays.
//! Section 4.1 wants compression to end with it, which a stream cannot do: with COMPRESS it is refused.

use crate::error::Error;
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.end()?;
    if session.stream.is_compressed() {
        return Err(Error::no(Code::Cannot, "UNAUTHENTICATE is not possible under COMPRESS; connect anew"));
    }
    tracing::info!("unauthenticated");
    session.log_out();
    Ok(Reply::completed())
}
