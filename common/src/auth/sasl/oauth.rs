//! OAUTHBEARER (RFC 7628) and XOAUTH2, the form from before the standard that clients still send.

use super::{Attempt, AuthError, Claim, Login, Next, State, is_oneself, malformed, utf8};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Bearer,
    Xoauth2,
}

/// What the client's message says.
#[derive(Debug, PartialEq, Eq)]
struct Message<'a> {
    /// Empty: whoever the token is for.
    user: String,
    token: &'a str,
}

pub(super) async fn run(attempt: &Attempt<'_>, form: Form, response: &[u8]) -> Result<Next, AuthError> {
    let message = match form {
        Form::Bearer => parse_bearer(utf8(response)?)?,
        Form::Xoauth2 => parse_xoauth2(utf8(response)?)?,
    };
    let mut claim = Claim::new(&message.user);
    match check(attempt, &message, &mut claim).await {
        // RFC 7628 section 3.2.3: the reason is a challenge; the client answers it, and only then it has failed.
        Err(error @ (AuthError::Failed | AuthError::NotAuthorized | AuthError::Expired)) => {
            Ok(Next::Challenge(form.reason().to_vec(), State::Refused(claim, error)))
        }
        outcome => Ok(Next::Outcome(claim, outcome)),
    }
}

async fn check(attempt: &Attempt<'_>, message: &Message<'_>, claim: &mut Claim) -> Result<Login, AuthError> {
    let shared = attempt.shared.clone();
    let token = message.token.to_owned();
    let named = attempt.shared.pool.look_up(move || match &shared.tokens {
        Some(tokens) => tokens.account(&token),
        None => Err(AuthError::UnknownMechanism),
    });
    let named = named.await??;
    if claim.name.is_empty() {
        claim.name.clone_from(&named);
    }
    let credentials = attempt.shared.find(&named).await?.ok_or(AuthError::Failed)?;
    claim.account = Some(credentials.account.clone());
    if !is_oneself(&message.user, &named, &credentials.account) {
        return Err(AuthError::NotAuthorized);
    }
    credentials.allow(attempt.context.protocol)?;
    Ok(Login { account: credentials.account, app_password: None })
}

impl Form {
    // RFC 7628 section 3.2.2
    fn reason(self) -> &'static [u8] {
        match self {
            Form::Bearer => br#"{"status":"invalid_token"}"#,
            Form::Xoauth2 => br#"{"status":"401","schemes":"bearer"}"#,
        }
    }
}

/// client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep
// RFC 7628 section 3.1
fn parse_bearer(message: &str) -> Result<Message<'_>, AuthError> {
    let (header, pairs) =
        message.split_once('\x01').ok_or_else(|| malformed("OAUTHBEARER needs key/value pairs"))?;
    let [binding, authzid, ""] = header.split(',').collect::<Vec<_>>()[..] else {
        return Err(malformed("OAUTHBEARER needs a GS2 header"));
    };
    if !matches!(binding, "n" | "y") {
        return Err(malformed("OAUTHBEARER has no channel binding here"));
    }
    let user = match authzid.strip_prefix("a=") {
        Some(name) => super::scram::saslname(name)?,
        None if authzid.is_empty() => String::new(),
        None => return Err(malformed("the GS2 header has an unknown attribute")),
    };
    Ok(Message { user, token: bearer(pairs)? })
}

/// `user=` name ^A `auth=Bearer ` token ^A ^A
fn parse_xoauth2(message: &str) -> Result<Message<'_>, AuthError> {
    let user = message.split('\x01').find_map(|pair| pair.strip_prefix("user="));
    let user = user.ok_or_else(|| malformed("XOAUTH2 needs user="))?.to_owned();
    Ok(Message { user, token: bearer(message)? })
}

/// The token of the pair `auth=Bearer token`; the scheme in any case (RFC 9110 section 11.1).
fn bearer(pairs: &str) -> Result<&str, AuthError> {
    let value = pairs.split('\x01').find_map(|pair| pair.strip_prefix("auth="));
    let (scheme, token) = value.and_then(|value| value.split_once(' ')).unwrap_or_default();
    let token = token.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty() {
        Ok(token)
    } else {
        Err(malformed("auth=Bearer and a token are needed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(user: &str, token: &'static str) -> Result<Message<'static>, AuthError> {
        Ok(Message { user: user.into(), token })
    }

    // RFC 7628 section 4.1
    #[test]
    fn the_rfcs_examples() {
        let text = "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
        assert_eq!(
            parse_bearer(text),
            message("user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")
        );
    }

    #[test]
    fn names_are_optional_and_escaped() {
        assert_eq!(parse_bearer("y,,\x01auth=bearer x\x01\x01"), message("", "x"));
        assert_eq!(parse_bearer("n,a=a=2Cb=3D,\x01auth=Bearer x\x01\x01"), message("a,b=", "x"));
    }

    #[test]
    fn xoauth2() {
        let text =
            "user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01";
        assert_eq!(
            parse_xoauth2(text),
            message("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
        );
    }

    #[test]
    fn what_is_no_message() {
        for text in [
            "",
            "\x01",
            "n,,",
            "n,,\x01\x01",
            "p=tls-exporter,,\x01auth=Bearer x\x01\x01",
            "n,\x01auth=Bearer x\x01\x01",
            "n,b=x,\x01auth=Bearer x\x01\x01",
            "n,a=a=XX,\x01auth=Bearer x\x01\x01",
            "n,,\x01auth=Bearer \x01\x01",
            "n,,\x01auth=Basic x\x01\x01",
            "n,,\x01auth=Bearer\x01\x01",
        ] {
            assert!(matches!(parse_bearer(text), Err(AuthError::Malformed(_))), "{text:?}");
        }
        for text in ["", "user=a", "auth=Bearer x\x01\x01", "user=a\x01auth=Basic x\x01\x01"] {
            assert!(matches!(parse_xoauth2(text), Err(AuthError::Malformed(_))), "{text:?}");
        }
    }
}
