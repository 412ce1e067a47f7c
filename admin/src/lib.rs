//! Administration: every operation as a value, run either by the server that has the store open, or by the command line
//! on a store that it opened itself.
//!
//! Rules that hold everywhere:
//! - One [`Operation`], one [`Operation::run`]: what the command line can do it does alike with and without a server.
//! - No password travels and none is logged: hashes are made where the password was typed.
//! - Every change is one info line with who made it (the uid at the other end of the socket).
//! - The socket's permissions are the access control: mode 0600, owned by the server's user.

mod audit;
mod client;
mod delivery;
mod events;
mod failure;
mod messages;
mod operation;
mod outcome;
mod passwd;
mod server;
pub mod space;
#[cfg(test)]
mod tests;
mod wire;

pub use audit::Who;
pub use client::{Client, ClientError};
pub use delivery::{Deliver, Envelope, Octets, octets};
pub use events::EventView;
pub use failure::{Failure, Kind};
pub use messages::Remote;
pub use operation::{AccountChanges, Context, ImportLine, Operation, PasswordHash, Running, Setting};
pub use outcome::*;
pub use server::{Server, ServerError};

/// Grows when an older client or server would misunderstand; both sides refuse another number.
pub const INTERFACE: u32 = 1;
