//! Who is connected, who is locked out, and what happens now.

use admin::{Lockout, Operation, Outcome, SessionView};
use askama::Template;
use common::{block, time};

use super::account::link;
use super::format::*;
use super::visit::Visit;
use super::{Frame, Page, render};
use crate::api;

/// Sessions that are shown; the API has them all.
const SESSIONS: usize = 500;

#[derive(Template)]
#[template(path = "activity.html")]
struct Activity {
    frame: Frame,
    sessions: Vec<SessionView>,
    sessions_more: usize,
    lockouts: Vec<Lockout>,
    now: i64,
}

pub(crate) async fn show(visit: Visit) -> Page {
    block(|| {
        let run = |operation: &Operation| api::run(&visit.web, &visit.administrator, operation);
        let Outcome::Sessions { mut sessions } = run(&Operation::Sessions)? else {
            return Err(api::strange().into());
        };
        let Outcome::Lockouts { lockouts } = run(&Operation::Lockouts)? else {
            return Err(api::strange().into());
        };
        let sessions_more = sessions.len().saturating_sub(SESSIONS);
        sessions.truncate(SESSIONS);
        let frame = Frame::of(&visit, "Activity", "activity");
        Ok(render(&Activity { frame, sessions, sessions_more, lockouts, now: time::now() }))
    })
}
