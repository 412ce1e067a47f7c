//! The commands of the AUTHORIZATION state: who is it, and how are we to speak.
//!
//! USER tells nothing about which accounts there are: every name is answered alike, and PASS fails alike for a wrong name
//! and a wrong password. What is known before TLS is forgotten after it.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use common::auth::{AuthError, Step};

use crate::error::{Error, Result};
use crate::reply::Reply;
use crate::session::{Session, State};
use crate::text::Text;

/// RFC 1939 section 7
pub(crate) async fn user(session: &mut Session, name: &str) -> Result<Reply> {
    if !session.plaintext_allowed() {
        return Err(AuthError::EncryptionNeeded.into());
    }
    if name.is_empty() {
        return Err(Error::Syntax(Text::Syntax));
    }
    session.state = State::Authorization { user: Some(name.to_owned()) };
    Ok(Text::Password.into())
}

/// RFC 1939 section 7: the password is all that follows one space, spaces included. It needs a USER just before it.
pub(crate) async fn pass(session: &mut Session, password: &str) -> Result<Reply> {
    let State::Authorization { user } = &mut session.state else {
        return Err(Error::refused(Text::WrongState));
    };
    let Some(name) = user.take() else {
        return Err(Error::refused(Text::UserFirst));
    };
    let authenticator = session.service.shared.authenticator.clone();
    let identity = authenticator.password(&session.context(), &name, password.as_bytes()).await?;
    session.log_in(identity).await
}

/// RFC 1939 section 7
pub(crate) async fn apop(session: &mut Session, arguments: &str) -> Result<Reply> {
    let Some(challenge) = session.challenge.clone() else {
        return Err(Error::refused(Text::ApopOff));
    };
    let (name, digest) = arguments.rsplit_once(' ').ok_or(Error::Syntax(Text::Syntax))?;
    let authenticator = session.service.shared.authenticator.clone();
    let identity = authenticator.apop(&session.context(), &challenge, name, digest).await?;
    session.log_in(identity).await
}

/// RFC 5034 section 4. Without a mechanism: the list of those that there are, which old clients ask for in this way.
pub(crate) async fn auth(session: &mut Session, arguments: &str) -> Result<Reply> {
    let mut words = arguments.split(' ').filter(|word| !word.is_empty());
    let Some(mechanism) = words.next() else {
        return Ok(mechanisms(session));
    };
    let mut response = words.next().map(initial_response).transpose()?;
    if words.next().is_some() {
        return Err(Error::Syntax(Text::Syntax));
    }
    let authenticator = session.service.shared.authenticator.clone();
    let mut exchange = authenticator.start(&mechanism.to_ascii_uppercase(), &session.context())?;
    loop {
        match exchange.step(response.as_deref()).await? {
            Step::Challenge(challenge) => response = Some(ask(session, &challenge).await?),
            Step::Done(identity) => return session.log_in(identity).await,
        }
    }
}

fn mechanisms(session: &Session) -> Reply {
    let mut lines = BytesMut::new();
    for name in session.mechanisms() {
        // Writing to a buffer in memory cannot fail.
        let _ = write!(lines, "{name}\r\n");
    }
    Reply::Lines(Text::Mechanisms.into(), lines)
}

/// RFC 5034 section 4: `=` is an initial response of no octets.
fn initial_response(word: &str) -> Result<Vec<u8>> {
    if word == "=" { Ok(Vec::new()) } else { decode(word.as_bytes()) }
}

/// Sends a challenge and waits for the response; `*` cancels.
async fn ask(session: &mut Session, challenge: &[u8]) -> Result<Vec<u8>> {
    let line = session.ask(&format!("+ {}\r\n", BASE64.encode(challenge))).await?;
    if &*line == b"*" { Err(AuthError::Cancelled.into()) } else { decode(&line) }
}

fn decode(word: &[u8]) -> Result<Vec<u8>> {
    BASE64.decode(word).map_err(|_| Error::refused(Text::MalformedResponse))
}

/// RFC 2595 section 4
pub(crate) async fn stls(session: &mut Session, arguments: &str) -> Result<Reply> {
    if !arguments.is_empty() {
        return Err(Error::Syntax(Text::Syntax));
    }
    if session.stream.tls().is_some() {
        return Err(Error::refused(Text::AlreadyEncrypted));
    }
    // RFC 6856 section 2.1
    if session.utf8 {
        return Err(Error::refused(Text::TlsAfterUtf8));
    }
    if session.service.shared.tls.is_none() {
        return Err(Error::refused(Text::NoTls));
    }
    Ok(Reply::Tls(Text::StartTls.into()))
}

/// RFC 6856 section 2.1
pub(crate) async fn utf8(session: &mut Session, arguments: &str) -> Result<Reply> {
    if !arguments.is_empty() {
        return Err(Error::Syntax(Text::Syntax));
    }
    session.utf8 = true;
    Ok(Text::Utf8On.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initial_responses() {
        assert_eq!(initial_response("=").unwrap(), b"");
        // RFC 5034 section 6, the PLAIN example.
        assert_eq!(initial_response("dGVzdAB0ZXN0AHRlc3Q=").unwrap(), b"test\0test\0test");
        assert!(initial_response("dGVzd").is_err() && initial_response("*").is_err());
    }
}
