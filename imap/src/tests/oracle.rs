//! imap-codec as an oracle from outside: what it makes of random numbers is a command to this server, and what this server
//! answers it can read.

use arbitrary::{Arbitrary as _, Unstructured};
use imap_codec::encode::{Encoder as _, Fragment};
use imap_codec::imap_types::command::{Command, CommandBody};
use imap_codec::{CommandCodec, ResponseCodec, decode::Decoder as _};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::client::{Client, Server};

const ALICE: &str = "alice@example.test";
const COMMANDS: usize = 3000;
/// Commands on one connection.
const TOGETHER: usize = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_encodes_is_understood_and_what_is_answered_another_decodes() {
    let server = Server::with_two(crate::Options::default());
    let mut filler = server.select_as(ALICE).await;
    for message in MESSAGES {
        filler.append("INBOX", "\\Flagged $a", message).await;
    }
    let mut runner = TestRunner::deterministic();
    let mut done = 0;
    while done < COMMANDS {
        let mut client = server.select_as(ALICE).await;
        for _ in 0..TOGETHER {
            let octets = octets(&mut runner);
            let Some(command) = command(&octets) else { continue };
            ask(&mut client, &command).await;
            done += 1;
        }
    }
}

const MESSAGES: [&str; 3] = [
    "From: \"A (b)\" <a@x.test>, Group: c@y.test, d;\r\nTo: <@r.test:e@z.test>\r\nSubject: a \"b\" \\ c\r\n\
     Date: Sun, 01 Feb 2026 11:00:00 +0000\r\nMessage-ID: <1@x.test>\r\nIn-Reply-To: <0@x.test>\r\n\r\nhello\r\n",
    "Subject: parts\r\nContent-Type: multipart/mixed; boundary=b; x*0=1; x*1=2\r\n\r\n--b\r\n\
     Content-Type: text/plain; charset=\"us-ascii\"\r\nContent-ID: <i>\r\nContent-Description: d\r\n\r\none\r\n--b\r\n\
     Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ntwo\r\n--b\r\nContent-Type: image/png; name=\"a b\"\r\n\
     Content-Disposition: attachment; filename=\"a b\"\r\nContent-Language: en, de\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n",
    "\r\n",
];

async fn ask(client: &mut Client, command: &Command<'_>) {
    let mut wire = Vec::new();
    for fragment in CommandCodec::default().encode(command) {
        match fragment {
            Fragment::Line { data } | Fragment::Literal { data, .. } => wire.extend(data),
        }
    }
    let shown = String::from_utf8_lossy(&wire);
    if !std::str::from_utf8(&wire).is_ok_and(is_in_the_grammar) {
        return;
    }
    client.send(&wire).await;
    let answer = client.answer(command.tag.as_ref()).await;
    assert!(!(answer.tagged.starts_with("BAD") && answer.tagged.contains("xpected")), "{shown}{answer:?}");
    for response in answer.untagged.iter().filter(|response| response.starts_with("* ")) {
        let octets = format!("{response}\r\n");
        match ResponseCodec::default().decode(octets.as_bytes()) {
            Ok((rest, _)) => assert!(rest.is_empty(), "{shown}{response}: {}", String::from_utf8_lossy(rest)),
            Err(error) => panic!("{shown}{response}: {error:?}"),
        }
    }
}

/// imap-codec makes more than the RFCs allow: no items, modifiers twice, MODSEQs above 2^63, `*` among known UIDs.
fn is_in_the_grammar(command: &str) -> bool {
    // RFC 9051 section 9: status-att and fetch-att, at least one
    let empty = command.contains(" ()") && (command.contains("STATUS") || command.contains("FETCH"));
    // RFC 7162 section 7: mod-sequence-value, known-uids
    let modifiers = ["CHANGEDSINCE", "VANISHED", "QRESYNC", "CONDSTORE"];
    let several = modifiers.iter().map(|one| command.matches(one).count()).sum::<usize>() > 1;
    let numbers = command.split(|c: char| !c.is_ascii_digit());
    let beyond = numbers.filter_map(|digits| digits.parse::<u64>().ok()).any(|number| number >= 1 << 63);
    let unknown = command.contains("QRESYNC") && command.contains('*');
    let alone = command.contains("(VANISHED)");
    !(empty || several || beyond || unknown || alone)
}

fn octets(runner: &mut TestRunner) -> Vec<u8> {
    let strategy = proptest::collection::vec(any::<u8>(), 64..512);
    strategy.new_tree(runner).unwrap().current()
}

/// `None`: the numbers make no command, or one that ends the dialogue or goes on otherwise than with an answer.
fn command(octets: &[u8]) -> Option<Command<'_>> {
    let command = Command::arbitrary(&mut Unstructured::new(octets)).ok()?;
    // An answer is known by its tag, which must not be that of another response.
    let plain = command.tag.as_ref().bytes().all(|octet| octet.is_ascii_alphanumeric());
    let dialogue = matches!(
        command.body,
        CommandBody::Logout
            | CommandBody::Idle
            | CommandBody::Authenticate { .. }
            | CommandBody::Compress { .. }
            | CommandBody::Enable { .. }
    );
    (plain && !dialogue).then_some(command)
}
