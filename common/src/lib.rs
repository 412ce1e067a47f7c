//! What every protocol needs and the store does not: streams with limits and timeouts, TLS, authentication,
//! connection limits, and the one bridge from async sockets to blocking calls.

pub mod activity;
pub mod auth;
pub mod block;
pub mod crypto;
pub mod limits;
pub mod line;
pub mod password;
pub mod session;
pub mod stream;
pub mod time;
pub mod tls;
pub mod utf7;

pub use block::block;
