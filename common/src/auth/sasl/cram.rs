//! CRAM-MD5 (RFC 2195), for sites that keep passwords for it.

use super::{Attempt, AuthError, Claim, Next, Shared, malformed, utf8};
use crate::auth::challenge as keyed;

pub(super) fn challenge(shared: &Shared) -> String {
    keyed::fresh(&shared.options.hostname)
}

// RFC 2195 section 2
pub(super) async fn run(attempt: &Attempt<'_>, challenge: &str, response: &[u8]) -> Result<Next, AuthError> {
    let words = utf8(response)?.rsplit_once(' ');
    let (name, digest) = words.ok_or_else(|| malformed("CRAM-MD5 needs a name, a blank and a digest"))?;
    let mut claim = Claim::new(name);
    attempt.hold(&claim).await;
    let protocol = attempt.context.protocol;
    let outcome = keyed::cram_md5(attempt.shared, protocol, [challenge, digest], &mut claim).await;
    Ok(Next::Outcome(claim, outcome))
}
