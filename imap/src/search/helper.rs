//! Threads that help a SEARCH to read messages, few for all sessions together: who looks at much takes no core from those
//! who wait for little.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Those that may still be had: one for every two cores.
static FREE: LazyLock<AtomicUsize> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    AtomicUsize::new(cores / 2)
});

/// Leave to run one thread; ends when it is dropped.
pub struct Helper(());

/// `None`: all are taken, so do it alone. Never waits.
pub fn take() -> Option<Helper> {
    let taken = FREE.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
    taken.ok().map(|_| Helper(()))
}

impl Drop for Helper {
    fn drop(&mut self) {
        FREE.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_few() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let taken: Vec<Helper> = std::iter::from_fn(take).collect();
        assert!(taken.len() <= cores / 2 && take().is_none());
        drop(taken);
        assert_eq!(take().is_some(), cores > 1);
    }
}
