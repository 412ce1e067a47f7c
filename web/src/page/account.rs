//! One account: what it has, what it may, who uses it now.

use admin::{AccountView, AppPasswordView, MailboxView, Operation, Outcome, RetainedView, SessionView};
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use common::block;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use store::AccountName;

use super::accounts::fullness;
use super::format::*;
use super::plot::Plot;
use super::visit::{Errors, Form, Visit};
use super::{Frame, Page, plot, render, render_refused};
use crate::api;
use crate::problem::Problem;

/// Retained messages that are shown; the API has them all.
const RETAINED: usize = 200;

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    frame: Frame,
    account: AccountView,
    link: String,
    /// Each with a line of its size over time; empty without history.
    mailboxes: Vec<(MailboxView, String)>,
    plots: [Plot; 2],
    sessions: Vec<SessionView>,
    app_passwords: Vec<AppPasswordView>,
    retained: Vec<RetainedView>,
    retained_more: usize,
    errors: Errors,
    sent: Form,
    /// An app password that was just made: shown this once.
    secret: Option<(String, String)>,
}

/// The page of an account.
pub(crate) fn link(account: &str) -> String {
    format!("/accounts/{}", utf8_percent_encode(account, NON_ALPHANUMERIC))
}

/// A name in a path: one that no account can have is no account's.
pub(super) fn named(text: &str) -> Result<AccountName, Problem> {
    AccountName::new(text).map_err(|why| Problem::missing(format!("no account: {why}")))
}

pub(crate) async fn show(visit: Visit, Path(account): Path<String>) -> Page {
    block(|| Ok(render(&page(&visit, &account, Errors::default(), Form::default())?)))
}

/// The page again, with what is wrong at the fields of a form.
pub(super) fn again(visit: &Visit, account: &str, errors: Errors, sent: Form) -> Page {
    Ok(render_refused(&page(visit, account, errors, sent)?))
}

/// The page with an app password that was just made.
pub(super) fn with_secret(
    visit: &Visit,
    account: &str,
    label: &str,
    secret: String,
) -> Result<Response, Problem> {
    let page = page(visit, account, Errors::default(), Form::default())?;
    Ok(render(&Account { secret: Some((label.to_owned(), secret)), ..page }))
}

fn page(visit: &Visit, account: &str, errors: Errors, sent: Form) -> Result<Account, Problem> {
    let name = named(account)?;
    let view = api::show_account(&visit.web, &visit.administrator, name.clone())?;
    let run = |operation: &Operation| api::run(&visit.web, &visit.administrator, operation);
    let Outcome::Mailboxes { mailboxes } = run(&Operation::MailboxList { account: name.clone() })? else {
        return Err(api::strange());
    };
    let Outcome::History { account: points, mailboxes: grown } =
        run(&Operation::History { account: name.clone() })?
    else {
        return Err(api::strange());
    };
    let with_line = |mailbox: MailboxView| {
        let points = grown.iter().find(|one| one.name == mailbox.name).map(|one| plot::spark(&one.points));
        (mailbox, points.unwrap_or_default())
    };
    let mailboxes = mailboxes.into_iter().map(with_line).collect();
    let Outcome::AppPasswords { app_passwords } = run(&Operation::AppPasswordList { account: name.clone() })?
    else {
        return Err(api::strange());
    };
    let Outcome::Sessions { mut sessions } = run(&Operation::Sessions)? else { return Err(api::strange()) };
    sessions.retain(|session| session.account.as_deref() == Some(name.as_str()));
    let Outcome::Retained { messages: mut retained } =
        run(&Operation::RetainedList { account: name.clone() })?
    else {
        return Err(api::strange());
    };
    retained.reverse();
    let retained_more = retained.len().saturating_sub(RETAINED);
    retained.truncate(RETAINED);
    Ok(Account {
        frame: Frame::of(visit, name.as_str(), "accounts"),
        link: link(name.as_str()),
        account: view,
        plots: [
            plot::plot("Size", &points, |point| point.bytes, size),
            plot::plot("Messages", &points, |point| point.messages, count),
        ],
        mailboxes,
        sessions,
        app_passwords,
        retained,
        retained_more,
        errors,
        sent,
        secret: None,
    })
}

impl Account {
    /// What the field of a switch shows: what was sent, if something was.
    fn is_on(&self, name: &str, now: &bool) -> bool {
        if self.sent.has("switches") { self.sent.has(name) } else { *now }
    }
}
