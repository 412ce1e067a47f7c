//! For tests alone: a store on a disk that fails when it is told to, with small segments.

use std::fmt;
use std::path::Path;
use std::time::Duration;

pub use crate::bodies::{Call, Faults as BodyFaults};
pub use crate::engine::faults::DiskFaults;

use crate::{Limits, Options, Result, Store};

/// What fails, of a store that was opened with it. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    pub bodies: BodyFaults,
    pub index: DiskFaults,
}

/// What a test may set beside the options.
#[derive(Clone, Default)]
pub struct Setup {
    pub faults: Option<Faults>,
    /// Octets of a segment of the body log; 0: as always.
    pub segment_limit: u64,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("segment_limit", &self.segment_limit).finish_non_exhaustive()
    }
}

/// One shard, everything retained for a day, messages of 1 MiB, no mailboxes but INBOX.
pub fn options(path: &Path) -> Options {
    Options {
        path: path.to_owned(),
        shards: 1,
        retain_expunged: Duration::from_secs(86_400),
        message_limit: 1 << 20,
        limits: Limits::default(),
        compression: 1,
        index: true,
        new_account_mailboxes: Vec::new(),
    }
}

/// Opens a store with this set-up.
pub fn open(options: Options, setup: Setup) -> Result<Store> {
    Store::open_with(options, setup)
}
