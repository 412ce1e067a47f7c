//! What the server does now.

use common::activity::{Activity, Delivery};

use super::{Context, Running};
use crate::outcome::{ActivityView, CommandView, Outcome, SessionCount};
use crate::{Failure, space};

/// The protocols that are told even when nobody speaks them.
const PROTOCOLS: [&str; 3] = ["imap", "pop3", "lmtp"];

pub(super) fn show(context: &Context<'_>) -> Result<Outcome, Failure> {
    let running = context.running("activity")?;
    let activity = running.sessions.activity();
    let space = space::of(&running.data);
    Ok(Outcome::Activity(Box::new(ActivityView {
        time: common::time::now(),
        started: running.started,
        hostname: running.hostname.clone(),
        sessions: sessions(running),
        commands: commands(activity),
        logins_good: logins(activity, true),
        logins_refused: logins(activity, false),
        delivered: deliveries(activity, Delivery::Delivered),
        deferred: deliveries(activity, Delivery::Deferred),
        refused: deliveries(activity, Delivery::Refused),
        delivered_octets: activity.delivered_octets(),
        write_queue: context.store.queued() as u64,
        disk_free: space.map(|space| space.free),
        disk_total: space.map(|space| space.total),
    })))
}

fn sessions(running: &Running) -> Vec<SessionCount> {
    let list = running.sessions.list();
    let mut protocols: Vec<&str> = PROTOCOLS.to_vec();
    for session in &list {
        if !protocols.contains(&session.protocol) {
            protocols.push(session.protocol);
        }
    }
    let count = |protocol: &str| list.iter().filter(|session| session.protocol == protocol).count() as u64;
    protocols.iter().map(|one| SessionCount { protocol: (*one).to_owned(), count: count(one) }).collect()
}

fn commands(activity: &Activity) -> Vec<CommandView> {
    let view = |command: common::activity::Command| CommandView {
        protocol: command.protocol.to_owned(),
        name: command.name.to_owned(),
        count: command.count(),
        microseconds: (command.seconds * 1e6) as u64,
    };
    activity.commands().into_iter().map(view).collect()
}

fn logins(activity: &Activity, good: bool) -> u64 {
    activity.logins().iter().filter(|((_, one), _)| *one == good).map(|(_, count)| count).sum()
}

fn deliveries(activity: &Activity, wanted: Delivery) -> u64 {
    activity.deliveries().iter().filter(|(one, _)| *one == wanted).map(|(_, count)| count).sum()
}
