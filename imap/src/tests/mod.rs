//! Sessions over real sockets on a real store.

mod client;
mod concurrent;
mod fetch;
mod garbage;
mod oracle;
mod progress;
mod search;
mod session;
mod storing;
