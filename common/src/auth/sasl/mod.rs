//! SASL (RFC 4422): the table of mechanisms and the exchange that runs one of them.
//!
//! A mechanism is a row and a file. A file has what its messages mean; the exchange has what all share: the limit, the
//! empty first challenge, throttling, the last acknowledgement.

mod cram;
mod external;
mod login;
mod oauth;
mod plain;
mod scram;

use std::sync::Arc;

use super::conclude::{Attempt, Claim, Login};
use super::{AuthError, Context, Identity, Shared};
use crate::password::ScramHash;

/// No message of any mechanism is longer, tokens included.
const MAX_OCTETS: usize = 64 * 1024;

/// One mechanism.
pub(super) struct Mechanism {
    pub name: &'static str,
    needs: Needs,
    begin: fn(&Shared, &Context) -> State,
}

/// What a mechanism needs beside its name among the allowed ones.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// That nobody reads along.
    Privacy,
    /// Kept SCRAM keys, and privacy: the keys of a login can be guessed at.
    ScramKeys,
    /// SCRAM keys and something of the TLS session to bind to.
    ChannelBinding,
    /// An issuer of tokens, and privacy.
    Tokens,
    ClientCertificate,
    /// A site that asks for it, and nothing else.
    ChallengeMechanisms,
}

/// Strongest first: clients take the first that they know.
static MECHANISMS: &[Mechanism] = &[
    Mechanism {
        name: "SCRAM-SHA-256-PLUS",
        needs: Needs::ChannelBinding,
        begin: |s, c| scram_plus(s, c, ScramHash::Sha256),
    },
    Mechanism {
        name: "SCRAM-SHA-256",
        needs: Needs::ScramKeys,
        begin: |s, c| scram(s, c, ScramHash::Sha256),
    },
    Mechanism {
        name: "SCRAM-SHA-1-PLUS",
        needs: Needs::ChannelBinding,
        begin: |s, c| scram_plus(s, c, ScramHash::Sha1),
    },
    Mechanism { name: "SCRAM-SHA-1", needs: Needs::ScramKeys, begin: |s, c| scram(s, c, ScramHash::Sha1) },
    Mechanism { name: "EXTERNAL", needs: Needs::ClientCertificate, begin: |_, _| State::External },
    Mechanism { name: "OAUTHBEARER", needs: Needs::Tokens, begin: |_, _| State::Oauth(oauth::Form::Bearer) },
    Mechanism { name: "XOAUTH2", needs: Needs::Tokens, begin: |_, _| State::Oauth(oauth::Form::Xoauth2) },
    Mechanism {
        name: "CRAM-MD5",
        needs: Needs::ChallengeMechanisms,
        begin: |s, _| State::Cram(cram::challenge(s)),
    },
    Mechanism { name: "PLAIN", needs: Needs::Privacy, begin: |_, _| State::Plain },
    Mechanism { name: "LOGIN", needs: Needs::Privacy, begin: |_, _| State::Login(None) },
];

fn scram(shared: &Shared, context: &Context, hash: ScramHash) -> State {
    // A client that could bind and says that we could not has been lied to.
    let plus = offered(shared, context).any(|mechanism| mechanism.needs == Needs::ChannelBinding);
    State::Scram(Box::new(scram::Scram::new(hash, scram::Channel::Unbound { plus_offered: plus })))
}

fn scram_plus(_: &Shared, context: &Context, hash: ScramHash) -> State {
    let exporter = context.tls.as_ref().and_then(|tls| tls.exporter.clone()).unwrap_or_default();
    State::Scram(Box::new(scram::Scram::new(hash, scram::Channel::Exporter(exporter))))
}

/// Refuses names of mechanisms that there are not.
pub(super) fn check_names(names: &[String]) -> Result<(), String> {
    for name in names {
        if find(name).is_none() {
            let known: Vec<&str> = MECHANISMS.iter().map(|mechanism| mechanism.name).collect();
            return Err(format!("there is no SASL mechanism {name:?}; there are {}", known.join(", ")));
        }
    }
    Ok(())
}

/// What can be used here, best first.
pub(super) fn offered<'a>(
    shared: &'a Shared,
    context: &'a Context,
) -> impl Iterator<Item = &'static Mechanism> + 'a {
    allowed(shared).into_iter().filter(|mechanism| mechanism.is_possible(shared, context))
}

/// What the site allows, in its order.
fn allowed(shared: &Shared) -> Vec<&'static Mechanism> {
    if shared.options.mechanisms.is_empty() {
        return MECHANISMS.iter().collect();
    }
    shared.options.mechanisms.iter().filter_map(|name| find(name)).collect()
}

fn find(name: &str) -> Option<&'static Mechanism> {
    MECHANISMS.iter().find(|mechanism| mechanism.name.eq_ignore_ascii_case(name))
}

impl Mechanism {
    fn is_possible(&self, shared: &Shared, context: &Context) -> bool {
        self.is_set_up(shared, context) && (!self.needs_privacy() || shared.is_private(context))
    }

    fn is_set_up(&self, shared: &Shared, context: &Context) -> bool {
        let tls = context.tls.as_ref();
        match self.needs {
            Needs::Privacy => true,
            Needs::ScramKeys => shared.options.scram,
            Needs::ChannelBinding => shared.options.scram && tls.is_some_and(|tls| tls.exporter.is_some()),
            Needs::Tokens => shared.tokens.is_some(),
            Needs::ClientCertificate => tls.is_some_and(|tls| tls.client.is_some()),
            Needs::ChallengeMechanisms => shared.options.challenge_mechanisms,
        }
    }

    fn needs_privacy(&self) -> bool {
        match self.needs {
            Needs::Privacy | Needs::ScramKeys | Needs::Tokens => true,
            // Both come with TLS.
            Needs::ChannelBinding | Needs::ClientCertificate => false,
            Needs::ChallengeMechanisms => false,
        }
    }
}

/// A SASL exchange: bytes in, step out. Base64 is the protocol's work.
pub struct Exchange {
    shared: Arc<Shared>,
    context: Context,
    mechanism: &'static Mechanism,
    state: State,
    /// Nothing was said yet.
    fresh: bool,
}

/// What the server does next in an [`Exchange`].
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send it and wait for the client. Empty for mechanisms in which the client begins and sent no initial response.
    Challenge(Vec<u8>),
    /// Done. IMAP and POP3 carry the mechanism's last data (SCRAM's server signature) as one more challenge that the
    /// client answers with nothing; the exchange does that itself, so there is nothing left to send here.
    Done(Identity),
}

/// What the next response is taken for.
enum State {
    Plain,
    /// The name, once it was told.
    Login(Option<String>),
    Scram(Box<scram::Scram>),
    Oauth(oauth::Form),
    External,
    Cram(String),
    /// The proof was good; the client only has to take note of the server's last message.
    Acknowledge(Claim, Login),
    /// The token was not; the client only has to take note of why.
    Refused(Claim, AuthError),
    Over,
}

/// What a mechanism makes of a response.
enum Next {
    Challenge(Vec<u8>, State),
    /// Decided.
    Outcome(Claim, Result<Login, AuthError>),
}

impl Exchange {
    pub(super) fn start(
        shared: Arc<Shared>,
        mechanism: &str,
        context: &Context,
    ) -> Result<Exchange, AuthError> {
        let allowed = allowed(&shared).into_iter();
        let mut named = allowed.filter(|row| row.name.eq_ignore_ascii_case(mechanism));
        let mechanism = named.next().ok_or(AuthError::UnknownMechanism)?;
        if mechanism.needs_privacy() && !shared.is_private(context) {
            return Err(AuthError::EncryptionNeeded);
        }
        if !mechanism.is_possible(&shared, context) {
            return Err(AuthError::UnknownMechanism);
        }
        shared.throttle.admit(context)?;
        let state = (mechanism.begin)(&shared, context);
        Ok(Exchange { shared, context: context.clone(), mechanism, state, fresh: true })
    }

    /// `None`: the client sent no initial response. After an error, or when the call was cancelled, the exchange is over.
    pub async fn step(&mut self, response: Option<&[u8]>) -> Result<Step, AuthError> {
        let fresh = std::mem::replace(&mut self.fresh, false);
        let state = std::mem::replace(&mut self.state, State::Over);
        let Some(response) = response else {
            let challenge = if fresh { state.first_challenge() } else { Vec::new() };
            self.state = state;
            return Ok(Step::Challenge(challenge));
        };
        if response.len() > MAX_OCTETS {
            return Err(AuthError::Malformed(format!("longer than {MAX_OCTETS} octets")));
        }
        let attempt = Attempt::begin(&self.shared, &self.context, self.mechanism.name)?;
        match run(&attempt, state, response, fresh).await? {
            Next::Challenge(challenge, state) => {
                self.state = state;
                Ok(Step::Challenge(challenge))
            }
            Next::Outcome(claim, outcome) => attempt.conclude(claim, outcome).await.map(Step::Done),
        }
    }
}

impl State {
    /// What the server says first.
    fn first_challenge(&self) -> Vec<u8> {
        match self {
            State::Login(_) => login::USER_NAME.to_vec(),
            State::Cram(challenge) => challenge.clone().into_bytes(),
            // RFC 4422 section 5, 2: an empty challenge where the client begins.
            _ => Vec::new(),
        }
    }
}

async fn run(attempt: &Attempt<'_>, state: State, response: &[u8], fresh: bool) -> Result<Next, AuthError> {
    match state {
        State::Plain => plain::run(attempt, response).await,
        State::Login(None) => login::name(response),
        State::Login(Some(name)) => login::password(attempt, &name, response).await,
        State::Scram(scram) => scram.run(attempt, response).await,
        State::Oauth(form) => oauth::run(attempt, form, response).await,
        State::External => external::run(attempt, response).await,
        // RFC 2195 section 2: the server begins.
        State::Cram(_) if fresh => Err(malformed("CRAM-MD5 has no initial response")),
        State::Cram(challenge) => cram::run(attempt, &challenge, response).await,
        State::Acknowledge(claim, login) if response.is_empty() => Ok(Next::Outcome(claim, Ok(login))),
        State::Acknowledge(..) => Err(malformed("the last response must be empty")),
        State::Refused(claim, error) => Ok(Next::Outcome(claim, Err(error))),
        State::Over => Err(malformed("the exchange is over")),
    }
}

fn malformed(text: &str) -> AuthError {
    AuthError::Malformed(text.to_owned())
}

fn utf8(octets: &[u8]) -> Result<&str, AuthError> {
    str::from_utf8(octets).map_err(|_| malformed("not UTF-8"))
}

/// Whether the identity to act as (RFC 4422 section 2) is the one that was proved; nobody acts as someone else.
fn is_oneself(authzid: &str, authcid: &str, account: &str) -> bool {
    authzid.is_empty() || authzid == authcid || authzid.eq_ignore_ascii_case(account)
}

#[cfg(test)]
mod tests;
