//! Bad input of every kind against the real binary: it must be refused or bounded, the server's memory must stay flat, the
//! others must be served meanwhile, and nothing may panic, get lost, or be shown to whom it does not belong.
//!
//! What is random comes from seeds that a failure names.

mod client;
mod crowd;
mod damage;
mod disk;
mod garbage;
mod limits;
mod lines;
mod mail;
mod memory;
mod strangers;
mod syntax;

use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::support::Outcome;
use crate::support::server::Server;
use client::{ALICE, BOB, Client};

pub fn trials() -> Vec<Trial> {
    [
        crowd::trials(),
        damage::trials(),
        disk::trials(),
        garbage::trials(),
        limits::trials(),
        lines::trials(),
        mail::trials(),
        strangers::trials(),
        syntax::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A server that has done everything once, so that what it keeps from then on is no growth.
fn warm(settings: &str) -> Outcome<Server> {
    let server = Server::start(settings)?;
    for user in [ALICE, BOB] {
        Client::lmtp(&server)?.deliver(user, b"Subject: first\r\n\r\nfirst\r\n")?;
        // The first login replaces the imported hash, in the background; the second one is remembered.
        Client::imap(&server, user)?;
        thread::sleep(Duration::from_millis(300));
        Client::imap(&server, user)?.command("SELECT INBOX")?.must("OK")?;
        Client::pop3(&server, user)?.say_ok("QUIT")?;
    }
    Ok(server)
}

/// All three protocols work for everybody.
fn works(server: &Server) -> Outcome {
    let subject = format!("Subject: works {}\r\n\r\nstill\r\n", server.log().len());
    let reply = Client::lmtp(server)?.deliver(BOB, subject.as_bytes())?;
    if !reply.starts_with("250") {
        return Err(format!("a delivery is refused: {reply}").into());
    }
    let mut imap = Client::imap(server, BOB)?;
    imap.command("SELECT INBOX")?.must("OK")?;
    imap.command("FETCH * BODY.PEEK[]")?.must("OK")?;
    let mut pop3 = Client::pop3(server, BOB)?;
    pop3.retrieve("RETR 1")??;
    pop3.say_ok("QUIT").map(drop)
}

/// After an attack: the server works, nothing panicked, the store is in order.
fn survived(server: Server) -> Outcome {
    works(&server)?;
    server.finish()
}
