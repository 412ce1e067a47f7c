//! Sessions over real sockets on a real store.

mod client;
mod concurrent;
mod context;
mod context_random;
mod fetch;
mod garbage;
mod oracle;
mod progress;
mod random_mail;
mod search;
mod search_random;
mod session;
mod storing;
