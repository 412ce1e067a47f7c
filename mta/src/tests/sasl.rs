//! Whether a password is right.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::server::Server;
use crate::Interface;

const OUTSIDE: &str = "nologin\tlip=192.0.2.1\trip=198.51.100.7\tsecured";

#[tokio::test(flavor = "multi_thread")]
async fn the_greeting_names_mechanisms_without_channel_binding() {
    let server = Server::new();
    let mut mta = server.connect(Interface::Sasl).await;
    let mut lines = vec![mta.text().await];
    while lines.last().unwrap() != "DONE" {
        lines.push(mta.text().await);
    }
    assert_eq!(
        lines[..5],
        [
            "VERSION\t1\t1",
            "MECH\tSCRAM-SHA-256\tmutual-auth",
            "MECH\tSCRAM-SHA-1\tmutual-auth",
            "MECH\tPLAIN\tplaintext",
            "MECH\tLOGIN\tplaintext"
        ]
    );
    let begins: Vec<&str> = lines[5..].iter().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(begins, ["SPID", "CUID", "COOKIE", "DONE"]);
    assert_eq!(lines[7].len(), "COOKIE\t".len() + 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain() {
    let server = Server::new();
    let mut mta = server.sasl().await;
    let right = "\0alice@example.org\0restante";
    assert_eq!(mta.plain(1, OUTSIDE, right).await, "OK\t1\tuser=alice@example.org");
    assert_eq!(mta.plain(2, "", "\0ALICE@example.org\0restante").await, "OK\t2\tuser=alice@example.org");
    assert_eq!(mta.plain(3, OUTSIDE, "\0alice@example.org\0wrong").await, "FAIL\t3");
    assert_eq!(mta.plain(4, OUTSIDE, "\0nobody@example.org\0restante").await, "FAIL\t4");
    let answer = mta.plain(5, OUTSIDE, "bob@example.org\0alice@example.org\0restante").await;
    assert!(answer.starts_with("FAIL\t5\tauthz\tcode=authz_fail\treason="), "{answer}");
    // From outside without TLS, and loopback, where nobody reads along.
    let answer = mta.plain(6, "rip=198.51.100.7", right).await;
    assert_eq!(answer, "FAIL\t6\treason=encryption needed: use TLS");
    assert!(mta.plain(7, "rip=127.0.0.1", right).await.starts_with("OK\t7\t"));
}

#[tokio::test(flavor = "multi_thread")]
async fn switches_are_told() {
    let server = Server::new();
    server.change("alice@example.org", &mut |record| record.switches.smtp = false);
    server.change("bob@example.org", &mut |record| record.switches.login = false);
    let mut mta = server.sasl().await;
    let answer = mta.plain(1, OUTSIDE, "\0alice@example.org\0restante").await;
    assert!(answer.starts_with("FAIL\t1\tuser_disabled\tcode=user_disabled\treason=SMTP is"), "{answer}");
    let answer = mta.plain(2, OUTSIDE, "\0bob@example.org\0restante").await;
    assert!(answer.starts_with("FAIL\t2\tuser_disabled\tcode=user_disabled\treason=access"), "{answer}");
    assert_eq!(mta.plain(3, OUTSIDE, "\0bob@example.org\0wrong").await, "FAIL\t3");
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanges_of_several_steps_at_once() {
    let server = Server::new();
    let mut mta = server.sasl().await;
    mta.send(format!("AUTH\t1\tLOGIN\t{OUTSIDE}\nAUTH\t2\tPLAIN\t{OUTSIDE}\tresp=\n")).await;
    assert_eq!(mta.text().await, format!("CONT\t1\t{}", STANDARD.encode("Username:")));
    assert_eq!(mta.text().await, "CONT\t2\t");
    mta.send(format!("CONT\t1\t{}\n", STANDARD.encode("bob@example.org"))).await;
    assert_eq!(mta.text().await, format!("CONT\t1\t{}", STANDARD.encode("Password:")));
    mta.send(format!("CONT\t2\t{}\n", STANDARD.encode("\0alice@example.org\0restante"))).await;
    assert_eq!(mta.text().await, "OK\t2\tuser=alice@example.org");
    mta.send(format!("CONT\t1\t{}\n", STANDARD.encode("restante"))).await;
    assert_eq!(mta.text().await, "OK\t1\tuser=bob@example.org");
    // Both are over, one that is cancelled too, and an empty initial response is one.
    mta.send("CONT\t1\t\nAUTH\t3\tLOGIN\nCANCEL\t3\nCONT\t3\teA==\nAUTH\t4\tPLAIN\tresp==\n").await;
    assert_eq!(mta.text().await, "FAIL\t1\treason=there is no such exchange");
    assert_eq!(mta.text().await, format!("CONT\t3\t{}", STANDARD.encode("Username:")));
    assert_eq!(mta.text().await, "FAIL\t3\treason=there is no such exchange");
    assert_eq!(mta.text().await, "FAIL\t4\treason=PLAIN needs three fields with NUL between them");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_begun() {
    let server = Server::new();
    let mut mta = server.sasl().await;
    mta.send("FUTURE\tcommand\nSERVICE\tSMTP\r\nAUTH\t1\tGSSAPI\nAUTH\t2\tEXTERNAL\tsecured\n").await;
    mta.send("AUTH\t3\tSCRAM-SHA-256-PLUS\tsecured\nAUTH\t4\tPLAIN\tresp=!\n").await;
    for number in 1..4 {
        assert_eq!(mta.text().await, format!("FAIL\t{number}\treason=mechanism not supported"));
    }
    assert_eq!(mta.text().await, "FAIL\t4\treason=the response is not base64");
    for number in 0..64 {
        mta.send(format!("AUTH\t{number}\tLOGIN\n")).await;
        assert!(mta.text().await.starts_with("CONT\t"));
    }
    mta.send("AUTH\t64\tLOGIN\nAUTH\t0\tLOGIN\n").await;
    assert!(mta.text().await.starts_with("FAIL\t64\ttemp\tcode=temp_fail\treason="));
    assert!(mta.text().await.starts_with("CONT\t0\t"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_the_protocol_ends_the_connection() {
    let server = Server::new();
    for octets in [
        "VERSION\t2\t0\n",
        "VERSION\n",
        "AUTH\t1\tPLAIN\n",
        "VERSION\t1\t1\nAUTH\n",
        "VERSION\t1\t1\nAUTH\tx\tPLAIN\n",
        "VERSION\t1\t1\nAUTH\t1\tPLAIN\trip=unknown\n",
        "VERSION\t1\t1\nCONT\n",
        "VERSION\t1\t1\nCANCEL\t\n",
    ] {
        let mut mta = server.connect(Interface::Sasl).await;
        mta.send(octets).await;
        while mta.text().await != "DONE" {}
        assert!(mta.closed().await, "{octets:?}");
    }
    let mut mta = server.sasl().await;
    mta.send(b"\xff\n").await;
    assert!(mta.closed().await);
    let mut mta = server.sasl().await;
    mta.send(format!("AUTH\t1\tPLAIN\tresp={}\n", "A".repeat(100_000))).await;
    assert!(mta.closed().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_out_is_of_the_address_that_the_mta_names() {
    let server = Server::new();
    let mut mta = server.sasl().await;
    let authenticator = &server.site.shared.authenticator;
    for _ in 0..20 {
        // Over-long commands count without the time that a wrong password takes.
        authenticator.misbehaved(&common::auth::Context {
            protocol: common::auth::Protocol::Smtp,
            peer: Some("198.51.100.7".parse().unwrap()),
            local: false,
            tls: None,
        });
    }
    let right = "\0alice@example.org\0restante";
    let answer = mta.plain(1, OUTSIDE, right).await;
    assert!(answer.starts_with("FAIL\t1\ttemp\tcode=temp_fail\treason=too many failed logins"), "{answer}");
    assert!(mta.plain(2, "rip=198.51.100.8\tsecured", right).await.starts_with("OK\t2\t"));
}
