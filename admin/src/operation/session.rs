//! Who is connected, and who is locked out.

use store::AccountName;

use super::Context;
use crate::outcome::{Lockout, Outcome, SessionView};
use crate::{Failure, Kind};

pub(super) fn list(context: &Context<'_>) -> Result<Outcome, Failure> {
    let sessions = context.running("the list of sessions")?.sessions.list();
    Ok(Outcome::Sessions { sessions: sessions.into_iter().map(SessionView::from).collect() })
}

pub(super) fn kick(context: &Context<'_>, session: u64) -> Result<Outcome, Failure> {
    if context.running("a session")?.sessions.kick(session) {
        return Ok(Outcome::done(format!("Session {session} is told to end.")));
    }
    let reason = format!("there is no session {session}");
    Err(Failure::new(Kind::Missing, reason, "`restante sessions` shows them."))
}

pub(super) fn kick_account(context: &Context<'_>, account: &AccountName) -> Result<Outcome, Failure> {
    let count = context.running("a session")?.sessions.kick_account(account.as_str());
    Ok(Outcome::done(format!("{count} sessions of {account} are told to end.")))
}

pub(super) fn lockouts(context: &Context<'_>) -> Result<Outcome, Failure> {
    let locked_out = context.running("the list of lockouts")?.authenticator.locked_out();
    let lockouts = locked_out.into_iter().map(|(who, seconds)| Lockout { who, seconds }).collect();
    Ok(Outcome::Lockouts { lockouts })
}

pub(super) fn unlock(context: &Context<'_>, who: &str) -> Result<Outcome, Failure> {
    if context.running("a lockout")?.authenticator.unlock(who) {
        return Ok(Outcome::done(format!("{who} can log in again.")));
    }
    Err(Failure::new(
        Kind::Missing,
        format!("{who} is not locked out"),
        "`restante unlock --list` shows who is.",
    ))
}
