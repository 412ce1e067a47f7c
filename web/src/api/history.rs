//! How an account and its mailboxes grew.

use admin::{Operation, Outcome};
use serde_json::json;

use super::call::{Answer, Call};
use crate::problem::Problem;

pub(super) fn show(call: &Call<'_>) -> Result<Answer, Problem> {
    match call.run(&Operation::History { account: call.account()? })? {
        Outcome::History { account, mailboxes } => {
            Ok(Answer::Is(json!({ "account": account, "mailboxes": mailboxes })))
        }
        _ => Err(super::server::strange()),
    }
}
