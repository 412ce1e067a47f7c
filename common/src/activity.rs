//! What happens, counted for metrics and told to who watches: connections, logins, commands with their times, deliveries.
//!
//! Rules: counting waits for nobody; labels come from tables of the program, never from a client, so memory is bounded; a
//! watcher that is slow misses events and is told how many, and costs a session nothing. Without watchers no event is made.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::broadcast;

use crate::time;

/// Events that a watcher may be behind.
const BEHIND: usize = 1024;

/// Upper bounds of the classes of a command's time, in seconds. Longer ones are in the last class.
pub const TIMES: [f64; 8] = [0.0005, 0.002, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0];

/// Counters and events of one server. Cheap to clone.
#[derive(Clone)]
pub struct Activity(Arc<Inner>);

struct Inner {
    connections: Counts<&'static str>,
    logins: Counts<(&'static str, bool)>,
    deliveries: Counts<Delivery>,
    delivered_octets: AtomicU64,
    commands: RwLock<BTreeMap<(&'static str, &'static str), Arc<Times>>>,
    events: broadcast::Sender<Arc<Event>>,
}

/// What became of a message for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    Delivered,
    /// The MTA tries again.
    Deferred,
    Refused,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Seconds since 1970.
    pub time: i64,
    pub kind: EventKind,
    /// `imap`, `pop3`, `lmtp`, `web`, `api`, `pipe`
    pub protocol: &'static str,
    /// Of the list of sessions.
    pub session: Option<u64>,
    pub peer: Option<String>,
    pub account: Option<String>,
    /// A command and its result, or a reason.
    pub text: String,
    /// What a command took.
    pub milliseconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    Connected,
    LoggedIn,
    LoginRefused,
    Command,
    Delivered,
    NotDelivered,
    Disconnected,
}

impl EventKind {
    /// `connected`, `login-refused`, ...
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Connected => "connected",
            EventKind::LoggedIn => "logged-in",
            EventKind::LoginRefused => "login-refused",
            EventKind::Command => "command",
            EventKind::Delivered => "delivered",
            EventKind::NotDelivered => "not-delivered",
            EventKind::Disconnected => "disconnected",
        }
    }
}

impl Event {
    /// Now, of nobody.
    pub fn new(kind: EventKind, protocol: &'static str) -> Event {
        Event {
            time: time::now(),
            kind,
            protocol,
            session: None,
            peer: None,
            account: None,
            text: String::new(),
            milliseconds: None,
        }
    }
}

/// How often something took how long.
#[derive(Default)]
struct Times {
    classes: [AtomicU64; TIMES.len() + 1],
    nanoseconds: AtomicU64,
}

/// A command's times as they are now.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    pub protocol: &'static str,
    pub name: &'static str,
    /// One for each of [`TIMES`], and what took longer.
    pub classes: [u64; TIMES.len() + 1],
    /// Of all of them.
    pub seconds: f64,
}

impl Command {
    /// How often it was done.
    pub fn count(&self) -> u64 {
        self.classes.iter().sum()
    }
}

struct Counts<K>(Mutex<BTreeMap<K, u64>>);

impl<K: Ord + Copy> Counts<K> {
    fn add(&self, key: K) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
    }

    fn all(&self) -> Vec<(K, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(key, count)| (*key, *count)).collect()
    }
}

impl<K> Default for Counts<K> {
    fn default() -> Counts<K> {
        Counts(Mutex::default())
    }
}

impl Default for Activity {
    fn default() -> Activity {
        Activity(Arc::new(Inner {
            connections: Counts::default(),
            logins: Counts::default(),
            deliveries: Counts::default(),
            delivered_octets: AtomicU64::default(),
            commands: RwLock::default(),
            events: broadcast::Sender::new(BEHIND),
        }))
    }
}

impl Activity {
    /// What happens from now on.
    pub fn watch(&self) -> broadcast::Receiver<Arc<Event>> {
        self.0.events.subscribe()
    }

    /// Makes the event only if somebody watches.
    pub fn tell(&self, event: impl FnOnce() -> Event) {
        if self.0.events.receiver_count() > 0 {
            // An error means that the last watcher has just left.
            let _ = self.0.events.send(Arc::new(event()));
        }
    }

    pub(crate) fn connected(&self, protocol: &'static str) {
        self.0.connections.add(protocol);
    }

    /// Counts a try to log in.
    pub(crate) fn login(&self, protocol: &'static str, good: bool) {
        self.0.logins.add((protocol, good));
    }

    /// Counts a message for one recipient, of so many octets.
    pub fn delivery(&self, outcome: Delivery, octets: u64) {
        self.0.deliveries.add(outcome);
        if outcome == Delivery::Delivered {
            self.0.delivered_octets.fetch_add(octets, Ordering::Relaxed);
        }
    }

    pub(crate) fn command(&self, protocol: &'static str, name: &'static str, took: Duration) {
        let times = self.times(protocol, name);
        let seconds = took.as_secs_f64();
        let class = TIMES.iter().position(|bound| seconds <= *bound).unwrap_or(TIMES.len());
        if let Some(class) = times.classes.get(class) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        times.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    fn times(&self, protocol: &'static str, name: &'static str) -> Arc<Times> {
        let known = self.0.commands.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = known.get(&(protocol, name)) {
            return Arc::clone(times);
        }
        drop(known);
        let mut commands = self.0.commands.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(commands.entry((protocol, name)).or_default())
    }

    /// Connections since the start, by protocol.
    pub fn connections(&self) -> Vec<(&'static str, u64)> {
        self.0.connections.all()
    }

    /// Logins since the start, by protocol and whether they were good.
    pub fn logins(&self) -> Vec<((&'static str, bool), u64)> {
        self.0.logins.all()
    }

    /// Recipients of messages since the start.
    pub fn deliveries(&self) -> Vec<(Delivery, u64)> {
        self.0.deliveries.all()
    }

    /// Octets delivered since the start, each recipient's copy counted.
    pub fn delivered_octets(&self) -> u64 {
        self.0.delivered_octets.load(Ordering::Relaxed)
    }

    /// Commands since the start, by protocol and name.
    pub fn commands(&self) -> Vec<Command> {
        let commands = self.0.commands.read().unwrap_or_else(PoisonError::into_inner);
        let command = |(&(protocol, name), times): (&(&'static str, &'static str), &Arc<Times>)| Command {
            protocol,
            name,
            classes: times.classes.each_ref().map(|class| class.load(Ordering::Relaxed)),
            seconds: Duration::from_nanos(times.nanoseconds.load(Ordering::Relaxed)).as_secs_f64(),
        };
        commands.iter().map(command).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_into_their_classes() {
        let activity = Activity::default();
        for milliseconds in [0, 1, 9, 60_000] {
            activity.command("imap", "FETCH", Duration::from_millis(milliseconds));
        }
        let commands = activity.commands();
        assert_eq!(commands.len(), 1);
        assert_eq!(commands[0].classes, [1, 1, 1, 0, 0, 0, 0, 0, 1]);
        assert_eq!((commands[0].count(), commands[0].seconds), (4, 60.01));
    }

    #[test]
    fn counts_by_label() {
        let activity = Activity::default();
        activity.login("imap", true);
        activity.login("imap", false);
        activity.login("imap", true);
        assert_eq!(activity.logins(), [(("imap", false), 1), (("imap", true), 2)]);
        activity.delivery(Delivery::Delivered, 100);
        activity.delivery(Delivery::Refused, 50);
        assert_eq!(activity.delivered_octets(), 100);
    }

    #[test]
    fn no_event_is_made_without_a_watcher() {
        let activity = Activity::default();
        activity.tell(|| panic!("nobody watches"));
        let mut watcher = activity.watch();
        activity.tell(|| Event::new(EventKind::Connected, "imap"));
        assert_eq!(watcher.try_recv().unwrap().kind.name(), "connected");
    }

    #[test]
    fn a_slow_watcher_is_told_what_it_missed() {
        let activity = Activity::default();
        let mut watcher = activity.watch();
        for _ in 0..BEHIND + 5 {
            activity.tell(|| Event::new(EventKind::Connected, "imap"));
        }
        assert_eq!(watcher.try_recv(), Err(broadcast::error::TryRecvError::Lagged(5)));
    }
}
