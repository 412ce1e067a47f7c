//! Passwords for single programs.

use store::{AccountName, AppPassword};

use super::{Context, PasswordHash, acceptable, no_account};
use crate::outcome::{AppPasswordView, Outcome};
use crate::{Failure, Kind};

/// Each is one more hash that a login may have to try.
const LIMIT: usize = 32;

pub(super) struct New<'a> {
    pub(super) label: &'a str,
    pub(super) password: &'a PasswordHash,
    pub(super) protocols: &'a [String],
    pub(super) expires: Option<i64>,
}

pub(super) fn add(context: &Context<'_>, account: &AccountName, new: &New<'_>) -> Result<Outcome, Failure> {
    check(new)?;
    let created = common::time::now();
    let mut refusal = None;
    context.store.directory().update(account, &mut |record| {
        if record.app_passwords.iter().any(|password| password.label == new.label) {
            refusal = Some(Failure::new(
                Kind::Exists,
                format!("{account} has an app password {:?} already", new.label),
                "Choose another label, or remove that one first.",
            ));
        } else if record.app_passwords.len() >= LIMIT {
            let reason = format!("{account} has {LIMIT} app passwords already");
            refusal = Some(Failure::new(Kind::Limit, reason, "Remove one that is not used any more."));
        } else {
            record.app_passwords.push(AppPassword {
                label: new.label.to_owned(),
                password: new.password.0.clone(),
                protocols: new.protocols.to_vec(),
                expires: new.expires,
                created,
                last_used: None,
            });
        }
    })?;
    match refusal {
        Some(failure) => Err(failure),
        None => Ok(Outcome::done(format!("{account} has an app password {:?} now.", new.label))),
    }
}

fn check(new: &New<'_>) -> Result<(), Failure> {
    acceptable(new.password)?;
    if new.label.is_empty() || new.label.len() > 100 || new.label.chars().any(char::is_control) {
        let reason = format!("{:?} cannot be a label: one line of 1 to 100 octets is needed", new.label);
        return Err(Failure::new(
            Kind::Invalid,
            reason,
            "Name the program and the device, such as \"phone\".",
        ));
    }
    match new.protocols.iter().find(|name| !["imap", "pop3", "smtp", "api"].contains(&name.as_str())) {
        Some(name) => {
            let reason = format!("{name:?} is no protocol with logins");
            Err(Failure::new(Kind::Invalid, reason, "Use imap, pop3, smtp or api."))
        }
        None => Ok(()),
    }
}

pub(super) fn list(context: &Context<'_>, account: &AccountName) -> Result<Outcome, Failure> {
    let record = context.store.directory().find(account)?.ok_or_else(|| no_account(account))?;
    let view = |password: AppPassword| AppPasswordView {
        label: password.label,
        protocols: password.protocols,
        expires: password.expires,
        created: password.created,
        last_used: password.last_used,
    };
    Ok(Outcome::AppPasswords { app_passwords: record.app_passwords.into_iter().map(view).collect() })
}

pub(super) fn remove(context: &Context<'_>, account: &AccountName, label: &str) -> Result<Outcome, Failure> {
    let mut found = false;
    context.store.directory().update(account, &mut |record| {
        let before = record.app_passwords.len();
        record.app_passwords.retain(|password| password.label != label);
        found = record.app_passwords.len() != before;
    })?;
    if found {
        return Ok(Outcome::done(format!("The app password {label:?} of {account} is removed.")));
    }
    let reason = format!("{account} has no app password {label:?}");
    Err(Failure::new(Kind::Missing, reason, "`restante account app-password list` shows them."))
}
