//! Expunged messages that can be restored.

use admin::{Operation, Outcome};
use serde_json::json;

use super::call::{Answer, Call, page};
use crate::problem::Problem;

pub(super) fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.limit()?;
    let Outcome::Retained { mut messages } =
        call.run(&Operation::RetainedList { account: call.account()? })?
    else {
        return Err(super::server::strange());
    };
    if let Some(after) = call.after() {
        let after = after.parse::<store::RetainedId>();
        let after = after.map_err(|why| Problem::field("query", "after", why.to_string()))?;
        messages.retain(|message| message.id.parse::<store::RetainedId>().is_ok_and(|id| id > after));
    }
    Ok(page("messages", messages, limit, |message| message.id.clone()))
}

pub(super) fn restore(call: &Call<'_>) -> Result<Answer, Problem> {
    let operation = Operation::RetainedRestore {
        account: call.account()?,
        ids: call.field("ids").unwrap_or_default(),
        mailbox: call.field("mailbox").unwrap_or_default(),
    };
    match call.run(&operation)? {
        Outcome::Done { message } => Ok(Answer::Is(json!({ "message": message }))),
        _ => Err(super::server::strange()),
    }
}
