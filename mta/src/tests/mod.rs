//! Dialogues over real sockets.

mod policy;
mod sasl;
mod server;
mod socketmap;
