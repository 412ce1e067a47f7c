//! What is one user's is not there for another: by no name, and no answer tells that it exists.

use libtest_mimic::Trial;

use super::client::{ALICE, BOB, Client};
use super::survived;
use crate::support::server::{PASSWORD, Server};
use crate::support::{Outcome, fail, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("hostile::strangers::names", names),
        trial("hostile::strangers::patterns", patterns),
        trial("hostile::strangers::logins", logins),
    ]
}

/// Bob's mailbox, and one of the same length that nobody has.
const THEIRS: &str = "Secret";
const NOBODYS: &str = "Absent";

/// Bob has secrets, in INBOX and in a mailbox with one below it.
fn start() -> Outcome<Server> {
    let server = Server::start("limits.rate_per_address = 0")?;
    let mut bob = Client::imap(&server, BOB)?;
    bob.command(format!("CREATE {THEIRS}"))?.must("OK")?;
    bob.command(format!("CREATE {THEIRS}/{THEIRS}"))?.must("OK")?;
    bob.command(format!("SUBSCRIBE {THEIRS}"))?.must("OK")?;
    let message = "Subject: classified\r\n\r\nclassified\r\n";
    for mailbox in ["INBOX", THEIRS] {
        bob.command(format!("APPEND {mailbox} (\\Flagged) {{{}+}}\r\n{message}", message.len()))?
            .must("OK")?;
    }
    Ok(server)
}

/// Every way to write a name of somebody else, with `#` for the mailbox.
const NAMES: &[&str] = &[
    "#",
    "#/#",
    "../bob@example.test/#",
    "../../#",
    "/#",
    "//#",
    "./#",
    "bob@example.test/#",
    "/bob@example.test/#",
    "~bob@example.test/#",
    "~/#",
    "user/bob@example.test/#",
    "user.bob.#",
    "Other Users/bob@example.test/#",
    "Shared/bob@example.test/#",
    "#shared/bob@example.test/#",
    "#user.bob/#",
    "INBOX/../#",
    "INBOX/../../bob@example.test/#",
    "INBOX/#",
    "alice@example.test/../bob@example.test/#",
    "..\\bob@example.test\\#",
    "%2e%2e/bob@example.test/#",
    "bob@example.test",
    "&AGIAbwBi-/#",
    "&AC4ALg-/#",
    "&AC8-#",
    "#&AAA-",
    "&AAA-#",
    "&-#",
    "&",
    "&&#",
    "&2AA-#",
    "&AEI-#",
    "INBOX\u{0}#",
    "#\u{0}",
    "#\u{7f}",
    "\u{e9}#",
    "bob+#",
    "bob@example.test+#",
    "0/#",
    "1/#",
    "2/#",
    "",
];

/// The same answer for what is bob's and what is nobody's.
fn names() -> Outcome {
    let server = start()?;
    for template in NAMES {
        let theirs = answers(&server, template, THEIRS)?;
        let nobodys = answers(&server, template, NOBODYS)?;
        for ((command, theirs), (_, nobodys)) in theirs.iter().zip(&nobodys) {
            let same = theirs.replace(THEIRS, NOBODYS);
            if !same.eq_ignore_ascii_case(nobodys) {
                return fail(format!("{command} of {template:?}: {theirs:?} tells it from {nobodys:?}"));
            }
            if theirs.contains("classified") {
                return fail(format!("{command} of {template:?} shows bob's mail: {theirs}"));
            }
        }
    }
    bob_has_all(&server)?;
    survived(server)
}

/// What alice, with a fresh account each time as far as these names go, is answered.
fn answers(server: &Server, template: &str, mailbox: &str) -> Outcome<Vec<(String, String)>> {
    let name = template
        .replacen("#shared", "\u{1}shared", 1)
        .replacen("#user", "\u{1}user", 1)
        .replace('#', mailbox);
    let name = name.replace('\u{1}', "#");
    let mut alice = Client::imap(server, ALICE)?;
    alice.command("SELECT INBOX")?.must("OK")?;
    let literal = format!("{{{}+}}\r\n{name}", name.len());
    let mut answers = Vec::new();
    for command in [
        "STATUS # (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)",
        "SELECT #",
        "EXAMINE #",
        "LIST \"\" #",
        "LIST # *",
        "LIST # %",
        "LSUB \"\" #",
        "LSUB # *",
        "LIST (SUBSCRIBED) # *",
        "LIST \"\" # RETURN (STATUS (MESSAGES))",
        "UID COPY 1:* #",
        "UID MOVE 1:* #",
        "RENAME # Stolen",
        "DELETE #",
        "APPEND # {3+}\r\nx\r\n",
        "SUBSCRIBE #",
        "UNSUBSCRIBE #",
        "SELECT # (QRESYNC (1 1))",
        "CREATE #",
        "DELETE #",
    ] {
        let answer = alice.command(command.replacen('#', &literal, 1))?;
        let all = String::from_utf8_lossy(&answer.all()).into_owned();
        answers.push((command.to_owned(), format!("{all}\n{}", steady(&answer.tagged))));
    }
    tidy(&mut alice)?;
    Ok(answers)
}

/// Leaves alice what every new account has and what all may read, and no subscription to what is gone.
fn tidy(alice: &mut Client) -> Outcome {
    const KEPT: [&str; 6] = ["INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"];
    for (list, remove) in [("LIST", "DELETE"), ("LSUB", "UNSUBSCRIBE")] {
        let listed = alice.command(format!("{list} \"\" *"))?.must("OK")?;
        for line in listed.lines.iter().rev() {
            let line = String::from_utf8_lossy(line).into_owned();
            let name = line.split_once("\"/\" ").ok_or("a LIST line without a separator")?.1;
            let name_alone = name.trim_matches('"');
            if !KEPT.contains(&name_alone) && !name_alone.starts_with("Public") {
                alice.command(format!("{remove} {name}"))?.must("OK")?;
            }
        }
    }
    Ok(())
}

/// Without what changes with each mailbox that is made.
fn steady(tagged: &str) -> String {
    tagged
        .split_whitespace()
        .filter(|word| !word.trim_matches(['(', 'F', ')', ']']).bytes().all(|octet| octet.is_ascii_digit()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn bob_has_all(server: &Server) -> Outcome {
    let mut bob = Client::imap(server, BOB)?;
    for name in ["INBOX".to_owned(), THEIRS.into()] {
        let status = bob.command(format!("STATUS {name} (MESSAGES)"))?.must("OK")?;
        if !String::from_utf8_lossy(&status.all()).contains("MESSAGES 1") {
            return fail(format!("bob's {name} has changed"));
        }
    }
    bob.command(format!("STATUS {THEIRS}/{THEIRS} (MESSAGES)"))?.must("OK").map(drop)
}

/// No reference and no pattern lists what is bob's.
fn patterns() -> Outcome {
    let server = start()?;
    let mut alice = Client::imap(&server, ALICE)?;
    let references = [
        "",
        "/",
        "../",
        "..",
        "~",
        "~bob@example.test",
        "bob@example.test",
        "bob@example.test/",
        "#",
        "#shared/",
        "Other Users/",
        "user/",
        "user/bob@example.test/",
        "INBOX/../",
        "*",
        "%",
    ];
    let patterns = [
        "*",
        "%",
        "*Secret*",
        "%Secret",
        "Se%et",
        "*/*",
        "../*",
        "../bob@example.test/*",
        "bob*",
        "*bob*",
        "/*",
        "~*",
        "#*",
    ];
    for reference in references {
        for pattern in patterns {
            for command in [
                "LIST",
                "LSUB",
                "LIST (SUBSCRIBED)",
                "LIST (SPECIAL-USE)",
                "LIST (SUBSCRIBED RECURSIVEMATCH)",
            ] {
                let answer = alice.command(format!("{command} \"{reference}\" \"{pattern}\""))?;
                let all = String::from_utf8_lossy(&answer.all()).into_owned();
                if all.contains(THEIRS) || all.contains("bob@") {
                    return fail(format!("{command} {reference:?} {pattern:?} lists {all}"));
                }
            }
        }
    }
    // Numbers of bob's messages mean nothing in alice's mailboxes.
    alice.command("SELECT INBOX")?.must("OK")?;
    for command in [
        "UID FETCH 1:4294967295 BODY.PEEK[]",
        "UID SEARCH TEXT classified",
        "UID SEARCH UID 1:*",
        "UID COPY 1:99 Sent",
    ] {
        let answer = alice.command(command)?;
        if answer.lines.iter().any(|line| line.as_slice() != b"* SEARCH") {
            return fail(format!(
                "{command} in an empty mailbox: {:?}",
                String::from_utf8_lossy(&answer.all())
            ));
        }
    }
    survived(server)
}

/// Nobody becomes somebody else, and a wrong password looks the same for whom there is and for whom there is not.
fn logins() -> Outcome {
    let server = start()?;
    let plain = |authorization: &str, name: &str, password: &str| {
        base64(format!("{authorization}\0{name}\0{password}").as_bytes())
    };
    for initial in [
        plain(BOB, ALICE, PASSWORD),
        plain("", &format!("{BOB}\0"), PASSWORD),
        plain("", &format!("{ALICE}*{BOB}"), PASSWORD),
        plain(ALICE, BOB, "wrong"),
        plain("public", ALICE, PASSWORD),
        plain("", "", ""),
        plain("", BOB, ""),
    ] {
        let mut imap = Client::open(server.address("imap")?)?;
        imap.text()?;
        let answer = imap.command(format!("AUTHENTICATE PLAIN {initial}"))?;
        if answer.is("OK") {
            return fail(format!("AUTHENTICATE PLAIN {initial} logs in: {}", answer.tagged));
        }
        let status = Client::open(server.address("pop3")?).and_then(|mut pop3| {
            pop3.text()?;
            pop3.status(&format!("AUTH PLAIN {initial}"))
        })?;
        if status.starts_with("+OK") {
            return fail(format!("AUTH PLAIN {initial} logs in"));
        }
    }
    let wrong = |name: &str| -> Outcome<(String, String)> {
        let mut imap = Client::open(server.address("imap")?)?;
        imap.text()?;
        let by_imap = imap.command(format!("LOGIN {name} wrong"))?.tagged;
        let mut pop3 = Client::open(server.address("pop3")?)?;
        pop3.text()?;
        let user = pop3.status(&format!("USER {name}"))?;
        Ok((by_imap, user + &pop3.status("PASS wrong")?))
    };
    if wrong(BOB)? != wrong("nobody@example.test")? {
        return fail("a failed login tells whether the account exists");
    }
    survived(server)
}

/// RFC 4648 section 4
fn base64(octets: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in octets.chunks(3) {
        let bits =
            three.iter().fold(0, |bits, &octet| bits << 8 | u32::from(octet)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place > three.len() { '=' } else { char::from(letter) });
        }
    }
    text
}
