//! SCRAM-SHA-1, SCRAM-SHA-256 and their -PLUS forms (RFC 5802, RFC 7677, channel binding by RFC 9266).
//!
//! An account that does not exist, or has no keys, gets an exchange like any other that fails at its end.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::Sha256;

use super::{Attempt, AuthError, Claim, Login, Next, Shared, State, is_oneself, malformed, utf8};
use crate::auth::Credentials;
use crate::crypto;
use crate::password::{self, SCRAM_ITERATIONS, ScramHash, ScramKeys};

/// The server's side of one exchange.
pub(super) struct Scram {
    hash: ScramHash,
    channel: Channel,
    /// After the first message.
    first: Option<First>,
}

pub(super) enum Channel {
    /// The form without -PLUS. Whether the server also offered one with.
    Unbound { plus_offered: bool },
    /// The tls-exporter value of this session.
    Exporter(Vec<u8>),
}

/// What the first messages settled.
struct First {
    claim: Claim,
    authzid: String,
    /// `None`: no such account; the keys are made up.
    credentials: Option<Credentials>,
    keys: ScramKeys,
    gs2_header: String,
    nonce: String,
    client_first_bare: String,
    server_first: String,
}

impl Scram {
    pub fn new(hash: ScramHash, channel: Channel) -> Scram {
        Scram { hash, channel, first: None }
    }

    pub async fn run(mut self: Box<Self>, attempt: &Attempt<'_>, response: &[u8]) -> Result<Next, AuthError> {
        let message = utf8(response)?;
        match self.first.take() {
            None => self.begin(attempt, message).await,
            Some(first) => self.finish(attempt, first, message),
        }
    }

    async fn begin(mut self: Box<Self>, attempt: &Attempt<'_>, message: &str) -> Result<Next, AuthError> {
        let client = ClientFirst::parse(message)?;
        let mut claim = Claim::new(&client.name);
        if !self.channel.accepts(&client.flag)? {
            return Ok(Next::Outcome(claim, Err(AuthError::Failed)));
        }
        attempt.hold(&claim).await;
        let found = attempt.shared.find(&client.name).await?;
        claim.account = found.as_ref().map(|credentials| credentials.account.clone());
        let keys = match &found {
            Some(credentials) => self.keys_of(attempt.shared, credentials).await?,
            None => None,
        };
        if found.is_some() && keys.is_none() {
            tracing::info!(
                account = claim.account,
                "the account has no SCRAM keys yet: its password must be set, or used once with PLAIN or LOGIN"
            );
        }
        let (credentials, keys) = match keys {
            Some(keys) => (found, keys),
            None => (None, self.made_up(attempt.shared, claim.key())),
        };
        let nonce = format!("{}{}", client.nonce, STANDARD.encode(crypto::random::<18>()));
        let server_first = format!("r={nonce},s={},i={}", STANDARD.encode(&keys.salt), keys.iterations);
        self.first = Some(First {
            claim,
            authzid: client.authzid,
            credentials,
            keys,
            gs2_header: client.gs2_header.to_owned(),
            nonce,
            client_first_bare: client.bare.to_owned(),
            server_first: server_first.clone(),
        });
        Ok(Next::Challenge(server_first.into_bytes(), State::Scram(self)))
    }

    fn finish(&self, attempt: &Attempt<'_>, first: First, message: &str) -> Result<Next, AuthError> {
        let client = ClientFinal::parse(message)?;
        let proof = self.check(&first, &client);
        let outcome = proof.then_some(first.credentials.as_ref()).flatten().ok_or(AuthError::Failed);
        let login = outcome.and_then(|credentials| {
            if !is_oneself(&first.authzid, &first.claim.name, &credentials.account) {
                return Err(AuthError::NotAuthorized);
            }
            credentials.allow(attempt.context.protocol)?;
            Ok(Login { account: credentials.account.clone(), app_password: None })
        });
        match login {
            Err(error) => Ok(Next::Outcome(first.claim, Err(error))),
            Ok(login) => {
                let last = self.server_final(&first, &client);
                Ok(Next::Challenge(last.into_bytes(), State::Acknowledge(first.claim, login)))
            }
        }
    }

    /// Channel, nonce and proof.
    // RFC 5802 section 3
    fn check(&self, first: &First, client: &ClientFinal<'_>) -> bool {
        let mut bound = first.gs2_header.clone().into_bytes();
        if let Channel::Exporter(exporter) = &self.channel {
            bound.extend_from_slice(exporter);
        }
        if !crypto::equal(&client.channel, &bound)
            || !crypto::equal(client.nonce.as_bytes(), first.nonce.as_bytes())
        {
            return false;
        }
        let signature = self.hash.hmac(&first.keys.stored_key, first.auth_message(client).as_bytes());
        if client.proof.len() != signature.len() {
            return false;
        }
        let client_key: Vec<u8> =
            client.proof.iter().zip(&signature).map(|(proof, sign)| proof ^ sign).collect();
        crypto::equal(&self.hash.digest(&client_key), &first.keys.stored_key)
    }

    /// server-final-message = verifier
    fn server_final(&self, first: &First, client: &ClientFinal<'_>) -> String {
        let signature = self.hash.hmac(&first.keys.server_key, first.auth_message(client).as_bytes());
        format!("v={}", STANDARD.encode(signature))
    }

    /// Kept ones, or made from a password that is kept as it is.
    async fn keys_of(
        &self,
        shared: &Shared,
        credentials: &Credentials,
    ) -> Result<Option<ScramKeys>, AuthError> {
        let Some(stored) = credentials.password.as_deref() else { return Ok(None) };
        let plain = password::plain_text(stored).and_then(|octets| String::from_utf8(octets).ok());
        let prepared = plain.and_then(|plain| Some(password::for_scram(&plain)?.into_owned()));
        let Some(prepared) = prepared else { return Ok(password::scram_keys(stored, self.hash)) };
        let (hash, salt) = (self.hash, self.made_up(shared, &credentials.account).salt);
        let derive = move || ScramKeys::derive(hash, prepared.as_bytes(), &salt, SCRAM_ITERATIONS);
        shared.pool.compute(derive).await.map(Some)
    }

    /// The same for the same name as long as this process lives: asking twice does not tell what is real.
    fn made_up(&self, shared: &Shared, name: &str) -> ScramKeys {
        let name = name.to_lowercase();
        let make = |what: &[u8]| {
            crypto::hmac::<Sha256>(&shared.secret, &[what, self.hash.scheme().as_bytes(), name.as_bytes()])
        };
        ScramKeys {
            iterations: SCRAM_ITERATIONS,
            salt: make(b"salt")[..16].to_vec(),
            stored_key: make(b"stored key"),
            server_key: make(b"server key"),
        }
    }
}

impl First {
    fn auth_message(&self, client: &ClientFinal<'_>) -> String {
        format!("{},{},{}", self.client_first_bare, self.server_first, client.without_proof)
    }
}

impl Channel {
    /// Whether the client's flag fits. False: someone has changed what the client was offered.
    // RFC 5802 section 6
    fn accepts(&self, flag: &Flag<'_>) -> Result<bool, AuthError> {
        match (self, flag) {
            (Channel::Unbound { .. }, Flag::No) => Ok(true),
            (Channel::Unbound { plus_offered }, Flag::Unoffered) => {
                if *plus_offered {
                    tracing::warn!(
                        "a client was told that there is no channel binding: someone may sit in between"
                    );
                }
                Ok(!plus_offered)
            }
            (Channel::Unbound { .. }, Flag::Bound(_)) => {
                Err(malformed("channel binding belongs to the mechanism that ends in -PLUS"))
            }
            (Channel::Exporter(_), Flag::Bound("tls-exporter")) => Ok(true),
            (Channel::Exporter(_), Flag::Bound(_)) => {
                Err(malformed("the only channel binding here is tls-exporter"))
            }
            (Channel::Exporter(_), Flag::No | Flag::Unoffered) => {
                Err(malformed("a mechanism that ends in -PLUS needs a channel binding"))
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Flag<'a> {
    /// `n`: the client cannot bind.
    No,
    /// `y`: it could, but thinks that the server cannot.
    Unoffered,
    /// `p=`
    Bound(&'a str),
}

#[derive(Debug, PartialEq, Eq)]
struct ClientFirst<'a> {
    flag: Flag<'a>,
    /// With both commas.
    gs2_header: &'a str,
    authzid: String,
    bare: &'a str,
    name: String,
    nonce: &'a str,
}

impl<'a> ClientFirst<'a> {
    /// client-first-message = gs2-header client-first-message-bare
    // RFC 5802 section 7
    fn parse(message: &'a str) -> Result<ClientFirst<'a>, AuthError> {
        let no_header = || malformed("SCRAM needs a GS2 header");
        let (flag, rest) = message.split_once(',').ok_or_else(no_header)?;
        let (authzid, bare) = rest.split_once(',').ok_or_else(no_header)?;
        let flag = match flag {
            "n" => Flag::No,
            "y" => Flag::Unoffered,
            _ => Flag::Bound(flag.strip_prefix("p=").ok_or_else(no_header)?),
        };
        let authzid = match authzid {
            "" => String::new(),
            _ => saslname(authzid.strip_prefix("a=").ok_or_else(no_header)?)?,
        };
        let (name, nonce) = Self::parse_bare(bare)?;
        let gs2_header = &message[..message.len() - bare.len()];
        Ok(ClientFirst { flag, gs2_header, authzid, bare, name, nonce })
    }

    /// client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
    fn parse_bare(bare: &str) -> Result<(String, &str), AuthError> {
        let mut attributes = bare.split(',');
        let name = attributes.next().unwrap_or_default();
        // RFC 5802 section 5.1, "m": an extension that must be understood, of which there is none.
        if name.starts_with("m=") {
            return Err(malformed("SCRAM extensions are not supported"));
        }
        let name = name.strip_prefix("n=").ok_or_else(|| malformed("SCRAM needs n= first"))?;
        let nonce = attributes.next().and_then(|nonce| nonce.strip_prefix("r="));
        let nonce =
            nonce.filter(|nonce| is_nonce(nonce)).ok_or_else(|| malformed("SCRAM needs r= after n="))?;
        Ok((saslname(name)?, nonce))
    }
}

struct ClientFinal<'a> {
    channel: Vec<u8>,
    nonce: &'a str,
    proof: Vec<u8>,
    without_proof: &'a str,
}

impl<'a> ClientFinal<'a> {
    /// client-final-message = channel-binding "," nonce ["," extensions] "," proof
    // RFC 5802 section 7
    fn parse(message: &'a str) -> Result<ClientFinal<'a>, AuthError> {
        let (without_proof, proof) =
            message.rsplit_once(",p=").ok_or_else(|| malformed("SCRAM needs p= last"))?;
        let mut attributes = without_proof.split(',');
        let channel = attributes.next().and_then(|channel| channel.strip_prefix("c="));
        let nonce = attributes.next().and_then(|nonce| nonce.strip_prefix("r="));
        Ok(ClientFinal {
            channel: base64(channel.ok_or_else(|| malformed("SCRAM needs c= first"))?)?,
            nonce: nonce.ok_or_else(|| malformed("SCRAM needs r= after c="))?,
            proof: base64(proof)?,
            without_proof,
        })
    }
}

fn base64(text: &str) -> Result<Vec<u8>, AuthError> {
    STANDARD.decode(text).map_err(|_| malformed("not base64"))
}

/// printable = %x21-2B / %x2D-7E
fn is_nonce(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic() && octet != b',')
}

/// saslname: `=2C` is a comma, `=3D` an equals sign, and nothing else follows `=`.
// RFC 5802 section 5.1
pub(super) fn saslname(text: &str) -> Result<String, AuthError> {
    let mut pieces = text.split('=');
    let mut name = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (character, rest) = match piece.as_bytes() {
            [b'2', b'C', ..] => (',', &piece[2..]),
            [b'3', b'D', ..] => ('=', &piece[2..]),
            _ => return Err(malformed("only =2C and =3D may stand in a name")),
        };
        name.push(character);
        name.push_str(rest);
    }
    if name.is_empty() || name.contains('\0') { Err(malformed("the name is empty")) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 5802 section 5
    #[test]
    fn the_rfcs_first_message() {
        let client = ClientFirst::parse("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL").unwrap();
        assert_eq!(
            (&client.flag, client.gs2_header, client.bare),
            (&Flag::No, "n,,", "n=user,r=fyko+d2lbbFgONRv9qkxdawL")
        );
        assert_eq!(
            (client.authzid.as_str(), client.name.as_str(), client.nonce),
            ("", "user", "fyko+d2lbbFgONRv9qkxdawL")
        );
    }

    /// The proofs and signatures of the standards' own examples, with the nonces that stand there.
    fn example(hash: ScramHash, salt: &str, nonces: [&str; 2], proof: &str, verifier: &str) {
        let salt = STANDARD.decode(salt).unwrap();
        let nonce = nonces.concat();
        let first = First {
            claim: Claim::new("user"),
            authzid: String::new(),
            credentials: None,
            keys: ScramKeys::derive(hash, b"pencil", &salt, 4096),
            gs2_header: "n,,".into(),
            client_first_bare: format!("n=user,r={}", nonces[0]),
            server_first: format!("r={nonce},s={},i=4096", STANDARD.encode(&salt)),
            nonce: nonce.clone(),
        };
        let scram = Scram::new(hash, Channel::Unbound { plus_offered: false });
        let message = format!("c=biws,r={nonce},p={proof}");
        let client = ClientFinal::parse(&message).unwrap();
        assert!(scram.check(&first, &client));
        assert_eq!(scram.server_final(&first, &client), format!("v={verifier}"));

        for (from, to) in [("c=biws", "c=eSws"), ("r=", "r=x"), ("p=v0X8", "p=v0X9"), ("p=dHzb", "p=dHzc")] {
            let changed = message.replace(from, to);
            if changed != message {
                assert!(!scram.check(&first, &ClientFinal::parse(&changed).unwrap()), "{changed}");
            }
        }
        let short = format!("c=biws,r={nonce},p=AAAA");
        assert!(!scram.check(&first, &ClientFinal::parse(&short).unwrap()));
    }

    // RFC 5802 section 5
    #[test]
    fn rfc_5802() {
        example(
            ScramHash::Sha1,
            "QSXCR+Q6sek8bf92",
            ["fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j"],
            "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        );
    }

    // RFC 7677 section 3
    #[test]
    fn rfc_7677() {
        example(
            ScramHash::Sha256,
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            ["rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"],
            "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        );
    }

    #[test]
    fn names_are_unescaped() {
        assert_eq!(saslname("a=2Cb=3Dc").as_deref(), Ok("a,b=c"));
        for bad in ["a=", "a=2c", "a=4", "a=2", "", "a=ä"] {
            assert!(saslname(bad).is_err(), "{bad}");
        }
        let client = ClientFirst::parse("p=tls-exporter,a=ad=3Dmin,n=us=2Cer,r=x,ext=1").unwrap();
        assert_eq!(
            (client.flag, client.authzid.as_str(), client.name.as_str()),
            (Flag::Bound("tls-exporter"), "ad=min", "us,er")
        );
        assert_eq!(client.gs2_header, "p=tls-exporter,a=ad=3Dmin,");
    }

    #[test]
    fn what_is_no_first_message() {
        for message in [
            "",
            "n",
            "n,",
            "n,,",
            "x,,n=a,r=b",
            "n,b=c,n=a,r=b",
            "n,,m=1,n=a,r=b",
            "n,,r=b,n=a",
            "n,,n=,r=b",
            "n,,n=a,r=",
            "n,,n=a",
            "n,,n=a,r=\u{e4}",
            "n,,n=a,r=b c",
        ] {
            assert!(matches!(ClientFirst::parse(message), Err(AuthError::Malformed(_))), "{message:?}");
        }
    }

    #[test]
    fn what_is_no_final_message() {
        for message in [
            "",
            "c=biws",
            "c=biws,r=x",
            "c=biws,p=AAAA",
            "r=x,c=biws,p=AAAA",
            "c=?,r=x,p=AAAA",
            "c=biws,r=x,p=?",
            "c=biws,r=x,p=AAAA,z=1",
        ] {
            assert!(matches!(ClientFinal::parse(message), Err(AuthError::Malformed(_))), "{message:?}");
        }
    }

    // RFC 5802 section 6
    #[test]
    fn a_downgrade_is_noticed() {
        let plain = Channel::Unbound { plus_offered: false };
        let beside_plus = Channel::Unbound { plus_offered: true };
        let plus = Channel::Exporter(vec![1]);
        assert_eq!(plain.accepts(&Flag::No), Ok(true));
        assert_eq!(plain.accepts(&Flag::Unoffered), Ok(true));
        assert_eq!(beside_plus.accepts(&Flag::No), Ok(true));
        assert_eq!(beside_plus.accepts(&Flag::Unoffered), Ok(false));
        assert_eq!(plus.accepts(&Flag::Bound("tls-exporter")), Ok(true));
        assert!(beside_plus.accepts(&Flag::Bound("tls-exporter")).is_err());
        assert!(plus.accepts(&Flag::Bound("tls-unique")).is_err());
        assert!(plus.accepts(&Flag::No).is_err() && plus.accepts(&Flag::Unoffered).is_err());
    }
}
