//! Commands that are too deep, too long or too many-branched, before the login and after it.

use libtest_mimic::Trial;

use super::client::{ALICE, Client, pour};
use super::memory::Watch;
use super::{survived, warm};
use crate::support::server::Server;
use crate::support::{Outcome, fail, trial};

const SETTINGS: &str = "limits.rate_per_address = 0";
/// What fits into a command after the login.
const FITS: usize = 64_000;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("hostile::syntax::parentheses_before_login", parentheses_before_login),
        trial("hostile::syntax::parentheses_after_login", parentheses_after_login),
        trial("hostile::syntax::search_keys", search_keys),
        trial("hostile::syntax::sequence_sets", sequence_sets),
        trial("hostile::syntax::mailbox_patterns", mailbox_patterns),
        trial("hostile::syntax::long_words", long_words),
    ]
}

fn parentheses_before_login() -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    for command in ["ID", "FETCH 1", "LIST", "LOGIN", "AUTHENTICATE PLAIN", "ENABLE", "((("] {
        for depth in [8_000, 100_000] {
            let line = format!("a {command} {}\r\n", "(".repeat(depth)).into_bytes();
            let refusal = if depth > 80_000 { "* BYE Endless line" } else { "BAD" };
            pour(server.address("imap")?, vec![line; 30])?.must_say(refusal)?;
        }
    }
    watch.peak_within("parentheses before login", 30)?;
    survived(server)
}

fn parentheses_after_login() -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    for command in [
        "FETCH 1 ",
        "FETCH 1 BODY",
        "FETCH 1 BODY[HEADER.FIELDS ",
        "FETCH 1 FLAGS ",
        "SEARCH ",
        "SEARCH NOT ",
        "UID SEARCH RETURN ",
        "LIST ",
        "LIST \"\" ",
        "LIST \"\" * RETURN ",
        "ID ",
        "STATUS INBOX ",
        "STORE 1 FLAGS ",
        "APPEND INBOX ",
        "SELECT INBOX ",
        "ENABLE ",
        "CREATE x ",
        "COPY 1 ",
    ] {
        let mut imap = Client::imap(&server, ALICE)?;
        imap.command("SELECT INBOX")?.must("OK")?;
        for depth in [FITS, 100_000] {
            imap.command(format!("{command}{}", "(".repeat(depth)))?.must("BAD")?;
            let half = depth / 2;
            imap.command(format!("{command}{}{}", "(".repeat(half), ")".repeat(half)))?.must("BAD")?;
            imap.command(format!("{command}{}", "(NIL ".repeat(depth / 5)))?.must("BAD")?;
            imap.command(format!("{command}{}", "()".repeat(half)))?.must("BAD")?;
        }
    }
    watch.peak_within("parentheses after login", 30)?;
    survived(server)
}

/// Ten thousand ORs and NOTs: answered or refused, in linear time.
fn search_keys() -> Outcome {
    let server = warm(SETTINGS)?;
    mail(&server, 200)?;
    let watch = Watch::start(&server)?;
    let mut imap = Client::imap(&server, ALICE)?;
    imap.command("SELECT INBOX")?.must("OK")?;
    let until = |text: &str, last: &str| format!("{}{last}", text.repeat((FITS - last.len()) / text.len()));
    for keys in [
        until("NOT ", "ALL"),
        until("OR ", "ALL"),
        until("OR ALL ", "ALL"),
        until("OR SUBJECT zz ", "ALL"),
        until("OR NOT SUBJECT zz ", "ALL"),
        until("NOT SUBJECT zz ", "ALL"),
        until("FROM zz ", "ALL"),
        until("HEADER X y ", "ALL"),
        until("OR HEADER Subject zz ", "ALL"),
        until("UNKEYWORD zz ", "ALL"),
        until("OR BODY zz ", "ALL"),
        until("OR TEXT \"\" ", "ALL"),
        until("(ALL) ", "ALL"),
        until("(OR (ALL) (NOT ALL)) ", "ALL"),
        until("SENTON 1-Feb-2026 ", "ALL"),
        until("NOT (", "ALL"),
        until("OR (", "ALL"),
        until("1:* ", "ALL"),
    ] {
        let answer = imap.command(format!("SEARCH {keys}"))?;
        if !["OK", "BAD", "NO [LIMIT]"].iter().any(|word| answer.is(word)) {
            return fail(format!("SEARCH {}: {}", &keys[..30], answer.tagged));
        }
    }
    watch.peak_within("search keys", 30)?;
    survived(server)
}

/// `1,3,5,...` up to the limit, over thousands of messages.
fn sequence_sets() -> Outcome {
    let server = warm(SETTINGS)?;
    mail(&server, 100)?;
    let mut imap = Client::imap(&server, ALICE)?;
    imap.command("SELECT INBOX")?.must("OK")?;
    for _ in 0..6 {
        imap.command("COPY 1:* INBOX")?.must("OK")?;
    }
    imap.command("CREATE Elsewhere")?.must("OK")?;
    let watch = Watch::start(&server)?;
    let mut odd = String::from("1");
    for number in (3..).step_by(2).take_while(|_| true) {
        if odd.len() > FITS - 200 || number > 6_000 {
            break;
        }
        odd.push_str(&format!(",{number}"));
    }
    let overlapping = "1:*,".repeat(FITS / 4 - 40) + "1";
    let wide = "1:4294967295,4294967295,".repeat(FITS / 24 - 10) + "*";
    for set in [&odd, &overlapping, &wide] {
        for command in [
            "FETCH # FLAGS",
            "FETCH # (UID FLAGS INTERNALDATE RFC822.SIZE)",
            "UID FETCH # FLAGS",
            "SEARCH # UNSEEN",
            "UID SEARCH RETURN (ALL) UID #",
            "UID STORE # +FLAGS.SILENT (\\Flagged)",
            "UID COPY # Elsewhere",
            "UID EXPUNGE #",
            "STORE # +FLAGS.SILENT (kw)",
            "FETCH # (FLAGS) (CHANGEDSINCE 1)",
        ] {
            let answer = imap.command(command.replace('#', set))?;
            if !answer.is("OK") && !answer.is("BAD") {
                return fail(format!("{command} {}...: {}", &set[..20], answer.tagged));
            }
        }
    }
    watch.peak_within("sequence sets", 30)?;
    survived(server)
}

/// Wildcards that could match in very many ways, thousands of patterns, very deep names.
fn mailbox_patterns() -> Outcome {
    let server = warm(SETTINGS)?;
    let mut imap = Client::imap(&server, ALICE)?;
    for number in 0..150 {
        imap.command(format!("CREATE {}{number}", "a/b/".repeat(1 + number % 8)))?.must("OK")?;
        imap.command(format!("SUBSCRIBE {}{number}", "aaaaaaaaaa".repeat(number % 15 + 1)))?;
    }
    let watch = Watch::start(&server)?;
    let fill = |text: &str| text.repeat(FITS / text.len());
    for arguments in [
        format!("\"\" {}", fill("%*")),
        format!("\"\" {}", fill("*a")),
        format!("\"\" {}b", fill("a*")),
        format!("\"\" {}", fill("%/")),
        format!("\"\" {}", fill("*")),
        format!("\"\" \"{}\"", fill("/")),
        format!("{} *", fill("a/")),
        format!("\"\" ({}x)", fill("* ")),
        format!("\"\" ({}x)", fill("a%b*c ")),
        format!("(SUBSCRIBED RECURSIVEMATCH) \"\" ({}x)", fill("%a% ")),
        format!("\"\" * RETURN (STATUS ({}MESSAGES))", fill("MESSAGES ")),
        format!("\"\" * RETURN ({}CHILDREN)", fill("SUBSCRIBED ")),
    ] {
        for verb in ["LIST", "LSUB"] {
            let answer = imap.command(format!("{verb} {arguments}"))?;
            if !answer.is("OK") && !answer.is("BAD") {
                return fail(format!("{verb} {}: {}", &arguments[..30], answer.tagged));
            }
        }
    }
    for name in [
        fill("a/"),
        fill("/"),
        fill("x"),
        fill("&AOk-"),
        "&AAA-".into(),
        "&2AA-".into(),
        "a//b".into(),
        "&".into(),
    ] {
        for verb in ["CREATE", "DELETE", "SUBSCRIBE", "SELECT", "RENAME INBOX", "STATUS"] {
            let answer = imap
                .command(format!("{verb} \"{name}\"{}", if verb == "STATUS" { " (MESSAGES)" } else { "" }))?;
            if !answer.is("NO") && !answer.is("BAD") {
                return fail(format!("{verb} {}: {}", &name[..name.len().min(30)], answer.tagged));
            }
        }
    }
    watch.peak_within("mailbox patterns", 40)?;
    survived(server)
}

/// Tags, atoms, keywords and strings as long as a command may be.
fn long_words() -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    let mut imap = Client::imap(&server, ALICE)?;
    imap.command("SELECT INBOX")?.must("OK")?;
    let long = "x".repeat(FITS);
    imap.send(format!("{long} NOOP\r\n"))?;
    imap.answer(&long)?.must("OK")?;
    let words: String = (0..9_000).map(|number| format!(" k{number}")).collect();
    for (command, answer) in [
        (long.clone(), "BAD"),
        (format!("STORE 1 +FLAGS ({long})"), "BAD"),
        (format!("STORE 1 +FLAGS ({})", words.trim()), "BAD"),
        (format!("SEARCH KEYWORD {long}"), "OK"),
        (format!("SEARCH SUBJECT {long}"), "OK"),
        (format!("SEARCH CHARSET {long} ALL"), "NO"),
        (format!("FETCH 1 BODY.PEEK[HEADER.FIELDS (a{words})]"), "OK"),
        (format!("FETCH 1 BODY.PEEK[{}1]", "1.".repeat(FITS / 3)), "OK"),
        (format!("FETCH 1 BODY.PEEK[{}]", "9".repeat(FITS)), "BAD"),
        (format!("FETCH 1 BODY.PEEK[]<{}.1>", "9".repeat(FITS)), "BAD"),
        (format!("FETCH 1 ({}UID)", "BODY.PEEK[1] ".repeat(FITS / 13 - 2)), "OK"),
        (format!("FETCH {long} FLAGS"), "BAD"),
        (format!("ENABLE {long}"), "OK"),
        (format!("ID (\"name\" \"{long}\")"), "OK"),
    ] {
        imap.command(&command)?.must(answer).map_err(|error| format!("{}: {error}", &command[..30]))?;
    }
    let many: String = (1..9_000).map(|number| format!("BODY.PEEK[{number}] ")).collect();
    imap.command(format!("FETCH 1 ({}UID)", &many[..FITS].rsplit_once(' ').map_or("", |(whole, _)| whole)))?
        .must("BAD")?;
    watch.peak_within("long words", 30)?;
    survived(server)
}

/// So many more messages for alice, by LMTP.
fn mail(server: &Server, count: usize) -> Outcome {
    let mut lmtp = Client::lmtp(server)?;
    for number in 0..count {
        let reply = lmtp.deliver(ALICE, format!("Subject: number {number}\r\n\r\nbody\r\n").as_bytes())?;
        if !reply.starts_with("250") {
            return fail(reply);
        }
    }
    Ok(())
}
