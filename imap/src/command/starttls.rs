//! STARTTLS. RFC 9051 section 6.2.1
//!
//! The session does the handshake once the OK is sent, and refuses plain text that came before it.

use crate::error::Error;
use crate::response::{After, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.end()?;
    if session.stream.tls().is_some() {
        return Err(Error::bad("TLS is active already"));
    }
    if session.service.shared.tls.is_none() {
        return Err(Error::bad("STARTTLS is not offered here"));
    }
    Ok(Reply { after: After::StartTls, ..Reply::text("Begin TLS negotiation now") })
}
