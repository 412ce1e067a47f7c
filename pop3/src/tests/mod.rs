//! Sessions over real sockets on a real store: what RFC 1939 and its extensions promise a client.

mod client;
mod login;
mod reading;
mod updating;
