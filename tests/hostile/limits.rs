//! Limits on connections: what is over them is told so in the protocol's own words, and is let in again afterwards.

use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::client::{ALICE, BOB, Client};
use super::survived;
use crate::support::server::{PASSWORD, Server};
use crate::support::{Outcome, fail, trial};

/// RFC 9051 section 7.1.5, RFC 3206 section 4, RFC 5321 section 3.8
const REFUSALS: [(&str, &str); 3] =
    [("imap", "* BYE [UNAVAILABLE] "), ("pop3", "-ERR [SYS/TEMP] "), ("lmtp", "421 4.3.2 ")];

pub fn trials() -> Vec<Trial> {
    vec![
        trial("hostile::limits::connections", || at_once("connections", "too many connections")),
        trial("hostile::limits::connections_per_address", || {
            at_once("connections_per_address", "too many connections from your address")
        }),
        trial("hostile::limits::connections_per_account", per_account),
        trial("hostile::limits::rate_per_address", rate),
        trial("hostile::limits::file_descriptors", file_descriptors),
    ]
}

/// Ten places: the eleventh is refused, and let in when one has gone.
fn at_once(limit: &str, reason: &str) -> Outcome {
    let server = Server::start(&format!("limits.{limit} = 10\nlimits.rate_per_address = 0"))?;
    for (kind, refusal) in REFUSALS {
        let mut held = Vec::new();
        for _ in 0..10 {
            let mut client = connected(&server, kind)?;
            client.text()?;
            held.push(client);
        }
        let mut refused = Client::open(server.address(kind)?)?;
        let line = refused.text()?;
        if line != format!("{refusal}{reason}") {
            return fail(format!("{kind}: {line}"));
        }
        if refused.line()?.is_some() {
            return fail(format!("{kind}: a refused connection goes on"));
        }
        // On a TLS port nothing is said, and nothing is left hanging.
        if !Client::open(server.address("imaps")?)?.closes(Duration::from_secs(5))? {
            return fail("a refused TLS connection stays open");
        }
        held.pop();
        connected(&server, kind)?;
    }
    until(|| Ok(Client::imap(&server, ALICE).is_ok()))?;
    survived(server)
}

/// A connection that is let in; a place that was just left may take a moment to be free.
fn connected(server: &Server, kind: &str) -> Outcome<Client> {
    let mut found = None;
    until(|| {
        let mut client = Client::open(server.address(kind)?)?;
        let greeting = client.text()?;
        let welcome = ["* OK", "+OK", "220"].iter().any(|word| greeting.starts_with(word));
        if welcome {
            // What asks for a line must get one.
            client.send(if kind == "imap" { "a NOOP\r\n" } else { "NOOP\r\n" })?;
            found = Some(client);
        }
        Ok(welcome)
    })?;
    found.ok_or_else(|| "no connection".into())
}

fn until(mut done: impl FnMut() -> Outcome<bool>) -> Outcome {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done()? {
        if Instant::now() > deadline {
            return fail("the places that were left are not free");
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// An account's fourth session is refused by both protocols, another account's first is not.
fn per_account() -> Outcome {
    let server = Server::start("limits.connections_per_account = 3\nlimits.rate_per_address = 0")?;
    let mut imap = [Client::imap(&server, ALICE)?, Client::imap(&server, ALICE)?];
    let mut pop3 = Client::pop3(&server, ALICE)?;
    let mut fourth = Client::open(server.address("imap")?)?;
    fourth.text()?;
    fourth.command(format!("LOGIN {ALICE} {PASSWORD}"))?.must("NO [LIMIT]")?;
    let mut fifth = Client::open(server.address("pop3")?)?;
    fifth.text()?;
    fifth.say_ok(&format!("USER {ALICE}"))?;
    let refused = fifth.status(&format!("PASS {PASSWORD}"))?;
    // RFC 3206 section 4: not [AUTH], for the password is right
    if !refused.starts_with("-ERR [SYS/TEMP] ") {
        return fail(format!("PASS: {refused}"));
    }
    Client::imap(&server, BOB)?;
    imap[0].command("NOOP")?.must("OK")?;
    pop3.say_ok("QUIT")?;
    // Both sessions are still there, and may try again.
    until(|| Ok(fourth.command(format!("LOGIN {ALICE} {PASSWORD}"))?.is("OK")))?;
    drop((imap, fourth, fifth));
    until(|| Ok(Client::imap(&server, ALICE).is_ok()))?;
    survived(server)
}

/// More than five new connections a second are told so; a little later they come in.
fn rate() -> Outcome {
    let server = Server::start("limits.rate_per_address = 5")?;
    for (kind, refusal) in REFUSALS {
        let mut lines = Vec::new();
        for _ in 0..40 {
            lines.push(Client::open(server.address(kind)?)?.text()?);
        }
        let refused = lines.iter().filter(|line| **line == format!("{refusal}connecting too fast")).count();
        let welcome = lines
            .iter()
            .filter(|line| ["* OK", "+OK", "220"].iter().any(|word| line.starts_with(word)))
            .count();
        if refused == 0 || refused + welcome != lines.len() {
            return fail(format!("{kind}: {lines:?}"));
        }
        thread::sleep(Duration::from_millis(1_200));
        connected(&server, kind)?;
    }
    thread::sleep(Duration::from_millis(1_500));
    survived(server)
}

/// When the process may open no more files, who is connected is served, and everybody is when some have gone.
fn file_descriptors() -> Outcome {
    let server = Server::start("limits.rate_per_address = 0")?;
    let mut imap = Client::imap(&server, ALICE)?;
    imap.command("SELECT INBOX")?.must("OK")?;
    let mut lmtp = Client::lmtp(&server)?;
    lmtp.deliver(ALICE, b"Subject: before\r\n\r\nx\r\n")?;
    let pid = server.pid().ok_or("the server does not run")?.to_string();
    let limit = std::fs::read_dir(format!("/proc/{pid}/fd"))?.count() + 20;
    super::disk::prlimit(&pid, &format!("--nofile={limit}"))?;
    let held: Vec<Client> = (0..60).map(|_| Client::open(server.address("imap")?)).collect::<Outcome<_>>()?;
    thread::sleep(Duration::from_millis(500));
    imap.command("FETCH * BODY.PEEK[]")?.must("OK")?;
    let reply = lmtp.deliver(ALICE, b"Subject: meanwhile\r\n\r\nx\r\n")?;
    if !reply.starts_with("250") && !reply.starts_with('4') {
        return fail(format!("without file descriptors: {reply}"));
    }
    let large = [b"Subject: large\r\n\r\n".to_vec(), b"x".repeat(3 << 20)].concat();
    let reply = lmtp.deliver(ALICE, &large)?;
    // It needs a temporary file.
    if !reply.starts_with('4') {
        return fail(format!("a large message without file descriptors: {reply}"));
    }
    drop(held);
    until(|| Ok(lmtp.deliver(ALICE, &large)?.starts_with("250")))?;
    until(|| Ok(Client::imap(&server, BOB).is_ok()))?;
    survived(server)
}
