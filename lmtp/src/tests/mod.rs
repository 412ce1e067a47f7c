//! Sessions over real sockets on a real store: what RFC 2033 and its extensions promise an MTA.

mod client;
mod dialogue;
mod mailboxes;
mod messages;
