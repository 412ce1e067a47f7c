//! Faults on purpose, for tests: a body interface that fails when it is told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Bodies, Location, Record, SegmentInfo};
use crate::{Error, Result, Staged};

/// A call that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Append,
    Sync,
    Open,
    Reset,
    Copy,
    DeleteSegment,
    Verify,
}

/// The plan of what fails. Clones share it. Empty at first: nothing fails.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    counts: [u64; 7],
    faults: Vec<Fault>,
}

#[derive(Debug)]
struct Fault {
    call: Call,
    /// By count of calls: the first that fails and how many do.
    first: u64,
    times: u64,
    error: Error,
}

impl Faults {
    /// The `nth` call from now (from 1) fails, and with `times` more than 1 those after it. The call has no effect then.
    pub fn fail(&self, call: Call, nth: u64, times: u64, error: Error) {
        let mut plan = self.lock();
        let first = plan.counts[call as usize] + nth;
        plan.faults.push(Fault { call, first, times, error });
    }

    /// Nothing fails any more.
    pub fn clear(&self) {
        self.lock().faults.clear();
    }

    /// How often it was called, failures included.
    pub fn calls(&self, call: Call) -> u64 {
        self.lock().counts[call as usize]
    }

    fn meet(&self, call: Call) -> Result<()> {
        let mut plan = self.lock();
        plan.counts[call as usize] += 1;
        let count = plan.counts[call as usize];
        let met =
            |fault: &&Fault| fault.call == call && count >= fault.first && count - fault.first < fault.times;
        plan.faults.iter().find(met).map_or(Ok(()), |fault| Err(fault.error.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Another implementation, with faults.
pub(crate) struct Faulty<B> {
    pub inner: B,
    pub faults: Faults,
}

impl<B: Bodies> Bodies for Faulty<B> {
    fn append(&self, staged: &Staged) -> Result<Location> {
        self.faults.meet(Call::Append)?;
        self.inner.append(staged)
    }
    fn sync(&self) -> Result<()> {
        self.faults.meet(Call::Sync)?;
        self.inner.sync()
    }
    fn open(&self, location: Location) -> Result<Record> {
        self.faults.meet(Call::Open)?;
        self.inner.open(location)
    }
    fn tail(&self) -> (u32, u64) {
        self.inner.tail()
    }
    fn reset(&self, tail: (u32, u64)) -> Result<()> {
        self.faults.meet(Call::Reset)?;
        self.inner.reset(tail)
    }
    fn segments(&self) -> Result<Vec<SegmentInfo>> {
        self.inner.segments()
    }
    fn copy(&self, location: Location) -> Result<Location> {
        self.faults.meet(Call::Copy)?;
        self.inner.copy(location)
    }
    fn delete_segment(&self, segment: u32) -> Result<()> {
        self.faults.meet(Call::DeleteSegment)?;
        self.inner.delete_segment(segment)
    }
    fn verify(&self, location: Location, hash: &[u8; 32]) -> Result<()> {
        self.faults.meet(Call::Verify)?;
        self.inner.verify(location, hash)
    }
}
