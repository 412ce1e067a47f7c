//! Random octets, and valid dialogues with random mistakes, on every port; TLS where plain text is expected and the reverse.

use std::net::SocketAddr;
use std::thread;

use libtest_mimic::Trial;

use super::client::{ALICE, Client, flood, pour};
use super::memory::Watch;
use super::{survived, warm};
use crate::crash::Random;
use crate::support::server::PASSWORD;
use crate::support::{Outcome, fail, trial};

const SETTINGS: &str =
    "limits.rate_per_address = 0\nlimits.handshake_timeout = \"2s\"\nlimits.connections_per_account = 0";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("hostile::garbage::random_octets", random_octets),
        trial("hostile::garbage::mutated_imap", || mutated("imap", IMAP)),
        trial("hostile::garbage::mutated_pop3", || mutated("pop3", POP3)),
        trial("hostile::garbage::mutated_lmtp", || mutated("lmtp", LMTP)),
        trial("hostile::garbage::plain_and_tls_mixed_up", mixed_up),
        trial("hostile::garbage::passwords", passwords),
    ]
}

/// What begins a TLS connection: a handshake record with a ClientHello, as openssl's s_client sends it.
const CLIENT_HELLO: &[u8] = b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03\x5a\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20";

static IMAP: &[&str] = &[
    "a ID (\"name\" \"x\")\r\na NAMESPACE\r\na CAPABILITY\r\na NOOP\r\n",
    "a SELECT INBOX (CONDSTORE)\r\na FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)\r\n",
    "a FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT DATE)]<0.100> RFC822.SIZE INTERNALDATE)\r\na UNSELECT\r\n",
    "a EXAMINE INBOX\r\na UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)\r\n",
    "a SELECT INBOX\r\na SEARCH CHARSET UTF-8 OR SUBJECT {3+}\r\nabc NOT (FROM \"x\" SINCE 1-Feb-2020)\r\n",
    "a UID SEARCH RETURN (MIN MAX COUNT) 1:5 UNSEEN LARGER 10 HEADER Message-ID \"\"\r\n",
    "a APPEND INBOX (\\Seen kw) \" 1-Feb-2020 12:00:00 +0100\" {20+}\r\nSubject: x\r\n\r\nbody\r\n\r\n",
    "a CREATE x/y\r\na LIST (SUBSCRIBED) \"\" (\"%\" x*) RETURN (CHILDREN STATUS (MESSAGES UIDNEXT))\r\n",
    "a RENAME x/y x/z\r\na SUBSCRIBE x/z\r\na LSUB \"\" *\r\na DELETE x/z\r\n",
    "a STATUS \"INBOX\" (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)\r\n",
    "a STORE 1:2 (UNCHANGEDSINCE 99) +FLAGS.SILENT (\\Flagged $Junk)\r\na STORE 1 FLAGS \\Seen\r\n",
    "a COPY 1:* INBOX\r\na UID MOVE 2 Trash\r\na EXPUNGE\r\na UID EXPUNGE 1:99\r\na CLOSE\r\n",
    "a ENABLE QRESYNC CONDSTORE\r\na SELECT INBOX (QRESYNC (1 1 1:9 (1:3 1:3)))\r\na IDLE\r\nDONE\r\n",
    "a AUTHENTICATE PLAIN\r\n*\r\na LOGIN {1+}\r\na {1+}\r\n\r\na STARTTLS\r\n",
];

static POP3: &[&str] = &[
    "CAPA\r\nSTAT\r\nLIST\r\nLIST 1\r\nUIDL\r\nUIDL 1\r\nTOP 1 0\r\nTOP 1 5\r\nRETR 1\r\n",
    "DELE 1\r\nRSET\r\nNOOP\r\nUTF8\r\nLANG *\r\nLANG de\r\nLANG\r\nLAST\r\nSTLS\r\n",
    "AUTH PLAIN\r\n*\r\nUSER x\r\nAUTH\r\nAUTH SCRAM-SHA-256 biws\r\nQUIT\r\n",
];

static LMTP: &[&str] = &[
    "LHLO x.example\r\nMAIL FROM:<a@example.test> SIZE=100 BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubject: x\r\n\r\n..x\r\n.\r\n",
    "LHLO x.example\r\nMAIL FROM:<>\r\nRCPT TO:<alice+x@example.test>\r\nRCPT TO:<bob@example.test>\r\nBDAT 12\r\nSubject: x\r\nBDAT 5 LAST\r\n\r\nx\r\nRSET\r\n",
    "LHLO [127.0.0.1]\r\nMAIL FROM:<\"a b\"@example.test>\r\nRCPT TO:<@x,@y:nobody@example.test> NOTIFY=NEVER\r\nVRFY alice\r\nHELP\r\nNOOP x\r\nSTARTTLS\r\nQUIT\r\n",
];

/// Octets without any sense, some of them with line ends.
fn random_octets() -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    for kind in ["imap", "imaps", "pop3", "pop3s", "lmtp"] {
        let address = server.address(kind)?;
        parallel(150, &|seed| {
            let mut random = Random(seed);
            let length = random.below(20_000) as usize;
            let mut octets: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
            if seed % 3 == 0 {
                octets.iter_mut().filter(|octet| **octet < 32).for_each(|octet| *octet = b'\n');
            }
            pour(address, [octets]).map(drop)
        })?;
    }
    watch.peak_within("random octets", 50)?;
    survived(server)
}

/// A valid dialogue, pipelined, with a few octets or lines changed, cut, doubled or moved.
fn mutated(kind: &str, dialogues: &'static [&'static str]) -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    let (address, login) = (server.address(kind)?, login(kind));
    parallel(700, &|seed| {
        let mut random = Random(seed);
        let mut octets: Vec<u8> = Vec::new();
        for _ in 0..1 + random.below(4) {
            octets.extend_from_slice(dialogues[random.below(dialogues.len() as u64) as usize].as_bytes());
        }
        for _ in 0..1 + random.below(6) {
            mutate(&mut octets, &mut random);
        }
        // One in eight comes before the login.
        let login = if seed % 8 == 0 { String::new() } else { login.clone() };
        pour(address, [login.into_bytes(), octets]).map(drop)
    })?;
    watch.peak_within(&format!("mutated {kind}"), 50)?;
    survived(server)
}

/// A hundred wrong passwords at once, for accounts that exist and others: what they computed with is not kept.
fn passwords() -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    let (imap, pop3) = (server.address("imap")?, server.address("pop3")?);
    thread::scope(|scope| {
        let guesses: Vec<_> = (0..100)
            .map(|number| {
                scope.spawn(move || match number % 2 {
                    0 => pour(imap, [format!("a LOGIN nobody{number} {number}\r\n").into_bytes()]),
                    _ => pour(pop3, [format!("USER bob{number}\r\nPASS {number}\r\n").into_bytes()]),
                })
            })
            .collect();
        for guess in guesses {
            let poured = guess.join().map_err(|_| "panicked")??;
            if !poured.said("NO [AUTHENTICATIONFAILED]") && !poured.said("-ERR [AUTH]") {
                return fail(String::from_utf8_lossy(&poured.said).into_owned());
            }
        }
        Ok(())
    })?;
    // 19 MiB for each of the few that compute at once.
    let cores = thread::available_parallelism()?.get() as u64;
    watch.peak_within("a hundred wrong passwords", 30 + 19 * cores)?;
    survived(server)
}

fn login(kind: &str) -> String {
    match kind {
        "imap" => format!("a LOGIN {ALICE} {PASSWORD}\r\n"),
        "pop3" => format!("USER {ALICE}\r\nPASS {PASSWORD}\r\n"),
        _ => String::new(),
    }
}

fn mutate(octets: &mut Vec<u8>, random: &mut Random) {
    const SPECIAL: &[u8] = b"\r\n\0 {}()[]<>\"\\*%+-0129~&\xff\x80";
    let at = random.below(octets.len().max(1) as u64) as usize;
    let length = (1 + random.below(20) as usize).min(octets.len() - at.min(octets.len()));
    let special = SPECIAL[random.below(SPECIAL.len() as u64) as usize];
    match random.below(8) {
        0 if !octets.is_empty() => octets[at] ^= 1 << random.below(8),
        1 if !octets.is_empty() => octets[at] = special,
        2 => octets.insert(at, special),
        3 => drop(octets.drain(at..at + length)),
        4 => {
            let again = octets[at..at + length].to_vec();
            octets.splice(at..at, again.repeat(1 + random.below(50) as usize));
        }
        5 => octets.truncate(at),
        6 => {
            let number = [0, 1, 65_536, u64::from(u32::MAX), u64::MAX][random.below(5) as usize].to_string();
            octets.splice(at..at, number.into_bytes());
        }
        _ => octets.splice(at..at, vec![special; 1 + random.below(300) as usize]).for_each(drop),
    }
}

/// Runs an attack with so many seeds, eight at a time; a failure names its seed.
fn parallel(count: u64, attack: &(impl Fn(u64) -> Outcome + Sync)) -> Outcome {
    const THREADS: u64 = 8;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|first| {
                scope.spawn(move || -> Outcome {
                    for number in (first..count).step_by(THREADS as usize) {
                        // Far apart, or xorshift begins alike.
                        let seed = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                        attack(seed).map_err(|error| format!("seed {seed:#x}: {error}"))?;
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "panicked")?)
    })
}

fn mixed_up() -> Outcome {
    let server = warm(SETTINGS)?;
    let watch = Watch::start(&server)?;
    for kind in ["imaps", "pop3s"] {
        let address = server.address(kind)?;
        for octets in [
            &b"a CAPABILITY\r\n"[..],
            b"CAPA\r\n",
            b"GET / HTTP/1.0\r\n\r\n",
            b"\x80\x2e\x01\x00\x02",
            b"\x16\x03\x01\xff\xff",
        ] {
            pour(address, flood(octets, 1 << 20))?;
            refused_handshake(address, octets)?;
        }
        // A handshake record that never ends, one octet at a time, and one that never comes.
        refused_handshake(address, &CLIENT_HELLO[..CLIENT_HELLO.len() - 1])?;
        refused_handshake(address, b"")?;
        // A good record header again and again: nothing adds up.
        pour(address, flood(b"\x16\x03\x01\x40\x00", 4 << 20))?;
    }
    for (kind, refusal) in [("imap", "BAD"), ("pop3", "-ERR"), ("lmtp", "50")] {
        let hello = [CLIENT_HELLO, b"\r\n"].concat();
        pour(server.address(kind)?, [hello.clone()])?.must_say(refusal)?;
        pour(server.address(kind)?, flood(&hello, 1 << 20))?.must_say(refusal)?;
    }
    // Plain text behind STARTTLS is never taken for a command (RFC 9051 section 11.1).
    for (kind, command) in [("imap", "a STARTTLS"), ("pop3", "STLS"), ("lmtp", "LHLO x\r\nSTARTTLS")] {
        let poured = pour(server.address(kind)?, [format!("{command}\r\na NOOP\r\nNOOP\r\n").into_bytes()])?;
        if poured.said("a OK NOOP") || poured.said("a OK [CAPABILITY") {
            return fail(format!("{kind}: plain text behind STARTTLS was answered"));
        }
    }
    watch.peak_within("TLS and plain text mixed up", 30)?;
    survived(server)
}

/// The server closes within the handshake's time, a little patience for a busy machine added.
fn refused_handshake(address: SocketAddr, octets: &[u8]) -> Outcome {
    let mut client = Client::open(address)?;
    client.send(octets)?;
    if client.closes(std::time::Duration::from_secs(20))? {
        return Ok(());
    }
    fail(format!("{octets:?}: the connection stays open without a handshake"))
}
