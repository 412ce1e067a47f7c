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
    let expected = |stored: &str| {
        let secret = password::plain_text(stored)?;
        Some(Md5::digest([challenge.as_bytes(), &secret].concat()).to_vec())
    };
    judge(find(shared, claim).await?, expected, digest, protocol)
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
    let expected = |stored: &str| Some(password::cram_keys(stored)?.hmac(challenge.as_bytes()).to_vec());
    judge(find(shared, claim).await?, expected, digest, protocol)
}

async fn find(shared: &Shared, claim: &mut Claim) -> Result<Option<Credentials>, AuthError> {
    let credentials = shared.find(&claim.name).await?;
    claim.account = credentials.as_ref().map(|credentials| credentials.account.clone());
    Ok(credentials)
}

/// `expected`: the digest that who knows the stored password would send; `None` where the hash is not of that kind.
fn judge(
    credentials: Option<Credentials>,
    expected: impl FnOnce(&str) -> Option<Vec<u8>>,
    digest: &str,
    protocol: Protocol,
) -> Result<Login, AuthError> {
    let stored = credentials.as_ref().and_then(|credentials| credentials.password.as_deref());
    let right = stored.and_then(expected).is_some_and(|expected| {
        crypto::unhex(digest).is_some_and(|digest| crypto::equal(&digest, &expected))
    });
    let credentials = credentials.filter(|_| right).ok_or(AuthError::Failed)?;
    credentials.allow(protocol)?;
    Ok(Login { account: credentials.account, app_password: None })
}
