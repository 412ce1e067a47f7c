//! A damaged store: what is damaged is refused in clear words, everything else is served, and never is anything else served
//! as somebody's mail.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use super::client::{ALICE, Client};
use super::disk::{files, flip};
use crate::crash::Random;
use crate::support::server::Server;
use crate::support::{Outcome, fail, trial};

/// Without compression the octets of a message are found in the segment as they are.
const SETTINGS: &str = "limits.rate_per_address = 0\nstore.compression = 0";
const MESSAGES: usize = 6;
/// The message that is damaged, by its number from 1.
const DAMAGED: usize = 3;
/// Exit code of `restante check` that found something.
const FOUND: Option<i32> = Some(5);

pub fn trials() -> Vec<Trial> {
    vec![
        trial("hostile::damage::flipped_body", flipped_body),
        trial("hostile::damage::flipped_large_body", flipped_large_body),
        trial("hostile::damage::truncated_segment", truncated_segment),
        trial("hostile::damage::deleted_segment", deleted_segment),
        trial("hostile::damage::deleted_older_segment", deleted_older_segment),
        trial("hostile::damage::flipped_index_1", || flipped_index(1)),
        trial("hostile::damage::flipped_index_2", || flipped_index(2)),
    ]
}

fn start(octets: usize) -> Outcome<(Server, Vec<Vec<u8>>)> {
    let server = Server::start(SETTINGS)?;
    let mut lmtp = Client::lmtp(&server)?;
    let messages: Vec<Vec<u8>> = (1..=MESSAGES).map(|number| message(number, octets)).collect();
    for message in &messages {
        let reply = lmtp.deliver(ALICE, message)?;
        if !reply.starts_with("250") {
            return fail(reply);
        }
    }
    Ok((server, messages))
}

/// Each line says which message it is of.
fn message(number: usize, octets: usize) -> Vec<u8> {
    let lines: String =
        (0..octets / 40).map(|line| format!("this is line {line:07} of message {number}\r\n")).collect();
    format!("Subject: message {number}\r\n\r\n{lines}").into_bytes()
}

fn segment(server: &Server) -> Outcome<PathBuf> {
    files(&server.path().join("data"), "seg")?.into_iter().next().ok_or_else(|| "no segment".into())
}

/// Where a text is in a file.
fn find(path: &Path, text: &str) -> Outcome<u64> {
    let octets = fs::read(path)?;
    let at = octets.windows(text.len()).position(|window| window == text.as_bytes());
    at.map(|at| at as u64).ok_or_else(|| format!("{text:?} is not in {}", path.display()).into())
}

fn flipped_body() -> Outcome {
    let (mut server, messages) = start(3_000)?;
    let segment = segment(&server)?;
    flip(&segment, find(&segment, &format!("line 0000010 of message {DAMAGED}"))?, 0x20)?;
    for _ in 0..2 {
        others_are_served(&server, &messages)?;
        is_refused(&server)?;
        the_log_names(&server, &segment)?;
        check_finds(&server, &segment)?;
        // And the same after a start.
        server.stop()?;
        check_finds(&server, &segment)?;
        server.launch()?;
    }
    // Mail goes on.
    let reply = Client::lmtp(&server)?.deliver(ALICE, b"Subject: more\r\n\r\nx\r\n")?;
    if !reply.starts_with("250") {
        return fail(reply);
    }
    server.stop()?;
    server.no_panic()
}

fn others_are_served(server: &Server, messages: &[Vec<u8>]) -> Outcome {
    let mut imap = Client::imap(server, ALICE)?;
    imap.command("EXAMINE INBOX")?.must("OK")?;
    let mut pop3 = Client::pop3(server, ALICE)?;
    for (number, message) in (1..).zip(messages).filter(|(number, _)| *number != DAMAGED) {
        let answer = imap.command(format!("FETCH {number} BODY.PEEK[]"))?.must("OK")?;
        let octets = pop3.retrieve(&format!("RETR {number}"))??;
        if !ends_with(&answer.all(), message, b")") || !octets.ends_with(message) {
            return fail(format!("message {number} is not what was delivered"));
        }
    }
    // What was summarized at delivery is still known of the damaged one.
    imap.command(format!("FETCH {DAMAGED} (ENVELOPE BODYSTRUCTURE RFC822.SIZE)"))?.must("OK")?;
    // One FETCH of all: the others come, and the answer says that one did not.
    let all = imap.command("FETCH 1:* BODY.PEEK[]")?.must("NO [CORRUPTION]")?;
    if all.lines.len() != MESSAGES - 1 {
        return fail(format!("{} of {} messages came", all.lines.len(), MESSAGES - 1));
    }
    let found = imap.command("SEARCH BODY \"line 0000011 of message\"")?.must("NO [CORRUPTION]")?;
    if found.all() != b"* SEARCH 1 2 4 5 6" {
        return fail(format!("SEARCH beside damage: {}", String::from_utf8_lossy(&found.all())));
    }
    Ok(())
}

fn ends_with(line: &[u8], message: &[u8], end: &[u8]) -> bool {
    line.strip_suffix(end).is_some_and(|line| line.ends_with(message))
}

fn is_refused(server: &Server) -> Outcome {
    let mut imap = Client::imap(server, ALICE)?;
    imap.command("SELECT INBOX")?.must("OK")?;
    for items in ["BODY.PEEK[]", "BODY[TEXT]", "BODY.PEEK[1]<100.500>", "RFC822"] {
        let answer = imap.command(format!("FETCH {DAMAGED} {items}"))?.must("NO [CORRUPTION]")?;
        if contains(&answer.all(), "of message") {
            return fail(format!("FETCH {items} of a damaged message answers octets of it"));
        }
    }
    imap.command(format!("COPY {DAMAGED} Archive"))?;
    imap.command("NOOP")?.must("OK")?;
    let mut pop3 = Client::pop3(server, ALICE)?;
    for command in ["RETR", "TOP"] {
        let argument = if command == "TOP" { " 1" } else { "" };
        match pop3.retrieve(&format!("{command} {DAMAGED}{argument}"))? {
            Err(status) if status.starts_with("-ERR [SYS/") => {}
            other => return fail(format!("{command} of a damaged message: {other:?}")),
        }
    }
    pop3.say_ok("NOOP").map(drop)
}

fn contains(octets: &[u8], text: &str) -> bool {
    octets.windows(text.len()).any(|window| window == text.as_bytes())
}

fn the_log_names(server: &Server, segment: &Path) -> Outcome {
    let (log, name) = (server.log(), segment.display().to_string());
    let named = log.lines().any(|line| line.contains(&name) && line.contains("offset"));
    if named { Ok(()) } else { fail(format!("no line of the log names {name} and the offset:\n{log}")) }
}

fn check_finds(server: &Server, segment: &Path) -> Outcome {
    let check = server.cli(&["check"], b"")?;
    let name = segment.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if check.code == FOUND && check.stdout.contains(&name) {
        return Ok(());
    }
    fail(format!("check of a damaged store ended with {:?}: {}{}", check.code, check.stdout, check.stderr))
}

/// In a message of many frames: the undamaged part comes, and what is behind it never does.
fn flipped_large_body() -> Outcome {
    let (mut server, messages) = start(3 << 20)?;
    let segment = segment(&server)?;
    flip(&segment, find(&segment, &format!("line 0060000 of message {DAMAGED}"))?, 0x01)?;
    let mut imap = Client::imap(&server, ALICE)?;
    imap.command("EXAMINE INBOX")?.must("OK")?;
    let start = imap.command(format!("FETCH {DAMAGED} BODY.PEEK[]<0.20000>"))?.must("OK")?;
    if !contains(&start.all(), &format!("line 0000300 of message {DAMAGED}")) {
        return fail("the undamaged start of a large message is not served");
    }
    // The size is told before the octets: when they cannot be completed, only closing tells the client.
    let cut = imap.command(format!("FETCH {DAMAGED} BODY.PEEK[]"));
    if cut.is_ok_and(|answer| answer.is("OK")) {
        return fail("a damaged message was served");
    }
    let mut pop3 = Client::pop3(&server, ALICE)?;
    if pop3.retrieve(&format!("RETR {DAMAGED}")).is_ok_and(|octets| octets.is_ok()) {
        return fail("a damaged message was served by POP3");
    }
    let mut imap = Client::imap(&server, ALICE)?;
    imap.command("EXAMINE INBOX")?.must("OK")?;
    for (number, message) in (1..).zip(&messages).filter(|(number, _)| *number != DAMAGED) {
        let answer = imap.command(format!("FETCH {number} BODY.PEEK[]"))?.must("OK")?;
        if !ends_with(&answer.all(), message, b")") {
            return fail(format!("message {number} is not what was delivered"));
        }
    }
    the_log_names(&server, &segment)?;
    check_finds(&server, &segment)?;
    server.stop()?;
    server.no_panic()
}

fn truncated_segment() -> Outcome {
    let (mut server, messages) = start(30_000)?;
    let segment = segment(&server)?;
    let end = find(&segment, "line 0000400 of message 4")?;
    File::options().write(true).open(&segment)?.set_len(end)?;
    only_these_are_served(&server, &messages, &[1, 2, 3])?;
    the_log_names(&server, &segment)?;
    check_finds(&server, &segment)?;
    server.kill()?;
    start_is_refused(&mut server, &segment)
}

fn deleted_segment() -> Outcome {
    let (mut server, messages) = start(30_000)?;
    let segment = segment(&server)?;
    server.stop()?;
    server.launch()?;
    fs::remove_file(&segment)?;
    // An open file is still there for the process that has it, until it is stopped.
    let mut imap = Client::imap(&server, ALICE)?;
    imap.command("EXAMINE INBOX")?.must("OK")?;
    let answer = imap.command("FETCH 1 BODY.PEEK[]")?;
    if answer.is("OK") && !ends_with(&answer.all(), &messages[0], b")") {
        return fail("something else was served as message 1");
    }
    server.kill()?;
    start_is_refused(&mut server, &segment)
}

/// One that is not written to any more: what was in it is refused, the rest is served, and the server starts.
fn deleted_older_segment() -> Outcome {
    let mut server = Server::start(SETTINGS)?;
    let messages: Vec<Vec<u8>> = (1..=6).map(|number| message(number, 60 << 20)).collect();
    let mut imap = Client::imap(&server, ALICE)?;
    for message in &messages {
        imap.send(format!("x APPEND INBOX {{{}+}}\r\n", message.len()))?;
        imap.send(message)?;
        imap.send("\r\n")?;
        imap.answer("x")?.must("OK")?;
    }
    let segments = files(&server.path().join("data"), "seg")?;
    let [first, _second] = &segments[..] else { return fail(format!("{} segments", segments.len())) };
    server.stop()?;
    fs::remove_file(first)?;
    server.launch()?;
    let mut imap = Client::imap(&server, ALICE)?;
    imap.command("EXAMINE INBOX")?.must("OK")?;
    let mut refused = 0;
    for (number, message) in (1..).zip(&messages) {
        let answer = imap.command(format!("FETCH {number} BODY.PEEK[]"))?;
        refused += usize::from(answer.is("NO [CORRUPTION]"));
        if answer.is("OK") && !ends_with(&answer.all(), message, b")") {
            return fail(format!("something else was served as message {number}"));
        }
    }
    if refused != 4 {
        return fail(format!("{refused} messages were refused, 4 were in the segment"));
    }
    the_log_says_missing(&server, first)?;
    check_finds(&server, first)?;
    let reply = Client::lmtp(&server)?.deliver(ALICE, b"Subject: more\r\n\r\nx\r\n")?;
    if !reply.starts_with("250") {
        return fail(reply);
    }
    server.stop()?;
    server.no_panic()
}

fn the_log_says_missing(server: &Server, segment: &Path) -> Outcome {
    let (log, name) = (server.log(), segment.display().to_string());
    let named = log.lines().any(|line| line.contains(&name) && line.contains("is missing"));
    if named { Ok(()) } else { fail(format!("no line of the log says that {name} is missing:\n{log}")) }
}

fn only_these_are_served(server: &Server, messages: &[Vec<u8>], served: &[usize]) -> Outcome {
    let mut imap = Client::imap(server, ALICE)?;
    imap.command("EXAMINE INBOX")?.must("OK")?;
    let mut pop3 = Client::pop3(server, ALICE)?;
    for (number, message) in (1..).zip(messages) {
        let answer = imap.command(format!("FETCH {number} BODY.PEEK[]"))?;
        let retrieved = pop3.retrieve(&format!("RETR {number}"))?;
        let right = match served.contains(&number) {
            true => {
                ends_with(&answer.all(), message, b")")
                    && retrieved.is_ok_and(|octets| octets.ends_with(message))
            }
            false => {
                answer.is("NO [CORRUPTION]")
                    && retrieved.is_err_and(|status| status.starts_with("-ERR [SYS/"))
            }
        };
        if !right {
            return fail(format!("message {number}: {}", answer.tagged));
        }
    }
    Ok(())
}

/// Writing behind a hole would make it worse: the server says what is missing and does not start.
fn start_is_refused(server: &mut Server, segment: &Path) -> Outcome {
    let Err(refusal) = server.launch() else { return fail("the server starts on a log that is too short") };
    let (refusal, name) = (refusal.to_string(), segment.display().to_string());
    if !refusal.contains(&name) || !refusal.contains("backup") {
        return fail(format!("the refusal does not name the file and the remedy: {refusal}"));
    }
    let check = server.cli(&["check"], b"")?;
    if check.code == Some(0) || !check.stderr.contains(&name) {
        return fail(format!("check: {:?} {}{}", check.code, check.stdout, check.stderr));
    }
    server.no_panic()
}

/// Octets of the index changed at random: the start is refused, or what is read is right or refused.
fn flipped_index(number: u64) -> Outcome {
    // More of them for a long look: RESTANTE_HOSTILE_ROUNDS=1000.
    let rounds = std::env::var("RESTANTE_HOSTILE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    let (mut server, messages) = start(2_000)?;
    server.stop()?;
    let indexes = files(&server.path().join("data"), "redb")?;
    let pristine: Vec<Vec<u8>> = indexes.iter().map(fs::read).collect::<Result<_, _>>()?;
    let segment = segment(&server)?;
    let bodies = fs::read(&segment)?;
    for round in 0..rounds.unwrap_or(14) {
        let seed = (number * 1_000_000 + round + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut random = Random(seed);
        let which = (random.below(3) as usize).min(indexes.len() - 1);
        for (path, octets) in indexes.iter().zip(&pristine) {
            fs::write(path, octets)?;
        }
        fs::write(&segment, &bodies)?;
        spoil(&indexes[which], &pristine[which], &mut random)?;
        let result = reads_right_or_refuses(&mut server, &messages);
        server.kill()?;
        result.and_then(|()| server.no_panic()).map_err(|error| {
            format!("seed {seed:#x} in {}: {error}\n{}", indexes[which].display(), server.log())
        })?;
        fs::write(server.log_path(), "")?;
    }
    Ok(())
}

/// Some octets changed, mostly where there is something; or a page of zeros; or an end that is missing.
fn spoil(path: &Path, octets: &[u8], random: &mut Random) -> Outcome {
    let mut octets = octets.to_vec();
    let used: Vec<usize> = (0..octets.len()).filter(|&at| octets[at] != 0).collect();
    match random.below(8) {
        0 => octets.truncate(random.below(octets.len() as u64) as usize),
        1 => {
            let at = used[random.below(used.len() as u64) as usize] & !4095;
            let end = (at + 4096).min(octets.len());
            octets[at..end].fill(0);
        }
        _ => {
            for _ in 0..1 + random.below(12) {
                octets[used[random.below(used.len() as u64) as usize]] ^= 1 << random.below(8);
            }
        }
    }
    Ok(fs::write(path, octets)?)
}

fn reads_right_or_refuses(server: &mut Server, messages: &[Vec<u8>]) -> Outcome {
    if let Err(refusal) = server.launch() {
        let refusal = refusal.to_string();
        return match refusal.contains("redb") || refusal.contains("index") {
            true => Ok(()),
            false => fail(format!("the refusal does not name the file: {refusal}")),
        };
    }
    by_imap(server, messages)?;
    by_pop3(server, messages)?;
    let reply = Client::lmtp(server)?.deliver(ALICE, b"Subject: more\r\n\r\nx\r\n")?;
    if !["250", "4", "550 5.1.1"].iter().any(|code| reply.starts_with(code)) {
        return fail(format!("LMTP: {reply}"));
    }
    let check = server.cli(&["check"], b"")?;
    match check.code {
        Some(0 | 1 | 5) => Ok(()),
        other => fail(format!("check ended with {other:?}: {}{}", check.stdout, check.stderr)),
    }
}

fn by_imap(server: &Server, messages: &[Vec<u8>]) -> Outcome {
    let mut imap = Client::open(server.address("imap")?)?;
    imap.text()?;
    for command in ["LOGIN alice@example.test restante", "SELECT INBOX"] {
        let answer = imap.command(command)?;
        if answer.is("NO") {
            return Ok(());
        }
        answer.must("OK")?;
    }
    for number in 1..=messages.len() {
        let answer = imap.command(format!("FETCH {number} (UID BODY.PEEK[])"))?;
        let all = answer.all();
        // A message that is missing, or refused; never another one.
        let is_another =
            contains(&all, "of message") && !messages.iter().any(|message| ends_with(&all, message, b")"));
        if !(answer.is("OK") || answer.is("NO") || answer.is("BAD")) || is_another {
            return fail(format!("FETCH {number}: {} {}", answer.tagged, String::from_utf8_lossy(&all)));
        }
    }
    let answer = imap.command("FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE INTERNALDATE)")?;
    if answer.is("OK") || answer.is("NO") { Ok(()) } else { fail(answer.tagged) }
}

fn by_pop3(server: &Server, messages: &[Vec<u8>]) -> Outcome {
    let mut pop3 = Client::open(server.address("pop3")?)?;
    pop3.text()?;
    for command in ["USER alice@example.test", "PASS restante"] {
        let status = pop3.status(command)?;
        // Not "wrong password": that would make clients forget it.
        if status.starts_with("-ERR [AUTH]") {
            return fail(format!("{command}: {status}"));
        }
        if status.starts_with("-ERR") {
            return Ok(());
        }
    }
    for number in 1..=messages.len() {
        if let Ok(octets) = pop3.retrieve(&format!("RETR {number}"))?
            && !messages.iter().any(|message| octets.ends_with(message))
        {
            return fail(format!("RETR {number} is no message that was delivered"));
        }
    }
    Ok(())
}
