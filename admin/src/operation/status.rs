//! The state of the server and of the store.

use common::tls::RenewalState;
use store::Statistics;

use super::{Context, Running};
use crate::Failure;
use crate::outcome::{AcmeStatus, Outcome, Status, StoreStatus};

pub(super) fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    let status = context.running.map_or_else(Status::not_running, server);
    let store = Some(store(context.store.statistics()?));
    Ok(Outcome::Status(Box::new(Status { store, ..status })))
}

fn store(statistics: Statistics) -> StoreStatus {
    StoreStatus {
        shards: statistics.shards,
        accounts: statistics.accounts,
        mailboxes: statistics.mailboxes,
        messages: statistics.messages,
        bytes: statistics.bytes,
        retained: statistics.retained,
        index_bytes: statistics.index_bytes,
        body_bytes: statistics.body_bytes,
        live_body_bytes: statistics.live_body_bytes,
    }
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
        acme: running.acme.as_ref().map(|renewal| acme(renewal.state())),
        lockouts: running.authenticator.locked_out().len() as u64,
        ..Status::not_running()
    }
}

fn acme(state: RenewalState) -> AcmeStatus {
    let RenewalState { domains, valid_until, next_try, error } = state;
    AcmeStatus { domains, valid_until, next_try, error }
}
