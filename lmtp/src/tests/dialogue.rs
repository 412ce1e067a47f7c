//! Commands, their order, and the end of a message on the wire.

use super::client::Server;
use crate::{Options, OverQuota};

/// RFC 2033 section 4.2
#[tokio::test(flavor = "multi_thread")]
async fn example_session() {
    let server = Server::with(Options { over_quota: OverQuota::Defer, ..Options::default() });
    server.change("green@foo.edu", &mut |record| record.limits.bytes = 20);
    let mut client = server.connect().await;
    let lhlo = client.command("LHLO foo.edu").await;
    assert!(lhlo.starts_with("250-foo.edu\n") && lhlo.contains("PIPELINING") && lhlo.contains("SIZE"));
    client
        .play(&[
            ("MAIL FROM:<chris@bar.com>", "250 "),
            ("RCPT TO:<pat@foo.edu>", "250 "),
            ("RCPT TO:<jones@foo.edu>", "550 5.1.1 "),
            ("RCPT TO:<green@foo.edu>", "250 "),
            ("DATA", "354 "),
        ])
        .await;
    client.send(b"Blah blah blah...\r\n...etc. etc. etc.\r\n.\r\n").await;
    client.expect("250 2.0.0 ").await;
    client.expect("452 4.2.2 ").await;
    client.play(&[("QUIT", "221 2.0.0 foo.edu closing connection")]).await;
    assert!(client.closed().await);
    assert!(
        server.messages("pat@foo.edu", "INBOX")[0].ends_with("Blah blah blah...\r\n..etc. etc. etc.\r\n")
    );
    assert!(server.messages("green@foo.edu", "INBOX").is_empty());
}

/// RFC 2033 section 4.1 and 5
#[tokio::test(flavor = "multi_thread")]
async fn lhlo() {
    let server = Server::with(Options { message_limit: 5_000, ..Options::default() });
    let mut client = server.connect().await;
    client
        .play(&[
            ("HELO foo.edu", "500 "),
            ("EHLO foo.edu", "500 "),
            ("MAIL FROM:<a@bar.com>", "503 5.5.1 "),
            ("LHLO", "501 "),
            ("LHLO a b", "501 "),
            ("LHLO <script>", "501 "),
            ("NOOP", "250 "),
        ])
        .await;
    let lines: Vec<String> = client.command("LHLO [192.0.2.1]").await.lines().map(str::to_owned).collect();
    for keyword in ["PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "CHUNKING", "SIZE 5000"] {
        assert!(lines.iter().any(|line| line[4..] == *keyword), "{keyword} in {lines:?}");
    }
    assert!(!lines.iter().any(|line| line.contains("STARTTLS")), "there is no certificate");
    client.play(&[("STARTTLS", "503 ")]).await;
}

/// RFC 5321 section 4.1.4
#[tokio::test(flavor = "multi_thread")]
async fn sequence_and_syntax() {
    let server = Server::new();
    let mut client = server.greeted().await;
    client
        .play(&[
            ("RCPT TO:<pat@foo.edu>", "503 5.5.1 "),
            ("DATA", "503 5.5.1 "),
            ("MAIL FROM:<>", "250 2.1.0 "),
            ("MAIL FROM:<>", "503 5.5.1 "),
            ("DATA", "503 5.5.1 "),
            ("RCPT TO:<>", "501 5.1.3 "),
            ("RCPT TO:<pat@foo.edu", "501 5.1.3 "),
            ("RCPT TO:<pat@foo.edu> NOTIFY=NEVER", "555 5.5.4 "),
            ("RCPT <pat@foo.edu>", "501 5.5.4 "),
            ("RCPT TO:pat@foo.edu", "250 2.1.5 "),
            ("rcpt to: <@a.org,@b.org:PAT@FOO.EDU>", "250 2.1.5 "),
            ("RSET", "250 2.0.0 "),
            ("DATA", "503 5.5.1 "),
            ("MAIL FROM:<a@bar.com> SIZE=10 RET=FULL", "555 5.5.4 "),
            ("MAIL FROM:<a@bar.com> SIZE=999999999999", "552 5.3.4 "),
            ("MAIL FROM:<a@b@c>", "501 5.1.7 "),
            ("MAIL FROM:<gr\u{fc}n@bar.com>", "553 5.6.7 "),
            ("MAIL FROM:<gr\u{fc}n@bar.com> SMTPUTF8 BODY=8BITMIME", "250 "),
            ("LHLO foo.edu", "250-"),
            ("DATA", "503 5.5.1 "),
            ("VRFY pat", "252 2.5.0 "),
            ("VRFY", "501 5.5.4 "),
            ("HELP", "214 2.0.0 "),
            ("EXPN list", "500 5.5.2 "),
            ("", "500 5.5.2 "),
        ])
        .await;
    client.send(b"NOOP \xff\r\n").await;
    client.expect("501 5.5.2 ").await;
    client.send(format!("NOOP {}\r\n", "x".repeat(5_000)).as_bytes()).await;
    client.expect("500 5.5.2 ").await;
    client.play(&[("NOOP", "250 ")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_ends_the_session() {
    let server = Server::new();
    let mut client = server.greeted().await;
    let mut answers = 0;
    while client.command("garbage").await.starts_with("500 ") {
        answers += 1;
        assert!(answers < 100);
    }
    assert!(answers >= 10 && client.closed().await);
}

/// RFC 2920 section 3.1: a message is followed at once by the next transaction.
#[tokio::test(flavor = "multi_thread")]
async fn pipelining() {
    let server = Server::new();
    let mut client = server.greeted().await;
    let envelope = "MAIL FROM:<a@bar.com>\r\nRCPT TO:<pat@foo.edu>\r\nRCPT TO:<x@foo.edu>\r\nDATA\r\n";
    client.send(envelope.as_bytes()).await;
    for begin in ["250 ", "250 ", "550 ", "354 "] {
        client.expect(begin).await;
    }
    client.send(format!("Subject: 1\r\n\r\n1\r\n.\r\n{envelope}").as_bytes()).await;
    for begin in ["250 ", "250 ", "250 ", "550 ", "354 "] {
        client.expect(begin).await;
    }
    client.send(b"Subject: 2\r\n\r\n2\r\n.\r\nQUIT\r\n").await;
    client.expect("250 ").await;
    client.expect("221 ").await;
    let messages = server.messages("pat@foo.edu", "INBOX");
    assert!(
        messages[0].ends_with("Subject: 1\r\n\r\n1\r\n") && messages[1].ends_with("Subject: 2\r\n\r\n2\r\n")
    );
}

/// RFC 5321 section 4.1.1.4: what could be taken for an end elsewhere is content here.
#[tokio::test(flavor = "multi_thread")]
async fn no_message_is_smuggled() {
    let server = Server::new();
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r"] {
        let mut client = server.greeted().await;
        client.data(&["pat@foo.edu"]).await;
        let text = format!("Subject: x\r\n\r\nfirst{end}MAIL FROM:<evil@bar.com>\r\nDATA\r\n.\r\nNOOP\r\n");
        client.send(text.as_bytes()).await;
        client.expect("250 2.0.0 <pat@foo.edu>").await;
        client.expect("250 2.0.0 OK").await;
        let messages = server.messages("pat@foo.edu", "INBOX");
        assert!(messages.last().unwrap().ends_with("MAIL FROM:<evil@bar.com>\r\nDATA\r\n"), "{end:?}");
    }
}

/// RFC 3030
#[tokio::test(flavor = "multi_thread")]
async fn chunking() {
    let server = Server::new();
    let mut client = server.greeted().await;
    client.send(b"BDAT 6\r\nQUIT\r\n").await;
    client.expect("503 5.5.1 ").await;
    client.play(&[("MAIL FROM:<a@bar.com>", "250 "), ("RCPT TO:<pat@foo.edu>", "250 ")]).await;
    client.play(&[("RCPT TO:<green@foo.edu>", "250 ")]).await;
    // A lone dot is content, and chunks may end anywhere.
    client.send(b"BDAT 15\r\nSubject: b\r\n\r\n.BDAT 0\r\nBDAT 5 LAST\r\n\r\nx\r\n").await;
    client.expect("250 2.0.0 15 octets").await;
    client.expect("250 2.0.0 0 octets").await;
    client.expect("250 2.0.0 <pat@foo.edu>").await;
    client.expect("250 2.0.0 <green@foo.edu>").await;
    assert!(server.messages("pat@foo.edu", "INBOX")[0].ends_with("Subject: b\r\n\r\n.\r\nx\r\n"));

    // The transaction is over.
    client.send(b"BDAT 2 LAST\r\nxx").await;
    client.expect("503 5.5.1 ").await;
    // RFC 2033 section 4.3: without successful RCPT there is no reply to LAST.
    client.play(&[("MAIL FROM:<a@bar.com>", "250 "), ("RCPT TO:<x@foo.edu>", "550 ")]).await;
    client.send(b"BDAT 2\r\nxxBDAT 2 LAST\r\nxxNOOP\r\n").await;
    client.expect("503 5.5.1 ").await;
    client.expect("250 2.0.0 OK").await;
    // BDAT and DATA do not mix.
    client.play(&[("MAIL FROM:<a@bar.com>", "250 "), ("RCPT TO:<pat@foo.edu>", "250 ")]).await;
    client.send(b"BDAT 2\r\nxx").await;
    client.expect("250 ").await;
    client.play(&[("DATA", "503 5.5.1 "), ("RCPT TO:<green@foo.edu>", "503 5.5.1 "), ("RSET", "250 ")]).await;
    client.play(&[("MAIL FROM:<a@bar.com>", "250 ")]).await;
    client.play(&[("BDAT x", "501 5.5.4 ")]).await;
    assert!(client.closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown() {
    let server = Server::new();
    let mut client = server.greeted().await;
    client.play(&[("MAIL FROM:<a@bar.com>", "250 ")]).await;
    server.service.shared.sessions.shutdown();
    client.expect("421 4.3.2 ").await;
    assert!(client.closed().await);
}

/// RFC 3207 section 4
#[tokio::test(flavor = "multi_thread")]
async fn starttls_forgets_what_was_said_before() {
    let server = Server::secure();
    let mut client = server.connect().await;
    client.play(&[("STARTTLS", "503 5.5.1 ")]).await;
    assert!(client.command("LHLO foo.edu").await.contains("STARTTLS"));
    client
        .play(&[
            ("STARTTLS x", "501 5.5.4 "),
            ("MAIL FROM:<>", "250 "),
            ("STARTTLS", "503 5.5.1 "),
            ("RSET", "250 "),
            ("STARTTLS", "220 2.0.0 "),
        ])
        .await;
    let mut client = client.start_tls(&server.site.certificate).await;
    client.play(&[("MAIL FROM:<>", "503 5.5.1 ")]).await;
    assert!(!client.command("LHLO foo.edu").await.contains("STARTTLS"));
    client.play(&[("STARTTLS", "503 ")]).await;
    client.data(&["pat@foo.edu"]).await;
    client.send(b"Subject: x\r\n\r\nx\r\n.\r\n").await;
    client.expect("250 ").await;
    assert!(server.messages("pat@foo.edu", "INBOX")[0].contains(" with LMTPS id "));
}
