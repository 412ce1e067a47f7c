//! What the server does now, as text.

use admin::ActivityView;

use super::{clean, facts, line, sessions, size, table};
use crate::monitor::{Sample, slowest};

/// Commands in the list of the slowest.
const SLOWEST: usize = 10;

/// One frame: rates are between the two.
pub fn print(before: &Sample, now: &Sample) -> anyhow::Result<()> {
    let mut table = table(["SLOWEST", "COMMAND", "COUNT", "MEAN MS"]);
    for (command, mean) in slowest(&now.activity).into_iter().take(SLOWEST) {
        table.add_row([command.protocol, command.name, command.count.to_string(), format!("{mean:.1}")]);
    }
    let rates = facts(&[
        ("commands", format!("{}/s", now.commands_since(before))),
        ("deliveries", format!("{}/s", now.deliveries_since(before))),
    ]);
    let text = format!(
        "{}\n{rates}\n{}\n\n{table}\n\n{}",
        counts(&now.activity),
        disk(now),
        sessions(&now.sessions)
    );
    line(&clean(&text))
}

/// Without rates.
pub(super) fn counts(activity: &ActivityView) -> String {
    facts(&[
        ("server", format!("{}, up {}", activity.hostname, up(activity))),
        ("sessions", protocols(activity)),
        ("logins", format!("{} good, {} refused", activity.logins_good, activity.logins_refused)),
        (
            "delivered",
            format!(
                "{} ({}), {} deferred, {} refused",
                activity.delivered,
                size(activity.delivered_octets),
                activity.deferred,
                activity.refused
            ),
        ),
        ("write queue", activity.write_queue.to_string()),
    ])
}

/// `2 imap, 0 pop3, 0 lmtp`
pub fn protocols(activity: &ActivityView) -> String {
    let each = activity.sessions.iter().map(|one| format!("{} {}", one.count, one.protocol));
    each.collect::<Vec<_>>().join(", ")
}

/// `3 d 02:01:59`
pub fn up(activity: &ActivityView) -> String {
    let seconds = (activity.time - activity.started).max(0);
    let (hour, minute, second) = common::time::clock(seconds);
    match seconds / common::time::SECONDS_A_DAY {
        0 => format!("{hour:02}:{minute:02}:{second:02}"),
        days => format!("{days} d {hour:02}:{minute:02}:{second:02}"),
    }
}

/// Free space, against the rule of four times what the store takes.
pub fn disk(sample: &Sample) -> String {
    let activity = &sample.activity;
    let (Some(free), Some(total)) = (activity.disk_free, activity.disk_total) else {
        return "free space unknown".into();
    };
    let space = admin::space::Space { free, total };
    let used = sample.store.as_ref().map(|store| store.index_bytes.saturating_add(store.body_bytes));
    let wanted = match used {
        Some(used) if !space.is_enough(used) => {
            format!(", wanted {}", size(used.saturating_mul(admin::space::FACTOR)))
        }
        _ => String::new(),
    };
    format!("{} free of {}{wanted}", size(free), size(total))
}
