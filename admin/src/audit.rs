//! The log line that every change leaves.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::{Failure, Operation, Outcome};

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The user at the other end of a unix socket, or the one who runs the command line.
    Process { uid: Option<u32>, pid: Option<i32> },
    /// An account that is logged in over HTTP.
    Administrator {
        account: Arc<str>,
        /// `None`: a unix socket.
        peer: Option<IpAddr>,
        /// `web` or `api`
        protocol: &'static str,
    },
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Process { uid: Some(uid), pid: Some(pid) } => write!(f, "uid {uid} (process {pid})"),
            Who::Process { uid: Some(uid), pid: None } => write!(f, "uid {uid}"),
            Who::Process { uid: None, .. } => f.write_str("unknown user"),
            Who::Administrator { account, peer: Some(peer), protocol } => {
                write!(f, "{account} ({protocol}, {peer})")
            }
            Who::Administrator { account, peer: None, protocol } => {
                write!(f, "{account} ({protocol}, unix socket)")
            }
        }
    }
}

/// Changes are logged at info, whether or not they came about; questions are not.
pub(crate) fn log(operation: &Operation, who: &Who, result: &Result<Outcome, Failure>) {
    let Some(change) = operation.describe_change() else { return };
    match result {
        Ok(_) => tracing::info!(target: "admin", by = %who, "{change}"),
        Err(failure) => tracing::info!(target: "admin", by = %who, "{change}: refused: {}", failure.reason),
    }
}
