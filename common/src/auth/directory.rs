//! The interface to whatever holds the accounts.

use super::{AuthError, Protocol, Shared};

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

/// The directory cannot be asked now: a reason for the log, never for the client.
#[derive(Debug, Clone, thiserror::Error)]
#[error("directory unavailable: {0}")]
pub struct Unavailable(pub String);

/// What the directory knows of an account.
#[derive(Clone)]
pub struct Credentials {
    /// The account's name in its stored spelling.
    pub account: String,
    /// `{SCHEME}hash` or PHC; `None`: no login by password.
    pub password: Option<String>,
    pub app_passwords: Vec<AppSecret>,
    /// Whether the account may use IMAP.
    pub imap: bool,
    /// Whether it may use POP3.
    pub pop3: bool,
    /// Whether it may hand in mail at the MTA.
    pub smtp: bool,
    /// Whether anybody may log in to it at all.
    pub login: bool,
    /// Whether it may administer the server.
    pub administrator: bool,
}

/// An app password: opens the account to one program, and can be taken back alone.
#[derive(Clone)]
pub struct AppSecret {
    pub label: String,
    /// `{SCHEME}hash` or PHC.
    pub password: String,
    /// Empty: every protocol.
    pub protocols: Vec<Protocol>,
    /// Seconds since 1970; `None`: never.
    pub expires: Option<i64>,
}

impl Credentials {
    /// Whether the account may use the protocol at all. To be asked only once the password is known to be right.
    pub(super) fn allow(&self, protocol: Protocol) -> Result<(), AuthError> {
        let on = match protocol {
            Protocol::Imap => self.imap,
            Protocol::Pop3 => self.pop3,
            Protocol::Web | Protocol::Api => self.administrator,
            Protocol::Smtp => self.smtp,
        };
        if !self.login {
            Err(AuthError::Disabled("access to this account is disabled, ask the administrator".into()))
        } else if !on && matches!(protocol, Protocol::Web | Protocol::Api) {
            Err(AuthError::Disabled(
                "this account is no administrator; `restante account set ACCOUNT --administrator on` makes it one".into(),
            ))
        } else if !on {
            let name = protocol.name().to_ascii_uppercase();
            Err(AuthError::Disabled(format!(
                "{name} is switched off for this account, ask the administrator"
            )))
        } else {
            Ok(())
        }
    }
}

/// Hashes are not for logs.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("account", &self.account).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppSecret").field("label", &self.label).finish_non_exhaustive()
    }
}

impl Shared {
    /// Asks the directory, a second time with the default domain.
    pub(super) async fn find(&self, name: &str) -> Result<Option<Credentials>, AuthError> {
        let directory = self.directory.clone();
        let domain = self.options.default_domain.clone().filter(|_| !name.contains('@'));
        let name = name.to_owned();
        let found = self.pool.look_up(move || {
            let found = directory.find(&name)?;
            match (found, domain) {
                (None, Some(domain)) => directory.find(&format!("{name}@{domain}")),
                (found, _) => Ok(found),
            }
        });
        found.await?.map_err(|error: Unavailable| {
            tracing::error!(%error, "a login could not be checked");
            AuthError::Unavailable
        })
    }
}
