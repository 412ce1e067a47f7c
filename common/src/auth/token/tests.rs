//! Tokens signed with keys made here, and the exchanges that carry them.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header, encode};
use rcgen::KeyPair;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::auth::tests::{identity, outside, site, without_tls};
use crate::auth::{Authenticator, Context, Step};

struct Issuer {
    id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
    public: Value,
}

impl Issuer {
    fn new(id: &'static str, algorithm: Algorithm) -> Issuer {
        let kind = match algorithm {
            Algorithm::ES256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Algorithm::EdDSA => &rcgen::PKCS_ED25519,
            _ => &rcgen::PKCS_RSA_SHA256,
        };
        let pair = KeyPair::generate_for(kind).unwrap();
        let pem = pair.serialize_pem();
        let encode = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
        let raw = pair.public_key_raw();
        let (key, public) = match algorithm {
            Algorithm::ES256 => (
                EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(),
                json!({"kty": "EC", "crv": "P-256", "x": encode(&raw[1..33]), "y": encode(&raw[33..65])}),
            ),
            Algorithm::EdDSA => (
                EncodingKey::from_ed_pem(pem.as_bytes()).unwrap(),
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(raw)}),
            ),
            // RSAPublicKey: a sequence of two integers; 2048 bits with a zero before, then 65537.
            _ => (
                EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
                json!({"kty": "RSA", "n": encode(&raw[raw.len() - 261..raw.len() - 5]), "e": "AQAB"}),
            ),
        };
        Issuer { id, algorithm, key, public }
    }

    fn jwk(&self, more: Value) -> Value {
        let mut jwk = self.public.clone();
        jwk["kid"] = json!(self.id);
        for (name, value) in more.as_object().unwrap() {
            jwk[name] = value.clone();
        }
        jwk
    }

    fn token(&self, change: Value) -> String {
        let mut claims = claims();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.id.to_owned());
        encode(&header, &claims, &self.key).unwrap()
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Value {
    json!({"iss": "https://id.example.test", "aud": ["mail", "x"], "exp": now() + 600, "email": "alice@example.test"})
}

struct Setup {
    _folder: TempDir,
    file: PathBuf,
    options: OauthOptions,
}

fn setup(keys: &[Value]) -> Setup {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("keys.json");
    fs::write(&file, json!({"keys": keys}).to_string()).unwrap();
    let options = OauthOptions {
        keys: file.clone(),
        issuer: "https://id.example.test".into(),
        audience: Some("mail".into()),
        claim: "email".into(),
    };
    Setup { _folder: folder, file, options }
}

fn alice() -> Result<String, AuthError> {
    Ok("alice@example.test".into())
}

#[test]
fn every_accepted_algorithm() {
    for algorithm in ALGORITHMS {
        let issuer = Issuer::new("a", algorithm);
        let named = issuer.jwk(json!({"alg": format!("{algorithm:?}"), "use": "sig"}));
        for keys in [[issuer.jwk(json!({}))], [named]] {
            let tokens = Tokens::new(setup(&keys).options).unwrap();
            assert_eq!(tokens.account(&issuer.token(json!({}))), alice(), "{algorithm:?}");
        }
    }
}

#[test]
fn claims_must_fit() {
    let issuer = Issuer::new("a", Algorithm::ES256);
    let setup = setup(&[issuer.jwk(json!({}))]);
    let tokens = Tokens::new(setup.options.clone()).unwrap();
    for (change, expected) in [
        (json!({"exp": now() - 30}), alice()),
        (json!({"exp": now() - 90}), Err(AuthError::Expired)),
        (json!({"exp": null}), Err(AuthError::Failed)),
        (json!({"iss": "https://evil.example.test"}), Err(AuthError::Failed)),
        (json!({"iss": null}), Err(AuthError::Failed)),
        (json!({"aud": "other"}), Err(AuthError::Failed)),
        (json!({"aud": null}), Err(AuthError::Failed)),
        (json!({"aud": "mail"}), alice()),
        (json!({"nbf": now() + 600}), Err(AuthError::Failed)),
        (json!({"email": null}), Err(AuthError::Failed)),
        (json!({"email": 5}), Err(AuthError::Failed)),
        (json!({"email_verified": false}), Err(AuthError::Failed)),
        (json!({"email_verified": true}), alice()),
    ] {
        assert_eq!(tokens.account(&issuer.token(change.clone())), expected, "{change}");
    }
    let anyone = Tokens::new(OauthOptions { audience: None, claim: "sub".into(), ..setup.options }).unwrap();
    assert_eq!(anyone.account(&issuer.token(json!({"aud": "other", "sub": "bob"}))), Ok("bob".into()));
}

#[test]
fn forged_tokens() {
    let (issuer, mallory) = (Issuer::new("a", Algorithm::ES256), Issuer::new("a", Algorithm::ES256));
    let rsa = Issuer::new("r", Algorithm::RS256);
    let tokens =
        Tokens::new(setup(&[issuer.jwk(json!({})), rsa.jwk(json!({"alg": "RS256"}))]).options).unwrap();
    let good = issuer.token(json!({}));
    let mut parts = good.split('.');
    let (header, body, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let other_body = encode(
        json!({"iss": "https://id.example.test", "aud": "mail", "exp": now() + 600, "email": "bob@example.test"}),
    );
    let none = encode(json!({"alg": "none", "kid": "a"}));
    // The public key as the secret of an HMAC.
    let secret = EncodingKey::from_secret(issuer.public["x"].as_str().unwrap().as_bytes());
    let hmac = encode_with(Header::new(Algorithm::HS256), &secret);
    // Another algorithm than the key says that it is for.
    let mut header_pss = Header::new(Algorithm::PS256);
    header_pss.kid = Some("r".into());
    let pss = encode_with(header_pss, &rsa.key);
    let unknown_key =
        encode_with(Header { kid: Some("z".into()), ..Header::new(Algorithm::ES256) }, &issuer.key);
    for token in [
        mallory.token(json!({})),
        format!("{header}.{other_body}.{signature}"),
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{header}.{body}."),
        hmac,
        pss,
        unknown_key,
        String::new(),
        "a.b.c".into(),
        "..".into(),
    ] {
        assert_eq!(tokens.account(&token), Err(AuthError::Failed), "{token}");
    }
    assert_eq!(tokens.account(&good), alice());
    // A token that names no key is tried with each.
    assert_eq!(tokens.account(&encode_with(Header::new(Algorithm::ES256), &issuer.key)), alice());
}

fn encode_with(header: Header, key: &EncodingKey) -> String {
    encode(&header, &claims(), key).unwrap()
}

#[test]
fn new_keys_are_read_and_damaged_ones_left() {
    let (old, new) = (Issuer::new("old", Algorithm::ES256), Issuer::new("new", Algorithm::EdDSA));
    let setup = setup(&[old.jwk(json!({}))]);
    let tokens = Tokens::new(setup.options.clone()).unwrap();
    assert_eq!(tokens.account(&new.token(json!({}))), Err(AuthError::Failed));
    let write = |text: String, seconds| {
        fs::write(&setup.file, text).unwrap();
        let file = fs::File::options().write(true).open(&setup.file).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(seconds)).unwrap();
    };
    write(json!({"keys": [new.jwk(json!({}))]}).to_string(), 10);
    assert_eq!(tokens.account(&new.token(json!({}))), alice());
    assert_eq!(tokens.account(&old.token(json!({}))), Err(AuthError::Failed));
    write("{".into(), 20);
    assert_eq!(tokens.account(&new.token(json!({}))), alice());
    fs::remove_file(&setup.file).unwrap();
    assert_eq!(tokens.account(&new.token(json!({}))), alice());
}

#[test]
fn files_without_usable_keys_are_refused() {
    let issuer = Issuer::new("a", Algorithm::ES256);
    let unusable = [
        issuer.jwk(json!({"use": "enc"})),
        issuer.jwk(json!({"key_ops": ["encrypt"]})),
        issuer.jwk(json!({"alg": "ES384"})),
        json!({"kty": "oct", "k": "AAAA", "kid": "a"}),
        json!({"kty": "new", "kid": "a"}),
        json!(5),
    ];
    let told = Tokens::new(setup(&unusable).options).err().unwrap();
    assert!(told.contains("keys.json: has no key"), "{told}");
    // One that is understood among them is enough.
    let mixed = [&unusable[..], &[issuer.jwk(json!({"key_ops": ["verify"]}))]].concat();
    assert_eq!(Tokens::new(setup(&mixed).options).unwrap().account(&issuer.token(json!({}))), alice());
    for text in ["", "[]", "{}", "{\"keys\": 1}"] {
        let setup = setup(&[]);
        fs::write(&setup.file, text).unwrap();
        assert!(Tokens::new(setup.options.clone()).err().unwrap().contains("keys.json"), "{text}");
    }
}

async fn say(
    authenticator: &Authenticator,
    context: &Context,
    mechanism: &str,
    message: &str,
) -> [Result<Step, AuthError>; 2] {
    let mut exchange = authenticator.start(mechanism, context).unwrap();
    let first = exchange.step(Some(message.as_bytes())).await;
    [first, exchange.step(Some(b"\x01")).await]
}

#[tokio::test(start_paused = true)]
async fn exchanges() {
    let issuer = Issuer::new("a", Algorithm::ES256);
    let setup = setup(&[issuer.jwk(json!({}))]);
    let (authenticator, accounts) = site(|options| options.oauth = Some(setup.options.clone()));
    accounts.set("alice@example.test", None, |_| {});
    let here = outside("192.0.2.1");
    assert!(["OAUTHBEARER", "XOAUTH2"].iter().all(|name| authenticator.mechanisms(&here).contains(name)));
    assert_eq!(authenticator.start("XOAUTH2", &without_tls()).err(), Some(AuthError::EncryptionNeeded));

    let good = issuer.token(json!({}));
    let bearer = |user: &str, token: &str| format!("n,{user},\x01host=x\x01auth=Bearer {token}\x01\x01");
    let xoauth2 = |user: &str, token: &str| format!("user={user}\x01auth=Bearer {token}\x01\x01");
    for (mechanism, message) in [
        ("OAUTHBEARER", bearer("a=alice@example.test", &good)),
        ("OAUTHBEARER", bearer("", &good)),
        ("XOAUTH2", xoauth2("alice@example.test", &good)),
    ] {
        let [outcome, _] = say(&authenticator, &here, mechanism, &message).await;
        assert_eq!(outcome, identity("alice@example.test", mechanism).map(Step::Done));
    }
    let expired = issuer.token(json!({"exp": now() - 600}));
    let unknown = issuer.token(json!({"email": "nobody@example.test"}));
    for (mechanism, message, status, error) in [
        // RFC 7628 section 3.2.2
        ("OAUTHBEARER", bearer("", "x"), "invalid_token", AuthError::Failed),
        ("OAUTHBEARER", bearer("a=bob@example.test", &good), "invalid_token", AuthError::NotAuthorized),
        ("OAUTHBEARER", bearer("", &unknown), "invalid_token", AuthError::Failed),
        ("OAUTHBEARER", bearer("", &expired), "invalid_token", AuthError::Expired),
        ("XOAUTH2", xoauth2("bob@example.test", &good), "401", AuthError::NotAuthorized),
    ] {
        let [first, second] = say(&authenticator, &here, mechanism, &message).await;
        let Ok(Step::Challenge(reason)) = first else { panic!("no reason for {message}") };
        let reason: Value = serde_json::from_slice(&reason).unwrap();
        assert_eq!((reason["status"].as_str(), second), (Some(status), Err(error)), "{message}");
    }
    accounts.set("alice@example.test", None, |account| account.imap = false);
    let [outcome, _] = say(&authenticator, &here, "OAUTHBEARER", &bearer("", &good)).await;
    assert!(matches!(outcome, Err(AuthError::Disabled(_))));
}
