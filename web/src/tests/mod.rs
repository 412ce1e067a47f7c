//! Requests to the whole of it, over a pipe.

mod api;
mod login;
mod site;
