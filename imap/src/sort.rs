//! SORT: by what messages are compared, and their order. RFC 5256, RFC 5957, RFC 5267
//!
//! Each message has one string of octets that orders as the criteria do ([`order`]); nothing else of it is kept.

pub mod criteria;
pub mod facts;
pub mod order;
pub mod result;
