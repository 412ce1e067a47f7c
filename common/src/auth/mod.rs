//! Authentication for every protocol: SASL exchanges, LOGIN, USER/PASS, APOP; throttling; constant time for unknown
//! accounts; and the interface to whatever holds the accounts.
//!
//! A fault of the directory is [`AuthError::Unavailable`], never "wrong password": clients forget a password on that.
//!
//! The path of a login: [`Authenticator`] (is it allowed here, is the peer locked out) or a step of an [`Exchange`]; `check`
//! (account, password or proof, switches); `conclude` (record, throttle, log).

mod challenge;
mod check;
mod conclude;
mod directory;
mod pool;
mod recent;
mod sasl;
mod throttle;
mod token;

use std::net::IpAddr;
use std::sync::Arc;

use crate::activity::Activity;
use crate::crypto;
use crate::stream::Stream;
use crate::tls::TlsInfo;
use conclude::Attempt;
pub use directory::{AppSecret, Credentials, Directory, Unavailable};
use pool::Pool;
use recent::Recent;
pub use sasl::{Exchange, Step};
use throttle::Throttle;
use token::Tokens;

/// A protocol that people log in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    Imap,
    Pop3,
    /// Submission, at the site's MTA, which asks us whether the password is right.
    Smtp,
    /// The web page: administrators with their own password.
    Web,
    /// The JSON API: administrators with an app password that is for this.
    Api,
}

impl Protocol {
    /// `imap`, `pop3`, `smtp`, `web`, `api`
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Imap => "imap",
            Protocol::Pop3 => "pop3",
            Protocol::Web => "web",
            Protocol::Api => "api",
            Protocol::Smtp => "smtp",
        }
    }
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

impl Context {
    /// As the stream is now: ask again after a TLS handshake.
    pub fn of(protocol: Protocol, stream: &Stream) -> Context {
        Context { protocol, peer: stream.peer().ip(), local: stream.is_local(), tls: stream.tls().cloned() }
    }
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
    /// The credentials are right, but the client wants to act as somebody else. RFC 5530 AUTHORIZATIONFAILED
    #[error("you may log in as yourself alone: leave the authorization identity empty")]
    NotAuthorized,
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
    /// Since they exist for clients without TLS they are then offered without TLS.
    pub challenge_mechanisms: bool,
    /// SCRAM: the client proves the password without showing it. For that the server keeps keys beside the Argon2id hash,
    /// against which a thief of the store can guess passwords about a hundred times faster; false keeps none (and drops
    /// those there are at the next login), and SCRAM is not offered. An account whose hash was imported has no keys until
    /// its first login with the password itself: while a site has such accounts, `mechanisms` had better name PLAIN alone.
    pub scram: bool,
    /// Appended to names without `@` when there is no such account.
    pub default_domain: Option<String>,
    /// Failures of one address (IPv6: one /64) after which it is refused, and for how long; 0: never. Loopback addresses
    /// and unix sockets are not refused. The same wrong password again does not count, or one forgotten telephone
    /// would lock out a home. For an account as many failures make logins from addresses new to it slower; it is not refused,
    /// since anyone could lock its owner out so.
    pub failures: u32,
    pub lockout_seconds: u64,
    pub oauth: Option<OauthOptions>,
    /// The host name in challenges.
    pub hostname: String,
}

impl Default for AuthOptions {
    fn default() -> AuthOptions {
        AuthOptions {
            mechanisms: Vec::new(),
            plaintext_without_tls: false,
            challenge_mechanisms: false,
            scram: true,
            default_domain: None,
            failures: 20,
            lockout_seconds: 600,
            oauth: None,
            hostname: "localhost".into(),
        }
    }
}

/// OAUTHBEARER and XOAUTH2: tokens are JWTs, verified with these keys.
#[derive(Debug, Clone)]
pub struct OauthOptions {
    /// A JWK set file. Read again when it changes.
    pub keys: std::path::PathBuf,
    pub issuer: String,
    /// Without it a token that the issuer made for any other service opens the mailbox too.
    pub audience: Option<String>,
    /// The claim that names the account (`email`).
    pub claim: String,
}

/// One for the whole server. Cheap to clone.
#[derive(Clone)]
pub struct Authenticator {
    shared: Arc<Shared>,
}

/// What all logins share.
struct Shared {
    directory: Arc<dyn Directory>,
    pool: Pool,
    recent: Recent,
    throttle: Throttle,
    activity: Activity,
    tokens: Option<Tokens>,
    /// Of this process: what unknown accounts are answered with is made from it.
    secret: [u8; 32],
    options: AuthOptions,
}

impl Authenticator {
    /// Fails on an unknown mechanism, and on OAuth keys that cannot be read; the text says what to change.
    pub fn new(options: AuthOptions, directory: Arc<dyn Directory>) -> Result<Authenticator, String> {
        sasl::check_names(&options.mechanisms)?;
        let tokens = options.oauth.clone().map(Tokens::new).transpose()?;
        let shared = Shared {
            directory,
            pool: Pool::new(),
            recent: Recent::new(),
            throttle: Throttle::new(options.failures, options.lockout_seconds),
            activity: Activity::default(),
            tokens,
            secret: crypto::random(),
            options,
        };
        Ok(Authenticator { shared: Arc::new(shared) })
    }

    /// Where logins are counted and told.
    pub fn activity(&self) -> &Activity {
        &self.shared.activity
    }

    /// What to announce here: nothing in plain text without TLS unless allowed, -PLUS only with a channel binding.
    pub fn mechanisms(&self, context: &Context) -> Vec<&'static str> {
        sasl::offered(&self.shared, context).map(|mechanism| mechanism.name).collect()
    }

    /// Whether LOGIN and USER/PASS would be allowed here (else LOGINDISABLED).
    pub fn plaintext_allowed(&self, context: &Context) -> bool {
        self.shared.is_private(context)
    }

    /// Begins a SASL exchange.
    pub fn start(&self, mechanism: &str, context: &Context) -> Result<Exchange, AuthError> {
        Exchange::start(self.shared.clone(), mechanism, context)
    }

    /// LOGIN and USER/PASS.
    pub async fn password(
        &self,
        context: &Context,
        name: &str,
        password: &[u8],
    ) -> Result<Identity, AuthError> {
        if !self.plaintext_allowed(context) {
            return Err(AuthError::EncryptionNeeded);
        }
        let mechanism = match context.protocol {
            Protocol::Imap => "LOGIN",
            Protocol::Pop3 => "USER",
            Protocol::Web => "FORM",
            Protocol::Api => "BASIC",
            Protocol::Smtp => "AUTH",
        };
        let attempt = Attempt::begin(&self.shared, context, mechanism)?;
        attempt.password(name, password).await
    }

    /// The timestamp for a POP3 banner (`<...@host>`), when APOP is on.
    pub fn apop_challenge(&self) -> Option<String> {
        self.shared.options.challenge_mechanisms.then(|| challenge::fresh(&self.shared.options.hostname))
    }

    /// RFC 1939 section 7.
    pub async fn apop(
        &self,
        context: &Context,
        challenge: &str,
        name: &str,
        digest: &str,
    ) -> Result<Identity, AuthError> {
        if !self.shared.options.challenge_mechanisms {
            return Err(AuthError::UnknownMechanism);
        }
        Attempt::begin(&self.shared, context, "APOP")?.apop(challenge, name, digest).await
    }

    /// Which addresses are locked out now, and for how many seconds; and which accounts are being guessed at, so that
    /// logins from new addresses are slow: for the administrator.
    pub fn locked_out(&self) -> Vec<(String, u64)> {
        self.shared.throttle.list()
    }

    /// Undoes a lockout, of an address as [`Authenticator::locked_out`] names it or any address in it, or forgets an account's
    /// failures. False: there was none.
    pub fn unlock(&self, who: &str) -> bool {
        self.shared.throttle.forget(who)
    }

    /// An over-long command or the like: counts as a failure of the address.
    pub fn misbehaved(&self, context: &Context) {
        self.shared.throttle.misbehaved(context);
    }
}

impl Shared {
    /// Whether nobody else can read along, or the site does not mind.
    fn is_private(&self, context: &Context) -> bool {
        context.tls.is_some() || context.local || self.options.plaintext_without_tls
    }
}

#[cfg(test)]
mod tests;
