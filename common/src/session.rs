//! What sessions of all protocols share: their list (for `status` and the live view), kicking, and shutdown.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::activity::{Activity, Event, EventKind};
use crate::stream::Peer;
use crate::time;

/// All running sessions. Cheap to clone.
#[derive(Clone, Default)]
pub struct Sessions {
    list: Arc<List>,
}

#[derive(Default)]
struct List {
    activity: Activity,
    running: Mutex<BTreeMap<u64, Arc<Slot>>>,
    last_id: AtomicU64,
    down: AtomicBool,
    /// Told when the last session has gone.
    empty: Notify,
}

struct Slot {
    info: Mutex<SessionInfo>,
    /// `RUNNING`, `SHUTDOWN` or `KICKED`.
    end: AtomicU8,
    ending: Notify,
}

const RUNNING: u8 = 0;
const SHUTDOWN: u8 = 1;
const KICKED: u8 = 2;

/// What the administrator sees of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    pub id: u64,
    /// `imap`, `pop3`, `lmtp`
    pub protocol: &'static str,
    pub peer: String,
    pub tls: bool,
    pub account: Option<String>,
    /// The command in work or last done, or `IDLE`.
    pub activity: String,
    pub mailbox: Option<String>,
    /// What the client says it is (RFC 2971 ID).
    pub client: Option<String>,
    /// Seconds since 1970.
    pub since: i64,
    pub commands: u64,
}

/// A session's own entry; dropping it removes the session from the list.
pub struct Entry {
    list: Arc<List>,
    slot: Arc<Slot>,
    id: u64,
}

/// Why a session must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The server is going down: finish the command, say BYE / -ERR [SYS/TEMP].
    Shutdown,
    /// An administrator ended it.
    Kicked,
}

impl Sessions {
    /// With no session yet.
    pub fn new() -> Sessions {
        Sessions::default()
    }

    /// The same, telling of what happens there.
    pub fn observed(activity: Activity) -> Sessions {
        Sessions { list: Arc::new(List { activity, ..List::default() }) }
    }

    /// Where sessions tell what they do.
    pub fn activity(&self) -> &Activity {
        &self.list.activity
    }

    /// Whether every session is told to end.
    pub fn is_down(&self) -> bool {
        self.list.down.load(Ordering::Acquire)
    }

    /// `tls`: from the first octet on. After [`Sessions::shutdown`] the new session is told to end at once.
    pub fn add(&self, protocol: &'static str, peer: &Peer, tls: bool) -> Entry {
        let id = self.list.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let slot = Arc::new(Slot::new(SessionInfo { tls, ..SessionInfo::new(id, protocol, peer) }));
        let mut running = self.list.running();
        running.insert(id, slot.clone());
        // Under the lock, so that a shutdown sees the session or the session sees the shutdown.
        if self.list.down.load(Ordering::Acquire) {
            slot.finish(SHUTDOWN);
        }
        drop(running);
        let entry = Entry { list: self.list.clone(), slot, id };
        self.list.activity.connected(protocol);
        entry.tell(|info| Event::new(EventKind::Connected, info.protocol));
        entry
    }

    /// Oldest first.
    pub fn list(&self) -> Vec<SessionInfo> {
        self.slots().iter().map(|slot| slot.info().clone()).collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.running().len()
    }

    /// False: no such session.
    pub fn kick(&self, id: u64) -> bool {
        let slot = self.list.running().get(&id).cloned();
        slot.inspect(|slot| slot.finish(KICKED)).is_some()
    }

    /// Ends all sessions of an account; how many.
    pub fn kick_account(&self, account: &str) -> usize {
        let slots = self.slots();
        let theirs = slots.iter().filter(|slot| slot.info().account.as_deref() == Some(account));
        theirs.inspect(|slot| slot.finish(KICKED)).count()
    }

    /// Tells every session to end.
    pub fn shutdown(&self) {
        let running = self.list.running();
        self.list.down.store(true, Ordering::Release);
        running.values().for_each(|slot| slot.finish(SHUTDOWN));
    }

    /// Resolves when there is no session left.
    pub async fn drained(&self) {
        loop {
            // Made before the look, so that a session which goes in between is noticed.
            let empty = self.list.empty.notified();
            if self.list.running().is_empty() {
                return;
            }
            empty.await;
        }
    }

    fn slots(&self) -> Vec<Arc<Slot>> {
        self.list.running().values().cloned().collect()
    }
}

impl List {
    fn running(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Slot>>> {
        // Inserting and removing are whole: a panic elsewhere spoils nothing.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionInfo {
    fn new(id: u64, protocol: &'static str, peer: &Peer) -> SessionInfo {
        SessionInfo {
            id,
            protocol,
            peer: peer.to_string(),
            tls: false,
            account: None,
            activity: String::new(),
            mailbox: None,
            client: None,
            since: time::now(),
            commands: 0,
        }
    }
}

impl Slot {
    fn new(info: SessionInfo) -> Slot {
        Slot { info: Mutex::new(info), end: AtomicU8::new(RUNNING), ending: Notify::new() }
    }

    fn info(&self) -> MutexGuard<'_, SessionInfo> {
        self.info.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first reason stays.
    fn finish(&self, reason: u8) {
        if self.end.compare_exchange(RUNNING, reason, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.ending.notify_waiters();
        }
    }

    fn end(&self) -> Option<End> {
        match self.end.load(Ordering::Acquire) {
            SHUTDOWN => Some(End::Shutdown),
            KICKED => Some(End::Kicked),
            _ => None,
        }
    }
}

impl Entry {
    /// The number that `list` shows and `kick` takes. None is used twice.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Changes what `list` shows.
    pub fn update(&self, change: impl FnOnce(&mut SessionInfo)) {
        change(&mut self.slot.info());
    }

    /// Counts a command and shows it as the one in work.
    pub fn begin(&self, command: &str) {
        self.update(|info| {
            command.clone_into(&mut info.activity);
            info.commands += 1;
        });
    }

    /// Counts what a command took, and tells how it ended. Its name is from a table of the program.
    pub fn finish(&self, command: &'static str, took: Duration, result: &str) {
        let protocol = self.slot.info().protocol;
        self.list.activity.command(protocol, command, took);
        self.tell(|info| Event {
            text: format!("{command} {result}"),
            milliseconds: u64::try_from(took.as_millis()).ok(),
            ..Event::new(EventKind::Command, info.protocol)
        });
    }

    fn tell(&self, event: impl FnOnce(&SessionInfo) -> Event) {
        self.list.activity.tell(|| {
            let info = self.slot.info();
            Event {
                session: Some(self.id),
                peer: Some(info.peer.clone()),
                account: info.account.clone(),
                ..event(&info)
            }
        });
    }

    /// What `input` gives, unless the session must end before it is there. As cancel-safe as `input`.
    pub async fn unless_ended<T>(&self, input: impl Future<Output = T>) -> Result<T, End> {
        tokio::select! {
            biased;
            end = self.ended() => Err(end),
            input = input => Ok(input),
        }
    }

    /// Why the session must end, if it must.
    pub fn has_ended(&self) -> Option<End> {
        self.slot.end()
    }

    /// Resolves when the session must end. Cancel-safe; at once when that was decided before.
    pub async fn ended(&self) -> End {
        loop {
            let ending = self.slot.ending.notified();
            if let Some(end) = self.slot.end() {
                return end;
            }
            ending.await;
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.tell(|info| Event::new(EventKind::Disconnected, info.protocol));
        let mut running = self.list.running();
        running.remove(&self.id);
        if running.is_empty() {
            self.list.empty.notify_waiters();
        }
    }
}

/// What the three protocols' services have in common.
#[derive(Clone)]
pub struct Shared {
    /// For greetings, trace lines and challenges.
    pub hostname: Arc<str>,
    pub sessions: Sessions,
    pub limits: crate::limits::Limits,
    pub authenticator: crate::auth::Authenticator,
    /// For STARTTLS and STLS; `None`: not offered.
    pub tls: Option<crate::tls::Acceptor>,
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use super::*;

    /// Whether the future is ready at its first poll.
    async fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
        let mut future = std::pin::pin!(future);
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    #[test]
    fn the_list_shows_what_sessions_tell_and_forgets_them() {
        let sessions = Sessions::new();
        let first = sessions.add("imap", &Peer::Unix, false);
        let second = sessions.add("pop3", &Peer::Tcp("192.0.2.1:4711".parse().unwrap()), true);
        first.update(|info| info.account = Some("alice".into()));
        first.begin("NOOP");
        first.begin("FETCH");
        let list = sessions.list();
        assert_eq!((list[0].id, list[0].protocol, list[0].peer.as_str()), (first.id(), "imap", "unix"));
        assert_eq!((list[0].account.as_deref(), list[0].commands), (Some("alice"), 2));
        assert_eq!((list[0].activity.as_str(), list[0].tls, list[1].tls), ("FETCH", false, true));
        assert_eq!((list[1].id, list[1].peer.as_str()), (second.id(), "192.0.2.1:4711"));
        drop(first);
        assert_eq!(sessions.list().iter().map(|info| info.id).collect::<Vec<_>>(), [second.id()]);
    }

    #[tokio::test]
    async fn a_kick_ends_one_session_or_all_of_an_account() {
        let sessions = Sessions::new();
        let entries: Vec<Entry> = (0..4).map(|_| sessions.add("imap", &Peer::Unix, false)).collect();
        for entry in &entries[1..3] {
            entry.update(|info| info.account = Some("alice".into()));
        }
        assert!(sessions.kick(entries[0].id()));
        assert!(!sessions.kick(4711));
        assert_eq!(sessions.kick_account("alice"), 2);
        assert_eq!(sessions.kick_account("bob"), 0);
        for entry in &entries[..3] {
            assert_eq!(ready(entry.ended()).await, Some(End::Kicked));
        }
        assert_eq!(ready(entries[3].ended()).await, None);
    }

    #[tokio::test]
    async fn a_waiting_session_is_woken() {
        let sessions = Sessions::new();
        let entry = sessions.add("imap", &Peer::Unix, false);
        let id = entry.id();
        let waiting = tokio::spawn(async move { entry.ended().await });
        tokio::task::yield_now().await;
        sessions.kick(id);
        assert_eq!(waiting.await.unwrap(), End::Kicked);
    }

    #[tokio::test]
    async fn input_is_taken_until_the_session_must_end() {
        let sessions = Sessions::new();
        let entry = sessions.add("imap", &Peer::Unix, false);
        assert_eq!(entry.unless_ended(async { 5 }).await, Ok(5));
        sessions.kick(entry.id());
        assert_eq!(entry.unless_ended(std::future::pending::<()>()).await, Err(End::Kicked));
        // What a pipelining client has sent before stays unanswered, always.
        assert_eq!(entry.unless_ended(async { 5 }).await, Err(End::Kicked));
    }

    #[tokio::test]
    async fn shutdown_ends_all_now_and_later_and_drains() {
        let sessions = Sessions::new();
        assert_eq!(ready(sessions.drained()).await, Some(()));
        let before = sessions.add("imap", &Peer::Unix, false);
        let kicked = sessions.add("imap", &Peer::Unix, false);
        sessions.kick(kicked.id());
        sessions.shutdown();
        let after = sessions.add("pop3", &Peer::Unix, false);
        assert_eq!(before.ended().await, End::Shutdown);
        assert_eq!(kicked.ended().await, End::Kicked, "the first reason stays");
        assert_eq!(after.ended().await, End::Shutdown);
        let drained = tokio::spawn(async move { sessions.drained().await });
        tokio::task::yield_now().await;
        assert!(!drained.is_finished());
        drop((before, kicked, after));
        drained.await.unwrap();
    }
}
