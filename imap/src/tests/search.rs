//! SEARCH and UID SEARCH over a socket. RFC 9051 section 6.4.4, RFC 3501 section 6.4.4

use store::{DateTime, Flags, NewMessage, Uid, UidSet};

use super::client::{Client, Server};

const PLAIN: &str = "From: Fred Smith <fred@example.test>\r\n\
    To: team@example.test\r\n\
    Cc: \"Jones, Mary\" <mary@other.test>\r\n\
    Subject: Say hello\r\n\
    Date: Mon, 7 Feb 1994 21:52:25 -0800\r\n\
    Message-ID: <one@example.test>\r\n\
    X-Empty:\r\n\
    \r\n\
    The quick brown fox\r\n";

/// Encoded subject, base64 body in Latin-1: "Schöne Grüße".
const ENCODED: &str = "From: =?utf-8?Q?J=C3=B6rg?= <j@example.test>\r\n\
    Bcc: hidden@example.test\r\n\
    Subject: =?iso-8859-1?Q?Gr=FC=DFe?= aus =?utf-8?B?V2llbg==?=\r\n\
    Date: 1 Mar 2020 00:10:00 +0500\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: text/plain; charset=iso-8859-1\r\n\
    Content-Transfer-Encoding: base64\r\n\
    \r\n\
    U2No9m5lIEdy/N9l\r\n";

const NESTED: &str = "Subject: outer\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\
    \r\n\
    --b\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\
    \r\n\
    caf=C3=A9 <b>cr=C3=A8me</b>\r\n\
    --b\r\n\
    Content-Type: message/rfc822\r\n\
    \r\n\
    Subject: inner treasure\r\n\
    \r\n\
    deep text\r\n\
    --b\r\n\
    Content-Type: application/pdf; name=\"report-2020.pdf\"\r\n\
    Content-Transfer-Encoding: base64\r\n\
    \r\n\
    AAAA\r\n\
    --b--\r\n";

/// Three messages: 1 PLAIN of 1994, 2 ENCODED, \Seen \Flagged, of 2020, 3 NESTED.
async fn server() -> Server {
    let server = Server::new();
    let dated = |message: NewMessage, seconds, offset| NewMessage {
        internal_date: Some(DateTime { seconds, offset }),
        ..message
    };
    let plain = dated(server.message("Delivered-To: alias@example.test\r\n", PLAIN), 760_686_745, -480);
    let encoded = dated(server.message("", ENCODED), 1_583_020_800, 0);
    let encoded = NewMessage { flags: Flags::SEEN.with(Flags::FLAGGED), ..encoded };
    let nested = dated(server.message("", NESTED), 1_600_000_000, 0);
    server.mailbox("INBOX").append(vec![plain, encoded, nested]).await.unwrap();
    server
}

async fn selected() -> (Server, Client) {
    let server = server().await;
    let client = server.select().await;
    (server, client)
}

/// The numbers of `* SEARCH`.
async fn search(client: &mut Client, keys: &str) -> String {
    let lines = client.ok(&format!("SEARCH {keys}")).await;
    assert_eq!(lines.len(), 1, "{keys}: {lines:?}");
    lines[0].strip_prefix("* SEARCH").unwrap_or_else(|| panic!("{lines:?}")).trim().to_owned()
}

async fn expect(client: &mut Client, table: &[(&str, &str)]) {
    for (keys, numbers) in table {
        assert_eq!(search(client, keys).await, *numbers, "{keys}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_sets_and_logic() {
    let (_server, mut client) = selected().await;
    let table = [
        ("ALL", "1 2 3"),
        ("SEEN", "2"),
        ("UNSEEN", "1 3"),
        ("FLAGGED", "2"),
        ("UNFLAGGED", "1 3"),
        ("ANSWERED", ""),
        ("UNANSWERED", "1 2 3"),
        ("DELETED", ""),
        ("UNDELETED", "1 2 3"),
        ("DRAFT", ""),
        ("UNDRAFT", "1 2 3"),
        ("RECENT", "1 2 3"),
        ("OLD", ""),
        ("NEW", "1 3"),
        ("KEYWORD $X", ""),
        ("UNKEYWORD $X", "1 2 3"),
        ("1", "1"),
        ("2:*", "2 3"),
        ("*", "3"),
        ("*:2", "2 3"),
        ("7", ""),
        ("3:9", "3"),
        ("UID 2", "2"),
        ("UID 9:*", "3"),
        ("NOT 2", "1 3"),
        ("OR 1 3", "1 3"),
        ("OR SEEN OR 1 9", "1 2"),
        ("(1 2)", ""),
        ("(1:2) UNSEEN", "1"),
        ("NOT (OR SEEN 1)", "3"),
        ("NOT NOT SEEN", "2"),
        ("ALL ALL", "1 2 3"),
        ("1,3 NOT 1", "3"),
    ];
    expect(&mut client, &table).await;
    assert_eq!(client.ok("UID SEARCH UNSEEN").await, ["* SEARCH 1 3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn strings() {
    let (_server, mut client) = selected().await;
    let table = [
        // A substring, not a word.
        ("SUBJECT hel", "1"),
        ("SUBJECT HELLO", "1"),
        ("SUBJECT \"say h\"", "1"),
        ("SUBJECT help", ""),
        ("SUBJECT \"\"", "1 2 3"),
        ("FROM smith", "1"),
        ("FROM fred@example", "1"),
        ("FROM \"jörg\"", "2"),
        ("TO team", "1"),
        ("TO fred", ""),
        ("CC jones", "1"),
        ("CC mary@other.test", "1"),
        ("BCC hidden", "2"),
        ("SUBJECT \"grüße\"", "2"),
        ("SUBJECT \"GRÜßE\"", "2"),
        ("SUBJECT wien", "2"),
        ("SUBJECT =?iso", ""),
        ("HEADER Message-ID <one@example.test>", "1"),
        ("HEADER message-id one", "1"),
        ("HEADER Message-ID two", ""),
        ("HEADER X-Empty \"\"", "1"),
        ("HEADER Bcc \"\"", "2"),
        ("HEADER X-None \"\"", ""),
        ("HEADER Delivered-To alias", "1"),
        ("HEADER Subject \"grüße\"", "2"),
        ("BODY \"quick brown\"", "1"),
        ("BODY QUICK", "1"),
        ("BODY hello", ""),
        ("BODY \"schöne grüße\"", "2"),
        ("BODY \"café\"", "3"),
        ("BODY \"crème\"", "3"),
        ("BODY \"deep text\"", "3"),
        ("BODY treasure", "3"),
        ("BODY report-2020", "3"),
        ("BODY \"\"", "1 2 3"),
        ("BODY AAAA", ""),
        ("TEXT hello", "1"),
        ("TEXT quick", "1"),
        ("TEXT x-empty", "1"),
        ("TEXT delivered-to", "1"),
        ("TEXT message-id", "1"),
        ("TEXT \"grüße\"", "2"),
        ("TEXT outer", "3"),
        ("TEXT nowhere", ""),
        ("TEXT \"\"", "1 2 3"),
        ("NOT SUBJECT hello", "2 3"),
        ("OR SUBJECT hello BODY \"café\"", "1 3"),
        ("UNSEEN TEXT e NOT FROM fred", "3"),
    ];
    expect(&mut client, &table).await;
}

// RFC 3501 section 6.4.4: "disregarding time and timezone"
#[tokio::test(flavor = "multi_thread")]
async fn dates_and_sizes() {
    let (_server, mut client) = selected().await;
    let table = [
        // Message 1 arrived on 7-Feb-1994 of its own zone, already the 8th in UTC.
        ("ON 7-Feb-1994", "1"),
        ("ON 8-Feb-1994", ""),
        ("BEFORE 7-Feb-1994", ""),
        ("BEFORE 8-Feb-1994", "1"),
        ("SINCE 7-Feb-1994", "1 2 3"),
        ("SINCE 8-feb-1994", "2 3"),
        ("ON \"1-Mar-2020\"", "2"),
        // Message 2 was sent at ten past midnight of the 1st, still February in UTC. Message 3 has no Date.
        ("SENTON 7-Feb-1994", "1"),
        ("SENTON 1-Mar-2020", "2"),
        ("SENTON 29-Feb-2020", ""),
        ("SENTSINCE 1-Jan-1990", "1 2"),
        ("SENTBEFORE 1-Mar-2020", "1"),
        ("SENTBEFORE 2-Mar-2020", "1 2"),
        ("NOT SENTSINCE 1-Jan-1990", "3"),
    ];
    expect(&mut client, &table).await;
    let size = ENCODED.len();
    assert_eq!(search(&mut client, &format!("2 LARGER {}", size - 1)).await, "2");
    assert_eq!(search(&mut client, &format!("2 LARGER {size}")).await, "");
    assert_eq!(search(&mut client, &format!("2 SMALLER {size}")).await, "");
    assert_eq!(search(&mut client, &format!("2 SMALLER {}", size + 1)).await, "2");
    // The trace counts.
    let size = PLAIN.len() + "Delivered-To: alias@example.test\r\n".len();
    assert_eq!(search(&mut client, &format!("1 LARGER {}", size - 1)).await, "1");
    assert_eq!(search(&mut client, &format!("1 LARGER {size}")).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn charsets() {
    let (_server, mut client) = selected().await;
    client.send(b"a SEARCH CHARSET ISO-8859-1 SUBJECT {5+}\r\ngr\xfc\xdfe\r\n").await;
    assert_eq!(client.answer("a").await.untagged, ["* SEARCH 2"]);
    assert_eq!(search(&mut client, "CHARSET UTF-8 SUBJECT \"grüße\"").await, "2");
    assert_eq!(search(&mut client, "CHARSET us-ascii SUBJECT hello").await, "1");
    let text = client.no("SEARCH CHARSET X-BOGUS SUBJECT x").await;
    assert!(text.starts_with("[BADCHARSET (UTF-8 US-ASCII "), "{text}");
    client.send(b"b SEARCH CHARSET UTF-8 SUBJECT {2+}\r\n\xfc\xdf\r\n").await;
    assert!(client.answer("b").await.tagged.starts_with("NO [BADCHARSET "));
}

// RFC 4731 section 3.1
#[tokio::test(flavor = "multi_thread")]
async fn esearch() {
    let (_server, mut client) = selected().await;
    for (command, answer) in [
        ("SEARCH RETURN () ALL", " ALL 1:3"),
        ("SEARCH RETURN (ALL) UNSEEN", " ALL 1,3"),
        ("SEARCH RETURN (MIN MAX COUNT) UNSEEN", " MIN 1 MAX 3 COUNT 2"),
        ("SEARCH RETURN (MIN MAX) UNSEEN", " MIN 1 MAX 3"),
        ("SEARCH RETURN (MIN) UNSEEN", " MIN 1"),
        ("SEARCH RETURN (MAX) UNSEEN", " MAX 3"),
        ("SEARCH RETURN (MAX) TEXT hello", " MAX 1"),
        ("SEARCH RETURN (count) ALL", " COUNT 3"),
        ("SEARCH RETURN (MIN MAX ALL COUNT) ANSWERED", " COUNT 0"),
        ("SEARCH RETURN (MIN MAX) ANSWERED", ""),
        ("SEARCH RETURN (ALL) ANSWERED", ""),
        ("UID SEARCH RETURN (ALL COUNT) 2:3", " UID ALL 2:3 COUNT 2"),
        ("UID SEARCH RETURN (MAX) CHARSET UTF-8 SUBJECT hello", " UID MAX 1"),
    ] {
        client.send(format!("x.1 {command}\r\n")).await;
        let got = client.answer("x.1").await;
        assert_eq!(got.untagged, [format!("* ESEARCH (TAG \"x.1\"){answer}")], "{command}: {got:?}");
        assert!(got.tagged.starts_with("OK "), "{got:?}");
    }
    for command in [
        "SEARCH RETURN ALL",
        "SEARCH RETURN (ALL)",
        "SEARCH RETURN (BOGUS) ALL",
        "SEARCH RETURN (ALL ) ALL",
        "SEARCH RETURN (ALL",
    ] {
        client.bad(command).await;
    }
}

// RFC 7162 section 3.1.5 and section 3.1.6, RFC 4731 section 3.2
#[tokio::test(flavor = "multi_thread")]
async fn modseq() {
    let (_server, mut client) = selected().await;
    let lines = client.ok("STORE 1 +FLAGS (\\Answered)").await;
    assert_eq!(lines.len(), 1);
    let lines = client.ok("FETCH 1:3 MODSEQ").await;
    let modseq = |line: &String| -> u64 {
        line.split_once("MODSEQ (").unwrap().1.trim_end_matches(')').parse().unwrap()
    };
    let (first, second) = (modseq(&lines[1]), modseq(&lines[2]));
    assert!(first > second);
    assert_eq!(client.ok(&format!("SEARCH MODSEQ {first}")).await, [format!("* SEARCH 1 (MODSEQ {first})")]);
    assert_eq!(client.ok("SEARCH MODSEQ 1").await, [format!("* SEARCH 1 2 3 (MODSEQ {first})")]);
    let lines = client.ok("SEARCH MODSEQ \"/flags/\\\\Answered\" all 1 NOT 1").await;
    assert_eq!(lines, [format!("* SEARCH 2 3 (MODSEQ {second})")]);
    assert_eq!(client.ok(&format!("SEARCH MODSEQ {}", first + 1)).await, ["* SEARCH"]);
    let lines = client.ok("SEARCH RETURN (MAX) MODSEQ 1").await;
    assert!(lines[0].ends_with(&format!(" MAX 3 MODSEQ {second}")), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_mailboxes_and_bad_searches() {
    let server = Server::new();
    let mut client = server.select().await;
    for keys in ["ALL", "1", "*", "1:*", "UID 1:*", "UID *", "TEXT x", "NOT 1"] {
        assert_eq!(search(&mut client, keys).await, "", "{keys}");
    }
    for keys in [
        "",
        " ",
        " BOGUS",
        " (ALL",
        " ALL)",
        " OR ALL",
        " NOT",
        " HEADER x",
        " SUBJECT",
        " ON 1",
        " CHARSET UTF-8",
        " LARGER x",
    ] {
        client.bad(&format!("SEARCH{keys}")).await;
    }
    client.bad(&format!("SEARCH {}ALL", "(".repeat(30_000))).await;
    client.bad(&format!("SEARCH {}ALL", "NOT ".repeat(10_000))).await;
    assert_eq!(search(&mut client, &format!("{}ALL", "OR ALL ".repeat(5000))).await, "");
}

// RFC 9051 section 7.5.1, RFC 7162 section 3.2.10.2
#[tokio::test(flavor = "multi_thread")]
async fn no_expunge_while_numbers_are_used() {
    let (server, mut client) = selected().await;
    server.mailbox("INBOX").remove(&UidSet::from_iter([Uid(1)])).await.unwrap();
    assert_eq!(client.ok("SEARCH SUBJECT outer").await, ["* SEARCH 3"]);
    assert_eq!(client.ok("UID SEARCH 1:3 SUBJECT outer").await, ["* SEARCH 3"]);
    // By UID alone nothing is in the way.
    assert_eq!(client.ok("UID SEARCH SUBJECT outer").await, ["* SEARCH 3", "* 1 EXPUNGE"]);
    assert_eq!(client.ok("SEARCH SUBJECT outer").await, ["* SEARCH 2"]);
}

/// More messages than one window has, decided by what is stored.
#[tokio::test(flavor = "multi_thread")]
async fn many_messages() {
    let server = Server::new();
    let message = server.message("", "Subject: odd\r\n\r\nneedle\r\n");
    let other = server.message("", "Subject: even\r\n\r\nhay\r\n");
    let pair = [message, other];
    let all = (0..10_000).map(|n| pair[n % 2].clone()).collect();
    server.mailbox("INBOX").append(all).await.unwrap();
    let mut client = server.select().await;
    let lines = client.ok("SEARCH RETURN (MIN MAX COUNT) BODY needle").await;
    assert!(lines[0].ends_with(" MIN 1 MAX 9999 COUNT 5000"), "{lines:?}");
    let lines = client.ok("SEARCH RETURN (MAX) BODY needle").await;
    assert!(lines[0].ends_with(" MAX 9999"), "{lines:?}");
    let numbers = client.ok("SEARCH SUBJECT even").await;
    assert_eq!(numbers[0].split(' ').count(), 5002);
    assert!(numbers[0].starts_with("* SEARCH 2 4 6 ") && numbers[0].ends_with(" 9998 10000"));
}
