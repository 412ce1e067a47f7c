//! The store's directory of accounts, as authentication asks it.

use common::auth::{AppSecret, Credentials, Directory, Protocol, Unavailable};
use store::{AccountName, AccountRecord, AppPassword, Store};

use common::time;

/// "Last used" of an app password is written to the disk at most so often, in seconds.
const LAST_USED_STEP: i64 = 3600;

/// Built-in accounts.
pub struct Accounts(pub Store);

impl Directory for Accounts {
    fn find(&self, name: &str) -> Result<Option<Credentials>, Unavailable> {
        // A name that no account can have is simply not there.
        let Ok(name) = AccountName::new(name) else { return Ok(None) };
        match self.0.directory().find(&name) {
            Ok(record) => Ok(record.map(credentials)),
            Err(error) => {
                tracing::error!(account = %name, "the directory of accounts cannot be read: {error}");
                Err(Unavailable(error.to_string()))
            }
        }
    }

    fn upgrade(&self, account: &str, old: &str, hash: String) {
        self.change(account, &mut |record| {
            if record.password.as_deref() == Some(old) {
                record.password = Some(hash.clone());
            }
        });
    }

    fn logged_in(&self, account: &str, protocol: Protocol, app_password: Option<&str>) {
        let Ok(name) = AccountName::new(account) else { return };
        match protocol {
            Protocol::Imap => self.0.directory().record_login(&name, false),
            Protocol::Pop3 => self.0.directory().record_login(&name, true),
            // "Last login" tells who still uses which protocol to read mail.
            Protocol::Smtp | Protocol::Web | Protocol::Api => {}
        }
        if let Some(label) = app_password {
            self.used(account, label);
        }
    }
}

impl Accounts {
    fn used(&self, account: &str, label: &str) {
        let now = time::now();
        let recent = |password: &AppPassword| {
            password.label != label || password.last_used.is_some_and(|last| now - last < LAST_USED_STEP)
        };
        let Ok(name) = AccountName::new(account) else { return };
        if self
            .0
            .directory()
            .find(&name)
            .is_ok_and(|record| record.is_none_or(|record| record.app_passwords.iter().all(recent)))
        {
            return;
        }
        self.change(account, &mut |record| {
            for password in record.app_passwords.iter_mut().filter(|password| password.label == label) {
                password.last_used = Some(now);
            }
        });
    }

    fn change(&self, account: &str, change: &mut dyn FnMut(&mut AccountRecord)) {
        let Ok(name) = AccountName::new(account) else { return };
        if let Err(error) = self.0.directory().update(&name, change) {
            // The login was good all the same; the next one tries again.
            tracing::warn!(account, "the account's record cannot be brought up to date: {error}");
        }
    }
}

fn credentials(record: AccountRecord) -> Credentials {
    Credentials {
        account: record.name.to_string(),
        password: record.password,
        app_passwords: record.app_passwords.into_iter().map(secret).collect(),
        imap: record.switches.imap,
        pop3: record.switches.pop3,
        smtp: record.switches.smtp,
        login: record.switches.login,
        administrator: record.administrator,
    }
}

fn secret(password: AppPassword) -> AppSecret {
    // The protocols were checked when the password was made, so a word that is not known here is of a newer version and
    // allows nothing that this one has.
    let protocol = |name: &String| match name.as_str() {
        "imap" => Some(Protocol::Imap),
        "pop3" => Some(Protocol::Pop3),
        "api" => Some(Protocol::Api),
        "smtp" => Some(Protocol::Smtp),
        _ => None,
    };
    let known: Vec<Protocol> = password.protocols.iter().filter_map(protocol).collect();
    let none_known = known.is_empty() && !password.protocols.is_empty();
    AppSecret {
        label: password.label,
        password: password.password,
        protocols: known,
        expires: if none_known { Some(0) } else { password.expires },
    }
}
