//! Lines that do not end, literals that do not fit, octets that no command has.

use std::thread;

use libtest_mimic::Trial;

use super::client::{ALICE, Client, flood, pour};
use super::memory::Watch;
use super::{survived, warm};
use crate::support::server::{PASSWORD, Server};
use crate::support::{Outcome, fail, trial};

const SETTINGS: &str = "limits.rate_per_address = 0";
const MEBI: usize = 1 << 20;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("hostile::lines::endless", endless),
        trial("hostile::lines::too_long_again_and_again", too_long),
        trial("hostile::lines::in_a_message", in_a_message),
        trial("hostile::lines::literals_before_login", literals_before_login),
        trial("hostile::lines::literals_after_login", literals_after_login),
        trial("hostile::lines::octets", octets),
        trial("hostile::lines::recipients", recipients),
    ]
}

/// Twenty connections to each protocol at once, each with up to 8 MB and no line end.
fn endless() -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    thread::scope(|scope| {
        let mut attacks = Vec::new();
        for kind in ["imap", "pop3", "lmtp"] {
            let address = server.address(kind)?;
            attacks.extend((0..20).map(|_| scope.spawn(move || pour(address, flood(b"A", 8 * MEBI)))));
        }
        for attack in attacks {
            let poured = attack.join().map_err(|_| "panicked")??;
            // What the kernel's buffers took in does not count.
            if poured.sent >= 8 * MEBI as u64 {
                return fail("an endless line was read to its end");
            }
        }
        Ok(())
    })?;
    for (kind, command) in
        [("imap", "a AUTHENTICATE PLAIN\r\n"), ("pop3", "AUTH PLAIN\r\n"), ("imap", "a AUTHENTICATE PLAIN ")]
    {
        let pieces = [command.as_bytes().to_vec()].into_iter().chain(flood(b"QUFB", 8 * MEBI));
        if pour(server.address(kind)?, pieces)?.sent >= 8 * MEBI as u64 {
            return fail(format!("{kind}: an endless SASL response was read to its end"));
        }
    }
    let mut imap = Client::imap(&server, ALICE)?;
    let _ = flood(b"A", 8 * MEBI).try_for_each(|piece| imap.send(piece));
    watch.peak_within("endless lines", 30)?;
    survived(server)
}

/// 100 MB of lines, each longer than allowed.
fn too_long() -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    let line = [vec![b'x'; 70_000], b"\r\n".to_vec()].concat();
    for (kind, said) in [("imap", "BAD"), ("pop3", "-ERR"), ("lmtp", "500 5.5.2")] {
        for _ in 0..5 {
            pour(server.address(kind)?, flood(&line, 8 * MEBI))?.must_say(said)?;
        }
    }
    // After the login, where it is cheaper to be patient with clients.
    let login = format!("a LOGIN {ALICE} {PASSWORD}\r\n").into_bytes();
    let poured = pour(server.address("imap")?, [login].into_iter().chain(flood(&line, 16 * MEBI)))?;
    poured.must_say("Line too long")?;
    poured.must_say("* BYE")?;
    watch.peak_within("too long lines", 30)?;
    survived(server)
}

/// 100 MB without a line end where a message is: the message is too large, the session goes on.
fn in_a_message() -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    let mut lmtp = Client::lmtp(&server)?;
    for octets in [&b"A"[..], b"\r", b"\n", b"\0", b"\r\n..", b"\xff\xfe"] {
        lmtp.say("MAIL FROM:<m@example.test>")?;
        lmtp.say("RCPT TO:<alice@example.test>")?;
        lmtp.say("DATA")?;
        for piece in flood(octets, 100 * MEBI) {
            lmtp.send(piece)?;
        }
        let reply = lmtp.say("\r\n.")?;
        if !reply.starts_with('5') {
            return fail(format!("100 MB of {octets:?}: {reply}"));
        }
    }
    // A chunk that is said to have 999 PB.
    lmtp.say("MAIL FROM:<m@example.test>")?;
    lmtp.say("RCPT TO:<alice@example.test>")?;
    lmtp.send("BDAT 999999999999999999 LAST\r\n")?;
    for piece in flood(b"B", 100 * MEBI) {
        lmtp.send(piece)?;
    }
    drop(lmtp);
    watch.peak_within("endless messages", 30)?;
    survived(server)
}

fn literals_before_login() -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    let address = server.address("imap")?;
    for bomb in
        ["{4294967295}", "{4294967295+}", "{99999999999999999999}", "{18446744073709551615+}", "{8193}"]
    {
        let mut imap = Client::open(address)?;
        imap.text()?;
        imap.send(format!("a LOGIN {bomb}\r\n"))?;
        let answer = imap.text()?;
        if !(answer.starts_with("a BAD") || answer.starts_with("* BYE")) {
            return fail(format!("LOGIN {bomb}: {answer}"));
        }
        // And sends it all the same.
        pour(address, [format!("a LOGIN {bomb}\r\n").into_bytes()].into_iter().chain(flood(b"x", 4 * MEBI)))?;
    }
    for literal in ["{1+}\r\nx ", "{0+}\r\n ", "~{1+}\r\n\0 ", "{3+}\r\na\r\n{2+}\r\n"] {
        let poured =
            pour(address, [b"a LOGIN ".to_vec()].into_iter().chain(flood(literal.as_bytes(), 8 * MEBI)))?;
        if !poured.said("BAD") && !poured.said("BYE") {
            return fail(format!("many of {literal:?} were not refused"));
        }
    }
    // Literals where no command is, and where the tag is.
    for line in
        ["{5+}\r\nabcde", "a {5+}\r\nabcde\r\n", "a NOOP {5+}\r\nabcde\r\n", "{+}\r\n", "a LOGIN {-1}\r\n"]
    {
        let poured = pour(address, flood(line.as_bytes(), MEBI))?;
        if !poured.said("BAD") && !poured.said("BYE") {
            return fail(format!("many of {line:?} were not refused"));
        }
    }
    watch.peak_within("literals before login", 30)?;
    survived(server)
}

fn literals_after_login() -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    let mut imap = Client::imap(&server, ALICE)?;
    imap.command("SELECT INBOX")?.must("OK")?;
    for (command, answer) in [
        ("APPEND INBOX {4294967295}", "NO [TOOBIG]"),
        ("APPEND INBOX {18446744073709551615}", "NO [TOOBIG]"),
        ("APPEND INBOX ~{4294967295}", "NO [TOOBIG]"),
        ("APPEND {4294967295} {5}", "BAD"),
        ("SEARCH SUBJECT {4294967295}", "BAD"),
        ("SEARCH SUBJECT {70000}", "BAD"),
        ("CREATE {4294967295}", "BAD"),
        ("FETCH 1 BODY[HEADER.FIELDS ({4294967295}", "BAD"),
    ] {
        imap.command(command)?.must(answer)?;
    }
    // What is sent without asking is skipped, up to a point, and the session goes on.
    imap.send(format!("big APPEND INBOX {{{}+}}\r\n", 100 * MEBI))?;
    for piece in flood(b"Subject: x\r\n", 100 * MEBI) {
        imap.send(&piece[..])?;
    }
    // The flood is a little longer than the literal: its rest ends in a line of its own.
    imap.send("\r\n")?;
    imap.answer("big")?.must("NO [TOOBIG]")?;
    let logged_in = format!("a LOGIN {ALICE} {PASSWORD}\r\nb APPEND INBOX {{4294967295+}}\r\n").into_bytes();
    let poured = pour(server.address("imap")?, [logged_in].into_iter().chain(flood(b"x", 8 * MEBI)))?;
    poured.must_say("* BYE")?;
    many_literals(&server)?;
    watch.peak_within("literals after login", 30)?;
    survived(server)
}

/// A hundred thousand literals in one command, of which each would do.
fn many_literals(server: &Server) -> Outcome {
    let login = format!("a LOGIN {ALICE} {PASSWORD}\r\na SELECT INBOX\r\nb SEARCH SUBJECT ").into_bytes();
    for literal in ["{1+}\r\nx SUBJECT ", "{0+}\r\n", "{0+}\r\n SUBJECT "] {
        let end = b"x\r\nc NOOP\r\n".to_vec();
        let pieces = [login.clone()].into_iter().chain(flood(literal.as_bytes(), 100_000 * literal.len()));
        let poured = pour(server.address("imap")?, pieces.chain([end]))?;
        poured.must_say("b BAD")?;
        poured.must_say("c OK")?;
    }
    Ok(())
}

/// NULs, octets above 127 and control characters, in every place of a command.
fn octets() -> Outcome {
    let server = warm(SETTINGS)?;
    let login = format!("a LOGIN {ALICE} {PASSWORD}\r\na SELECT INBOX\r\n");
    for octet in [0, 1, b'\r', 7, 27, 127, 128, 0xff] {
        for command in [
            "b FETCH 1 (FLAGS BODY.PEEK[TEXT])",
            "b LIST \"\" \"x\"",
            "b SEARCH SUBJECT \"x\"",
            "b CREATE xyz",
        ] {
            let mutants = (0..=command.len()).map(|at| {
                let (before, after) = command.as_bytes().split_at(at);
                [before, &[octet], after, b"\r\n"].concat()
            });
            let pieces = [login.clone().into_bytes()].into_iter().chain(mutants);
            pour(server.address("imap")?, pieces)?.must_say("BAD")?;
        }
        let line = |text: &str| [text.as_bytes(), &[octet], b"x\r\n"].concat();
        let pop3 = ["", "USER", "USER ", "USER alice", "APOP a", "CAPA ", "AUTH ", "\u{e9}"].map(line);
        pour(server.address("pop3")?, pop3)?.must_say("-ERR")?;
        let lmtp = ["", "LHLO", "LHLO ", "MAIL", "MAIL FROM:<", "RCPT TO:<a", "BDAT ", "VRFY "].map(line);
        pour(server.address("lmtp")?, lmtp)?.must_say("50")?;
    }
    survived(server)
}

/// Twenty thousand recipients, most of them nobody, and a message for those that were taken.
fn recipients() -> Outcome {
    let server = warm(&format!("{SETTINGS}\nlmtp.recipients = 100"))?;
    let watch = Watch::start(&server)?;
    let mut lmtp = Client::lmtp(&server)?;
    lmtp.say("MAIL FROM:<m@example.test>")?;
    let (mut taken, mut too_many) = (0, 0);
    for number in 0..20_000 {
        let name = if number % 2 == 0 { format!("alice+{number}") } else { format!("nobody{number}") };
        match lmtp.say(&format!("RCPT TO:<{name}@example.test>"))? {
            reply if reply.starts_with("250") => taken += 1,
            reply if reply.starts_with("452 4.5.3") => too_many += 1,
            reply if reply.starts_with("550 5.1.1") => {}
            reply => return fail(reply),
        }
    }
    if taken != 100 || too_many == 0 {
        return fail(format!("{taken} recipients were taken, {too_many} were too many"));
    }
    lmtp.say("DATA")?;
    lmtp.send("Subject: to many\r\n\r\nx\r\n.\r\n")?;
    for _ in 0..taken {
        let reply = lmtp.reply()?;
        if !reply.starts_with("250") {
            return fail(reply);
        }
    }
    watch.peak_within("20,000 recipients", 30)?;
    survived(server)
}
