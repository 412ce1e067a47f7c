//! Expunged messages, which are kept for a while.

use std::time::Duration;

use store::{AccountName, MailboxName, RetainedId, RetainedMessage};

use super::Context;
use crate::outcome::{Outcome, RetainedView};
use crate::{Failure, Kind};

pub(super) fn list(context: &Context<'_>, account: &AccountName) -> Result<Outcome, Failure> {
    let messages = context.store.account(account)?.retained()?;
    Ok(Outcome::Retained { messages: messages.into_iter().map(view).collect() })
}

pub(super) fn restore(
    context: &Context<'_>,
    account: &AccountName,
    ids: &[String],
    mailbox: &str,
) -> Result<Outcome, Failure> {
    let to = MailboxName::new(mailbox)?;
    let opened = context.store.account(account)?;
    let ids = if ids.is_empty() {
        opened.retained()?.into_iter().map(|message| message.id).collect()
    } else {
        ids.iter().map(|id| id.parse()).collect::<Result<Vec<RetainedId>, _>>().map_err(no_id)?
    };
    let restored = opened.restore(ids, &opened.mailbox(&to)?).wait()?.uids.len();
    Ok(Outcome::done(format!("{restored} messages of {account} are in {:?} again.", to.as_str())))
}

pub(super) fn purge(context: &Context<'_>, seconds: u64) -> Result<Outcome, Failure> {
    context.store.purge_retained(Duration::from_secs(seconds))?;
    Ok(Outcome::done("What was expunged before that is gone for ever."))
}

fn no_id(error: store::InvalidName) -> Failure {
    Failure::new(Kind::Invalid, error.to_string(), "`restante retained list ACCOUNT` shows the ids.")
}

fn view(message: RetainedMessage) -> RetainedView {
    RetainedView {
        id: message.id.to_string(),
        expunged: i64::try_from(message.id.seconds).unwrap_or(i64::MAX),
        mailbox: message.mailbox,
        uid: message.uid.0,
        size: message.size,
        internal_date: message.internal_date.seconds,
    }
}
