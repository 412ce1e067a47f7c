//! What arrives: trace, content, loops, and messages that are no mail.

use super::client::Server;
use crate::{Address, Envelope, Options, deliver};
use common::activity::Activity;

#[tokio::test(flavor = "multi_thread")]
async fn each_recipient_has_a_trace_of_its_own() {
    let server = Server::new();
    let mut client = server.greeted().await;
    client.data(&["pat+x@foo.edu", "green@foo.edu"]).await;
    client.send(b"Return-Path: <old@x>\r\nSubject: x\r\n\r\nx\r\n.\r\n").await;
    client.expect("250 ").await;
    client.expect("250 ").await;
    for (account, address) in [("pat@foo.edu", "pat+x@foo.edu"), ("green@foo.edu", "green@foo.edu")] {
        let message = &server.messages(account, "INBOX")[0];
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines[0], "Return-Path: <chris@bar.com>");
        assert_eq!(lines[1], format!("Delivered-To: {address}"));
        assert_eq!(lines[2], "Received: from foo.edu ([127.0.0.1])");
        assert!(lines[3].starts_with("\tby foo.edu with LMTP id "));
        assert!(lines[4].starts_with(&format!("\tfor <{address}>; ")) && lines[4].ends_with(" +0000"));
        assert_eq!(lines[5..], ["Subject: x", "", "x"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lines_and_eight_bits_come_as_they_are() {
    let server = Server::new();
    let mut client = server.greeted().await;
    client.data(&["pat@foo.edu"]).await;
    let body = format!("Subject: \u{fc}\r\n\r\n{}\r\n{}", "x".repeat(300_000), "..dots\r\n".repeat(50_000));
    client.send(format!("{body}.\r\n").as_bytes()).await;
    client.expect("250 ").await;
    let expected = body.replace("\r\n..", "\r\n.");
    assert!(server.messages("pat@foo.edu", "INBOX")[0].ends_with(&expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_mail_is_refused_for_every_recipient_and_the_session_goes_on() {
    let server = Server::with(Options { message_limit: 10_000, ..Options::default() });
    let mut client = server.greeted().await;
    let large = format!("Subject: x\r\n\r\n{}.\r\n", "some words\r\n".repeat(100_000));
    let nul = "Subject: x\r\n\r\na\0b\r\n.\r\n".to_owned();
    let hops = format!("{}\r\nx\r\n.\r\n", "Received: by x\r\n".repeat(101));
    for (text, reply) in [(large, "552 5.3.4 "), (nul, "554 5.6.0 "), (hops, "554 5.4.6 ")] {
        client.data(&["pat@foo.edu", "green@foo.edu"]).await;
        client.send(text.as_bytes()).await;
        client.expect(reply).await;
        client.expect(reply).await;
    }
    client.data(&["pat@foo.edu"]).await;
    client.send(b"\r\n.\r\n").await;
    client.expect("250 ").await;
    assert_eq!(server.messages("pat@foo.edu", "INBOX").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_came_back_is_refused_for_its_recipient_alone() {
    let server = Server::new();
    let mut client = server.greeted().await;
    client.data(&["pat@foo.edu", "green@foo.edu"]).await;
    client
        .send(b"Delivered-To: green@foo.edu\r\nReceived: x\r\nDelivered-To: pat@foo.edu\r\n\r\nx\r\n.\r\n")
        .await;
    client.expect("554 5.4.6 ").await;
    client.expect("250 ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_has_the_same_steps() {
    let server = Server::with(Options { message_limit: 10_000, ..Options::default() });
    let address = |text| Address::parse(text).unwrap();
    let envelope = Envelope {
        reverse_path: None,
        recipients: vec![address("x@foo.edu"), address("pat@foo.edu"), address("green@foo.edu")],
        hostname: "foo.edu".into(),
        id: "1".into(),
    };
    server.change("green@foo.edu", &mut |record| record.limits.bytes = 1);
    let mut pipe = &b"From a@x Thu Jan  1 00:00:00 1970\nSubject: x\n\n.x\n"[..];
    let outcomes = deliver(
        &server.site.store,
        &server.service.options,
        envelope.clone(),
        &mut pipe,
        &Activity::default(),
    )
    .await;
    let codes: Vec<(u16, u8)> = outcomes.iter().map(|o| (o.reply.code(), o.exit_status())).collect();
    assert_eq!(codes, [(550, 67), (250, 0), (552, 73)]);
    let message = &server.messages("pat@foo.edu", "INBOX")[0];
    assert!(message.starts_with("Return-Path: <>\r\nDelivered-To: pat@foo.edu\r\nReceived: by foo.edu "));
    assert!(message.ends_with("+0000\r\nSubject: x\r\n\r\n.x\r\n"));

    let large = vec![b'x'; 20_000];
    let outcomes =
        deliver(&server.site.store, &server.service.options, envelope, &mut &large[..], &Activity::default())
            .await;
    assert_eq!(outcomes[1].reply.enhanced(), "5.3.4");
}
