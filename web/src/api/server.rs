//! The server as a whole: its state, sessions, lockouts, settings, and the long work on its store.

use admin::{Operation, Outcome};
use axum::http::StatusCode;
use serde_json::json;
use store::AccountName;

use super::call::{Answer, Call, in_body, number, page};
use crate::problem::Problem;
use crate::space;

pub(super) fn status(call: &Call<'_>) -> Result<Answer, Problem> {
    let Outcome::Status(status) = call.run(&Operation::Status)? else { return Err(strange()) };
    let used = status.store.as_ref().map_or(0, |store| store.index_bytes.saturating_add(store.body_bytes));
    let mut body = json!(status);
    body["write_queue"] = json!(call.web.store().queued());
    body["disk_free"] = json!(space::of(&call.web.options().data).map(|space| space.free));
    body["disk_wanted_free"] = json!(used.saturating_mul(space::FACTOR));
    Ok(Answer::Is(body))
}

pub(super) fn activity(call: &Call<'_>) -> Result<Answer, Problem> {
    match call.run(&Operation::Activity)? {
        Outcome::Activity(activity) => Ok(Answer::Is(json!(activity))),
        _ => Err(strange()),
    }
}

pub(super) fn session(call: &Call<'_>) -> Result<Answer, Problem> {
    let csrf = call.administrator.session.as_ref().map(|session| &session.csrf);
    Ok(Answer::Is(json!({ "name": call.administrator.name, "csrf": csrf })))
}

pub(super) fn sessions(call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.limit()?;
    let Outcome::Sessions { mut sessions } = call.run(&Operation::Sessions)? else { return Err(strange()) };
    if let Some(after) = call.after() {
        let after: u64 =
            after.parse().map_err(|_| Problem::field("query", "after", "must be a session's id"))?;
        sessions.retain(|session| session.id > after);
    }
    if let Some(account) = call.query("account") {
        sessions.retain(|session| session.account.as_deref() == Some(account));
    }
    Ok(page("sessions", sessions, limit, |session| session.id.to_string()))
}

pub(super) fn kick(call: &Call<'_>) -> Result<Answer, Problem> {
    call.done(&Operation::Kick { session: number("session", call.part("session"))? })
}

pub(super) fn lockouts(call: &Call<'_>) -> Result<Answer, Problem> {
    let limit = call.limit()?;
    let Outcome::Lockouts { mut lockouts } = call.run(&Operation::Lockouts)? else { return Err(strange()) };
    if let Some(after) = call.after() {
        lockouts.retain(|lockout| lockout.who.as_str() > after);
    }
    Ok(page("lockouts", lockouts, limit, |lockout| lockout.who.clone()))
}

pub(super) fn unlock(call: &Call<'_>) -> Result<Answer, Problem> {
    call.done(&Operation::Unlock { who: call.part("who").to_owned() })
}

pub(super) fn settings(call: &Call<'_>) -> Result<Answer, Problem> {
    let settings = call
        .web
        .options()
        .settings
        .iter()
        .map(|setting| json!({ "key": setting.key, "value": setting.value, "origin": setting.origin }));
    Ok(Answer::Is(json!({ "settings": settings.collect::<Vec<_>>() })))
}

pub(super) fn check(call: &Call<'_>) -> Result<Answer, Problem> {
    match call.run(&Operation::Check { repair: call.field("repair").unwrap_or(false) })? {
        Outcome::Checked(report) => Ok(Answer::Is(json!(report))),
        _ => Err(strange()),
    }
}

pub(super) fn compact(call: &Call<'_>) -> Result<Answer, Problem> {
    call.done(&Operation::Compact)
}

pub(super) fn rebuild(call: &Call<'_>) -> Result<Answer, Problem> {
    let account = call.field::<String>("account").map(|name| AccountName::new(&name)).transpose();
    let account = account.map_err(|why| in_body("account", &why))?;
    match call.run(&Operation::IndexRebuild { account })? {
        Outcome::Done { message } => Ok(Answer::Is(json!({ "message": message }))),
        _ => Err(strange()),
    }
}

/// The stream is made before an endpoint is run.
pub(super) fn no_stream(_: &Call<'_>) -> Result<Answer, Problem> {
    Err(strange())
}

/// An operation that answers something else than what it is for.
pub(crate) fn strange() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "an operation gave an answer that is not its own")
}
