//! The AUTHORIZATION state.

use std::time::Duration;

use md5::{Digest, Md5};

use super::client::{PASSWORD, Server};
use crate::{LoginDelay, Options};

#[tokio::test(flavor = "multi_thread")]
async fn apop_proves_the_password_without_sending_it() {
    let server = Server::new();
    let mut client = server.connect().await;
    let timestamp = &client.greeting[client.greeting.find('<').unwrap()..];
    assert!(timestamp.ends_with('>'));
    // RFC 1939 section 7
    let digest: String =
        Md5::digest(format!("{timestamp}{PASSWORD}")).iter().map(|octet| format!("{octet:02x}")).collect();
    assert!(client.err("APOP mrose 00000000000000000000000000000000").await.starts_with("[AUTH]"));
    client.ok(&format!("APOP mrose {digest}")).await;
    assert_eq!(client.ok("STAT").await, "0 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_and_a_wrong_password_look_alike() {
    let server = Server::new();
    let mut client = server.connect().await;
    let mut answers = Vec::new();
    for name in ["mrose", "nobody", "x\u{fc}", "a b"] {
        let user = client.ok(&format!("USER {name}")).await;
        answers.push((user, client.err("PASS wrong").await));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert!(answers[0].1.starts_with("[AUTH] "));
}

/// RFC 3206 section 4
#[tokio::test(flavor = "multi_thread")]
async fn other_reasons_have_other_codes() {
    let server = Server::new();
    let mut client = server.connect().await;
    for (name, code) in [("off", "[SYS/PERM]"), ("fault", "[SYS/TEMP]"), ("without mail", "[SYS/PERM]")] {
        client.ok(&format!("USER {name}")).await;
        let answer = client.err(&format!("PASS {PASSWORD}")).await;
        assert!(answer.starts_with(code), "{name}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pass_comes_right_after_user_and_only_before_the_login() {
    let server = Server::new();
    let mut client = server.connect().await;
    client.err("PASS x").await;
    client.ok("USER mrose").await;
    // The password is all that follows the one space.
    client.err(&format!("PASS  {PASSWORD}")).await;
    client.err(&format!("PASS {PASSWORD}")).await;
    for early in ["STAT", "LIST", "RETR 1", "DELE 1", "NOOP", "RSET", "TOP 1 0", "UIDL"] {
        client.err(early).await;
    }
    client.ok("user mrose").await;
    client.ok(&format!("pass {PASSWORD}")).await;
    for late in ["USER mrose", "PASS x", "AUTH PLAIN", "APOP a b", "STLS", "UTF8"] {
        client.err(late).await;
    }
    client.ok("NOOP").await;
}

/// RFC 5034 section 4
#[tokio::test(flavor = "multi_thread")]
async fn auth() {
    let server = Server::new();
    // NUL mrose NUL tanstaaf
    let plain = "AG1yb3NlAHRhbnN0YWFm";
    let mut client = server.connect().await;
    assert!(client.lines("AUTH").await.contains(&"PLAIN".to_owned()));
    assert_eq!(client.command("AUTH PLAIN").await, "+ ");
    client.err("*").await;
    assert_eq!(client.command("AUTH PLAIN").await, "+ ");
    client.err("not base64").await;
    client.err("AUTH NO-SUCH").await;
    client.err("AUTH PLAIN = =").await;
    client.err("AUTH PLAIN =").await;
    assert!(client.err("AUTH PLAIN AG1yb3NlAHdyb25n").await.starts_with("[AUTH]"));
    assert_eq!(client.command("auth plain").await, "+ ");
    client.ok(plain).await;
    client.ok("QUIT").await;

    let mut client = server.connect().await;
    client.ok(&format!("AUTH PLAIN {plain}")).await;
    client.ok("STAT").await;
}

/// RFC 2449 section 5 and 6
#[tokio::test(flavor = "multi_thread")]
async fn capabilities() {
    let options =
        Options { login_delay: Some(LoginDelay::new(Duration::from_secs(90))), ..Options::default() };
    let server = Server::with(options);
    let mut client = server.connect().await;
    let lines = client.lines("CAPA").await;
    for line in [
        "TOP",
        "UIDL",
        "USER",
        "PIPELINING",
        "RESP-CODES",
        "AUTH-RESP-CODE",
        "UTF8 USER",
        "LANG",
        "EXPIRE NEVER",
        "LOGIN-DELAY 90",
    ] {
        assert!(lines.iter().any(|other| other == line), "{line} in {lines:?}");
    }
    assert!(lines.iter().any(|line| line.starts_with("SASL ") && line.contains(" PLAIN")));
    assert!(lines.iter().any(|line| line.starts_with("IMPLEMENTATION Restante")));
    assert!(!lines.contains(&"STLS".to_owned()), "there is no certificate");
    client.err("STLS").await;

    let hidden = Server::with(Options { implementation: None, ..Options::default() });
    let lines = hidden.log_in().await.lines("CAPA").await;
    assert!(!lines.iter().any(|line| line.starts_with("IMPLEMENTATION")));
}

/// RFC 2449 section 6.5 and 8.1.1
#[tokio::test(flavor = "multi_thread")]
async fn login_delay() {
    let options =
        Options { login_delay: Some(LoginDelay::new(Duration::from_secs(900))), ..Options::default() };
    let server = Server::with(options);
    server.log_in().await.ok("QUIT").await;
    let mut client = server.connect().await;
    client.ok("USER mrose").await;
    // A wrong password is told as such, so that the delay is no oracle.
    assert!(client.err("PASS wrong").await.starts_with("[AUTH]"));
    client.ok("USER mrose").await;
    assert!(client.err(&format!("PASS {PASSWORD}")).await.starts_with("[LOGIN-DELAY]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_sessions_of_one_account_are_a_temporary_failure() {
    let server = Server::new();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(server.log_in().await);
    }
    let mut client = server.connect().await;
    client.ok("USER mrose").await;
    assert!(client.err(&format!("PASS {PASSWORD}")).await.starts_with("[SYS/TEMP]"));
}

/// RFC 2449 section 4
#[tokio::test(flavor = "multi_thread")]
async fn long_lines() {
    let server = Server::new();
    let mut client = server.connect().await;
    client.ok(&format!("USER {}", "x".repeat(248))).await;
    client.err(&format!("USER {}", "x".repeat(249))).await;
    client.err(&format!("USER {}", "x".repeat(20_000))).await;
    client.ok("CAPA").await;
    client.rest_of_message().await;
    client.err(&format!("USER {}", "x".repeat(300))).await;
    assert!(client.closed().await);

    let mut endless = server.connect().await;
    let garbage = vec![b'x'; 64 * 1024];
    while endless.try_send(&garbage).await {}
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_ends_the_session() {
    let server = Server::new();
    let mut client = server.connect().await;
    let mut answers = 0;
    while client.command("\u{1}\u{2} garbage").await.starts_with("-ERR") {
        answers += 1;
        assert!(answers < 100);
    }
    assert!(answers >= 10, "typing errors are forgiven");
}

/// RFC 6856 section 3
#[tokio::test(flavor = "multi_thread")]
async fn lang() {
    let server = Server::new();
    let mut client = server.connect().await;
    let lines = client.lines("LANG").await;
    assert!(lines.contains(&"en English".to_owned()) && lines.contains(&"fr Fran\u{e7}ais".to_owned()));
    assert!(client.ok("LANG de").await.starts_with("de Sprache"));
    client.err("LANG MUL").await;
    assert_eq!(client.err("NONSENSE").await, "unbekannter Befehl", "the language stays after an error");
    assert!(client.ok("LANG *").await.starts_with("en "));
    client.ok("USER mrose").await;
    client.ok(&format!("PASS {PASSWORD}")).await;
    assert!(client.ok("LANG fr").await.starts_with("fr "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_says_nothing_is_closed_without_a_word() {
    let server = Server::with(Options { login_timeout: Duration::from_millis(50), ..Options::default() });
    let mut client = server.connect().await;
    assert!(client.closed().await);
}

/// RFC 2595 section 4
#[tokio::test(flavor = "multi_thread")]
async fn stls_forgets_what_was_said_before() {
    let server = Server::secure();
    let mut client = server.connect().await;
    assert!(client.lines("CAPA").await.contains(&"STLS".to_owned()));
    client.ok("LANG de").await;
    client.ok("USER mrose").await;
    client.ok("STLS").await;
    let mut client = client.start_tls(&server.site.certificate).await;
    assert!(client.err(&format!("PASS {PASSWORD}")).await.is_ascii());
    assert!(client.err("STLS").await.is_ascii());
    assert!(!client.lines("CAPA").await.contains(&"STLS".to_owned()));
    client.ok("USER mrose").await;
    client.ok(&format!("PASS {PASSWORD}")).await;
    assert_eq!(client.ok("STAT").await, "0 0");
    client.ok("QUIT").await;

    let mut client = server.connect().await;
    client.ok("UTF8").await;
    client.err("STLS").await;
    client.err("STLS now").await;
    let mut client = server.connect().await;
    client.send(b"STLS\r\nUSER mrose\r\n").await;
    assert!(client.line().await.starts_with("+OK"));
    assert!(client.closed().await, "what stands behind STLS is never run");
}
