//! Accounts: made, shown, changed, deleted, renamed.

use store::{AccountName, AccountRecord};

use super::{AccountChanges, Context, PasswordHash, acceptable, alias, no_account};
use crate::outcome::{AccountView, Outcome};
use crate::{Failure, passwd};

/// How many accounts one answer holds at most; the client asks again for more.
const LIST_LIMIT: usize = 1000;

pub(super) fn add(
    context: &Context<'_>,
    account: &AccountName,
    password: &Option<PasswordHash>,
    changes: &AccountChanges,
) -> Result<Outcome, Failure> {
    if let Some(password) = password {
        acceptable(password)?;
    }
    let directory = context.store.directory();
    let hash = password.as_ref().map(|password| password.0.clone());
    for added in directory.add(vec![(account.clone(), hash)])? {
        added?;
    }
    if !changes.is_empty() {
        directory.update(account, &mut |record| changes.apply(record))?;
    }
    show(context, account)
}

pub(super) fn list(
    context: &Context<'_>,
    after: Option<&AccountName>,
    limit: usize,
) -> Result<Outcome, Failure> {
    let records = context.store.directory().list(after, limit.min(LIST_LIMIT))?;
    let accounts = records.into_iter().map(|record| view(context, record)).collect::<Result<_, _>>()?;
    Ok(Outcome::Accounts { accounts })
}

pub(super) fn show(context: &Context<'_>, account: &AccountName) -> Result<Outcome, Failure> {
    let record = context.store.directory().find(account)?.ok_or_else(|| no_account(account))?;
    Ok(Outcome::Account(Box::new(view(context, record)?)))
}

pub(super) fn set(
    context: &Context<'_>,
    account: &AccountName,
    changes: &AccountChanges,
) -> Result<Outcome, Failure> {
    context.store.directory().update(account, &mut |record| changes.apply(record))?;
    // A protocol that was switched off goes on in sessions that are open, so they end.
    if [changes.login, changes.imap, changes.pop3].contains(&Some(false)) {
        context.kick_account(account);
    }
    show(context, account)
}

pub(super) fn password(
    context: &Context<'_>,
    account: &AccountName,
    password: Option<&PasswordHash>,
) -> Result<Outcome, Failure> {
    if let Some(password) = password {
        acceptable(password)?;
    }
    let hash = password.map(|password| password.0.clone());
    context.store.directory().update(account, &mut |record| {
        record.password.clone_from(&hash);
        record.password_set = Some(common::time::now());
    })?;
    Ok(Outcome::done(match password {
        Some(_) => format!("{account} has the new password."),
        None => format!("{account} has no password any more; app passwords go on working."),
    }))
}

pub(super) fn delete(context: &Context<'_>, account: &AccountName) -> Result<Outcome, Failure> {
    let record = context.store.directory().find(account)?.ok_or_else(|| no_account(account))?;
    let aliases = alias::farewell(context, store::AccountId(record.id))?;
    context.kick_account(account);
    context.store.directory().delete(account)?;
    Ok(Outcome::done(format!("{account} and its mail are deleted.{aliases}")))
}

pub(super) fn rename(
    context: &Context<'_>,
    from: &AccountName,
    to: &AccountName,
) -> Result<Outcome, Failure> {
    context.store.directory().rename(from, to)?;
    // Sessions opened under the old name are not told of the new one.
    context.kick_account(from);
    Ok(Outcome::done(format!("{from} is {to} now; its mail, password and settings stay.")))
}

impl AccountChanges {
    fn apply(&self, record: &mut AccountRecord) {
        let AccountRecord { limits, switches, administrator, .. } = record;
        limits.bytes = self.bytes.unwrap_or(limits.bytes);
        limits.messages = self.messages.unwrap_or(limits.messages);
        limits.mailboxes = self.mailboxes.unwrap_or(limits.mailboxes);
        *administrator = self.administrator.unwrap_or(*administrator);
        switches.imap = self.imap.unwrap_or(switches.imap);
        switches.pop3 = self.pop3.unwrap_or(switches.pop3);
        switches.smtp = self.smtp.unwrap_or(switches.smtp);
        switches.delivery = self.delivery.unwrap_or(switches.delivery);
        switches.login = self.login.unwrap_or(switches.login);
        if let Some(delete) = &self.pop3_delete {
            record.pop3_policy.delete = delete.own();
        }
        if let Some(seen) = &self.pop3_retr_sets_seen {
            record.pop3_policy.retr_sets_seen = seen.own();
        }
    }
}

fn view(context: &Context<'_>, record: AccountRecord) -> Result<AccountView, Failure> {
    let account = context.store.account(&record.name)?;
    let usage = account.usage()?;
    Ok(AccountView {
        id: record.id,
        name: record.name.to_string(),
        shard: record.shard,
        password: record.password.as_deref().map(passwd::scheme),
        app_passwords: record.app_passwords.into_iter().map(|password| password.label).collect(),
        switches: record.switches,
        limits: record.limits,
        limits_in_force: account.limits()?,
        bytes: usage.bytes,
        messages: usage.messages,
        mailboxes: usage.mailboxes,
        administrator: record.administrator,
        created: record.created,
        last_login: record.last_login,
        pop3_policy: record.pop3_policy,
    })
}
