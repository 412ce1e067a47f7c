//! Logins by a keyed digest of a challenge: APOP and CRAM-MD5. Both need a secret as good as the password itself on the server.

use md5::{Digest, Md5};

use super::conclude::{Claim, Login};
use super::{AuthError, Credentials, Protocol, Shared};
use crate::crypto;
use crate::password;
use crate::time;

/// RFC 1939 section 7, RFC 2195 section 2: unique, and of the form of a message id.
pub(super) fn fresh(hostname: &str) -> String {
    format!("<{}.{}@{hostname}>", crypto::hex(&crypto::random::<16>()), time::now())
}

/// `said`: challenge and digest.
// RFC 1939 section 7
pub(super) async fn apop(
    shared: &Shared,
    protocol: Protocol,
    said: [&str; 2],
    claim: &mut Claim,
) -> Result<Login, AuthError> {
    let [challenge, digest] = said;
    let credentials = find(shared, claim).await?;
    let expected = credentials.as_ref().and_then(|credentials| {
        let secret = password::plain_text(credentials.password.as_deref()?)?;
        Some(Md5::digest([challenge.as_bytes(), &secret].concat()).to_vec())
    });
    judge(credentials, expected, digest, protocol)
}

/// `said`: challenge and digest.
// RFC 2195 section 2
pub(super) async fn cram_md5(
    shared: &Shared,
    protocol: Protocol,
    said: [&str; 2],
    claim: &mut Claim,
) -> Result<Login, AuthError> {
    let [challenge, digest] = said;
    let credentials = find(shared, claim).await?;
    let expected = credentials.as_ref().and_then(|credentials| {
        let keys = password::cram_keys(credentials.password.as_deref()?)?;
        Some(keys.hmac(challenge.as_bytes()).to_vec())
    });
    judge(credentials, expected, digest, protocol)
}

async fn find(shared: &Shared, claim: &mut Claim) -> Result<Option<Credentials>, AuthError> {
    let credentials = shared.find(&claim.name).await?;
    claim.account = credentials.as_ref().map(|credentials| credentials.account.clone());
    Ok(credentials)
}

fn judge(
    credentials: Option<Credentials>,
    expected: Option<Vec<u8>>,
    digest: &str,
    protocol: Protocol,
) -> Result<Login, AuthError> {
    let right = expected.is_some_and(|expected| {
        crypto::unhex(digest).is_some_and(|digest| crypto::equal(&digest, &expected))
    });
    let credentials = credentials.filter(|_| right).ok_or(AuthError::Failed)?;
    credentials.allow(protocol)?;
    Ok(Login { account: credentials.account, app_password: None })
}
