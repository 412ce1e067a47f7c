//! FETCH and UID FETCH over a socket. RFC 9051 section 6.4.5

use store::testing::{Call, Faults};
use store::{Flags, FlagsOperation, StoreFlags, Uid, UidSet};

use super::client::Server;

const FIRST: &str = "From: Fred Foobar <foobar@Blurdybloop.example>\r\n\
    Subject: afternoon meeting\r\n\
    Message-Id: <B27397-0100000@Blurdybloop.example>\r\n\
    \r\n\
    Hello Joe, do you think we can meet at 3:30 tomorrow?\r\n";

/// Raw Latin-1 in the subject.
const BROKEN: &[u8] = b"Subject: f\xfcr dich\r\n\r\nbody\r\n";

/// Two attachments, one of them a message.
const NESTED: &str = "Subject: outer\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\
    \r\n\
    preamble\r\n\
    --b\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    \r\n\
    one\r\n\
    --b\r\n\
    Content-Type: message/rfc822\r\n\
    \r\n\
    Subject: inner\r\n\
    \r\n\
    two\r\n\
    --b--\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn simple_items() {
    let server = Server::new();
    server.deliver(&[FIRST]).await;
    let mut client = server.select().await;
    let size = FIRST.len();
    let line = client.ok("FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE)").await;
    let expected = format!(
        "* 1 FETCH (UID 1 FLAGS (\\Recent) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE {size})"
    );
    assert_eq!(line, [expected]);
    assert_eq!(client.ok("UID FETCH 1 FLAGS").await, ["* 1 FETCH (UID 1 FLAGS (\\Recent))"]);
    assert_eq!(client.ok("UID FETCH 1 (FLAGS UID)").await, ["* 1 FETCH (FLAGS (\\Recent) UID 1)"]);
    let fast = client.ok("FETCH 1 FAST").await;
    assert!(fast[0].starts_with("* 1 FETCH (FLAGS (\\Recent) INTERNALDATE "), "{fast:?}");
    let full = client.ok("FETCH 1:* FULL").await;
    assert!(
        full[0].contains("BODY (\"text\" \"plain\"") || full[0].contains("BODY (\"TEXT\" \"PLAIN\""),
        "{full:?}"
    );
}

// RFC 3501 section 7.4.2's rules: an absent Sender and Reply-To are the From; what is absent is NIL
#[tokio::test(flavor = "multi_thread")]
async fn envelope_comes_from_the_summary() {
    let server = Server::new();
    server.deliver(&[FIRST]).await;
    let mut client = server.select().await;
    let from = r#"(("Fred Foobar" NIL "foobar" "Blurdybloop.example"))"#;
    let expected = format!(
        "* 1 FETCH (ENVELOPE (NIL \"afternoon meeting\" {from} {from} {from} NIL NIL NIL NIL \
         \"<B27397-0100000@Blurdybloop.example>\"))"
    );
    assert_eq!(client.ok("FETCH 1 ENVELOPE").await, [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_headers_are_literals() {
    let server = Server::new();
    server.mailbox("INBOX").append(vec![server.message("", BROKEN)]).await.unwrap();
    let mut client = server.select().await;
    let line = client.ok("FETCH 1 ENVELOPE").await;
    assert!(line[0].starts_with("* 1 FETCH (ENVELOPE (NIL {8}\r\nf\u{fffd}r dich NIL NIL"), "{line:?}");
    let line = client.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]").await;
    let expected = "* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {21}\r\nSubject: f\u{fffd}r dich\r\n\r\n)";
    assert_eq!(line, [expected]);
}

// RFC 3501 section 6.4.5: each of these names other octets
#[tokio::test(flavor = "multi_thread")]
async fn octets_of_a_message_with_a_trace() {
    let server = Server::new();
    let trace = "Return-Path: <x@y>\r\nDelivered-To: fred\r\n";
    server.mailbox("INBOX").append(vec![server.message(trace, FIRST)]).await.unwrap();
    let mut client = server.select().await;
    let whole = format!("{trace}{FIRST}");
    let (header, text) = whole.split_at(whole.find("\r\n\r\n").unwrap() + 4);
    for (item, label, octets) in [
        ("BODY.PEEK[]", "BODY[]", &*whole),
        ("RFC822.HEADER", "RFC822.HEADER", header),
        ("BODY.PEEK[HEADER]", "BODY[HEADER]", header),
        ("BODY.PEEK[TEXT]", "BODY[TEXT]", text),
        ("BODY.PEEK[1]", "BODY[1]", text),
        ("BODY.PEEK[]<0.10>", "BODY[]<0>", &whole[..10]),
        ("BODY.PEEK[]<15.10>", "BODY[]<15>", &whole[15..25]),
        ("BODY.PEEK[TEXT]<6.100000>", "BODY[TEXT]<6>", &text[6..]),
        (
            "BODY.PEEK[HEADER.FIELDS (Return-Path X)]",
            "BODY[HEADER.FIELDS (Return-Path X)]",
            "Return-Path: <x@y>\r\n\r\n",
        ),
        ("BODY.PEEK[HEADER.FIELDS (subject)]<3.7>", "BODY[HEADER.FIELDS (subject)]<3>", "ject: a"),
    ] {
        let expected = format!("* 1 FETCH ({label} {{{}}}\r\n{octets})", octets.len());
        assert_eq!(client.ok(&format!("FETCH 1 {item}")).await, [expected], "{item}");
    }
    assert_eq!(client.ok("FETCH 1 RFC822.SIZE").await, [format!("* 1 FETCH (RFC822.SIZE {})", whole.len())]);
    assert_eq!(client.ok("FETCH 1 FLAGS").await, ["* 1 FETCH (FLAGS (\\Recent))"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_beyond_the_end_and_what_is_not_there() {
    let server = Server::new();
    server.deliver(&[NESTED]).await;
    let mut client = server.select().await;
    let far = client.ok("FETCH 1 BODY.PEEK[]<100000.5>").await;
    assert_eq!(far, ["* 1 FETCH (BODY[]<100000> {0}\r\n)"]);
    assert_eq!(client.ok("FETCH 1 BODY.PEEK[7]").await, ["* 1 FETCH (BODY[7] NIL)"]);
    assert_eq!(
        client.ok("FETCH 1 BODY.PEEK[2.HEADER]").await,
        ["* 1 FETCH (BODY[2.HEADER] {18}\r\nSubject: inner\r\n\r\n)"]
    );
    assert_eq!(client.ok("FETCH 1 BODY.PEEK[2.1]").await, ["* 1 FETCH (BODY[2.1] {3}\r\ntwo)"]);
    assert_eq!(
        client.ok("FETCH 1 BODY.PEEK[1.MIME]").await,
        ["* 1 FETCH (BODY[1.MIME] {43}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n)"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn body_structure() {
    let server = Server::new();
    server.deliver(&[NESTED]).await;
    let mut client = server.select().await;
    let expected = concat!(
        r#"* 1 FETCH (BODY (("text" "plain" ("charset" "utf-8") NIL NIL "7BIT" 3 0)"#,
        r#"("message" "rfc822" NIL NIL NIL "7BIT" 21 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) "#,
        r#"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3 0) 2) "mixed"))"#
    );
    assert_eq!(client.ok("FETCH 1 BODY").await, [expected]);
    let extended = client.ok("FETCH 1 BODYSTRUCTURE").await;
    assert!(extended[0].ends_with(r#" "mixed" ("boundary" "b") NIL NIL NIL))"#), "{extended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_sets_seen_and_tells_it_in_the_same_line() {
    let server = Server::new();
    server.deliver(&[FIRST, FIRST, FIRST, FIRST]).await;
    let mut client = server.select().await;
    for (seq, item) in ["BODY[HEADER]<0.4>", "RFC822.TEXT", "BODY[1.MIME]", "RFC822"].iter().enumerate() {
        let line = client.ok(&format!("FETCH {} {item}", seq + 1)).await;
        assert!(line.len() == 1 && line[0].ends_with(" FLAGS (\\Seen \\Recent))"), "{line:?}");
    }
    // Set already: nothing to tell.
    assert_eq!(client.ok("FETCH 1 BODY[]<0.4>").await, ["* 1 FETCH (BODY[]<0> {4}\r\nFrom)"]);
    assert_eq!(client.ok("NOOP").await, [""; 0]);
    let mut other = server.select().await;
    assert_eq!(
        other.ok("FETCH 1:2 FLAGS").await,
        ["* 1 FETCH (FLAGS (\\Seen))", "* 2 FETCH (FLAGS (\\Seen))"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_that_were_asked_for_are_told_once() {
    let server = Server::new();
    server.deliver(&[FIRST]).await;
    let mut client = server.select().await;
    let line = client.ok("FETCH 1 (FLAGS BODY[]<0.4>)").await;
    assert_eq!(line, ["* 1 FETCH (FLAGS (\\Seen \\Recent) BODY[]<0> {4}\r\nFrom)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn examine_sets_nothing() {
    let server = Server::new();
    server.deliver(&[FIRST]).await;
    let mut client = server.log_in().await;
    client.ok("EXAMINE INBOX").await;
    assert_eq!(client.ok("FETCH 1 BODY[]<0.4>").await, ["* 1 FETCH (BODY[]<0> {4}\r\nFrom)"]);
    assert_eq!(server.mailbox("INBOX").info().unwrap().unseen, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_no_message_has() {
    let server = Server::new();
    let mut client = server.select().await;
    for set in ["1", "*", "1:*"] {
        client.bad(&format!("FETCH {set} FLAGS")).await;
        assert_eq!(client.ok(&format!("UID FETCH {set} FLAGS")).await, [""; 0]);
    }
    server.deliver(&[FIRST, FIRST]).await;
    client.ok("NOOP").await;
    for set in ["3", "1:3", "4294967295"] {
        client.bad(&format!("FETCH {set} FLAGS")).await;
    }
    assert_eq!(client.ok("UID FETCH 7 FLAGS").await, [""; 0]);
    assert_eq!(client.ok("UID FETCH 7:* UID").await, ["* 2 FETCH (UID 2)"]);
    for command in
        ["FETCH", "FETCH 1", "FETCH 1 ", "FETCH 0 UID", "FETCH 1 UID FLAGS", "FETCH 1 (UID", "FETCH 1 BOGUS"]
    {
        client.bad(command).await;
    }
}

/// Large enough for several batches, and for reading in pieces.
#[tokio::test(flavor = "multi_thread")]
async fn large_and_many() {
    let server = Server::new();
    let large = format!("Subject: large\r\n\r\n{}", "0123456789abcdef\r\n".repeat(100_000));
    let small: Vec<String> = (0..500).map(|n| format!("Subject: {n}\r\n\r\n{}", "x".repeat(2000))).collect();
    let mut messages: Vec<&str> = small.iter().map(String::as_str).collect();
    messages.insert(250, &large);
    server.deliver(&messages).await;
    let mut client = server.select().await;
    for item in ["BODY.PEEK[]", "BODY[]"] {
        let lines = client.ok(&format!("FETCH 1:* ({item})")).await;
        assert_eq!(lines.len(), 501);
        for (index, (line, message)) in lines.iter().zip(&messages).enumerate() {
            let start = format!("* {} FETCH (BODY[] {{{}}}\r\n", index + 1, message.len());
            assert!(line.starts_with(&start) && line[start.len()..].starts_with(message), "{}", &line[..80]);
        }
    }
    assert_eq!(
        client.ok("FETCH 251 BODY[]<1800000.1000000>").await,
        [format!("* 251 FETCH (BODY[]<1800000> {{18}}\r\n{})", &large[1_800_000..])]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn expunged_meanwhile() {
    let server = Server::new();
    server.deliver(&[FIRST, FIRST, FIRST]).await;
    let mut client = server.select().await;
    server.mailbox("INBOX").remove(&UidSet::from_iter([Uid(2)])).await.unwrap();
    // RFC 2180 section 4.1.2: what is there is sent, then NO
    let answer = client.command("FETCH 1:3 (UID RFC822.SIZE)").await;
    assert!(answer.tagged.starts_with("NO [EXPUNGEISSUED] "), "{answer:?}");
    let size = FIRST.len();
    assert_eq!(answer.untagged, [1, 3].map(|n| format!("* {n} FETCH (UID {n} RFC822.SIZE {size})")));
    // What the view holds is still told: the client has not been told that it is gone.
    assert_eq!(client.ok("FETCH 2 UID").await, ["* 2 FETCH (UID 2)"]);
    let answer = client.command("UID FETCH 1:3 RFC822.SIZE").await;
    assert!(answer.tagged.starts_with("OK [EXPUNGEISSUED] "), "{answer:?}");
    assert_eq!(answer.untagged.last().unwrap(), "* 2 EXPUNGE");
    assert_eq!(client.ok("FETCH 2 UID").await, ["* 2 FETCH (UID 3)"]);
}

async fn flag(server: &Server, uid: u32, flags: Flags) {
    let change =
        StoreFlags { operation: FlagsOperation::Add, flags, keywords: vec![], unchanged_since: None };
    server.mailbox("INBOX").store_flags(&UidSet::from_iter([Uid(uid)]), change).await.unwrap();
}

// RFC 7162 section 3.1.4.1 and section 3.2.6
#[tokio::test(flavor = "multi_thread")]
async fn changed_since_and_vanished() {
    let server = Server::new();
    server.deliver(&[FIRST, FIRST, FIRST, FIRST]).await;
    let mut client = server.log_in().await;
    client.ok("ENABLE QRESYNC").await;
    let select = client.ok("SELECT INBOX").await;
    let modseq: u64 = select
        .iter()
        .find_map(|line| line.split_once("[HIGHESTMODSEQ "))
        .and_then(|(_, rest)| rest.split(']').next()?.parse().ok())
        .unwrap();
    flag(&server, 3, Flags::FLAGGED).await;
    server.mailbox("INBOX").remove(&UidSet::from_iter([Uid(1)])).await.unwrap();
    client.ok("NOOP").await;
    let lines = client.ok(&format!("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq} VANISHED)")).await;
    assert_eq!(lines[0], "* VANISHED (EARLIER) 1");
    assert!(lines[1].starts_with("* 2 FETCH (UID 3 FLAGS (\\Flagged \\Recent) MODSEQ ("), "{lines:?}");
    assert_eq!(lines.len(), 2);
    client.bad("FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)").await;
    client.bad("UID FETCH 1:* FLAGS (VANISHED)").await;
    client.bad("UID FETCH 1:* FLAGS (CHANGEDSINCE)").await;
    // RFC 7162 section 3.2.4: UID and MODSEQ when \Seen is set
    let line = client.ok("FETCH 1 BODY[]<0.4>").await;
    assert!(line[0].contains("UID 2 FLAGS (\\Seen \\Recent) MODSEQ ("), "{line:?}");
}

// RFC 7162 section 3.1.2: the first CONDSTORE enabling command tells HIGHESTMODSEQ
#[tokio::test(flavor = "multi_thread")]
async fn modseq_enables_condstore() {
    let server = Server::new();
    server.deliver(&[FIRST, FIRST]).await;
    let mut client = server.select().await;
    flag(&server, 1, Flags::FLAGGED).await;
    assert_eq!(client.ok("NOOP").await, ["* 1 FETCH (FLAGS (\\Flagged \\Recent))"]);
    let lines = client.ok("FETCH 1:2 (MODSEQ)").await;
    assert!(lines[0].starts_with("* OK [HIGHESTMODSEQ "), "{lines:?}");
    assert!(lines[1].starts_with("* 1 FETCH (MODSEQ ("), "{lines:?}");
    flag(&server, 2, Flags::ANSWERED).await;
    let lines = client.ok("NOOP").await;
    assert!(lines[0].starts_with("* 2 FETCH (UID 2 FLAGS (\\Answered \\Recent) MODSEQ ("), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_others_are_told_before_a_fetch_and_once() {
    let server = Server::new();
    server.deliver(&[FIRST, FIRST]).await;
    let mut client = server.select().await;
    flag(&server, 1, Flags::FLAGGED).await;
    flag(&server, 2, Flags::FLAGGED).await;
    let lines = client.ok("FETCH 1 FLAGS").await;
    assert_eq!(lines, ["* 2 FETCH (FLAGS (\\Flagged \\Recent))", "* 1 FETCH (FLAGS (\\Flagged \\Recent))"]);
    server.deliver(&[FIRST]).await;
    let lines = client.ok("FETCH 1 UID").await;
    assert_eq!(lines, ["* 3 EXISTS", "* 3 RECENT", "* 1 FETCH (UID 1)"]);
}

// RFC 7162 section 3.2.4: a change from elsewhere comes with its MODSEQ, whatever the FETCH asks for
#[tokio::test(flavor = "multi_thread")]
async fn flags_alone_do_not_hide_the_modseq_of_a_change() {
    let server = Server::new();
    server.deliver(&[FIRST]).await;
    let mut client = server.select().await;
    client.ok("ENABLE CONDSTORE").await;
    flag(&server, 1, Flags::FLAGGED).await;
    let lines = client.ok("FETCH 1 FLAGS").await;
    assert!(lines[0].starts_with("* 1 FETCH (UID 1 FLAGS (\\Flagged \\Recent) MODSEQ ("), "{lines:?}");
    assert_eq!(lines[1..], ["* 1 FETCH (FLAGS (\\Flagged \\Recent))"]);
    flag(&server, 1, Flags::DRAFT).await;
    assert_eq!(client.ok("FETCH 1 (FLAGS MODSEQ)").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_read_is_left_out_and_told() {
    let faults = Faults::default();
    let server = Server::with_faults(&faults);
    server.deliver(&[FIRST, FIRST, FIRST]).await;
    let mut client = server.select().await;
    faults.bodies.fail(Call::Open, 2, 1, store::Error::Damaged("checksum".into()));
    let answer = client.command("FETCH 1:3 (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])").await;
    assert!(answer.tagged.starts_with("NO [CORRUPTION] "), "{answer:?}");
    let uids: Vec<&str> = answer.untagged.iter().map(|line| &line[..17]).collect();
    assert_eq!(uids, ["* 1 FETCH (UID 1 ", "* 3 FETCH (UID 3 "]);
    assert_eq!(client.ok("FETCH 1:3 BODY.PEEK[HEADER.FIELDS (SUBJECT)]").await.len(), 3);

    faults.bodies.fail(Call::Open, 2, 1, store::Error::Damaged("checksum".into()));
    let answer = client.command("SEARCH BODY hello").await;
    assert_eq!(answer.untagged, ["* SEARCH 1 3"]);
    assert!(answer.tagged.starts_with("NO [CORRUPTION] "), "{answer:?}");
}
