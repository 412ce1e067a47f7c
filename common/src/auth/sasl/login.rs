//! LOGIN: never more than a draft, and still what many clients use. The server asks for the name, then for the password.

use super::{Attempt, AuthError, Next, State, malformed, utf8};

/// Clients look for these very words.
pub(super) const USER_NAME: &[u8] = b"Username:";
const PASSWORD: &[u8] = b"Password:";

pub(super) fn name(response: &[u8]) -> Result<Next, AuthError> {
    if response.is_empty() || response.contains(&0) {
        return Err(malformed("LOGIN needs a name"));
    }
    let name = utf8(response)?.to_owned();
    Ok(Next::Challenge(PASSWORD.to_vec(), State::Login(Some(name))))
}

pub(super) async fn password(attempt: &Attempt<'_>, name: &str, response: &[u8]) -> Result<Next, AuthError> {
    if response.is_empty() {
        return Err(malformed("LOGIN needs a password"));
    }
    let (claim, outcome) = attempt.check_password(name, response).await;
    Ok(Next::Outcome(claim, outcome))
}
