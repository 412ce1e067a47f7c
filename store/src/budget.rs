//! A bound on the memory that work in parallel takes: whoever wants much waits his turn.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Octets that may be in work at a time. First come, first served, so that a large message gets its turn among small
/// ones.
#[derive(Debug)]
pub struct Budget {
    total: u64,
    state: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug)]
struct Queue {
    free: u64,
    /// The number that the next who comes draws, and the one whose turn it is.
    drawn: u64,
    served: u64,
}

impl Budget {
    pub const fn new(total: u64) -> Budget {
        Budget {
            total,
            state: Mutex::new(Queue { free: total, drawn: 0, served: 0 }),
            changed: Condvar::new(),
        }
    }

    /// Waits until so much is free. Blocks. What is larger than all of it gets all of it, alone.
    pub fn take(&self, octets: u64) -> Turn<'_> {
        let octets = octets.min(self.total);
        let mut queue = self.lock();
        let number = queue.drawn;
        queue.drawn += 1;
        let mut queue = self
            .changed
            .wait_while(queue, |queue| queue.served != number || queue.free < octets)
            .unwrap_or_else(PoisonError::into_inner);
        queue.free -= octets;
        queue.served += 1;
        self.changed.notify_all();
        Turn { budget: self, octets }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of the budget, given back when dropped.
pub struct Turn<'a> {
    budget: &'a Budget,
    octets: u64,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.budget.lock().free += self.octets;
        self.budget.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn the_budget_is_never_exceeded_and_everybody_gets_a_turn() {
        let budget = Budget::new(100);
        let (in_work, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8u64 {
                let (budget, in_work, most) = (&budget, &in_work, &most);
                scope.spawn(move || {
                    for step in 0..200 {
                        // One asks for more than there is: it works alone.
                        let octets = if step % 50 == 0 { 1000 } else { thread * 10 + 1 };
                        let _turn = budget.take(octets);
                        let now = in_work.fetch_add(octets.min(100), Ordering::SeqCst) + octets.min(100);
                        most.fetch_max(now, Ordering::SeqCst);
                        in_work.fetch_sub(octets.min(100), Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 100);
        assert_eq!(budget.lock().free, 100);
    }
}
