//! Whether there is room.

use super::server::Server;
use crate::Interface;

const DUNNO: &str = "action=DUNNO";

#[tokio::test(flavor = "multi_thread")]
async fn room_is_judged_with_the_size_that_was_declared() {
    let server = Server::new();
    server.change("alice@example.org", &mut |record| record.limits.bytes = 1000);
    let mut mta = server.connect(Interface::Policy).await;
    for (recipient, size, action) in [
        ("alice@example.org", "0", DUNNO),
        ("alice@example.org", "", DUNNO),
        ("alice+box@example.org", "1000", DUNNO),
        ("alice@example.org", "1001", "action=552 5.2.2 mailbox is full"),
        ("alice+box@example.org", "1001", "action=552 5.2.2 mailbox is full"),
        ("bob@example.org", "10000", DUNNO),
        ("bob@example.org", "10001", "action=552 5.3.4 message is larger than the limit of 10000 octets"),
        // Other domains' recipients, and none.
        ("nobody@example.org", "1001", DUNNO),
        ("someone@example.com", "99999999", DUNNO),
        ("", "1001", DUNNO),
    ] {
        assert_eq!(mta.judge(recipient, size).await, action, "{recipient} {size}");
    }
    for size in ["many", "-1", "99999999999999999999"] {
        assert_eq!(
            mta.judge("alice@example.org", size).await,
            "action=DEFER_IF_PERMIT 4.3.5 policy request: size is no number"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_mailbox_and_one_that_is_switched_off() {
    let server = Server::with(|options| options.defer_over_quota = true);
    let inbox = server.site.mailbox("alice@example.org", "INBOX");
    let message = server.site.message(b"Subject: x\r\n\r\nx\r\n");
    common::block(|| inbox.append(vec![message])).await.unwrap();
    server.change("alice@example.org", &mut |record| record.limits.messages = 1);
    server.change("bob@example.org", &mut |record| record.switches.delivery = false);
    let mut mta = server.connect(Interface::Policy).await;
    assert_eq!(mta.judge("alice@example.org", "0").await, "action=452 4.2.2 mailbox is full");
    assert_eq!(mta.judge("bob@example.org", "0").await, "action=550 5.2.1 this mailbox does not take mail");
    server.change("alice@example.org", &mut |record| record.limits.messages = 2);
    assert_eq!(mta.judge("alice@example.org", "0").await, DUNNO);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_asked_as_postfix_asks() {
    let server = Server::new();
    let mut mta = server.connect(Interface::Policy).await;
    mta.send("recipient=alice@example.org\n\n\n").await;
    for _ in 0..2 {
        assert!(mta.text().await.starts_with("action=DEFER_IF_PERMIT 4.3.5 "));
        assert_eq!(mta.text().await, "");
    }
    // Attributes that nobody knows, an empty name, octets that are no UTF-8, an equals sign in a value.
    mta.send(b"request=smtpd_access_policy\nfoo=\xff=\n=\nrecipient=\xff@example.org\n\n").await;
    assert_eq!(mta.text().await, DUNNO);
    assert_eq!(mta.text().await, "");
    for request in
        ["GET / HTTP/1.1\r\n".to_owned(), "x=\n".repeat(300), format!("x={}\n", "y".repeat(20_000))]
    {
        let mut mta = server.connect(Interface::Policy).await;
        mta.send(&request).await;
        assert!(mta.closed().await, "{request:.20}");
    }
}
