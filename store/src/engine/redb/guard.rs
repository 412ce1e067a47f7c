//! redb asserts what it has written, so a damaged page can make it panic. That is damage like any other: an error of the
//! one who meets it, a line in the log, and nobody else's trouble.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::{Error, Result};

thread_local! {
    /// This thread is within a call of redb.
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Runs a call of redb, and nothing else.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    static QUIET: Once = Once::new();

    QUIET.call_once(quiet);
    let outer = WITHIN.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    WITHIN.set(outer);
    result.unwrap_or_else(|panic| Err(error_of(&*panic)))
}

/// A panic of redb is one line in the log: its stack is about the file, not about this program.
fn quiet() {
    let others = take_hook();
    set_hook(Box::new(move |panic| {
        if WITHIN.try_with(Cell::get).unwrap_or_default() {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, reason = reason(panic.payload()), "redb cannot make sense of its file");
        } else {
            others(panic);
        }
    }));
}

fn error_of(panic: &(dyn Any + Send)) -> Error {
    // A panic within a lock leaves the lock of no use to anybody, until the file is opened anew.
    if reason(panic).contains("PoisonError") {
        return Error::Unavailable("the index must be opened anew after damage was found in it".to_owned());
    }
    Error::Damaged(
        "the index is damaged (a page of it makes no sense): run `restante check`, and restore it from a backup"
            .to_owned(),
    )
}

fn reason(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_damage_and_a_poisoned_lock_a_reason_to_open_anew() {
        let lock = std::sync::Mutex::new(());
        let broken = guarded(|| -> Result<()> {
            let _held = lock.lock().unwrap();
            panic!("no such page")
        });
        assert!(matches!(broken, Err(Error::Damaged(_))));
        let poisoned = guarded(|| {
            drop(lock.lock().unwrap());
            Ok(())
        });
        assert!(matches!(poisoned, Err(Error::Unavailable(_))));
        assert_eq!(guarded(|| Ok(5)).unwrap(), 5);
        assert!(!WITHIN.get());
    }
}
