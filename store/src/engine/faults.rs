//! Faults on purpose, for tests: a disk under the index that is full or broken.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// What the disk under the index refuses. Clones share it. Nothing at first.
#[derive(Debug, Clone, Default)]
pub struct DiskFaults(Arc<Plan>);

#[derive(Debug, Default)]
struct Plan {
    /// Octets that may still be written before it is full, plus one; 0: no end.
    room: AtomicU64,
    /// Writes that succeed before every one fails with EIO, plus one; 0: none fails.
    writes: AtomicU64,
    /// The same for syncs.
    syncs: AtomicU64,
    /// The same for reads.
    reads: AtomicU64,
    /// The sync that fails, counted from now, and no other; 0: none.
    one_sync: AtomicU64,
}

impl DiskFaults {
    /// Full after so many more octets.
    pub fn full_after(&self, octets: u64) {
        self.0.room.store(octets + 1, SeqCst);
    }

    /// Input/output errors after so many more writes.
    pub fn break_writes_after(&self, writes: u64) {
        self.0.writes.store(writes + 1, SeqCst);
    }

    /// Input/output errors after so many more syncs.
    pub fn break_syncs_after(&self, syncs: u64) {
        self.0.syncs.store(syncs + 1, SeqCst);
    }

    /// The `nth` sync from now (from 1) fails, and the next ones do not. What was written stays visible to readers, as in
    /// the page cache of a system whose disk has lost it.
    pub fn fail_sync(&self, nth: u64) {
        self.0.one_sync.store(nth, SeqCst);
    }

    /// [`DiskFaults::fail_sync`]'s time has not come yet.
    pub fn sync_will_fail(&self) -> bool {
        self.0.one_sync.load(SeqCst) > 0
    }

    /// Input/output errors after so many more reads.
    pub fn break_reads_after(&self, reads: u64) {
        self.0.reads.store(reads + 1, SeqCst);
    }

    /// The disk is well again.
    pub fn clear(&self) {
        for counter in [&self.0.room, &self.0.writes, &self.0.syncs, &self.0.reads, &self.0.one_sync] {
            counter.store(0, SeqCst);
        }
    }

    pub(crate) fn write(&self, octets: u64) -> io::Result<()> {
        take(&self.0.writes, 1).then_some(()).ok_or_else(broken)?;
        take(&self.0.room, octets).then_some(()).ok_or_else(|| ErrorKind::StorageFull.into())
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        let left = self.0.one_sync.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        let fails = left == Ok(1);
        (take(&self.0.syncs, 1) && !fails).then_some(()).ok_or_else(broken)
    }

    pub(crate) fn read(&self) -> io::Result<()> {
        take(&self.0.reads, 1).then_some(()).ok_or_else(broken)
    }
}

/// Takes from a counter that holds what is left plus one. False when there is not enough.
fn take(counter: &AtomicU64, amount: u64) -> bool {
    let next = |left: u64| match left {
        0 => Some(0),
        left if left > amount => Some(left - amount),
        _ => None,
    };
    counter.fetch_update(SeqCst, SeqCst, next).is_ok()
}

fn broken() -> io::Error {
    io::Error::from_raw_os_error(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_begin_when_told_and_end_when_cleared() {
        let faults = DiskFaults::default();
        faults.write(1000).unwrap();
        faults.full_after(10);
        faults.write(10).unwrap();
        assert_eq!(faults.write(1).unwrap_err().kind(), ErrorKind::StorageFull);
        faults.break_syncs_after(1);
        faults.sync().unwrap();
        assert!(faults.sync().is_err());
        faults.clear();
        faults.write(1).unwrap();
        faults.sync().unwrap();
    }
}
