//! Aliases of accounts.

use admin::{AliasView, Operation, Outcome};
use serde_json::{Value, json};
use store::{AccountName, AliasName};

use super::call::{Answer, Call, in_body, page};
use crate::problem::Problem;

pub(super) fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.limit()?;
    let mut aliases = all(call.run(&Operation::AliasList { alias: None })?)?;
    if let Some(after) = call.after() {
        aliases.retain(|alias| alias.name.as_str() > after);
    }
    Ok(page("aliases", aliases, limit, |alias| alias.name.clone()))
}

pub(super) fn add(call: &Call<'_>) -> Result<Answer, Problem> {
    let name = call.field::<String>("name").unwrap_or_default();
    let alias = AliasName::new(&name).map_err(|why| in_body("name", &why))?;
    let accounts = call.field::<Vec<String>>("accounts").unwrap_or_default();
    let account = |name: &String| AccountName::new(name).map_err(|why| in_body("accounts", &why));
    let accounts = accounts.iter().map(account).collect::<Result<_, _>>()?;
    one(call.run(&Operation::AliasAdd { alias, accounts })?).map(Answer::Made)
}

pub(super) fn show(call: &Call<'_>) -> Result<Answer, Problem> {
    one(call.run(&Operation::AliasList { alias: Some(call.alias()?) })?).map(Answer::Is)
}

pub(super) fn delete(call: &Call<'_>) -> Result<Answer, Problem> {
    call.done(&Operation::AliasRemove { alias: call.alias()?, accounts: Vec::new() })
}

pub(super) fn remove(call: &Call<'_>) -> Result<Answer, Problem> {
    call.done(&Operation::AliasRemove { alias: call.alias()?, accounts: vec![call.account()?] })
}

fn all(outcome: Outcome) -> Result<Vec<AliasView>, Problem> {
    match outcome {
        Outcome::Aliases { aliases } => Ok(aliases),
        _ => Err(super::server::strange()),
    }
}

fn one(outcome: Outcome) -> Result<Value, Problem> {
    all(outcome)?.first().map(|alias| json!(alias)).ok_or_else(super::server::strange)
}
