//! What sessions of all protocols share: their list (for `status` and the live view), kicking, and shutdown.

use std::sync::Arc;

use crate::stream::Peer;

/// All running sessions. Cheap to clone.
#[derive(Clone, Default)]
pub struct Sessions {}

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
pub struct Entry {}

/// Why a session must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The server is going down: finish the command, say BYE / -ERR [SYS/TEMP].
    Shutdown,
    /// An administrator ended it.
    Kicked,
}

impl Sessions {
    pub fn new() -> Sessions {
        unimplemented!()
    }
    pub fn add(&self, protocol: &'static str, peer: &Peer) -> Entry {
        let _ = (protocol, peer);
        unimplemented!()
    }
    pub fn list(&self) -> Vec<SessionInfo> {
        unimplemented!()
    }
    /// False: no such session.
    pub fn kick(&self, id: u64) -> bool {
        let _ = id;
        unimplemented!()
    }
    /// Ends all sessions of an account; how many.
    pub fn kick_account(&self, account: &str) -> usize {
        let _ = account;
        unimplemented!()
    }
    /// Tells every session to end.
    pub fn shutdown(&self) {
        unimplemented!()
    }
    /// Resolves when there is no session left.
    pub async fn drained(&self) {
        unimplemented!()
    }
}

impl Entry {
    pub fn id(&self) -> u64 {
        unimplemented!()
    }
    /// Changes what `list` shows.
    pub fn update(&self, change: impl FnOnce(&mut SessionInfo)) {
        let _ = change;
        unimplemented!()
    }
    /// Resolves when the session must end. Cancel-safe; at once when that was decided before.
    pub async fn ended(&self) -> End {
        unimplemented!()
    }
}

/// What the three protocols' services have in common.
#[derive(Clone)]
pub struct Shared {
    pub hostname: Arc<str>,
    pub sessions: Sessions,
    pub limits: crate::limits::Limits,
    pub authenticator: crate::auth::Authenticator,
    /// For STARTTLS and STLS; `None`: not offered.
    pub tls: Option<crate::tls::Acceptor>,
}
