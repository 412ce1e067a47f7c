//! Is the password right? Accounts that do not exist, or have no password, take as long as others.

use super::conclude::Login;
use super::{AppSecret, AuthError, Credentials, Protocol, Shared};
use crate::password::{self, Verdict};
use crate::time;

/// No password has this hash: verifying it only takes the time that a real one would.
const NOBODY: &str = "{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$bm8gc3VjaCBhY2NvdW50$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Which of an account's secrets the password is.
#[derive(Clone, Copy)]
enum Found {
    Main,
    App(usize),
    Nothing,
    /// Nothing, and the main one cannot be verified at all.
    Unusable,
}

impl Shared {
    /// A login that shows the password. `account` takes the name of the account if there is one.
    pub(super) async fn check_password(
        &self,
        protocol: Protocol,
        name: &str,
        password: &[u8],
        account: &mut Option<String>,
    ) -> Result<Login, AuthError> {
        let Some(credentials) = self.find(name).await? else {
            return self.waste_time(password).await;
        };
        *account = Some(credentials.account.clone());
        let found = match self.known(&credentials, password) {
            Some(found) => found,
            None => self.search(&credentials, password).await?,
        };
        self.judge(&credentials, found, protocol)
    }

    async fn waste_time(&self, password: &[u8]) -> Result<Login, AuthError> {
        let password = password.to_vec();
        self.pool.compute(move || password::verify_octets(NOBODY, &password)).await?;
        Err(AuthError::Failed)
    }

    /// Without computing.
    fn known(&self, credentials: &Credentials, password: &[u8]) -> Option<Found> {
        let knows = |stored: &str| self.recent.knows(&credentials.account, stored, password);
        if credentials.password.as_deref().is_some_and(knows) {
            return Some(Found::Main);
        }
        credentials.app_passwords.iter().position(|app| knows(&app.password)).map(Found::App)
    }

    async fn search(&self, credentials: &Credentials, password: &[u8]) -> Result<Found, AuthError> {
        let (theirs, octets) = (credentials.clone(), password.to_vec());
        let found = self.pool.compute(move || search(&theirs, &octets)).await?;
        match found {
            Found::Main => {
                let stored = credentials.password.as_deref().unwrap_or_default();
                self.recent.remember(&credentials.account, stored, password);
                self.renew(&credentials.account, stored, password);
            }
            Found::App(index) => {
                if let Some(app) = credentials.app_passwords.get(index) {
                    self.recent.remember(&credentials.account, &app.password, password);
                }
            }
            Found::Nothing | Found::Unusable => {}
        }
        Ok(found)
    }

    fn judge(&self, credentials: &Credentials, found: Found, protocol: Protocol) -> Result<Login, AuthError> {
        let app_password = match found {
            Found::Main if protocol == Protocol::Api => {
                return Err(AuthError::Disabled(
                    "the API takes app passwords that are made for it alone".into(),
                ));
            }
            Found::Main => None,
            Found::App(index) => {
                let app = credentials.app_passwords.get(index).ok_or(AuthError::Failed)?;
                may_use(app, protocol)?;
                Some(app.label.clone())
            }
            Found::Nothing => return Err(AuthError::Failed),
            Found::Unusable => {
                tell_unusable(credentials);
                return Err(AuthError::Unavailable);
            }
        };
        credentials.allow(protocol)?;
        Ok(Login { account: credentials.account.clone(), app_password })
    }

    /// Replaces an outdated hash, in the background: the login need not wait for it.
    fn renew(&self, account: &str, stored: &str, password: &[u8]) {
        let needed_as_it_is = self.options.challenge_mechanisms && password::cram_keys(stored).is_some();
        let Ok(password) = str::from_utf8(password) else { return };
        if needed_as_it_is || !password::is_outdated(stored, password, self.options.scram) {
            return;
        }
        let (directory, scram) = (self.directory.clone(), self.options.scram);
        let (account, stored, password) = (account.to_owned(), stored.to_owned(), password.to_owned());
        let pool = self.pool.clone();
        tokio::spawn(async move {
            let done = pool.compute(move || {
                directory.upgrade(&account, &stored, password::renewed(&stored, &password, scram));
                tracing::info!(account, "the stored password hash was replaced by a better one");
            });
            if done.await.is_err() {
                tracing::debug!("too busy to replace a password hash; the next login does it");
            }
        });
    }
}

fn search(credentials: &Credentials, password: &[u8]) -> Found {
    let main = match &credentials.password {
        Some(stored) => password::verify_octets(stored, password),
        // Takes as long.
        None => password::verify_octets(NOBODY, password),
    };
    if matches!(main, Verdict::Right | Verdict::RightButOutdated) {
        return Found::Main;
    }
    let right = |app: &AppSecret| {
        matches!(password::verify_octets(&app.password, password), Verdict::Right | Verdict::RightButOutdated)
    };
    match credentials.app_passwords.iter().position(right) {
        Some(index) => Found::App(index),
        None if main == Verdict::Unusable => Found::Unusable,
        None => Found::Nothing,
    }
}

fn may_use(app: &AppSecret, protocol: Protocol) -> Result<(), AuthError> {
    if app.expires.is_some_and(|expires| expires <= time::now()) {
        return Err(AuthError::Expired);
    }
    // One for every protocol is for mail: it must not open the administration.
    let every =
        app.protocols.is_empty() && matches!(protocol, Protocol::Imap | Protocol::Pop3 | Protocol::Smtp);
    if !every && !app.protocols.contains(&protocol) {
        let name = protocol.name().to_ascii_uppercase();
        return Err(AuthError::Disabled(format!("this app password is not for {name}, make another one")));
    }
    Ok(())
}

/// Not "wrong password": that would be a lie, and the client would forget the right one.
fn tell_unusable(credentials: &Credentials) {
    let reason = credentials.password.as_deref().map(password::acceptable);
    if let Some(Err(reason)) = reason {
        tracing::warn!(account = credentials.account, reason, "the stored password cannot be verified");
    }
}
