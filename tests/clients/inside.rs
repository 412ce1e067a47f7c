//! What is on the server, asked over IMAP in plain words, to compare with what a client showed and did.

use std::time::{Duration, Instant};

use crate::support::connection::{Connection, PATIENCE};
use crate::support::{Outcome, fail};

use super::site::{ALICE, Site, number_of};

/// A message's number (see [`super::site::message`]) and its flags, sorted.
pub type Contents = Vec<(usize, Vec<String>)>;

/// How long a client may take to do what it was told.
const UNTIL: Duration = Duration::from_secs(60);

/// The messages of a mailbox, in its order.
pub fn contents(site: &Site, mailbox: &str) -> Outcome<Contents> {
    let mut imap = Connection::open(site.server.address("imap")?)?;
    ask(&mut imap, &format!("LOGIN {ALICE} restante"))?;
    ask(&mut imap, &format!("EXAMINE \"{mailbox}\""))?;
    let lines = ask(&mut imap, "FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])");
    // An empty mailbox has no message 1.
    let lines = lines.unwrap_or_default();
    let mut contents = Contents::new();
    let mut flags = Vec::new();
    for line in lines {
        if let Some((_, rest)) = line.split_once("FLAGS (") {
            let list = rest.split(')').next().unwrap_or_default();
            flags = list.split_whitespace().map(str::to_owned).collect();
            flags.retain(|flag: &String| flag != "\\Recent");
            flags.sort_unstable();
        }
        contents.extend(number_of(line.as_bytes()).map(|number| (number, std::mem::take(&mut flags))));
    }
    ask(&mut imap, "LOGOUT")?;
    Ok(contents)
}

/// Waits until the messages of the mailbox are these.
pub fn expect(site: &Site, mailbox: &str, want: &[usize]) -> Outcome {
    wait(site, mailbox, &format!("{want:?}"), |got| {
        got.iter().map(|(number, _)| *number).eq(want.iter().copied())
    })
}

/// Waits until a message has a flag.
pub fn expect_flag(site: &Site, mailbox: &str, number: usize, flag: &str) -> Outcome {
    wait(site, mailbox, &format!("{number} with {flag}"), |got| {
        got.iter().any(|(one, flags)| *one == number && flags.iter().any(|one| one == flag))
    })
}

fn wait(site: &Site, mailbox: &str, what: &str, is_so: impl Fn(&Contents) -> bool) -> Outcome {
    let deadline = Instant::now() + UNTIL;
    loop {
        let got = contents(site, mailbox)?;
        if is_so(&got) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return fail(format!("{mailbox} has {got:?}, waited for {what}"));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The lines before the tagged OK.
fn ask(imap: &mut Connection, command: &str) -> Outcome<Vec<String>> {
    imap.send(format!("t {command}\r\n").as_bytes())?;
    let mut lines = Vec::new();
    loop {
        let line = imap.line(PATIENCE)?.ok_or("the server closed the connection")?;
        let line = String::from_utf8_lossy(&line).into_owned();
        match line.strip_prefix("t ") {
            Some(end) if end.starts_with("OK") => return Ok(lines),
            Some(end) => return fail(format!("{command}: {end}")),
            None => lines.push(line),
        }
    }
}
