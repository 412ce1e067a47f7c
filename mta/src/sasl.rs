//! The server's side of Dovecot's protocol for authentication clients, version 1, as Postfix (`smtpd_sasl_type =
//! dovecot`) and Exim (`driver = dovecot`) speak it: the MTA carries SASL between its client and us.
//!
//! Lines of fields with TABs between. We begin: VERSION, MECH for each mechanism, SPID, CUID, COOKIE, DONE. The MTA
//! says VERSION and CPID, then AUTH for each login; CONT goes on with a challenge or a response, OK and FAIL end it.
//! Logins of one connection are looked at one after the other: an MTA's process has one client.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::auth::{AuthError, Context, Exchange, Protocol, Step};
use common::tls::TlsInfo;

use crate::error::{Error, Result};
use crate::fields;
use crate::session::Session;

/// The longest response of a mechanism is a token of 64 KiB.
const LINE_LIMIT: usize = 96 * 1024;
/// Logins that wait for their client's next response, of one connection.
const EXCHANGES: usize = 64;

pub(crate) async fn run(session: &mut Session) -> Result<()> {
    greet(session);
    let mut exchanges = HashMap::new();
    let mut greeted = false;
    loop {
        session.stream.flush_unless_pipelined().await?;
        let line = session.entry.unless_ended(session.stream.read_line(LINE_LIMIT)).await??;
        let fields = fields::split(&line);
        let mut words = fields.iter().map(String::as_str);
        match words.next() {
            Some("VERSION") if words.next() == Some("1") => greeted = true,
            Some("VERSION") => return Err(Error::Malformed("only version 1 is spoken here")),
            Some("AUTH" | "CONT" | "CANCEL") if !greeted => {
                return Err(Error::Malformed("VERSION comes first"));
            }
            Some("AUTH") => auth(session, &mut exchanges, Login::of(&fields[1..])?).await,
            Some("CONT") => cont(session, &mut exchanges, &fields[1..]).await?,
            Some("CANCEL") => drop(exchanges.remove(&id(words.next())?)),
            // CPID, SERVICE, and what newer versions have.
            Some(_) => {}
            None => return Err(Error::Malformed("a line is not UTF-8")),
        }
    }
}

/// What may be used at all; whether it may be used without TLS is decided for each login.
fn greet(session: &mut Session) {
    let best = Context { protocol: Protocol::Smtp, peer: None, local: true, tls: None };
    let mut text = "VERSION\t1\t1\n".to_owned();
    for mechanism in session.service.shared.authenticator.mechanisms(&best) {
        text += &format!("MECH\t{mechanism}{}\n", properties(mechanism));
    }
    // It names the connection in requests that only Dovecot's own services make.
    let cookie = [(); 2].map(|()| format!("{:016x}", RandomState::new().build_hasher().finish())).concat();
    text += &format!("SPID\t{}\nCUID\t{}\nCOOKIE\t{cookie}\nDONE\n", std::process::id(), session.entry.id());
    session.stream.out().extend_from_slice(text.as_bytes());
}

/// By which an MTA's own policy can leave mechanisms out (`smtpd_sasl_security_options`).
fn properties(mechanism: &str) -> &'static str {
    match mechanism {
        // A token is as good as the password to whoever reads along.
        "PLAIN" | "LOGIN" | "OAUTHBEARER" | "XOAUTH2" => "\tplaintext",
        "CRAM-MD5" => "\tdictionary\tactive",
        "SCRAM-SHA-1" | "SCRAM-SHA-256" => "\tmutual-auth",
        _ => "",
    }
}

/// AUTH id mechanism, then parameters.
#[derive(Debug, PartialEq, Eq)]
struct Login {
    id: u32,
    mechanism: String,
    /// The address of the MTA's client; `None`: a program on the MTA's own machine.
    peer: Option<IpAddr>,
    /// The MTA's client uses TLS.
    secured: bool,
    /// In base64.
    response: Option<String>,
}

impl Login {
    fn of(fields: &[String]) -> Result<Login> {
        let id = id(fields.first().map(String::as_str))?;
        let mechanism = fields.get(1).ok_or(Error::Malformed("AUTH has no mechanism"))?.clone();
        let mut login = Login { id, mechanism, peer: None, secured: false, response: None };
        for parameter in &fields[2..] {
            match parameter.split_once('=') {
                Some(("rip", address)) => login.peer = Some(self::address(address)?),
                // Nothing at all is what Exim sends where its client sent no initial response; an empty one is "=".
                Some(("resp", "")) => break,
                // The last one: what a client may have smuggled in behind it does not count.
                Some(("resp", response)) => {
                    login.response = Some(response.to_owned());
                    break;
                }
                None if parameter == "secured" => login.secured = true,
                // Newer versions say how it is secured.
                Some(("secured", _)) => login.secured = true,
                _ => {}
            }
        }
        Ok(login)
    }

    fn context(&self) -> Context {
        let local = self.peer.is_none_or(|peer| peer.is_loopback());
        Context { protocol: Protocol::Smtp, peer: self.peer, local, tls: self.secured.then(at_the_mta) }
    }
}

/// TLS ends at the MTA, so there is nothing to bind to and no certificate to see.
fn at_the_mta() -> Arc<TlsInfo> {
    Arc::new(TlsInfo {
        version: "TLS at the MTA",
        cipher: String::new(),
        server_name: None,
        exporter: None,
        client: None,
    })
}

fn address(text: &str) -> Result<IpAddr> {
    // The scope of a link-local address is of no interest.
    let address = text.split('%').next().unwrap_or_default().parse::<IpAddr>();
    address.map(|address| address.to_canonical()).map_err(|_| Error::Malformed("rip= is no IP address"))
}

fn id(field: Option<&str>) -> Result<u32> {
    let number = field.and_then(|field| field.parse().ok());
    number.ok_or(Error::Malformed("a request needs a number"))
}

type Exchanges = HashMap<u32, Exchange>;

async fn auth(session: &mut Session, exchanges: &mut Exchanges, login: Login) {
    session.begin("AUTH");
    // The number begins anew: what went on under it is over.
    exchanges.remove(&login.id);
    let started = session.service.shared.authenticator.start(&login.mechanism, &login.context());
    match started {
        Ok(_) if exchanges.len() >= EXCHANGES => fail(session, login.id, &AuthError::Unavailable),
        Ok(exchange) => step(session, exchanges, (login.id, exchange), login.response.as_deref()).await,
        Err(error) => fail(session, login.id, &error),
    }
}

/// CONT id response
async fn cont(session: &mut Session, exchanges: &mut Exchanges, fields: &[String]) -> Result<()> {
    let id = id(fields.first().map(String::as_str))?;
    let response = fields.get(1).map(String::as_str).unwrap_or_default();
    match exchanges.remove(&id) {
        Some(exchange) => step(session, exchanges, (id, exchange), Some(response)).await,
        None => fail(session, id, &AuthError::Malformed("there is no such exchange".to_owned())),
    }
    Ok(())
}

async fn step(
    session: &mut Session,
    exchanges: &mut Exchanges,
    (id, mut exchange): (u32, Exchange),
    response: Option<&str>,
) {
    let response = match response.map(decoded).transpose() {
        Ok(response) => response,
        Err(error) => return fail(session, id, &error),
    };
    match exchange.step(response.as_deref()).await {
        Ok(Step::Challenge(challenge)) => {
            say(session, &format!("CONT\t{id}\t{}", STANDARD.encode(challenge)));
            exchanges.insert(id, exchange);
        }
        Ok(Step::Done(identity)) => {
            say(session, &format!("OK\t{id}\tuser={}", fields::escaped(&identity.account)));
        }
        Err(error) => fail(session, id, &error),
    }
}

/// "=" is how SMTP writes an empty initial response (RFC 4954 section 4).
fn decoded(response: &str) -> std::result::Result<Vec<u8>, AuthError> {
    if response == "=" {
        return Ok(Vec::new());
    }
    STANDARD.decode(response).map_err(|_| AuthError::Malformed("the response is not base64".to_owned()))
}

fn fail(session: &mut Session, id: u32, error: &AuthError) {
    // Both spellings, since MTAs know the one or the other.
    let why = match error {
        AuthError::Unavailable | AuthError::LockedOut { .. } => "\ttemp\tcode=temp_fail",
        AuthError::NotAuthorized => "\tauthz\tcode=authz_fail",
        AuthError::Disabled(_) => "\tuser_disabled\tcode=user_disabled",
        AuthError::Expired => "\tpass_expired\tcode=pass_expired",
        AuthError::Failed
        | AuthError::EncryptionNeeded
        | AuthError::UnknownMechanism
        | AuthError::Malformed(_)
        | AuthError::Cancelled => "",
    };
    // The MTA has words of its own for a wrong password.
    let reason = match error {
        AuthError::Failed => String::new(),
        error => format!("\treason={}", fields::escaped(&error.to_string())),
    };
    say(session, &format!("FAIL\t{id}{why}{reason}"));
}

fn say(session: &mut Session, line: &str) {
    session.stream.out().extend_from_slice(line.as_bytes());
    session.stream.out().extend_from_slice(b"\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(line: &str) -> Result<Login> {
        Login::of(&fields::split(line.as_bytes()))
    }

    #[test]
    fn what_postfix_sends() {
        let sent = "1\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1\trip=198.51.100.7\tsecured\tresp=AGEAYg==";
        let want = Login {
            id: 1,
            mechanism: "PLAIN".into(),
            peer: Some("198.51.100.7".parse().unwrap()),
            secured: true,
            response: Some("AGEAYg==".into()),
        };
        assert_eq!(login(sent).unwrap(), want);
    }

    #[test]
    fn parameters_behind_the_response_do_not_count() {
        let sent = login("7\tLOGIN\trip=::ffff:192.0.2.9\tresp=eA==\tsecured\trip=127.0.0.1").unwrap();
        assert_eq!((sent.peer, sent.secured), (Some("192.0.2.9".parse().unwrap()), false));
        assert!(!sent.context().local);
        // An empty one is none, and an empty initial response is "=".
        assert_eq!(login("7\tLOGIN\tresp=").unwrap().response, None);
        assert_eq!(decoded(&login("7\tLOGIN\tresp==").unwrap().response.unwrap()).unwrap(), b"");
    }

    #[test]
    fn loopback_and_programs_on_the_machine_are_local() {
        for (parameters, local) in [("", true), ("\trip=127.0.0.1", true), ("\trip=::1", true)]
            .into_iter()
            .chain([("\trip=fe80::1%eth0", false), ("\trip=2001:db8::1", false)])
        {
            assert_eq!(login(&format!("1\tPLAIN{parameters}")).unwrap().context().local, local);
        }
    }

    #[test]
    fn what_is_no_request() {
        for line in ["", "x\tPLAIN", "1", "-1\tPLAIN", "4294967296\tPLAIN", "1\tPLAIN\trip=here"] {
            assert!(login(line).is_err(), "{line:?}");
        }
    }
}
