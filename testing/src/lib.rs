//! What the tests of several crates share: a [`Site`], which is a store with what services need around it, and a client's
//! [`Socket`]. What a protocol's client says and reads is in the tests of that protocol.
//!
//! Only tests depend on this crate. What goes wrong in it ends the test with a panic.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod site;
mod socket;

pub use accounts::PASSWORD;
pub use site::{Plan, Site};
pub use socket::{Socket, pair};
