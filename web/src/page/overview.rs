//! How the server is.

use admin::{ListenerView, Operation, Outcome, Status, StoreStatus};
use askama::Template;
use common::activity::{Activity, Delivery};
use common::{block, time};

use super::format::*;
use super::visit::Visit;
use super::{Frame, Page, render};
use crate::space::{self, Space};
use crate::{api, health};

/// Commands in the list of the slowest.
const SLOWEST: usize = 8;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    frame: Frame,
    status: Status,
    store: StoreStatus,
    up: i64,
    reasons: Vec<&'static str>,
    facts: Facts,
    space: Option<Room>,
    commands: Vec<Slow>,
}

struct Facts {
    connections: u64,
    logins_good: u64,
    logins_refused: u64,
    delivered: u64,
    deferred: u64,
    refused: u64,
    delivered_octets: u64,
    queue: u64,
    index_lag: Option<u64>,
}

struct Room {
    space: Space,
    used: u64,
    wanted: u64,
    enough: bool,
    /// Of the file system, in percent.
    taken: u64,
}

struct Slow {
    protocol: &'static str,
    name: &'static str,
    count: u64,
    /// The mean.
    milliseconds: String,
}

pub(crate) async fn show(visit: Visit) -> Page {
    block(|| overview(&visit))
}

fn overview(visit: &Visit) -> Page {
    let web = &visit.web;
    let Outcome::Status(status) = api::run(web, &visit.administrator, &Operation::Status)? else {
        return Err(api::strange().into());
    };
    let store = status.store.clone().unwrap_or_default();
    let activity = web.running().sessions.activity();
    let used = store.index_bytes.saturating_add(store.body_bytes);
    Ok(render(&Overview {
        frame: Frame::of(visit, "Overview", "overview"),
        up: time::now() - web.running().started,
        reasons: health::reasons(web),
        facts: facts(activity, web.store().queued() as u64, web.store().index_lag().ok()),
        space: space::of(&web.options().data).map(|space| room(space, used)),
        commands: slowest(activity),
        status: *status,
        store,
    }))
}

fn facts(activity: &Activity, queue: u64, index_lag: Option<u64>) -> Facts {
    let logins = activity.logins();
    let deliveries = activity.deliveries();
    let login = |wanted| logins.iter().filter(|((_, good), _)| *good == wanted).map(|(_, count)| count).sum();
    let delivery = |wanted| deliveries.iter().filter(|(one, _)| *one == wanted).map(|(_, count)| count).sum();
    Facts {
        connections: activity.connections().iter().map(|(_, count)| count).sum(),
        logins_good: login(true),
        logins_refused: login(false),
        delivered: delivery(Delivery::Delivered),
        deferred: delivery(Delivery::Deferred),
        refused: delivery(Delivery::Refused),
        delivered_octets: activity.delivered_octets(),
        queue,
        index_lag,
    }
}

fn room(space: Space, used: u64) -> Room {
    Room {
        used,
        wanted: used.saturating_mul(space::FACTOR),
        enough: space.is_enough(used),
        taken: percent(space.total.saturating_sub(space.free), space.total),
        space,
    }
}

fn slowest(activity: &Activity) -> Vec<Slow> {
    let mut commands = activity.commands();
    let mean = |command: &common::activity::Command| command.seconds * 1000.0 / command.count().max(1) as f64;
    // IDLE and LMTP's DATA wait for somebody else.
    commands.retain(|command| !matches!(command.name, "IDLE" | "DATA" | "BDAT"));
    commands.sort_by(|one, two| mean(two).total_cmp(&mean(one)));
    let slow = |command: &common::activity::Command| Slow {
        protocol: command.protocol,
        name: command.name,
        count: command.count(),
        milliseconds: format!("{:.1}", mean(command)),
    };
    commands.iter().take(SLOWEST).map(slow).collect()
}

impl Overview {
    fn sessions(&self) -> u64 {
        self.status.imap_sessions + self.status.pop3_sessions + self.status.lmtp_sessions
    }

    fn listeners(&self) -> &[ListenerView] {
        &self.status.listeners
    }
}
