//! AUTHENTICATE with SASL-IR. RFC 9051 section 6.2.2, RFC 4959

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::auth::{AuthError, Exchange, Identity, Step};

use super::login;
use crate::error::Error;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let mechanism = arguments.atom()?.to_ascii_uppercase();
    let initial = if arguments.more() { Some(initial_response(arguments)?) } else { None };
    arguments.end()?;
    let context = session.auth_context();
    let exchange = session.service.shared.authenticator.start(&mechanism, &context)?;
    let identity = converse(session, exchange, initial).await?;
    login::complete(session, &identity)
}

/// `initial-resp = (base64 / "=")`, where `=` is an empty one. RFC 4959 section 3
fn initial_response(arguments: &mut Parser<'_>) -> Result<Vec<u8>, Error> {
    let text =
        arguments.token("a base64 text", |c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'='))?;
    if text == "=" { Ok(Vec::new()) } else { decode(text.as_bytes()) }
}

async fn converse(
    session: &mut Session,
    mut exchange: Exchange,
    mut response: Option<Vec<u8>>,
) -> Result<Identity, Error> {
    loop {
        let challenge = match exchange.step(response.as_deref()).await? {
            Step::Done(identity) => return Ok(identity),
            Step::Challenge(challenge) => challenge,
        };
        session.request_continuation(&STANDARD.encode(challenge)).await?;
        let limit = session.command_limit();
        let line = session.next_line(limit).await?;
        if &*line == b"*" {
            return Err(AuthError::Cancelled.into());
        }
        response = Some(decode(&line)?);
    }
}

fn decode(base64: &[u8]) -> Result<Vec<u8>, Error> {
    STANDARD.decode(base64).map_err(|_| Error::bad("The response is not valid base64"))
}
