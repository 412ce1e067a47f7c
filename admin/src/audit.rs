//! The log line that every change leaves.

use std::fmt;

use crate::{Failure, Operation, Outcome};

/// Who asked: the user at the other end of the socket, or the one who runs the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    pub uid: Option<u32>,
    pub pid: Option<i32>,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.uid, self.pid) {
            (Some(uid), Some(pid)) => write!(f, "uid {uid} (process {pid})"),
            (Some(uid), None) => write!(f, "uid {uid}"),
            (None, _) => f.write_str("unknown user"),
        }
    }
}

/// Changes are logged at info, whether or not they came about; questions are not.
pub(crate) fn log(operation: &Operation, who: Who, result: &Result<Outcome, Failure>) {
    let Some(change) = operation.describe_change() else { return };
    match result {
        Ok(_) => tracing::info!(target: "admin", by = %who, "{change}"),
        Err(failure) => tracing::info!(target: "admin", by = %who, "{change}: refused: {}", failure.reason),
    }
}
