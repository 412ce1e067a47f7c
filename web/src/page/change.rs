//! What the buttons and forms of the pages do. Each ends with the page that it was on.

use admin::{AccountChanges, Operation, Outcome, PasswordHash};
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use common::block;

use super::account::{again, link, named, with_secret};
use super::accounts::sentence;
use super::format::{parse_count, parse_date, parse_size};
use super::visit::{Errors, Form, Post, Visit};
use super::{Page, PageError};
use crate::api;

impl Visit {
    /// For the next page. Without a session there is none to tell it to.
    pub(super) fn say(&self, text: String) {
        if let Some(session) = &self.administrator.session {
            self.web.sessions().say(session, text);
        }
    }

    fn run(&self, operation: &Operation) -> Result<Outcome, PageError> {
        Ok(api::run(&self.web, &self.administrator, operation)?)
    }
}

fn back(account: &str) -> Response {
    Redirect::to(&link(account)).into_response()
}

/// Runs it, says what it did, and goes back to the account.
fn done(visit: &Visit, account: &str, operation: &Operation) -> Page {
    if let Outcome::Done { message } = visit.run(operation)? {
        visit.say(message);
    }
    Ok(back(account))
}

pub(crate) async fn set(Path(account): Path<String>, post: Post) -> Page {
    let Post { visit, form } = post;
    block(|| match changes(&form) {
        Ok(changes) => {
            visit.run(&Operation::AccountSet { account: named(&account)?, changes })?;
            visit.say("The switches and limits are set.".into());
            Ok(back(&account))
        }
        Err(errors) => again(&visit, &account, errors, form),
    })
}

fn changes(form: &Form) -> Result<AccountChanges, Errors> {
    let mut errors = Errors::default();
    let mut number = |field: &'static str, value: Option<u64>, example: &str| {
        if value.is_none() {
            errors.add(field, format!("Write a whole number such as {example}, or nothing for the default."));
        }
        value
    };
    let changes = AccountChanges {
        bytes: number("bytes", parse_size(form.text("bytes")), "5 GiB"),
        messages: number("messages", parse_count(form.text("messages")), "10000"),
        mailboxes: number("mailboxes", parse_count(form.text("mailboxes")), "100"),
        administrator: Some(form.has("administrator")),
        imap: Some(form.has("imap")),
        pop3: Some(form.has("pop3")),
        smtp: Some(form.has("smtp")),
        delivery: Some(form.has("delivery")),
        login: Some(form.has("login")),
        ..AccountChanges::default()
    };
    if errors.is_empty() { Ok(changes) } else { Err(errors) }
}

pub(crate) async fn password(Path(account): Path<String>, post: Post) -> Page {
    let Post { visit, form } = post;
    block(|| match api::hash(&visit.web, form.text("password")) {
        Ok(hash) => done(
            &visit,
            &account,
            &Operation::AccountPassword { account: named(&account)?, password: Some(hash) },
        ),
        Err(problem) => {
            let message = problem.fields.first().map_or("cannot be used", |field| field.message.as_str());
            again(
                &visit,
                &account,
                Errors::one("password", format!("The password {message}.")),
                Form::default(),
            )
        }
    })
}

pub(crate) async fn add_app_password(Path(account): Path<String>, post: Post) -> Page {
    let Post { visit, form } = post;
    block(|| {
        let expires = match form.text("expires") {
            "" => None,
            text => match parse_date(text) {
                None => {
                    let errors = Errors::one("expires", "Write a date such as 2030-12-31, or nothing.");
                    return again(&visit, &account, errors, form);
                }
                date => date,
            },
        };
        let secret = common::password::generate();
        let operation = Operation::AppPasswordAdd {
            account: named(&account)?,
            label: form.text("label").trim().to_owned(),
            password: PasswordHash(common::password::hash_without_scram(&secret)),
            protocols: form.all("protocol").map(str::to_owned).collect(),
            expires,
        };
        match api::run(&visit.web, &visit.administrator, &operation) {
            Ok(_) => Ok(with_secret(&visit, &account, form.text("label").trim(), secret)?),
            Err(problem) => again(&visit, &account, Errors::one("label", sentence(&problem.detail)), form),
        }
    })
}

pub(crate) async fn remove_app_password(Path(account): Path<String>, post: Post) -> Page {
    let Post { visit, form } = post;
    let label = form.text("label").to_owned();
    block(|| done(&visit, &account, &Operation::AppPasswordRemove { account: named(&account)?, label }))
}

pub(crate) async fn restore(Path(account): Path<String>, post: Post) -> Page {
    let Post { visit, form } = post;
    block(|| {
        let ids: Vec<String> = form.all("id").map(str::to_owned).collect();
        if ids.is_empty() {
            let errors = Errors::one("retained", "Choose at least one message.");
            return again(&visit, &account, errors, form);
        }
        let mailbox = form.text("mailbox").trim().to_owned();
        let operation = Operation::RetainedRestore { account: named(&account)?, ids, mailbox };
        match api::run(&visit.web, &visit.administrator, &operation) {
            Ok(Outcome::Done { message }) => {
                visit.say(message);
                Ok(back(&account))
            }
            Ok(_) => Ok(back(&account)),
            Err(problem) => again(&visit, &account, Errors::one("mailbox", sentence(&problem.detail)), form),
        }
    })
}

pub(crate) async fn kick_account(Path(account): Path<String>, post: Post) -> Page {
    let visit = post.visit;
    block(|| done(&visit, &account, &Operation::KickAccount { account: named(&account)? }))
}

pub(crate) async fn delete(Path(account): Path<String>, post: Post) -> Page {
    let Post { visit, form } = post;
    block(|| {
        let name = named(&account)?;
        if form.text("name").trim() != name.as_str() {
            let errors = Errors::one("delete", "Write the account's name to say that you mean it.");
            return again(&visit, &account, errors, Form::default());
        }
        if let Outcome::Done { message } = visit.run(&Operation::AccountDelete { account: name })? {
            visit.say(message);
        }
        Ok(Redirect::to("/accounts").into_response())
    })
}

/// A session, from the page of an account or of what happens.
pub(crate) async fn kick(post: Post) -> Page {
    let Post { visit, form } = post;
    block(|| {
        // What is no number is no session's.
        let session = form.text("session").parse().unwrap_or(u64::MAX);
        match api::run(&visit.web, &visit.administrator, &Operation::Kick { session }) {
            Ok(Outcome::Done { message }) => visit.say(message),
            Ok(_) => {}
            // It ended by itself meanwhile.
            Err(problem) => visit.say(sentence(&problem.detail)),
        }
        Ok(match form.text("account") {
            "" => Redirect::to("/activity").into_response(),
            account => back(account),
        })
    })
}

pub(crate) async fn unlock(post: Post) -> Page {
    let Post { visit, form } = post;
    block(|| {
        match api::run(
            &visit.web,
            &visit.administrator,
            &Operation::Unlock { who: form.text("who").to_owned() },
        ) {
            Ok(Outcome::Done { message }) => visit.say(message),
            Ok(_) => {}
            Err(problem) => visit.say(sentence(&problem.detail)),
        }
        Ok(Redirect::to("/activity").into_response())
    })
}
