//! The TRANSACTION state, reading.

use store::{MailboxName, Uid, UidSet};

use super::client::{PASSWORD, Server, sized};

/// RFC 1939 section 10, with its sizes.
#[tokio::test(flavor = "multi_thread")]
async fn example_session() {
    let server = Server::new();
    let (first, second) = (sized(120), sized(200));
    server.append(&[&first, &second]).await;

    let mut client = server.log_in().await;
    assert_eq!(client.ok("STAT").await, "2 320");
    assert_eq!(client.lines("LIST").await, ["1 120", "2 200"]);
    assert!(client.ok("RETR 1").await.starts_with("120"));
    assert_eq!(client.rest_of_message().await, first);
    client.ok("DELE 1").await;
    assert_eq!(client.message("RETR 2").await, second);
    client.ok("DELE 2").await;
    client.ok("QUIT").await;
    assert!(client.closed().await);

    let mut client = server.log_in().await;
    assert_eq!(client.ok("STAT").await, "0 0");
    assert!(client.lines("LIST").await.is_empty());
    assert!(client.lines("UIDL").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_by_a_number_that_none_has() {
    let server = Server::new();
    server.append(&[&sized(50)]).await;
    let mut client = server.log_in().await;
    for command in ["RETR", "LIST", "UIDL", "DELE"] {
        for number in ["0", "2", "-1", "1 1", "x", "4294967297", "18446744073709551616"] {
            client.err(&format!("{command} {number}")).await;
        }
    }
    for arguments in ["", "1", "1 -1", "1 x", "0 1", "2 1", "1 1 1"] {
        client.err(&format!("TOP {arguments}")).await;
    }
    for command in ["RETR", "DELE", "STAT 1", "RSET 1", "NOOP 1", "QUIT 1"] {
        client.err(command).await;
    }
    assert_eq!(client.ok("STAT").await, "1 50");
}

#[tokio::test(flavor = "multi_thread")]
async fn top() {
    let server = Server::new();
    server.append(&[b"Subject: a\r\nTo: b\r\n\r\n.one\r\ntwo\r\n"]).await;
    let mut client = server.log_in().await;
    assert_eq!(client.message("TOP 1 0").await, b"Subject: a\r\nTo: b\r\n\r\n");
    assert_eq!(client.message("TOP 1 1").await, b"Subject: a\r\nTo: b\r\n\r\n.one\r\n");
    assert_eq!(client.message("TOP 1 99").await, b"Subject: a\r\nTo: b\r\n\r\n.one\r\ntwo\r\n");
}

/// Dots on the borders of every range that is read.
#[tokio::test(flavor = "multi_thread")]
async fn large_messages_come_whole() {
    const LINE: &[u8] = b"a line of ordinary length, as people write them in mail\r\n";
    const LAST: &[u8] = b"and the last has no end";
    let server = Server::new();
    let mut message = b"Subject: large\r\n\r\n".to_vec();
    for line in 0_u32..60_000 {
        message.extend_from_slice(match line % 3 {
            0 => b".\r\n".as_slice(),
            1 => b"..\r\n",
            _ => LINE,
        });
    }
    message.extend_from_slice(LAST);
    server.append(&[&message, &sized(10)[..0], b".\n.\n"]).await;
    let mut client = server.log_in().await;
    let without_two_lines = message[..message.len() - LINE.len() - LAST.len()].to_vec();
    assert!(client.message("TOP 1 59999").await == without_two_lines);
    message.extend_from_slice(b"\r\n");
    assert!(client.message("RETR 1").await == message);
    assert_eq!(client.message("RETR 2").await, b"");
    assert_eq!(client.message("RETR 3").await, b".\r\n.\r\n");
}

/// RFC 2449 section 6.6
#[tokio::test(flavor = "multi_thread")]
async fn pipelining() {
    let server = Server::new();
    server.append(&[&sized(40), &sized(50)]).await;
    let mut client = server.connect().await;
    let commands =
        format!("USER mrose\r\nPASS {PASSWORD}\r\nSTAT\r\nRETR 1\r\nRETR 9\r\nDELE 2\r\nSTAT\r\nQUIT\r\n");
    client.send(commands.as_bytes()).await;
    for expected in ["+OK", "+OK", "+OK 2 90", "+OK 40"] {
        assert!(client.line().await.starts_with(expected));
    }
    assert_eq!(client.rest_of_message().await, sized(40));
    for expected in ["-ERR", "+OK", "+OK 1 40", "+OK"] {
        assert!(client.line().await.starts_with(expected));
    }
    assert!(client.closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn unique_ids_stay_and_differ() {
    let server = Server::new();
    let message = sized(30);
    server.append(&vec![&message[..]; 3_000]).await;
    let mut client = server.log_in().await;
    let first = client.lines("UIDL").await;
    let mut unique: Vec<&str> = first.iter().map(|line| line.split_once(' ').unwrap().1).collect();
    assert!(
        unique
            .iter()
            .all(|unique_id| unique_id.len() <= 70 && unique_id.bytes().all(|o| o.is_ascii_graphic()))
    );
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), 3_000);
    client.ok("DELE 2").await;
    let left = client.lines("UIDL").await;
    assert_eq!((left.len(), &left[1]), (2_999, &first[2]));
    client.ok("QUIT").await;

    let mut client = server.log_in().await;
    let second = client.lines("UIDL").await;
    let ids = |lines: &[String]| -> Vec<String> {
        lines.iter().map(|l| l.split_once(' ').unwrap().1.into()).collect()
    };
    assert_eq!(ids(&second), ids(&left), "the same messages have the same unique-ids in the next session");
    assert_eq!(second[1].split_once(' ').unwrap().0, "2", "and new numbers");
    assert_eq!(client.ok("UIDL 2").await, second[1]);
}

/// Design section 3: the session's view stays, whatever others do.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_session_expunges_can_still_be_retrieved() {
    let server = Server::new();
    let messages = [sized(40), sized(50), sized(60)];
    server.append(&[&messages[0], &messages[1]]).await;
    let mut client = server.log_in().await;
    let unique_ids = client.lines("UIDL").await;

    let inbox = server.inbox();
    inbox.remove(&UidSet::from_ranges([1..=1])).await.unwrap();
    server.append(&[&messages[2]]).await;

    assert_eq!(client.ok("STAT").await, "2 90");
    assert_eq!(client.lines("UIDL").await, unique_ids);
    assert_eq!(client.message("RETR 1").await, messages[0]);
    assert_eq!(client.message("RETR 2").await, messages[1]);
    client.err("RETR 3").await;
    client.ok("DELE 1").await;
    client.ok("DELE 2").await;
    client.ok("QUIT").await;
    let mut client = server.log_in().await;
    assert_eq!(client.lines("LIST").await, ["1 60"]);
}

/// The same when IMAP moves messages away, and on, and back.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_session_moves_can_still_be_retrieved() {
    let server = Server::new();
    let messages = [sized(40), sized(50), sized(60), sized(70)];
    server.append(&messages.iter().map(|message| &message[..]).collect::<Vec<_>>()).await;
    let mut client = server.log_in().await;
    let inbox = server.inbox();
    for name in ["A", "B"] {
        inbox.account().create(&MailboxName::new(name).unwrap(), None).await.unwrap();
    }
    let [a, b] = ["A", "B"].map(|name| inbox.account().mailbox(&MailboxName::new(name).unwrap()).unwrap());
    let one = |uid| UidSet::from_ranges([uid..=uid]);
    inbox.move_to(&UidSet::from_ranges([1..=4]), &a).await.unwrap();
    assert_eq!(client.message("RETR 1").await, messages[0]);
    a.move_to(&one(2), &b).await.unwrap();
    assert_eq!(client.message("RETR 2").await, messages[1]);
    a.move_to(&one(3), &inbox).await.unwrap();
    assert_eq!(client.message("RETR 3").await, messages[2]);
    a.remove(&one(4)).await.unwrap();
    assert_eq!(client.message("RETR 4").await, messages[3]);
    assert_eq!(client.ok("STAT").await, "4 220");

    // The messages that are elsewhere now are not this session's to delete.
    for number in 1..=4 {
        client.ok(&format!("DELE {number}")).await;
    }
    client.ok("QUIT").await;
    assert_eq!((a.info().unwrap().messages, b.info().unwrap().messages), (1, 1));
    assert_eq!(inbox.info().unwrap().messages, 1);
}

/// RFC 6856 section 2.1
#[tokio::test(flavor = "multi_thread")]
async fn headers_outside_ascii_need_utf8() {
    let server = Server::new();
    let message = "Subject: Gr\u{fc}\u{df}e\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
        Content-Disposition: attachment; filename=\"\u{e9}.txt\"\r\n\r\nbody \u{fc}\r\n--b--\r\n";
    server.append(&[message.as_bytes()]).await;

    let mut client = server.connect().await;
    client.ok("UTF8").await;
    client.err("STLS").await;
    client.ok("USER mrose").await;
    client.ok(&format!("PASS {PASSWORD}")).await;
    assert_eq!(client.message("RETR 1").await, message.as_bytes());

    let surrogate = String::from_utf8(server.log_in().await.message("RETR 1").await).unwrap();
    let expected = message.replace("Gr\u{fc}\u{df}e", "=?utf-8?B?R3LDvMOfZQ==?=");
    let expected = expected.replace("; filename=\"\u{e9}.txt\"", ";\r\n filename*=utf-8''%C3%A9.txt");
    assert_eq!(surrogate, expected);
}

/// Headers are recoded also where they lie across the border of two ranges, or are longer than one.
#[tokio::test(flavor = "multi_thread")]
async fn surrogates_of_large_messages() {
    const RANGE: usize = 256 * 1024;
    let server = Server::new();
    let top = "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n";
    let part = "\r\n--b\r\nContent-Disposition: attachment; filename=\"\u{e9}\u{e8}.txt\"\r\n\r\n.\u{fc}\r\n--b--\r\n";
    let mut messages = Vec::new();
    for border in 0..part.len() {
        let filler = "y".repeat(RANGE - top.len() - border);
        messages.push(format!("{top}{filler}{part}"));
    }
    let long = format!("X-Long: {}\r\nSubject: \u{e9}\r\n\r\nbody \u{e9}\r\n", "\u{e9} ".repeat(RANGE));
    let few: Vec<&[u8]> = messages.iter().step_by(5).map(String::as_bytes).collect();
    server.append(&few).await;
    server.append(&[long.as_bytes()]).await;
    let mut client = server.log_in().await;
    for (at, message) in messages.iter().step_by(5).enumerate() {
        let surrogate = String::from_utf8(client.message(&format!("RETR {}", at + 1)).await).unwrap();
        let expected =
            message.replace("; filename=\"\u{e9}\u{e8}.txt\"", ";\r\n filename*=utf-8''%C3%A9%C3%A8.txt");
        assert!(surrogate == expected, "{}", &surrogate[RANGE - 100..]);
    }
    let surrogate = String::from_utf8(client.message(&format!("RETR {}", few.len() + 1)).await).unwrap();
    let (header, body) = surrogate.split_once("\r\n\r\n").unwrap();
    assert!(header.is_ascii() && body == "body \u{e9}\r\n");
}

/// The unique-ids of an old server win over ours.
#[tokio::test(flavor = "multi_thread")]
async fn imported_unique_ids() {
    let server = Server::new();
    server.append(&[&sized(40), &sized(50)]).await;
    // RFC 1939 section 7 has this one.
    let old = "whqtswO00WBw418f9t5JxYwZ";
    server.inbox().import_unique_ids(vec![(Uid(1), old.to_owned())]).await.unwrap();
    let mut client = server.log_in().await;
    assert_eq!(client.ok("UIDL 1").await, format!("1 {old}"));
    assert_ne!(client.ok("UIDL 2").await, format!("2 {old}"));
}

/// A message whose octets are damaged on the disk is refused, and the others can still be read.
#[tokio::test(flavor = "multi_thread")]
async fn damage_is_a_temporary_failure_of_one_message() {
    let server = Server::new();
    let messages = [sized(5_000), b"Subject: whole\r\n\r\n".to_vec()];
    server.append(&[&messages[0]]).await;
    server.append(&[&messages[1]]).await;
    assert!(server.damage(&messages[0][..11]) > 0, "the message is found on the disk");
    let mut client = server.log_in().await;
    assert!(client.err("RETR 1").await.starts_with("[SYS/TEMP]"));
    assert!(client.err("TOP 1 0").await.starts_with("[SYS/TEMP]"));
    assert_eq!(client.message("RETR 2").await, messages[1]);
    assert_eq!(client.lines("LIST").await, ["1 5000", &format!("2 {}", messages[1].len())]);
}

/// Where the damage is found only after part of the message was sent, the client must not take that part for the whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_breaks_off_does_not_end() {
    let server = Server::new();
    let mut message = sized(900_000);
    message.extend_from_slice(b"here it breaks\r\n");
    message.extend_from_slice(&sized(900_000));
    server.append(&[&message]).await;
    assert!(server.damage(b"here it breaks") > 0);
    let mut client = server.log_in().await;
    client.send(b"RETR 1\r\n").await;
    let sent = client.everything().await;
    assert!(sent.starts_with(b"+OK 1800016 ") && sent.len() > 100_000, "{}", sent.len());
    assert!(!sent.ends_with(b"\r\n.\r\n"));
}
