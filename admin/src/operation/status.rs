//! The state of the server and of the store.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Context, Running};
use crate::Failure;
use crate::outcome::{Outcome, Status};

/// Accounts read at once.
const BATCH: usize = 1000;

pub(super) fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    let mut status = context.running.map_or_else(Status::not_running, server);
    let (mut count, mut messages, mut bytes) = (0, 0, 0);
    let mut after = None;
    loop {
        let accounts = context.store.directory().list(after.as_ref(), BATCH)?;
        for record in &accounts {
            let usage = context.store.account(&record.name)?.usage()?;
            count += 1;
            messages += usage.messages;
            bytes += usage.bytes;
        }
        match accounts.into_iter().next_back() {
            Some(last) => after = Some(last.name),
            None => break,
        }
    }
    (status.accounts, status.messages, status.bytes) = (Some(count), Some(messages), Some(bytes));
    Ok(Outcome::Status(Box::new(status)))
}

fn server(running: &Running) -> Status {
    let sessions = running.sessions.list();
    let count =
        |protocol: &str| sessions.iter().filter(|session| session.protocol == protocol).count() as u64;
    Status {
        running: true,
        pid: Some(std::process::id()),
        started: Some(running.started),
        hostname: Some(running.hostname.clone()),
        listeners: running.listeners.clone(),
        imap_sessions: count("imap"),
        pop3_sessions: count("pop3"),
        lmtp_sessions: count("lmtp"),
        lockouts: running.authenticator.locked_out().len() as u64,
        ..Status::not_running()
    }
}

/// Seconds since 1970; a clock before that is told as that.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
