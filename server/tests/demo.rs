//! `restante demo`

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{Process, Talk, installed, program, run, stderr};

fn start(arguments: &[&str]) -> (Process, Value) {
    let mut process = Process::spawn(program().args(["demo", "--ports", "auto", "--json"]).args(arguments));
    let facts = serde_json::from_str(&process.line()).unwrap();
    (process, facts)
}

fn port(facts: &Value, kind: &str) -> u64 {
    facts["ports"][kind].as_u64().unwrap()
}

#[test]
fn it_serves_sample_mail_and_leaves_nothing() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let (mut process, facts) = start(&[]);
        let data = PathBuf::from(facts["data"].as_str().unwrap());
        assert!(data.is_dir());
        assert_eq!(facts["accounts"].as_array().unwrap().len(), 3);

        let mut imap = Talk::to(port(&facts, "imap"));
        assert!(imap.hear().starts_with("* OK"));
        imap.say("a LOGIN alice@example.test restante");
        assert!(imap.hear_until("a ").starts_with("a OK"));
        imap.say("b STATUS INBOX (MESSAGES UNSEEN)");
        assert_eq!(imap.hear(), format!("* STATUS \"INBOX\" (MESSAGES {})\r\n", counts()));

        let mut pop3 = Talk::to(port(&facts, "pop3"));
        assert!(pop3.hear().starts_with("+OK"));
        assert!(Talk::to(port(&facts, "lmtp")).hear().starts_with("220 "));

        process.signal(signal);
        assert_eq!(process.end(), Some(0), "{}", process.errors());
        assert!(!data.exists());
    }
}

/// What the table of samples puts into alice's INBOX.
fn counts() -> String {
    let source = include_str!("../demo/sample.rs");
    let rows: Vec<&str> = source.lines().filter(|line| line.contains("mail!(ALICE, \"INBOX\"")).collect();
    let new = rows.iter().filter(|line| line.contains(" NEW,")).count();
    // And the large one, which has been read.
    format!("{} UNSEEN {new}", rows.len() + 1)
}

#[test]
fn public_has_mailboxes_below_mailboxes() {
    let (_process, facts) = start(&[]);
    let mut imap = Talk::to(port(&facts, "imap"));
    imap.say("a LOGIN public restante");
    assert!(imap.hear_until("a ").starts_with("a OK"));
    imap.say("b STATUS Projects/Harbour (MESSAGES)");
    assert_eq!(imap.hear(), "* STATUS \"Projects/Harbour\" (MESSAGES 1)\r\n");
}

#[test]
fn others_read_what_is_public_and_change_nothing() {
    let (_process, facts) = start(&[]);
    let mut imap = Talk::to(port(&facts, "imap"));
    imap.say("a LOGIN bob@example.test restante");
    assert!(imap.hear_until("a ").starts_with("a OK"));
    imap.say("b SELECT Public/Announcements");
    assert!(imap.hear_until("b ").starts_with("b OK [READ-ONLY]"));
    imap.say("c STORE 1 +FLAGS (\\Flagged)");
    let refusal = imap.hear_until("c ");
    assert!(refusal.starts_with("c NO [NOPERM]") && refusal.contains("read-only"), "{refusal}");
    imap.say("d LIST \"\" Public/Sent");
    assert!(imap.hear().starts_with("d OK"));
}

#[test]
fn a_taken_port_is_named_with_the_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output =
        run(program().args(["demo", "--ports", "auto", "--set", &format!("imap.listen={address}")]), "");
    assert_eq!(output.status.code(), Some(1));
    for part in [address.as_str(), "is taken", "restante demo --ports auto"] {
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
}

#[test]
fn settings_of_the_machine_do_not_count() {
    let mut process = Process::spawn(
        program().env("RESTANTE_IMAP__LISTN", "x").args(["demo", "--ports", "auto", "--json"]),
    );
    assert!(process.line().starts_with('{'));
}

#[test]
fn the_lines_to_paste_work() {
    if !installed("curl") {
        panic!("curl is missing; ./tests/all installs what the tests need");
    }
    let mut process = Process::spawn(program().args(["demo", "--ports", "auto", "--quiet"]));
    let mut page = String::new();
    let mut reader = std::io::BufReader::new(process.0.stdout.take().unwrap());
    while !page.contains("Who connects") {
        assert!(std::io::BufRead::read_line(&mut reader, &mut page).unwrap() > 0, "{page}");
    }
    let lines: Vec<&str> = page
        .lines()
        .map(str::trim)
        .filter(|line| {
            line.starts_with("curl ") || line.starts_with("printf ") || line.starts_with(crate::PROGRAM)
        })
        .collect();
    assert_eq!(lines.len(), 8, "{page}");
    for line in lines {
        let output = run(Command::new("sh").args(["-c", line]), "");
        assert!(output.status.success(), "{line}\n{}", stderr(&output));
        let silent = line.starts_with("printf ");
        assert_eq!(output.stdout.is_empty(), silent, "{line}");
    }
    assert!(
        page.contains("SHA256:")
            && page.contains("openssl s_client")
            && page.contains("swaks --protocol LMTP")
    );
}

#[test]
fn it_shows_what_people_do() {
    let mut process = Process::spawn(program().args(["demo", "--ports", "auto", "--set", "log.level=info"]));
    let mut page = String::new();
    let mut reader = std::io::BufReader::new(process.0.stdout.take().unwrap());
    while !page.contains("Who connects") {
        assert!(std::io::BufRead::read_line(&mut reader, &mut page).unwrap() > 0, "{page}");
    }
    let imap = page.lines().find_map(|line| line.trim().strip_prefix("IMAP")).unwrap();
    let imap = imap.split_whitespace().next().unwrap().parse().unwrap();
    let mut imap = Talk::to(imap);
    imap.say("a LOGIN bob@example.test restante");
    imap.hear_until("a OK");
    imap.say("b LOGOUT");
    imap.hear_until("b OK");
    process.signal(Signal::SIGTERM);
    assert_eq!(process.end(), Some(0));
    let shown = process.errors();
    assert!(
        shown.lines().any(|line| line.contains("bob@example.test") && line.contains("logged in")),
        "{shown}"
    );
}

#[test]
fn a_second_signal_ends_it_at_once_and_still_leaves_nothing() {
    let (mut process, facts) = start(&["--set", "server.shutdown_timeout=10m"]);
    // A TLS client that never begins keeps nobody; one that transfers would. Either way it must end.
    let _waiting = Talk::to(port(&facts, "imaps"));
    process.signal(Signal::SIGTERM);
    std::thread::sleep(std::time::Duration::from_millis(5));
    if process.0.try_wait().unwrap().is_none() {
        process.signal(Signal::SIGTERM);
    }
    assert!(matches!(process.end(), Some(0 | 1)));
    assert!(!Path::new(facts["data"].as_str().unwrap()).exists());
}
