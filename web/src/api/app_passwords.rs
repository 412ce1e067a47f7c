//! App passwords.

use admin::{Operation, Outcome, PasswordHash};
use serde_json::json;

use super::call::{Answer, Call};
use crate::problem::Problem;

pub(super) fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    match call.run(&Operation::AppPasswordList { account: call.account()? })? {
        Outcome::AppPasswords { app_passwords } => Ok(Answer::Is(json!({ "app_passwords": app_passwords }))),
        _ => Err(super::server::strange()),
    }
}

/// The password is made here and told once.
pub(super) fn add(call: &Call<'_>) -> Result<Answer, Problem> {
    let label = call.field::<String>("label").unwrap_or_default();
    let password = common::password::generate();
    let operation = Operation::AppPasswordAdd {
        account: call.account()?,
        label: label.clone(),
        // As random as a key, and sent over TLS, so it needs no keys for SCRAM.
        password: PasswordHash(common::password::hash_without_scram(&password)),
        protocols: call.field("protocols").unwrap_or_default(),
        expires: call.field::<f64>("expires").map(|seconds| seconds as i64),
    };
    call.run(&operation)?;
    Ok(Answer::Made(json!({ "label": label, "password": password })))
}

pub(super) fn remove(call: &Call<'_>) -> Result<Answer, Problem> {
    let label = call.part("label").to_owned();
    call.done(&Operation::AppPasswordRemove { account: call.account()?, label })
}
