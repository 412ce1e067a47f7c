//! One attempt to log in, from whether it may be made to what follows from it: record, throttle, log.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::time::{Instant, sleep, sleep_until};

use super::{AuthError, Context, Identity, Shared, challenge};
use crate::activity::{Event, EventKind};

/// Names are logged up to here.
const LOGGED: usize = 80;

pub(super) struct Attempt<'a> {
    pub shared: &'a Arc<Shared>,
    pub context: &'a Context,
    mechanism: &'static str,
    began: Instant,
}

/// A proof was good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub account: String,
    /// The label of the app password that was used.
    pub app_password: Option<String>,
}

/// Who wanted to log in, for the throttle and the log.
#[derive(Default)]
pub(super) struct Claim {
    /// As typed.
    pub name: String,
    /// As the directory has it, if there is such an account.
    pub account: Option<String>,
    /// The same for the same wrong password; `None`: it was not shown.
    pub fingerprint: Option<u64>,
}

impl Claim {
    pub fn new(name: &str) -> Claim {
        Claim { name: name.to_owned(), ..Claim::default() }
    }

    /// What failures are counted by.
    pub fn key(&self) -> &str {
        self.account.as_deref().unwrap_or(&self.name)
    }
}

impl<'a> Attempt<'a> {
    /// Refuses who is locked out.
    pub fn begin(
        shared: &'a Arc<Shared>,
        context: &'a Context,
        mechanism: &'static str,
    ) -> Result<Attempt<'a>, AuthError> {
        shared.throttle.admit(context)?;
        Ok(Attempt { shared, context, mechanism, began: Instant::now() })
    }

    /// A login that shows the password.
    pub async fn password(&self, name: &str, password: &[u8]) -> Result<Identity, AuthError> {
        let (claim, outcome) = self.check_password(name, password).await;
        self.conclude(claim, outcome).await
    }

    /// The same up to its outcome.
    pub async fn check_password(&self, name: &str, password: &[u8]) -> (Claim, Result<Login, AuthError>) {
        let mut claim = Claim::new(name);
        claim.fingerprint = Some(fingerprint(name, password));
        self.hold(&claim).await;
        let protocol = self.context.protocol;
        let outcome = self.shared.check_password(protocol, name, password, &mut claim.account).await;
        (claim, outcome)
    }

    pub async fn apop(&self, challenge: &str, name: &str, digest: &str) -> Result<Identity, AuthError> {
        let mut claim = Claim::new(name);
        self.hold(&claim).await;
        let outcome =
            challenge::apop(self.shared, self.context.protocol, [challenge, digest], &mut claim).await;
        self.conclude(claim, outcome).await
    }

    /// An account that is being guessed at is slow for addresses that it never was used from.
    pub async fn hold(&self, claim: &Claim) {
        if let Some(delay) = self.shared.throttle.hold(self.context, claim.key()) {
            sleep(delay).await;
        }
    }

    /// Records and logs; a failure is answered late.
    pub async fn conclude(
        &self,
        claim: Claim,
        outcome: Result<Login, AuthError>,
    ) -> Result<Identity, AuthError> {
        match outcome {
            Ok(login) => Ok(self.succeed(login)),
            Err(error) => {
                self.fail(&claim, &error).await;
                Err(error)
            }
        }
    }

    fn succeed(&self, login: Login) -> Identity {
        let Login { account, app_password } = login;
        self.shared.throttle.succeeded(self.context, &account);
        tracing::info!(
            protocol = self.context.protocol.name(),
            peer = self.context.peer.map(tracing::field::display),
            tls = self.context.tls.as_ref().map(|tls| tls.version),
            mechanism = self.mechanism,
            app_password,
            account,
            "logged in"
        );
        self.count(true);
        self.tell(EventKind::LoggedIn, &account, self.mechanism);
        let (directory, protocol) = (self.shared.directory.clone(), self.context.protocol);
        let name = account.clone();
        // "Last used" is no reason to make the client wait.
        tokio::task::spawn_blocking(move || directory.logged_in(&name, protocol, app_password.as_deref()));
        Identity { account, mechanism: self.mechanism.to_owned() }
    }

    async fn fail(&self, claim: &Claim, error: &AuthError) {
        let name: String = claim.name.chars().filter(|c| !c.is_control()).take(LOGGED).collect();
        tracing::info!(
            protocol = self.context.protocol.name(),
            peer = self.context.peer.map(tracing::field::display),
            mechanism = self.mechanism,
            reason = %error,
            name,
            "login refused"
        );
        self.count(false);
        self.tell(EventKind::LoginRefused, &name, &error.to_string());
        if matches!(error, AuthError::Failed | AuthError::NotAuthorized) {
            let delay = self.shared.throttle.failed(self.context, claim);
            // Counted from the beginning, so that what the check took does not show.
            sleep_until(self.began + delay).await;
        }
    }
}

impl Attempt<'_> {
    fn count(&self, good: bool) {
        self.shared.activity.login(self.context.protocol.name(), good);
    }

    fn tell(&self, kind: EventKind, account: &str, text: &str) {
        self.shared.activity.tell(|| Event {
            account: Some(account.to_owned()),
            peer: self.context.peer.map(|peer| peer.to_string()),
            text: text.to_owned(),
            ..Event::new(kind, self.context.protocol.name())
        });
    }
}

fn fingerprint(name: &str, password: &[u8]) -> u64 {
    // Seeded alike in every run, but never shown and never stored.
    let mut hasher = DefaultHasher::new();
    (name, password).hash(&mut hasher);
    hasher.finish()
}
