//! Limits of the process on open files.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the limit of open files to what is allowed: each connection is one, and the usual 1024 is soon reached.
pub fn raise_limit() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_err() {
        tracing::warn!("the limit of open files stays at {soft}: there can be no more connections than that");
    }
}
