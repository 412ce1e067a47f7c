//! Accounts.

use admin::{AccountChanges, AccountView, Operation, Outcome, PasswordHash};
use serde_json::{Value, json};
use store::AccountName;

use super::call::{Answer, Call, page, run};
use crate::Web;
use crate::auth::Administrator;
use crate::problem::Problem;

/// Names that are looked at for one page of a search.
const LOOKED_AT: usize = 1000;

pub(super) fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.limit()?;
    let after = call.query("after").unwrap_or_default();
    let search = call.query("search").unwrap_or_default();
    let accounts = find(call.web, call.administrator, Wanted { after, search, limit: limit + 1 })?;
    Ok(page("accounts", accounts, limit, |account| account.name.clone()))
}

/// Which accounts a list shall have.
pub(crate) struct Wanted<'a> {
    /// A name, whether or not there is such an account; empty: from the first.
    pub after: &'a str,
    /// Only names that contain this.
    pub search: &'a str,
    pub limit: usize,
}

/// Accounts by name.
pub(crate) fn find(
    web: &Web,
    administrator: &Administrator,
    wanted: Wanted<'_>,
) -> Result<Vec<AccountView>, Problem> {
    let search = wanted.search.to_lowercase();
    let mut after = match wanted.after {
        "" => None,
        name => {
            Some(AccountName::new(name).map_err(|why| Problem::field("query", "after", why.to_string()))?)
        }
    };
    let mut found = Vec::new();
    loop {
        let records = web.store().directory().list(after.as_ref(), LOOKED_AT)?;
        let Some(last) = records.last().map(|record| record.name.clone()) else { return Ok(found) };
        for record in records.into_iter().filter(|record| record.name.as_str().contains(&search)) {
            // One that was deleted meanwhile is left out.
            if let Ok(view) = show_account(web, administrator, record.name) {
                found.push(view);
            }
            if found.len() >= wanted.limit {
                return Ok(found);
            }
        }
        after = Some(last);
    }
}

pub(crate) fn show_account(
    web: &Web,
    administrator: &Administrator,
    account: AccountName,
) -> Result<AccountView, Problem> {
    match run(web, administrator, &Operation::AccountShow { account })? {
        Outcome::Account(view) => Ok(*view),
        _ => Err(super::server::strange()),
    }
}

pub(super) fn add(call: &Call<'_>) -> Result<Answer, Problem> {
    let account = call.account_field("name")?;
    let password = call.field::<String>("password").map(|text| hash(call.web, &text)).transpose()?;
    let operation = Operation::AccountAdd { account, password, changes: changes(&call.body) };
    call.run(&operation).and_then(view).map(Answer::Made)
}

pub(super) fn show(call: &Call<'_>) -> Result<Answer, Problem> {
    call.run(&Operation::AccountShow { account: call.account()? }).and_then(view).map(Answer::Is)
}

pub(super) fn set(call: &Call<'_>) -> Result<Answer, Problem> {
    let operation = Operation::AccountSet { account: call.account()?, changes: changes(&call.body) };
    call.run(&operation).and_then(view).map(Answer::Is)
}

pub(super) fn delete(call: &Call<'_>) -> Result<Answer, Problem> {
    call.done(&Operation::AccountDelete { account: call.account()? })
}

pub(super) fn rename(call: &Call<'_>) -> Result<Answer, Problem> {
    let to = call.account_field("name")?;
    call.run(&Operation::AccountRename { from: call.account()?, to: to.clone() })?;
    call.run(&Operation::AccountShow { account: to }).and_then(view).map(Answer::Is)
}

pub(super) fn set_password(call: &Call<'_>) -> Result<Answer, Problem> {
    let password = hash(call.web, &call.field::<String>("password").unwrap_or_default())?;
    call.done(&Operation::AccountPassword { account: call.account()?, password: Some(password) })
}

pub(super) fn remove_password(call: &Call<'_>) -> Result<Answer, Problem> {
    call.done(&Operation::AccountPassword { account: call.account()?, password: None })
}

pub(super) fn kick(call: &Call<'_>) -> Result<Answer, Problem> {
    let account = call.account()?;
    call.run(&Operation::AccountShow { account: account.clone() })?;
    call.done(&Operation::KickAccount { account })
}

/// For storing. The text is gone with the request.
pub(crate) fn hash(web: &Web, password: &str) -> Result<PasswordHash, Problem> {
    let most = common::password::MAX_OCTETS;
    if password.is_empty() || password.len() > most {
        return Err(Problem::field("body", "/password", format!("must have from 1 to {most} octets")));
    }
    Ok(PasswordHash(match web.options().scram {
        true => common::password::hash(password),
        false => common::password::hash_without_scram(password),
    }))
}

/// Numbers and switches of the body; the schema has been checked.
fn changes(body: &Value) -> AccountChanges {
    let number = |name: &str| {
        let value = &body[name];
        // JSON Schema: 5.0 is an integer.
        value.as_u64().or_else(|| value.as_f64().map(|number| number as u64))
    };
    let switch = |name: &str| body[name].as_bool();
    AccountChanges {
        bytes: number("bytes"),
        messages: number("messages"),
        mailboxes: number("mailboxes"),
        administrator: switch("administrator"),
        imap: switch("imap"),
        pop3: switch("pop3"),
        smtp: switch("smtp"),
        delivery: switch("delivery"),
        login: switch("login"),
        ..AccountChanges::default()
    }
}

fn view(outcome: Outcome) -> Result<Value, Problem> {
    match outcome {
        Outcome::Account(view) => Ok(json!(view)),
        _ => Err(super::server::strange()),
    }
}
