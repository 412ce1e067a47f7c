//! Groups of accounts.

use admin::{GroupView, Operation, Outcome};
use serde_json::{Value, json};
use store::GroupName;

use super::call::{Answer, Call, in_body, page};
use crate::problem::Problem;

pub(super) fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.limit()?;
    let mut groups = all(call.run(&Operation::GroupList { group: None })?)?;
    groups.sort_by(|one, two| one.name.cmp(&two.name));
    if let Some(after) = call.after() {
        groups.retain(|group| group.name.as_str() > after);
    }
    Ok(page("groups", groups, limit, |group| group.name.clone()))
}

pub(super) fn create(call: &Call<'_>) -> Result<Answer, Problem> {
    let name = call.field::<String>("name").unwrap_or_default();
    let group = GroupName::new(&name).map_err(|why| in_body("name", &why))?;
    call.run(&Operation::GroupCreate { group: group.clone() })?;
    one(call.run(&Operation::GroupList { group: Some(group) })?).map(Answer::Made)
}

pub(super) fn show(call: &Call<'_>) -> Result<Answer, Problem> {
    one(call.run(&Operation::GroupList { group: Some(call.group()?) })?).map(Answer::Is)
}

pub(super) fn delete(call: &Call<'_>) -> Result<Answer, Problem> {
    call.done(&Operation::GroupDelete { group: call.group()? })
}

pub(super) fn add(call: &Call<'_>) -> Result<Answer, Problem> {
    let (group, accounts) = (call.group()?, vec![call.account()?]);
    one(call.run(&Operation::GroupAdd { group, accounts })?).map(Answer::Is)
}

pub(super) fn remove(call: &Call<'_>) -> Result<Answer, Problem> {
    let (group, accounts) = (call.group()?, vec![call.account()?]);
    one(call.run(&Operation::GroupRemove { group, accounts })?).map(Answer::Is)
}

fn all(outcome: Outcome) -> Result<Vec<GroupView>, Problem> {
    match outcome {
        Outcome::Groups { groups } => Ok(groups),
        _ => Err(super::server::strange()),
    }
}

fn one(outcome: Outcome) -> Result<Value, Problem> {
    all(outcome)?.first().map(|group| json!(group)).ok_or_else(super::server::strange)
}
