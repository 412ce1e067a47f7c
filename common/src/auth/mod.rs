//! Authentication for every protocol: SASL exchanges, LOGIN, USER/PASS, APOP; throttling; constant time for unknown
//! accounts; and the interface to whatever holds the accounts.
//!
//! A fault of the directory is [`AuthError::Unavailable`], never "wrong password": clients forget a password on that.

use std::net::IpAddr;
use std::sync::Arc;

use crate::tls::TlsInfo;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    Imap,
    Pop3,
}

/// The directory of accounts, as authentication sees it. The server implements it over the store; LDAP, SQL and others
/// come behind the same interface. Calls may block.
pub trait Directory: Send + Sync + 'static {
    /// `None`: no such account. Names come as the user typed them.
    fn find(&self, name: &str) -> Result<Option<Credentials>, Unavailable>;
    /// A better hash of a password that was right. `old` is the stored form that it was checked against: when another is
    /// stored by now, the password was changed meanwhile and nothing happens.
    fn upgrade(&self, account: &str, old: &str, hash: String);
    /// A good login, for "last used". `app_password` is the label.
    fn logged_in(&self, account: &str, protocol: Protocol, app_password: Option<&str>);
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("directory unavailable: {0}")]
pub struct Unavailable(pub String);

/// What the directory knows of an account.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The account's name in its stored spelling.
    pub account: String,
    /// `{SCHEME}hash` or PHC; `None`: no login by password.
    pub password: Option<String>,
    pub app_passwords: Vec<AppSecret>,
    pub imap: bool,
    pub pop3: bool,
    pub login: bool,
}

#[derive(Debug, Clone)]
pub struct AppSecret {
    pub label: String,
    pub password: String,
    /// Empty: every protocol.
    pub protocols: Vec<Protocol>,
    /// Seconds since 1970.
    pub expires: Option<i64>,
}

/// Who asks, from where, how protected.
#[derive(Debug, Clone)]
pub struct Context {
    pub protocol: Protocol,
    /// `None` for a unix socket.
    pub peer: Option<IpAddr>,
    pub local: bool,
    pub tls: Option<Arc<TlsInfo>>,
}

/// A good login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Whose mail is opened.
    pub account: String,
    /// `PLAIN`, `LOGIN`, `SCRAM-SHA-256-PLUS`, `APOP`...
    pub mechanism: String,
}

/// Why a login was refused. Protocols turn it into RFC 5530 or RFC 3206 codes by a match without wildcard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Wrong name, password, proof or token: never told apart.
    #[error("authentication failed")]
    Failed,
    /// RFC 5530 EXPIRED: a token or app password.
    #[error("credentials have expired")]
    Expired,
    /// The password is right, but the account is switched off for this protocol, or altogether.
    #[error("{0}")]
    Disabled(String),
    /// Plain-text login without TLS from outside.
    #[error("encryption needed: use TLS")]
    EncryptionNeeded,
    /// No such mechanism, or not offered here.
    #[error("mechanism not supported")]
    UnknownMechanism,
    /// The client's message is no message of the mechanism.
    #[error("{0}")]
    Malformed(String),
    /// `*`
    #[error("authentication cancelled")]
    Cancelled,
    /// Too many failures: locked out for a time.
    #[error("too many failed logins, try again in {seconds} s")]
    LockedOut { seconds: u64 },
    /// The directory cannot be asked now.
    #[error("temporary failure, try again later")]
    Unavailable,
}

/// Settings.
#[derive(Debug, Clone)]
pub struct AuthOptions {
    /// Names allowed in [`Authenticator::mechanisms`], in order of preference. Empty: all but those that need a plain-text copy of the password.
    pub mechanisms: Vec<String>,
    /// Allow plain-text passwords without TLS even from outside.
    pub plaintext_without_tls: bool,
    /// APOP and CRAM-MD5 need the password in plain text (`{PLAIN}`, `{CRAM-MD5}`); only where a site turns them on.
    pub challenge_mechanisms: bool,
    /// Appended to names without `@` when there is no such account.
    pub default_domain: Option<String>,
    /// Failures (per address, and per account) after which further attempts are refused, and for how long.
    pub failures: u32,
    pub lockout_seconds: u64,
    pub oauth: Option<OauthOptions>,
    /// The host name in challenges.
    pub hostname: String,
}

/// OAUTHBEARER and XOAUTH2: tokens are JWTs, verified with these keys.
#[derive(Debug, Clone)]
pub struct OauthOptions {
    /// A JWK set file.
    pub keys: std::path::PathBuf,
    pub issuer: String,
    pub audience: Option<String>,
    /// The claim that names the account (`email`).
    pub claim: String,
}

/// One for the whole server. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator {}

impl Authenticator {
    pub fn new(options: AuthOptions, directory: Arc<dyn Directory>) -> Result<Authenticator, String> {
        let _ = (options, directory);
        unimplemented!()
    }
    /// What to announce here: nothing in plain text without TLS unless allowed, -PLUS only with a channel binding.
    pub fn mechanisms(&self, context: &Context) -> Vec<&'static str> {
        let _ = context;
        unimplemented!()
    }
    /// Whether LOGIN and USER/PASS would be allowed here (else LOGINDISABLED).
    pub fn plaintext_allowed(&self, context: &Context) -> bool {
        let _ = context;
        unimplemented!()
    }
    /// Begins a SASL exchange.
    pub fn start(&self, mechanism: &str, context: &Context) -> Result<Exchange, AuthError> {
        let _ = (mechanism, context);
        unimplemented!()
    }
    /// LOGIN and USER/PASS.
    pub async fn password(
        &self,
        context: &Context,
        name: &str,
        password: &[u8],
    ) -> Result<Identity, AuthError> {
        let _ = (context, name, password);
        unimplemented!()
    }
    /// The timestamp for a POP3 banner (`<...@host>`), when APOP is on.
    pub fn apop_challenge(&self) -> Option<String> {
        unimplemented!()
    }
    /// RFC 1939 section 7.
    pub async fn apop(
        &self,
        context: &Context,
        challenge: &str,
        name: &str,
        digest: &str,
    ) -> Result<Identity, AuthError> {
        let _ = (context, challenge, name, digest);
        unimplemented!()
    }
    /// Who is locked out now (address or account), and for how many seconds: for the administrator.
    pub fn locked_out(&self) -> Vec<(String, u64)> {
        unimplemented!()
    }
    /// Undoes a lockout. False: there was none.
    pub fn unlock(&self, who: &str) -> bool {
        let _ = who;
        unimplemented!()
    }
    /// An over-long command or the like: counts as a failure of the address.
    pub fn misbehaved(&self, context: &Context) {
        let _ = context;
        unimplemented!()
    }
}

/// A SASL exchange: bytes in, step out. Base64 is the protocol's work.
pub struct Exchange {}

pub enum Step {
    /// Send it and wait for the client. Empty for mechanisms in which the client begins and sent no initial response.
    Challenge(Vec<u8>),
    /// Done. IMAP and POP3 carry the mechanism's last data (SCRAM's server signature) as one more challenge that the
    /// client answers with nothing; the exchange does that itself, so there is nothing left to send here.
    Done(Identity),
}

impl Exchange {
    /// `None`: the client sent no initial response.
    pub async fn step(&mut self, response: Option<&[u8]>) -> Result<Step, AuthError> {
        let _ = response;
        unimplemented!()
    }
}
