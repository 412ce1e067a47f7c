//! Requests to the whole of it, over a pipe.

mod api;
mod events;
mod login;
mod site;
