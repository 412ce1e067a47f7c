//! Commands that are almost right: the session answers, or ends, and never panics.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::client::Server;

/// In the threads of this test's server; those of other tests are theirs.
static PANICS: AtomicUsize = AtomicUsize::new(0);
const THREAD: &str = "garbage";
const ALICE: &str = "alice@example.test";
const ROUNDS: usize = 400;

/// One of each command, before the accidents.
const COMMANDS: [&str; 34] = [
    "APPEND INBOX (\\Seen $a) \" 1-Feb-2026 00:00:00 +0000\" {5+}\r\nhello",
    "AUTHENTICATE PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAByZXN0YW50ZQ==",
    "CAPABILITY",
    "CLOSE",
    "COPY 1:* Sent",
    "CREATE \"a/&U,BTFw-\" (USE (\\Archive))",
    "DELETE a/b",
    "ENABLE QRESYNC CONDSTORE",
    "EXAMINE INBOX (CONDSTORE)",
    "EXPUNGE",
    "FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (Subject From)]<0.10> BODYSTRUCTURE ENVELOPE)",
    "FETCH 1 BODY[1.2.MIME]",
    "ID (\"name\" \"x\" \"version\" NIL)",
    "IDLE\r\nDONE",
    "LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (\"%\" \"*a*\") RETURN (CHILDREN STATUS (MESSAGES UNSEEN))",
    "LOGIN {18+}\r\nalice@example.test {8+}\r\nrestante",
    "LSUB \"\" \"*\"",
    "MOVE 1,2:3 Trash",
    "NAMESPACE",
    "NOOP",
    "RENAME a b/c",
    "SEARCH CHARSET UTF-8 OR (FROM \"x\" NOT SEEN) BEFORE 1-Feb-2026 HEADER Subject {3+}\r\nabc 1:*",
    "SEARCH RETURN (MIN MAX COUNT) MODSEQ \"/flags/\\\\Seen\" all 5",
    "SELECT INBOX (QRESYNC (1 2 1:5 (1,2 3,4)))",
    "STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)",
    "STORE 1 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Deleted Keyword)",
    "SUBSCRIBE INBOX",
    "UID COPY 1 Sent",
    "UID EXPUNGE 1:5",
    "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)",
    "UID MOVE 5:* Trash",
    "UID SEARCH UID 1:* LARGER 5 SENTSINCE 1-Jan-2020 KEYWORD x",
    "UID STORE 1:* FLAGS ()",
    "UNSELECT",
];

/// Octets that mean something.
const PIECES: [&[u8]; 24] = [
    b" ",
    b"(",
    b")",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"{4294967296}",
    b"{3+}\r\nabc",
    b"~{2+}\r\n\0\0",
    b"*",
    b"%",
    b":",
    b",",
    b"<",
    b"[",
    b"]",
    b"&",
    b"\0",
    b"\xff",
    b"\r",
    b"\n",
    b"0",
    b"NIL",
];

/// Numbers that are the same in each run (xorshift).
pub(super) struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn command(&mut self) -> Vec<u8> {
        let mut octets = COMMANDS[self.below(COMMANDS.len())].as_bytes().to_vec();
        for _ in 0..self.below(4) {
            let at = self.below(octets.len() + 1);
            let end = (at + self.below(6)).min(octets.len());
            match self.below(3) {
                0 => drop(octets.drain(at..end)),
                1 => drop(octets.splice(at..at, PIECES[self.below(PIECES.len())].iter().copied())),
                _ => drop(octets.splice(at..at, octets[at..end].to_vec())),
            }
        }
        octets
    }
}

#[test]
fn commands_with_accidents() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() == Some(THREAD) {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }
        default(panic);
    }));
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).thread_name(THREAD).enable_all().build().unwrap();
    runtime.block_on(send_commands_with_accidents());
}

async fn send_commands_with_accidents() {
    let server = Server::with_two(crate::Options::default());
    let mut filler = server.select_as(ALICE).await;
    for _ in 0..5 {
        filler.append("INBOX", "", "Subject: x\r\n\r\nhello\r\n").await;
    }
    let mut chance = Chance(0x5EED);
    for round in 0..ROUNDS {
        let mut client = if round % 3 == 0 { server.connect().await } else { server.select_as(ALICE).await };
        let mut sent = Vec::new();
        for _ in 0..4 {
            sent.extend_from_slice(b"x ");
            sent.extend(chance.command());
            sent.extend_from_slice(b"\r\n");
        }
        client.send(&sent).await;
        client.end().await;
        client.everything().await;
        assert_eq!(PANICS.load(Ordering::SeqCst), 0, "{}", String::from_utf8_lossy(&sent));
    }
    filler.ok("NOOP").await;
    server.service.shared.sessions.shutdown();
    server.service.shared.sessions.drained().await;
}
