//! redb asserts what it has written, so a damaged page can make it panic. That is damage like any other: an error of the
//! one who meets it, and nobody else's trouble.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Error, Result};

/// Runs a call of redb, and nothing else.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(Error::Damaged(
            "the index is damaged (a page of it makes no sense): run `restante check`, and restore it from a backup"
                .to_owned(),
        ))
    })
}
