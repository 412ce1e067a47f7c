//! All accounts, and making one.

use admin::{AccountChanges, AccountView, Operation};
use askama::Template;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::response::{IntoResponse, Redirect};
use common::block;
use serde::Deserialize;
use store::AccountName;

use super::account::link;
use super::format::*;
use super::visit::{Errors, Form, Post, Visit};
use super::{Frame, Page, render, render_refused};
use crate::api::{self, Wanted};

/// Accounts on a page.
const PAGE: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    search: String,
    after: String,
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct Accounts {
    frame: Frame,
    accounts: Vec<AccountView>,
    search: String,
    is_first: bool,
    next: Option<String>,
    errors: Errors,
    sent: Form,
}

pub(crate) async fn show(visit: Visit, asked: Result<Query<Asked>, QueryRejection>) -> Page {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    block(|| Ok(render(&page(&visit, asked, Errors::default(), Form::default())?)))
}

fn page(
    visit: &Visit,
    asked: Asked,
    errors: Errors,
    sent: Form,
) -> Result<Accounts, crate::problem::Problem> {
    let wanted = Wanted { after: &asked.after, search: asked.search.trim(), limit: PAGE + 1 };
    let mut accounts = api::find_accounts(&visit.web, &visit.administrator, wanted)?;
    let more = accounts.len() > PAGE;
    accounts.truncate(PAGE);
    let next = accounts.last().filter(|_| more).map(|account| account.name.clone());
    Ok(Accounts {
        frame: Frame::of(visit, "Accounts", "accounts"),
        accounts,
        search: asked.search,
        is_first: asked.after.is_empty(),
        next,
        errors,
        sent,
    })
}

pub(crate) async fn add(post: Post) -> Page {
    let Post { visit, form } = post;
    block(|| match make(&visit, &form) {
        Ok(name) => {
            visit.say(format!("Account {name} is made."));
            Ok(Redirect::to(&link(name.as_str())).into_response())
        }
        Err(errors) => Ok(render_refused(&page(&visit, Asked::default(), errors, form)?)),
    })
}

fn make(visit: &Visit, form: &Form) -> Result<AccountName, Errors> {
    let name = AccountName::new(form.text("name").trim())
        .map_err(|why| Errors::one("name", sentence(&why.to_string())))?;
    let password = match form.text("password") {
        "" => None,
        text => Some(api::hash(&visit.web, text).map_err(|problem| Errors::one("password", problem.detail))?),
    };
    let operation =
        Operation::AccountAdd { account: name.clone(), password, changes: AccountChanges::default() };
    let made = api::run(&visit.web, &visit.administrator, &operation);
    made.map_err(|problem| Errors::one("name", sentence(&problem.detail)))?;
    Ok(name)
}

/// A reason as it stands at a field.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

/// How full an account is: the larger part of its limits, in percent; `None` without limits.
pub(super) fn fullness(account: &AccountView) -> Option<u64> {
    let limits = account.limits_in_force;
    let part = |used, limit| (limit != 0).then(|| percent(used, limit));
    part(account.bytes, limits.bytes).max(part(account.messages, limits.messages))
}
