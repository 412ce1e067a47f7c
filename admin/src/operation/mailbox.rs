//! An account's mailboxes.

use store::{Account, AccountName, MailboxInfo, MailboxName, SpecialUse};

use super::Context;
use crate::outcome::{MailboxView, Outcome};
use crate::{Failure, Kind};

pub(super) fn list(context: &Context<'_>, account: &AccountName) -> Result<Outcome, Failure> {
    let mailboxes = self::account(context, account)?.mailboxes()?;
    Ok(Outcome::Mailboxes { mailboxes: mailboxes.into_iter().map(view).collect() })
}

pub(super) fn create(
    context: &Context<'_>,
    account: &AccountName,
    mailbox: &str,
    special_use: Option<&str>,
) -> Result<Outcome, Failure> {
    let name = MailboxName::new(mailbox)?;
    let special_use = special_use.map(self::special_use).transpose()?;
    let account = self::account(context, account)?;
    account.create(&name, special_use).wait()?;
    account.subscribe(&name, true).wait()?;
    Ok(Outcome::done(format!(
        "Mailbox {name:?} of {} is made and subscribed.",
        account.name(),
        name = name.as_str()
    )))
}

pub(super) fn rename(
    context: &Context<'_>,
    account: &AccountName,
    from: &str,
    to: &str,
) -> Result<Outcome, Failure> {
    let (from, to) = (MailboxName::new(from)?, MailboxName::new(to)?);
    self::account(context, account)?.rename(&from, &to).wait()?;
    Ok(Outcome::done(format!("Mailbox {:?} of {account} is {:?} now.", from.as_str(), to.as_str())))
}

pub(super) fn delete(
    context: &Context<'_>,
    account: &AccountName,
    mailbox: &str,
) -> Result<Outcome, Failure> {
    let name = MailboxName::new(mailbox)?;
    self::account(context, account)?.delete(&name).wait()?;
    Ok(Outcome::done(format!("Mailbox {:?} of {account} is deleted.", name.as_str())))
}

pub(super) fn subscribe(
    context: &Context<'_>,
    account: &AccountName,
    mailbox: &str,
    subscribed: bool,
) -> Result<Outcome, Failure> {
    let name = MailboxName::new(mailbox)?;
    self::account(context, account)?.subscribe(&name, subscribed).wait()?;
    let verb = if subscribed { "subscribed to" } else { "unsubscribed from" };
    Ok(Outcome::done(format!("{account} is {verb} {:?}.", name.as_str())))
}

fn account(context: &Context<'_>, name: &AccountName) -> Result<Account, Failure> {
    Ok(context.store.account(name)?)
}

fn special_use(word: &str) -> Result<SpecialUse, Failure> {
    let word = word.trim_start_matches('\\');
    SpecialUse::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(word)).ok_or_else(|| {
        let known = SpecialUse::ALL.map(SpecialUse::as_str).join(", ");
        Failure::new(Kind::Invalid, format!("{word:?} is no special use"), format!("Use one of {known}."))
    })
}

fn view(info: MailboxInfo) -> MailboxView {
    MailboxView {
        id: info.id.0,
        name: info.name.to_string(),
        messages: info.messages,
        unseen: info.unseen,
        bytes: info.bytes,
        uid_validity: info.uid_validity.0,
        uid_next: info.uid_next.0,
        highest_modseq: info.highest_modseq.0,
        special_use: info.special_use.map(|special_use| special_use.as_str().to_owned()),
        subscribed: info.subscribed,
    }
}
