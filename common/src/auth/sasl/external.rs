//! EXTERNAL (RFC 4422 appendix A): the client's certificate, which TLS has verified, says who it is.

use super::{Attempt, AuthError, Claim, Login, Next, is_oneself, malformed, utf8};

pub(super) async fn run(attempt: &Attempt<'_>, response: &[u8]) -> Result<Next, AuthError> {
    let authzid = utf8(response)?;
    if authzid.contains('\0') {
        return Err(malformed("EXTERNAL takes no NUL"));
    }
    let name = attempt.context.tls.as_ref().and_then(|tls| tls.client.clone());
    let name = name.ok_or(AuthError::UnknownMechanism)?;
    let mut claim = Claim::new(&name);
    let outcome = check(attempt, authzid, &mut claim).await;
    Ok(Next::Outcome(claim, outcome))
}

async fn check(attempt: &Attempt<'_>, authzid: &str, claim: &mut Claim) -> Result<Login, AuthError> {
    let credentials = attempt.shared.find(&claim.name).await?.ok_or(AuthError::Failed)?;
    claim.account = Some(credentials.account.clone());
    if !is_oneself(authzid, &claim.name, &credentials.account) {
        return Err(AuthError::NotAuthorized);
    }
    credentials.allow(attempt.context.protocol)?;
    Ok(Login { account: credentials.account, app_password: None })
}
