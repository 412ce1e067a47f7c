//! The process is killed at random moments while it stores mail: whatever it acknowledged is there afterwards, and
//! nothing is out of order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rand::RngExt;
use store::*;
use support::*;

/// Tells the child where to work.
const CHILD: &str = "RESTANTE_STORE_CRASH_CHILD";
const KILLS: u32 = 12;

/// Not a test when it is run with all others: the process that is killed.
#[test]
fn child() {
    if let Some(path) = std::env::var_os(CHILD) {
        work(Path::new(&path));
    }
}

/// Works until it is killed, and prints what was acknowledged: `+ UID` for a message that stays, `? UID` for one that is
/// taken out next, `- UID` for one that is gone, `* UID` for one that is seen.
fn work(path: &Path) {
    let setup = store::testing::Setup { segment_limit: 60_000, ..Default::default() };
    let store =
        store::testing::open(Options { retain_expunged: Duration::ZERO, ..options(path) }, setup).unwrap();
    let mailbox = inbox(&account(&store, "alice"));
    println!("ready");
    std::thread::scope(|scope| {
        for thread in 0..3u32 {
            let (store, mailbox) = (&store, &mailbox);
            scope.spawn(move || {
                for n in thread * 1_000_000.. {
                    session(store, mailbox, n);
                }
            });
        }
        loop {
            store.compact().unwrap();
        }
    });
}

fn session(store: &Store, mailbox: &Mailbox, n: u32) {
    let text: String =
        (0..50).map(|word: u32| format!("{} ", word.wrapping_mul(n).wrapping_mul(7919))).collect();
    let message = new_message(store, &octets(&n.to_string(), &text));
    let uid = mailbox.append(vec![message]).wait().unwrap().uids[0];
    tell(if n.is_multiple_of(2) { '?' } else { '+' }, uid);
    match n % 4 {
        0 => {
            mailbox.remove(&uids(&[uid.0])).wait().unwrap();
            tell('-', uid);
        }
        1 => {
            mailbox.store_flags(&uids(&[uid.0]), add_flags(Flags::SEEN)).wait().unwrap();
            tell('*', uid);
        }
        // The old message goes only with the new one durable.
        2 if n % 8 == 6 => {
            let newer = new_message(store, &octets(&n.to_string(), &text.replace('1', "one")));
            let replaced = mailbox.replace(uid, mailbox, newer).wait().unwrap();
            tell('-', uid);
            tell('+', replaced.appended.uids[0]);
        }
        2 => {
            let copied = mailbox.move_to(&uids(&[uid.0]), mailbox).wait().unwrap();
            tell('-', uid);
            tell('+', copied.to[0]);
        }
        _ => {}
    }
}

fn tell(what: char, uid: Uid) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{what} {uid}").and_then(|()| out.flush());
}

fn start(path: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// The last that was told of each UID.
#[derive(Default)]
struct Acknowledged(BTreeMap<u32, char>);

impl Acknowledged {
    fn note(&mut self, line: &str) {
        let Some((what, uid)) = line.split_once(' ') else { return };
        let (Ok(what), Ok(uid)) = (what.parse(), uid.parse()) else { return };
        let before = self.0.insert(uid, what);
        assert!(before.is_none() || "-*".contains(what), "{uid} was given twice");
    }
}

#[test]
fn what_was_acknowledged_survives_being_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = Acknowledged::default();
    for _ in 0..KILLS {
        let (mut child, mut out) = start(directory.path());
        let mut line = String::new();
        while !line.ends_with("ready\n") {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "the child did not start");
        }
        let patience = Duration::from_millis(rand::rng().random_range(0..150));
        let reader = std::thread::spawn(move || out.lines().map_while(Result::ok).collect::<Vec<_>>());
        std::thread::sleep(patience);
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap().iter().for_each(|line| acknowledged.note(line));
        verify(directory.path(), &acknowledged);
    }
    assert!(acknowledged.0.len() > 50, "too little was done to show anything: {}", acknowledged.0.len());
}

fn verify(path: &Path, acknowledged: &Acknowledged) {
    let store = Store::open(Options { retain_expunged: Duration::ZERO, ..options(path) }).unwrap();
    let report = store.check(false, &mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    let mailbox = inbox(&account(&store, "alice"));
    let state = mailbox.live().unwrap().state();
    for (uid, what) in &acknowledged.0 {
        let row = state.row(Uid(*uid));
        match what {
            '+' => assert!(row.is_some(), "{uid} is lost"),
            '*' => assert!(row.is_some_and(|row| row.flags.contains(Flags::SEEN)), "{uid} lost its flag"),
            '-' => assert!(row.is_none(), "{uid} was expunged and is there"),
            // Whether it was taken out before the kill is not known.
            _ => {}
        }
    }
}
