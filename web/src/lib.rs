//! HTTP for administrators and their programs: health, metrics, the JSON API, live events, the web page.
//!
//! Rules that hold everywhere:
//! - What it changes goes through [`admin::Operation`], as on the command line, and leaves the same audit line.
//! - One table of endpoints drives the API's dispatch, its validation and its OpenAPI document.
//! - Bad input is a 4xx that names the field; a 5xx is a fault of the server or its disk.
//! - A secret is compared in constant time and kept as a hash; what changes something needs more than a cookie.
//! - Bodies, answers, watchers and waits are bounded.

mod api;
mod auth;
mod connection;
mod events;
mod health;
mod metrics;
mod page;
mod problem;
mod secure;
#[cfg(test)]
mod tests;

use admin::space;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use admin::Running;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get};
use store::Store;

pub use connection::{Client, serve};

/// A request's body is at most so long: the largest is a form or a small JSON object.
const BODY_LIMIT: usize = 256 * 1024;

/// A setting as it holds, for who looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// `section.key`
    pub key: String,
    pub value: String,
    /// `default`, a file and line, ...
    pub origin: String,
}

/// How the site wants it.
#[derive(Debug, Clone)]
pub struct Options {
    /// A session ends after this time without a request.
    pub session_idle: Duration,
    /// And after this time in any case.
    pub session_lifetime: Duration,
    /// Metrics need no login, wherever the request comes from.
    pub public_metrics: bool,
    /// Passwords that are set here are stored with keys for SCRAM.
    pub scram: bool,
    /// The largest message: with less room than this the server is not ready.
    pub message_limit: u64,
    /// Where the store is, for the free space of its disk.
    pub data: PathBuf,
    pub settings: Vec<Setting>,
    /// Whose mailboxes everybody reads, where the site has such.
    pub public_account: Option<String>,
}

/// Everything that a request may need. Cheap to clone.
#[derive(Clone)]
pub struct Web(Arc<Inner>);

struct Inner {
    store: Store,
    running: Running,
    options: Options,
    sessions: auth::Sessions,
    statistics: Mutex<Option<metrics::Cached>>,
    /// Listeners that cannot accept now.
    failing: Arc<AtomicUsize>,
    watchers: Arc<tokio::sync::Semaphore>,
}

impl Web {
    /// `failing` counts listeners that cannot accept connections now.
    pub fn new(store: Store, running: Running, options: Options, failing: Arc<AtomicUsize>) -> Web {
        let sessions = auth::Sessions::new(options.session_idle, options.session_lifetime);
        let watchers = Arc::new(tokio::sync::Semaphore::new(events::WATCHERS));
        let statistics = Mutex::default();
        Web(Arc::new(Inner { store, running, options, sessions, statistics, failing, watchers }))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn running(&self) -> &Running {
        &self.0.running
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(crate) fn sessions(&self) -> &auth::Sessions {
        &self.0.sessions
    }

    pub(crate) fn failing_listeners(&self) -> usize {
        self.0.failing.load(Ordering::Relaxed)
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/health", get(health::health))
            .route("/ready", get(health::ready))
            .route("/metrics", get(metrics::show))
            .route("/api/v1/{*path}", any(api::handle))
            .merge(page::routes())
            .fallback(problem::no_page)
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .layer(axum::middleware::from_fn_with_state(self.clone(), secure::guard))
            .with_state(self.clone())
    }
}
