//! Who may, and who may not.

use serde_json::{Value, json};

use super::site::*;
use crate::Client;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_get_nothing() {
    let server = Server::new();
    let other_user = Client { uid: Some(12345), ..Client::default() };
    for client in [loopback(), other_user, Client::default()] {
        let reply = server.ask_as(client, "GET /api/v1/accounts", &[], "").await;
        assert_eq!(reply.status, 401);
        assert!(reply.header("www-authenticate").starts_with("Basic "));
    }
    let browser = server.ask("GET /api/v1/accounts", &[("Sec-Fetch-Site", "same-origin")], "").await;
    assert!(!browser.header("www-authenticate").starts_with("Basic"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_have_app_passwords_for_the_api() {
    let server = Server::new();
    let make = async |account: &str, label: &str, protocols: Value| {
        let path = format!("POST /accounts/{account}/app-passwords");
        let made = server.api(&path, json!({ "label": label, "protocols": protocols })).await.json();
        made["password"].as_str().unwrap().to_owned()
    };
    let ask = async |name: &str, password: &str| {
        let login = basic(name, password);
        server.ask("GET /api/v1/accounts", &[("Authorization", &login)], "").await.status
    };
    let good = make(ADMIN, "script", json!(["api"])).await;
    assert_eq!(ask(ADMIN, "wrong").await, 401);
    assert_eq!(ask("nobody@example.test", &good).await, 401);
    // The account's own password opens the page, not the API.
    assert_eq!(ask(ADMIN, password()).await, 403);
    assert_eq!(ask(ALICE, password()).await, 403);
    for value in ["Basic", "Basic !", "Basic eA==", "Bearer x", "Digest x"] {
        let reply = server.ask("GET /api/v1/accounts", &[("Authorization", value)], "").await;
        assert_eq!(reply.status, 401, "{value}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_sites_page_changes_nothing() {
    let server = Server::new();
    for header in [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example.test")] {
        let line = "DELETE /api/v1/accounts/alice@example.test";
        assert_eq!(server.ask_as(owner(), line, &[header], "").await.status, 403);
    }
    assert_eq!(server.api(&format!("GET /accounts/{ALICE}"), Value::Null).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_keeps_browsers_careful() {
    let server = Server::new();
    for line in ["GET /health", "GET /nothing", "POST /health", "GET /api/v1/accounts"] {
        let reply = server.ask(line, &[], "").await;
        assert!(reply.header("content-security-policy").contains("frame-ancestors 'none'"), "{line}");
        assert!(!reply.header("content-security-policy").contains("unsafe"));
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("referrer-policy"), "same-origin");
    }
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// The cookie of an administrator who has just logged in, and the token of the session's forms.
async fn log_in(server: &Server) -> (String, String) {
    let body = format!("name={ADMIN}&password={}&next=%2Faccounts", password());
    let reply = server.ask("POST /login", &[FORM], &body).await;
    assert_eq!((reply.status, reply.header("location")), (303, "/accounts"), "{}", reply.body);
    let set = reply.header("set-cookie");
    assert!(
        set.contains("; HttpOnly") && set.contains("; SameSite=Strict") && !set.contains("Secure"),
        "{set}"
    );
    let cookie = set.split(';').next().unwrap().to_owned();
    let session = server.ask("GET /api/v1/session", &[("Cookie", &cookie)], "").await.json();
    (cookie, session["csrf"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_sees_every_page_and_ends() {
    let server = Server::new();
    let (cookie, csrf) = log_in(&server).await;
    let page = format!("/accounts/{ALICE}");
    for path in ["/", "/accounts", &page, "/public", "/activity", "/settings"] {
        let reply = server.ask(&format!("GET {path}"), &[("Cookie", &cookie)], "").await;
        assert_eq!(reply.status, 200, "{path}");
        assert!(
            reply.body.contains("<h1>") && reply.header("content-type").starts_with("text/html"),
            "{path}"
        );
        assert!(
            !reply.body.contains(" style=") && !reply.body.contains(" onclick="),
            "{path}: the policy forbids it"
        );
        let stranger = server.ask(&format!("GET {path}"), &[], "").await;
        assert_eq!(stranger.status, 303, "{path}");
        assert!(stranger.header("location").starts_with("/login"), "{path}");
    }
    assert_eq!(server.ask("GET /accounts/nobody", &[("Cookie", &cookie)], "").await.status, 404);
    assert_eq!(server.ask("GET /accounts/%00", &[("Cookie", &cookie)], "").await.status, 404);
    let reply = server.ask("POST /logout", &[FORM, ("Cookie", &cookie)], &format!("csrf={csrf}")).await;
    assert!(reply.status == 303 && reply.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(server.ask("GET /api/v1/session", &[("Cookie", &cookie)], "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_alone_changes_nothing() {
    let server = Server::new();
    let (cookie, csrf) = log_in(&server).await;
    let line = format!("DELETE /api/v1/accounts/{ALICE}");
    for headers in [vec![("Cookie", cookie.as_str())], vec![("Cookie", &cookie), ("X-CSRF-Token", "0000")]] {
        assert_eq!(server.ask(&line, &headers, "").await.status, 403);
    }
    for body in ["name=new", "name=new&csrf=", "name=new&csrf=0000"] {
        assert_eq!(
            server.ask("POST /accounts", &[FORM, ("Cookie", &cookie)], body).await.status,
            403,
            "{body}"
        );
    }
    let headers = [("Cookie", cookie.as_str()), ("X-CSRF-Token", &csrf)];
    assert_eq!(server.ask(&line, &headers, "").await.status, 204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_log_in_learns_why_only_with_the_right_password() {
    let server = Server::new();
    let log_in = async |name: &str, password: &str| {
        server.ask("POST /login", &[FORM], &format!("name={name}&password={password}")).await
    };
    let none = log_in(ALICE, password()).await;
    assert!(none.status == 403 && none.body.contains("no administrator"), "{}", none.body);
    for (name, password) in [(ALICE, "x"), (ADMIN, "x"), ("nobody", "x"), ("%00", "%ff"), ("", "")] {
        let reply = log_in(name, password).await;
        assert_eq!(reply.status, 403, "{name}");
        assert!(reply.body.contains("The name or the password is wrong."), "{name}: {}", reply.body);
        assert_eq!(reply.header("set-cookie"), "");
    }
    assert_eq!(server.ask("POST /login", &[], "name=x").await.status, 415);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_with_the_role() {
    let server = Server::new();
    let (cookie, _) = log_in(&server).await;
    let ask = async || server.ask("GET /api/v1/session", &[("Cookie", &cookie)], "").await.status;
    assert_eq!(ask().await, 200);
    server.api(&format!("PATCH /accounts/{ADMIN}"), json!({ "administrator": false })).await;
    assert_eq!(ask().await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_that_guess_are_locked_out() {
    let server = Server::new();
    let outside = Client { tls: None, peer: Some("192.0.2.9".parse().unwrap()), ..Client::default() };
    // Without TLS nobody outside may send a password at all.
    let reply = server
        .ask_as(outside, "POST /login", &[FORM], &format!("name={ADMIN}&password={}", password()))
        .await;
    assert!(reply.status == 403 && reply.body.contains("TLS"), "{}", reply.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_say_what_is_wrong_at_their_fields() {
    let server = Server::new();
    let (cookie, csrf) = log_in(&server).await;
    let send = async |path: &str, body: &str| {
        server
            .ask(&format!("POST {path}"), &[FORM, ("Cookie", &cookie)], &format!("csrf={csrf}&{body}"))
            .await
    };
    let page = format!("/accounts/{ALICE}");
    for (path, body, field) in [
        ("/accounts", "name=..%2F..%2Fetc", "name"),
        ("/accounts", "name=a%00b", "name"),
        (page.as_str(), "", ""),
        (&format!("{page}/set"), "bytes=much", "bytes"),
        (&format!("{page}/set"), "messages=-1", "messages"),
        (&format!("{page}/password"), "password=", "password"),
        (&format!("{page}/app-passwords"), "label=", "label"),
        (&format!("{page}/app-passwords"), "label=x&protocol=jmap", "label"),
        (&format!("{page}/app-passwords"), "label=x&expires=soon", "expires"),
        (&format!("{page}/delete"), "name=other", "delete"),
    ] {
        let reply = send(path, body).await;
        if field.is_empty() {
            assert_eq!(reply.status, 405);
            continue;
        }
        assert_eq!(reply.status, 422, "{path} {body}");
        assert!(reply.body.contains(&format!("id=\"wrong-{field}\"")), "{path} {body}: {}", reply.body);
    }
    let made = send("/accounts", "name=carol%40example.test").await;
    assert_eq!((made.status, made.header("location")), (303, "/accounts/carol%40example%2Etest"));
    let next = server.ask("GET /accounts", &[("Cookie", &cookie)], "").await;
    assert!(next.body.contains("Account carol@example.test is made."));
    assert_eq!(send("/accounts/nobody/set", "imap=on").await.status, 404);
}
