//! `[auth]`

use std::path::PathBuf;
use std::time::Duration;

use super::readable;
use crate::nearest::nearest;
use crate::reader::Reader;

/// How people log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// Empty: all that are safe.
    pub mechanisms: Vec<String>,
    pub plaintext_without_tls: bool,
    pub challenge_mechanisms: bool,
    pub scram: bool,
    pub default_domain: Option<String>,
    pub failures: u32,
    pub lockout: Duration,
    pub oauth: Option<Oauth>,
}

/// Tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oauth {
    pub keys: PathBuf,
    pub issuer: String,
    pub audience: Option<String>,
    pub claim: String,
}

const MECHANISMS: [&str; 10] = [
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "PLAIN",
    "LOGIN",
    "OAUTHBEARER",
    "XOAUTH2",
    "EXTERNAL",
    "CRAM-MD5",
];

impl Auth {
    pub(super) fn read(reader: &mut Reader) -> Auth {
        Auth {
            mechanisms: reader.list("auth.mechanisms", mechanism),
            plaintext_without_tls: reader.boolean("auth.plaintext_without_tls"),
            challenge_mechanisms: reader.boolean("auth.challenge_mechanisms"),
            scram: reader.boolean("auth.scram"),
            default_domain: reader.optional("auth.default_domain"),
            failures: u32::try_from(reader.number("auth.failures", 0, 1_000_000)).unwrap_or(u32::MAX),
            lockout: reader.duration("auth.lockout", 0),
            oauth: oauth(reader),
        }
    }
}

fn mechanism(text: &str) -> Result<String, String> {
    let name = text.to_ascii_uppercase();
    if MECHANISMS.contains(&name.as_str()) {
        return Ok(name);
    }
    let known = match nearest(&name, MECHANISMS) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("known are {}", MECHANISMS.join(", ")),
    };
    Err(format!("{text:?} is no SASL mechanism of this server; {known}"))
}

fn oauth(reader: &mut Reader) -> Option<Oauth> {
    let keys = reader.optional_path("auth.oauth_keys");
    let issuer = reader.text("auth.oauth_issuer");
    let audience = reader.optional("auth.oauth_audience");
    let claim = reader.text("auth.oauth_claim");
    let keys = keys?;
    readable(reader, "auth.oauth_keys", &keys);
    if issuer.is_empty() {
        reader.problem(
            "auth.oauth_issuer",
            "oauth_keys is set, so the issuer of the tokens must be too".into(),
        );
    }
    if claim.is_empty() {
        reader.problem("auth.oauth_claim", "the claim that names the account is empty".into());
    }
    Some(Oauth { keys, issuer, audience, claim })
}
