//! Limits of the process on open files.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the limit of open files to what is allowed: each connection is one, and the usual 1024 is soon reached.
pub fn raise_limit(connections: usize) {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    if usize::try_from(hard).is_ok_and(|hard| hard < connections) {
        tracing::warn!(
            "limits.connections allows {connections} connections, but the system allows only {hard} open files; raise LimitNOFILE= (or ulimit -Hn), or lower limits.connections"
        );
    }
    if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_err() {
        tracing::warn!("the limit of open files stays at {soft}: there can be no more connections than that");
    }
}
