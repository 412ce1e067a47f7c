//! Sessions over real sockets on a real store.

mod client;
mod concurrent;
mod fetch;
mod search;
mod storing;
