//! Sessions of the web page. The cookie's value is random and kept as a hash, in memory alone: a restart ends them all.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use common::{crypto, time};
use sha2::{Digest, Sha256};
use store::{AccountId, AccountRecord};

/// Sessions at once; the one that rested longest gives way.
const MOST: usize = 1000;

/// By its prefix a browser takes this one only from a secure origin, for no other host or path (the draft after RFC 6265).
const SECURE_COOKIE: &str = "__Host-restante";
const PLAIN_COOKIE: &str = "restante";

pub(crate) struct Sessions {
    idle: Duration,
    lifetime: Duration,
    rows: Mutex<HashMap<Key, Row>>,
}

type Key = [u8; 32];

struct Row {
    account: AccountId,
    csrf: String,
    began: Instant,
    /// Seconds since 1970.
    since: i64,
    used: Instant,
    /// For the next page.
    said: Option<String>,
}

/// A session as a request has it.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    key: Key,
    pub account: AccountId,
    /// What forms of this session send along.
    pub csrf: String,
    since: i64,
}

impl Session {
    /// Whether the account may still do what it could when it logged in, and the password is still the one it was.
    pub fn is_good_for(&self, record: &AccountRecord) -> bool {
        let same_password = record.password_set.is_none_or(|set| set <= self.since);
        record.administrator && record.switches.login && same_password
    }
}

impl Sessions {
    pub fn new(idle: Duration, lifetime: Duration) -> Sessions {
        Sessions { idle, lifetime, rows: Mutex::default() }
    }

    /// A new session, whatever cookie there was before; the cookie's value.
    pub fn begin(&self, record: &AccountRecord) -> String {
        let token = crypto::hex(&crypto::random::<32>());
        let now = Instant::now();
        let row = Row {
            account: AccountId(record.id),
            csrf: crypto::hex(&crypto::random::<32>()),
            began: now,
            since: time::now(),
            used: now,
            said: None,
        };
        let mut rows = self.rows();
        rows.retain(|_, row| self.lives(row));
        if rows.len() >= MOST
            && let Some(oldest) = rows.iter().min_by_key(|(_, row)| row.used).map(|(key, _)| *key)
        {
            rows.remove(&oldest);
        }
        rows.insert(key(&token), row);
        token
    }

    /// The session of a request's cookie; it counts as used.
    pub fn find(&self, headers: &HeaderMap, secure: bool) -> Option<Session> {
        let key = key(token(headers, secure)?);
        let mut rows = self.rows();
        let row = rows.get_mut(&key)?;
        if !self.lives(row) {
            rows.remove(&key);
            return None;
        }
        row.used = Instant::now();
        Some(Session { key, account: row.account, csrf: row.csrf.clone(), since: row.since })
    }

    /// Whether it has not ended. Does not count as a use.
    pub fn is_there(&self, session: &Session) -> bool {
        self.rows().get(&session.key).is_some_and(|row| self.lives(row))
    }

    pub fn end(&self, session: &Session) {
        self.rows().remove(&session.key);
    }

    /// Leaves a sentence for the next page of the session.
    pub fn say(&self, session: &Session, text: String) {
        if let Some(row) = self.rows().get_mut(&session.key) {
            row.said = Some(text);
        }
    }

    /// The sentence that was left, once.
    pub fn said(&self, session: &Session) -> Option<String> {
        self.rows().get_mut(&session.key)?.said.take()
    }

    fn lives(&self, row: &Row) -> bool {
        row.used.elapsed() < self.idle && row.began.elapsed() < self.lifetime
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<Key, Row>> {
        // Every change under this lock is whole: a panic elsewhere spoils nothing.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Found by a hash, so that looking one up takes no time that tells of another.
fn key(token: &str) -> Key {
    Sha256::digest(token.as_bytes()).into()
}

fn token(headers: &HeaderMap, secure: bool) -> Option<&str> {
    let name = if secure { SECURE_COOKIE } else { PLAIN_COOKIE };
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}

/// Set-Cookie for a session that begins.
pub(crate) fn cookie(token: &str, secure: bool) -> String {
    let (name, flag) = if secure { (SECURE_COOKIE, "; Secure") } else { (PLAIN_COOKIE, "") };
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict{flag}")
}

/// Set-Cookie for one that ends.
pub(crate) fn no_cookie(secure: bool) -> String {
    format!("{}; Max-Age=0", cookie("", secure))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> AccountRecord {
        serde_json::from_value(serde_json::json!({
            "id": 7, "name": "root@example.test", "shard": 0, "password": null, "created": 0, "administrator": true,
        }))
        .unwrap()
    }

    fn headers(cookie: &str) -> HeaderMap {
        [(header::COOKIE, cookie.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn a_session_is_found_by_its_cookie_alone() {
        let sessions = Sessions::new(Duration::from_secs(60), Duration::from_secs(60));
        let token = sessions.begin(&record());
        let session = sessions.find(&headers(&format!("a=b; restante={token}")), false).unwrap();
        assert_eq!(session.account, AccountId(7));
        assert!(sessions.find(&headers(&format!("restante={token}")), true).is_none());
        assert!(sessions.find(&headers(&format!("__Host-restante={token}")), true).is_some());
        assert!(sessions.find(&headers("restante=0000"), false).is_none());
        sessions.end(&session);
        assert!(sessions.find(&headers(&format!("restante={token}")), false).is_none());
    }

    #[test]
    fn sessions_end_by_rest_and_by_age() {
        let token = |idle, lifetime| {
            let sessions = Sessions::new(idle, lifetime);
            let token = sessions.begin(&record());
            sessions.find(&headers(&format!("restante={token}")), false).is_some()
        };
        let hour = Duration::from_secs(3600);
        assert!(token(hour, hour));
        assert!(!token(Duration::ZERO, hour));
        assert!(!token(hour, Duration::ZERO));
    }

    #[test]
    fn a_session_ends_with_the_role_and_with_the_password() {
        let sessions = Sessions::new(Duration::from_secs(60), Duration::from_secs(60));
        let token = sessions.begin(&record());
        let session = sessions.find(&headers(&format!("restante={token}")), false).unwrap();
        assert!(session.is_good_for(&record()));
        assert!(!session.is_good_for(&AccountRecord { administrator: false, ..record() }));
        assert!(!session.is_good_for(&AccountRecord { password_set: Some(i64::MAX), ..record() }));
    }

    #[test]
    fn the_table_is_bounded() {
        let sessions = Sessions::new(Duration::from_secs(60), Duration::from_secs(60));
        let first = sessions.begin(&record());
        for _ in 0..MOST {
            sessions.begin(&record());
        }
        assert_eq!(sessions.rows().len(), MOST);
        assert!(sessions.find(&headers(&format!("restante={first}")), false).is_none());
    }

    #[test]
    fn what_is_said_is_said_once() {
        let sessions = Sessions::new(Duration::from_secs(60), Duration::from_secs(60));
        let token = sessions.begin(&record());
        let session = sessions.find(&headers(&format!("restante={token}")), false).unwrap();
        sessions.say(&session, "done".into());
        assert_eq!(sessions.said(&session).as_deref(), Some("done"));
        assert_eq!(sessions.said(&session), None);
    }
}
