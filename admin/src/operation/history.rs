//! How an account and its mailboxes grew.

use store::{AccountName, HistoryPoint};

use super::Context;
use crate::Failure;
use crate::outcome::{MailboxHistory, Outcome, PointView};

/// Mailboxes that are there, each with its points; what is held now is the last one.
pub(super) fn show(context: &Context<'_>, account: &AccountName) -> Result<Outcome, Failure> {
    let opened = context.store.account(account)?;
    let mut history = opened.history()?;
    let usage = opened.usage()?;
    let mut of = |wanted| {
        let found = history.iter().position(|(mailbox, _)| *mailbox == wanted);
        found.map(|index| history.swap_remove(index).1).unwrap_or_default()
    };
    let all = points(of(None), usage.bytes, usage.messages);
    let mailboxes = opened.mailboxes()?.into_iter().map(|mailbox| MailboxHistory {
        points: points(of(Some(mailbox.id)), mailbox.bytes, mailbox.messages.into()),
        name: mailbox.name.to_string(),
    });
    Ok(Outcome::History { mailboxes: mailboxes.collect(), account: all })
}

fn points(noted: Vec<HistoryPoint>, bytes: u64, messages: u64) -> Vec<PointView> {
    let today = common::time::now().div_euclid(common::time::SECONDS_A_DAY);
    let mut points: Vec<PointView> = noted
        .into_iter()
        .map(|point| PointView { day: i64::from(point.day), bytes: point.bytes, messages: point.messages })
        .filter(|point| point.day < today)
        .collect();
    points.push(PointView { day: today, bytes, messages });
    points
}
