//! Many clients at once, each of them a burden: those that stop in the middle, those that never read, those that never log
//! in, those that bring much.

use std::io::Write;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::client::{ALICE, BOB, Client};
use super::memory::Watch;
use super::{survived, warm, works};
use crate::support::server::{PASSWORD, Server};
use crate::support::{Outcome, fail, trial};

const SETTINGS: &str =
    "limits.rate_per_address = 0\nlimits.connections_per_account = 0\nlimits.connections_per_address = 0";
const MEBI: usize = 1 << 20;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("hostile::crowd::half_commands", half_commands),
        trial("hostile::crowd::slow_readers", slow_readers),
        trial("hostile::crowd::never_read_an_answer", never_read_an_answer),
        trial("hostile::crowd::large_appends", large_appends),
        trial("hostile::crowd::slow_loris", slow_loris),
    ]
}

/// Three hundred connections that send half of something and stop.
fn half_commands() -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    let halves = [
        (
            "imap",
            vec!["", "a", "a LOG", "a LOGIN {10}\r\n", "a LOGIN {10+}\r\nabc", "a AUTHENTICATE PLAIN\r\nAGF"],
        ),
        (
            "imap",
            vec![LOGIN, IDLE, APPEND, "a LOGIN alice@example.test restante\r\nb SEARCH SUBJECT {9+}\r\nx"],
        ),
        (
            "pop3",
            vec![
                "US",
                "USER x\r\nPAS",
                "AUTH PLAIN\r\nAGF",
                "USER alice@example.test\r\nPASS restante\r\nRE",
            ],
        ),
        ("lmtp", vec!["LHL", "LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubj"]),
        ("lmtp", vec!["LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nBDAT 1000000\r\nSubj"]),
        ("imaps", vec!["", "\u{16}\u{3}"]),
        ("pop3s", vec!["", "\u{16}\u{3}"]),
    ];
    let halves: Vec<(&str, &str)> =
        halves.iter().flat_map(|(kind, all)| all.iter().map(|half| (*kind, *half))).collect();
    let mut held = Vec::new();
    for (kind, half) in halves.iter().cycle().take(300) {
        let mut client = Client::open(server.address(kind)?)?;
        client.send(half)?;
        held.push(client);
    }
    thread::sleep(Duration::from_millis(500));
    works(&server)?;
    // A connection costs less than 100 KB, a command in work included.
    watch.peak_within("300 half commands", 30)?;
    drop(held);
    survived(server)
}

const LOGIN: &str = "a LOGIN alice@example.test restante\r\nb SEL";
const IDLE: &str = "a LOGIN alice@example.test restante\r\nb SELECT INBOX\r\nc IDLE\r\nDO";
const APPEND: &str = "a LOGIN alice@example.test restante\r\nb APPEND INBOX {1000000+}\r\nSubject: half";

/// Two hundred connections ask for 60 MB each and read nothing; mail comes and goes meanwhile.
fn slow_readers() -> Outcome {
    let server = warm(SETTINGS)?;
    let large = [b"Subject: large\r\n\r\n".to_vec(), noise(3 * MEBI)].concat();
    let mut lmtp = Client::lmtp(&server)?;
    for _ in 0..2 {
        lmtp.deliver(ALICE, &large)?;
    }
    for number in 0..300 {
        lmtp.deliver(ALICE, &[format!("Subject: {number}\r\n\r\n").into_bytes(), noise(20_000)].concat())?;
    }
    let index = index_size(&server)?;
    let watch = Watch::start(&server)?;
    let mut held = Vec::new();
    for number in 0..200 {
        let (kind, dialogue) = match number % 4 {
            0 => {
                ("pop3", format!("USER {ALICE}\r\nPASS {PASSWORD}\r\n{}", "RETR 2\r\nRETR 3\r\n".repeat(10)))
            }
            1 => (
                "imap",
                format!(
                    "a LOGIN {ALICE} {PASSWORD}\r\na EXAMINE INBOX\r\na FETCH 2:3 (BODY.PEEK[] BODY.PEEK[TEXT])\r\n"
                ),
            ),
            2 => (
                "imap",
                format!("a LOGIN {ALICE} {PASSWORD}\r\na EXAMINE INBOX\r\na FETCH 1:* BODY.PEEK[]\r\n"),
            ),
            _ => (
                "imap",
                format!(
                    "a LOGIN {ALICE} {PASSWORD}\r\na SELECT INBOX\r\n{}",
                    "a FETCH 1:* (ENVELOPE BODYSTRUCTURE FLAGS)\r\n".repeat(100)
                ),
            ),
        };
        let mut client = Client::open(server.address(kind)?)?;
        client.send(dialogue)?;
        held.push(client);
    }
    thread::sleep(Duration::from_secs(2));
    let begun = Instant::now();
    for number in 0..200 {
        let reply =
            lmtp.deliver(BOB, format!("Subject: meanwhile {number}\r\n\r\n{number}\r\n").as_bytes())?;
        if !reply.starts_with("250") {
            return fail(format!("delivery {number} beside slow readers: {reply}"));
        }
    }
    if begun.elapsed() > super::client::PATIENCE {
        return fail("deliveries hardly go on beside slow readers");
    }
    works(&server)?;
    // Two batches of 256 KiB a connection, and a frame of a large message.
    watch.peak_within("200 slow readers", 200)?;
    // A snapshot that stays open would pin every page that these deliveries replaced.
    let grown = index_size(&server)?.saturating_sub(index) / 1024;
    if grown > 4096 {
        return fail(format!("the index grew by {grown} KiB for 200 small messages"));
    }
    drop(held);
    survived(server)
}

/// Commands without end from clients that read nothing: the server stops reading when its answers are not taken.
fn never_read_an_answer() -> Outcome {
    let server = warm(SETTINGS)?;
    let imap = format!("a LOGIN {ALICE} {PASSWORD}\r\na SELECT INBOX\r\n");
    let pop3 = format!("USER {ALICE}\r\nPASS {PASSWORD}\r\n");
    let watch = Watch::start(&server)?;
    thread::scope(|scope| {
        let mut clients = Vec::new();
        for (kind, first, again) in [
            ("imap", "", "a CAPABILITY\r\n"),
            ("imap", &*imap, "a FETCH 1:* (FLAGS BODY.PEEK[])\r\n"),
            ("imap", &*imap, "a LIST \"\" *\r\n"),
            ("imap", &*imap, "a NOOP\r\n"),
            ("pop3", &*pop3, "RETR 1\r\n"),
            ("pop3", &*pop3, "UIDL\r\nLIST\r\nCAPA\r\n"),
            ("lmtp", "", "LHLO x\r\n"),
            ("lmtp", "", "HELP\r\n"),
        ] {
            let address = server.address(kind)?;
            clients.extend((0..5).map(|_| scope.spawn(move || push_blindly(address, first, again))));
        }
        clients.into_iter().try_for_each(|client| client.join().map_err(|_| "panicked")?)
    })?;
    watch.peak_within("40 clients that never read", 40)?;
    survived(server)
}

/// Sends until nothing more is taken for a second. 64 MB without an answer read would have to be somewhere.
fn push_blindly(address: SocketAddr, first: &str, again: &str) -> Outcome {
    let client = Client::open(address)?;
    let mut socket = client.socket();
    socket.set_write_timeout(Some(Duration::from_secs(1)))?;
    socket.write_all(first.as_bytes())?;
    let piece = again.repeat(64 * 1024 / again.len());
    for _ in 0..1024 {
        if socket.write_all(piece.as_bytes()).is_err() {
            return Ok(());
        }
    }
    fail(format!("64 MB of {again:?} were read without an answer being taken"))
}

/// What cannot be compressed.
fn noise(octets: usize) -> Vec<u8> {
    let mut random = crate::crash::Random(octets as u64 | 1);
    (0..octets)
        .map(|at| {
            if at % 78 == 76 {
                b'\r'
            } else if at % 78 == 77 {
                b'\n'
            } else {
                b'0' + (random.next() >> 20) as u8 % 64
            }
        })
        .collect()
}

/// Octets of all index files.
fn index_size(server: &Server) -> Outcome<u64> {
    super::disk::files(&server.path().join("data"), "redb")?
        .iter()
        .map(|path| Ok(std::fs::metadata(path)?.len()))
        .sum()
}

/// Twenty clients append 24 MB each at once: none is refused, none is lost, memory is bounded.
fn large_appends() -> Outcome {
    const CLIENTS: usize = 20;
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    let body = noise(24 * MEBI);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (server, body) = (&server, &body);
                scope.spawn(move || -> Outcome {
                    let mut imap = Client::imap(server, ALICE)?;
                    let head = format!("Subject: large {number}\r\n\r\n");
                    imap.send(format!("x APPEND INBOX {{{}+}}\r\n{head}", head.len() + body.len()))?;
                    imap.send(body)?;
                    imap.send("\r\n")?;
                    imap.answer("x")?.must("OK").map(drop)
                })
            })
            .collect();
        clients.into_iter().try_for_each(|client| client.join().map_err(|_| "panicked")?)
    })?;
    // 480 MB were sent; half of that may be in work at a time.
    watch.peak_within("20 large APPENDs at once", 330)?;
    let mut imap = Client::imap(&server, ALICE)?;
    imap.command("SELECT INBOX")?.must("OK")?;
    for number in 0..CLIENTS {
        let found =
            imap.command(format!("SEARCH SUBJECT \"large {number}\" LARGER {}", 24 * MEBI))?.must("OK")?;
        if found.all().as_slice() == b"* SEARCH" {
            return fail(format!("message {number} is lost"));
        }
    }
    survived(server)
}

/// Whoever does not log in within the time is cut off, whatever he sends meanwhile, and blocks nobody.
fn slow_loris() -> Outcome {
    let settings = format!(
        "{SETTINGS}\nimap.login_timeout = \"3s\"\npop3.login_timeout = \"3s\"\nlimits.handshake_timeout = \"3s\""
    );
    let server = warm(&settings)?;
    let mut held: Vec<(&str, &str, Client)> = Vec::new();
    for (kind, drop) in [
        ("imap", ""),
        ("imap", "x"),
        ("imap", "a NOOP\r\n"),
        ("imap", "\r\n"),
        ("imap", "a LOGIN {8+}\r\nx"),
        ("imap", "a STARTTLS\r\n"),
        ("pop3", "STLS\r\n"),
        ("pop3", ""),
        ("pop3", "x"),
        ("pop3", "CAPA\r\n"),
        ("pop3", "AUTH PLAIN\r\n"),
        ("imaps", ""),
        ("pop3s", "x"),
    ] {
        for _ in 0..10 {
            held.push((kind, drop, Client::open(server.address(kind)?)?));
        }
    }
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(6) {
        for (_, drop, client) in &mut held {
            // Whoever is cut off already finds out here, which is right.
            let _ = client.send(drop);
        }
        works(&server)?;
        thread::sleep(Duration::from_millis(300));
    }
    for (kind, drop, client) in &mut held {
        if !client.closes(Duration::from_secs(10))? {
            return fail(format!("{kind}: sending {drop:?} now and then keeps a connection without a login"));
        }
    }
    survived(server)
}
