//! Tests of whole sessions over a real socket against a real store.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod garbage;
mod session;
mod support;
