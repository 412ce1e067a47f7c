//! PLAIN (RFC 4616).

use super::{Attempt, AuthError, Next, is_oneself, malformed, utf8};

pub(super) async fn run(attempt: &Attempt<'_>, response: &[u8]) -> Result<Next, AuthError> {
    let (authzid, name, password) = parse(response)?;
    let (claim, outcome) = attempt.check_password(name, password).await;
    let outcome = outcome.and_then(|login| match is_oneself(authzid, name, &login.account) {
        true => Ok(login),
        false => Err(AuthError::NotAuthorized),
    });
    Ok(Next::Outcome(claim, outcome))
}

/// message = [authzid] UTF8NUL authcid UTF8NUL passwd
// RFC 4616 section 2
fn parse(message: &[u8]) -> Result<(&str, &str, &[u8]), AuthError> {
    let fields: Vec<&[u8]> = message.split(|octet| *octet == 0).collect();
    let [authzid, name, password] = fields[..] else {
        return Err(malformed("PLAIN needs three fields with NUL between them"));
    };
    if name.is_empty() || password.is_empty() {
        return Err(malformed("PLAIN needs a name and a password"));
    }
    Ok((utf8(authzid)?, utf8(name)?, password))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4616 section 4
    #[test]
    fn the_rfcs_examples() {
        assert_eq!(parse(b"\0tim\0tanstaaftanstaaf"), Ok(("", "tim", &b"tanstaaftanstaaf"[..])));
        assert_eq!(parse(b"Ursel\0Kurt\0xipj3plmq"), Ok(("Ursel", "Kurt", &b"xipj3plmq"[..])));
    }

    #[test]
    fn what_is_no_message() {
        for message in
            [&b""[..], b"tim", b"\0tim", b"\0tim\0", b"\0\0x", b"\0a\0b\0c", b"\xff\0a\0b", b"\0\xff\0b"]
        {
            assert!(matches!(parse(message), Err(AuthError::Malformed(_))), "{message:?}");
        }
        // Latin 1 passwords of old clients are looked at.
        assert_eq!(parse(b"\0a\0\xe4"), Ok(("", "a", &b"\xe4"[..])));
    }
}
