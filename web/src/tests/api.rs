//! The API: good input, every kind of bad input, and that answers are what the document says.

use serde_json::{Value, json};

use super::site::*;
use crate::Client;

const MULTI: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_lives_and_dies() {
    let server = Server::new();
    let made = server
        .api("POST /accounts", json!({ "name": "Bob@Example.test", "password": "x", "bytes": 5000 }))
        .await;
    assert_eq!((made.status, made.json()["name"].as_str()), (201, Some("bob@example.test")), "{}", made.body);
    assert_eq!(made.json()["limits"]["bytes"], 5000);
    assert_eq!(server.api("POST /accounts", json!({ "name": "bob@example.test" })).await.status, 409);
    let set = server.api("PATCH /accounts/bob@example.test", json!({ "pop3": false, "messages": 7 })).await;
    assert_eq!((set.status, &set.json()["switches"]["pop3"]), (200, &json!(false)));
    let renamed =
        server.api("POST /accounts/bob@example.test/rename", json!({ "name": "rob@example.test" })).await;
    assert_eq!(renamed.json()["limits"]["messages"], 7);
    assert_eq!(server.api("GET /accounts/bob@example.test", Value::Null).await.status, 404);
    assert_eq!(
        server.api("PUT /accounts/rob@example.test/password", json!({ "password": "new" })).await.status,
        204
    );
    assert_eq!(server.api("DELETE /accounts/rob@example.test/password", Value::Null).await.status, 204);
    assert_eq!(server.api("DELETE /accounts/rob@example.test", Value::Null).await.status, 204);
    assert_eq!(server.api("DELETE /accounts/rob@example.test", Value::Null).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_come_in_pages() {
    let server = Server::new();
    for number in 0..5 {
        server.api("POST /accounts", json!({ "name": format!("u{number}@example.test") })).await;
    }
    let mut names = Vec::new();
    let mut path = "GET /accounts?limit=2".to_owned();
    loop {
        let page = server.api(&path, Value::Null).await.json();
        let accounts = page["accounts"].as_array().unwrap();
        assert!(accounts.len() <= MULTI);
        names.extend(accounts.iter().map(|account| account["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("GET /accounts?limit=2&after={next}");
    }
    assert_eq!(names.len(), 7);
    assert!(names.is_sorted());
    let found = server.api("GET /accounts?search=U3@", Value::Null).await.json();
    assert_eq!(found["accounts"].as_array().unwrap().len(), 1);
    for query in ["limit=0", "limit=x", "limit=1001", "limit=1&limit=2", "page=3", "after=%00"] {
        let reply = server.api(&format!("GET /accounts?{query}"), Value::Null).await;
        assert_eq!((reply.status, reply.json()["errors"][0]["in"].as_str()), (422, Some("query")), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mailboxes_groups_and_app_passwords() {
    let server = Server::new();
    let at = |path: &str| format!("{path}/accounts/{ALICE}/mailboxes");
    let made = server.api(&at("POST "), json!({ "name": "Work/2026", "special_use": "Archive" })).await;
    assert_eq!((made.status, made.json()["special_use"].as_str()), (201, Some("Archive")), "{}", made.body);
    let path = format!("{}/Work%2F2026", at("PATCH "));
    let changed = server.api(&path, json!({ "name": "Work/Old", "subscribed": false })).await;
    assert_eq!(
        (changed.json()["name"].as_str(), changed.json()["subscribed"].as_bool()),
        (Some("Work/Old"), Some(false))
    );
    assert_eq!(server.api(&format!("{}/Work%2FOld", at("GET ")), Value::Null).await.status, 200);
    assert_eq!(server.api(&format!("{}/Work%2FOld", at("DELETE ")), Value::Null).await.status, 204);
    let list = server.api(&at("GET "), Value::Null).await.json();
    assert_eq!(list["mailboxes"][0]["name"], "INBOX");

    let sales = json!({ "name": "Sales@Example.test", "accounts": [ALICE] });
    let made = server.api("POST /aliases", sales).await;
    assert_eq!((made.status, made.json()["accounts"].clone()), (201, json!([ALICE])), "{}", made.body);
    let shadow = json!({ "name": ALICE, "accounts": [ALICE] });
    assert_eq!(server.api("POST /aliases", shadow).await.status, 409);
    let to_nobody = json!({ "name": "@example.test", "accounts": ["nobody"] });
    assert_eq!(server.api("POST /aliases", to_nobody).await.status, 404);
    let list = server.api("GET /aliases", Value::Null).await.json();
    assert_eq!(list["aliases"][0]["name"], "sales@example.test");
    let path = format!("/aliases/sales@example.test/accounts/{ALICE}");
    assert_eq!(server.api(&format!("DELETE {path}"), Value::Null).await.status, 204);
    assert_eq!(server.api("GET /aliases/sales@example.test", Value::Null).await.status, 404);
    assert_eq!(server.api("DELETE /aliases/sales@example.test", Value::Null).await.status, 404);

    assert_eq!(server.api("POST /groups", json!({ "name": "staff" })).await.status, 201);
    let group = server.api(&format!("PUT /groups/staff/members/{ALICE}"), Value::Null).await;
    assert_eq!(group.json()["members"], json!([ALICE]));
    assert_eq!(server.api("PUT /groups/staff/members/nobody", Value::Null).await.status, 404);
    assert_eq!(server.api("DELETE /groups/staff", Value::Null).await.status, 204);

    let path = format!("/accounts/{ALICE}/app-passwords");
    let made = server.api(&format!("POST {path}"), json!({ "label": "phone", "protocols": ["imap"] })).await;
    assert_eq!((made.status, made.json()["password"].as_str().map(str::len)), (201, Some(27)));
    assert_eq!(server.api(&format!("POST {path}"), json!({ "label": "phone" })).await.status, 409);
    assert_eq!(server.api(&format!("DELETE {path}/phone"), Value::Null).await.status, 204);
    assert_eq!(server.api(&format!("DELETE {path}/phone"), Value::Null).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_names_are_refused_at_their_field() {
    let server = Server::new();
    let deep = vec!["x"; 10_000].join("/");
    for name in ["", "../../etc", "a\0b", "a b", "%", "@x", "x@y@z", &"x".repeat(256), &deep] {
        let reply = server.api("POST /accounts", json!({ "name": name })).await;
        assert_eq!(
            (reply.status, reply.json()["errors"][0]["field"].as_str()),
            (422, Some("/name")),
            "{name:?}"
        );
    }
    for name in ["", "a//b", "a\0b", "*", "a\nb", &"x".repeat(1001), &deep] {
        let path = format!("POST /accounts/{ALICE}/mailboxes");
        let reply = server.api(&path, json!({ "name": name })).await;
        assert_eq!(
            (reply.status, reply.json()["errors"][0]["field"].as_str()),
            (422, Some("/name")),
            "{name:?}"
        );
    }
    // A name is a name, not a path: the store has no files of these names.
    let path = format!("POST /accounts/{ALICE}/mailboxes");
    assert_eq!(server.api(&path, json!({ "name": "../../etc" })).await.status, 201);
    for (path, status) in [
        ("/accounts/%00", 422),
        ("/accounts/%ff%fe", 400),
        ("/accounts/..%2F..%2Fetc", 422),
        ("/accounts/nobody", 404),
        ("/accounts/", 404),
        ("/accounts//mailboxes", 404),
        ("/accounts/alice@example.test/mailboxes/%00", 422),
        ("/sessions/18446744073709551616", 405),
        ("/nothing", 404),
    ] {
        assert_eq!(server.api(&format!("GET {path}"), Value::Null).await.status, status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_requests_are_told_what_is_wrong() {
    let server = Server::new();
    let json_kind = ("Content-Type", "application/json");
    let ask = async |line: &str, headers: &[(&str, &str)], body: &str| {
        server.ask_as(owner(), line, headers, body).await
    };
    let path = "POST /api/v1/accounts";
    assert_eq!(ask(path, &[], "{}").await.status, 415);
    assert_eq!(ask(path, &[("Content-Type", "text/plain")], "{}").await.status, 415);
    for body in ["{", "nonsense", "\u{ff}", &"[".repeat(10_000), "{\"name\":\"\\ud800\"}"] {
        assert_eq!(ask(path, &[json_kind], body).await.status, 400, "{}", &body[..body.len().min(20)]);
    }
    assert_eq!(ask(path, &[json_kind], &format!("\"{}\"", "x".repeat(300_000))).await.status, 413);
    let reply = ask(path, &[json_kind], "{\"name\":5,\"bytes\":-1,\"imap\":\"yes\",\"shard\":1}").await;
    assert_eq!((reply.status, reply.json()["errors"].as_array().unwrap().len()), (422, 4), "{}", reply.body);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let reply = ask("DELETE /api/v1/accounts", &[], "").await;
    assert_eq!((reply.status, reply.header("allow")), (405, "GET, POST, HEAD"));
    assert_eq!(ask("BREW /api/v1/status", &[], "").await.status, 405);
    assert_eq!(ask("GET /etc/passwd", &[], "").await.status, 404);
    assert_eq!(ask("POST /health", &[], "").await.status, 405);
    let answer =
        server.raw(owner(), b"GET /accounts/\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_fit_the_document() {
    use crate::api::fits;
    let server = Server::new();
    let entry = server.site.shared.sessions.add("imap", &common::stream::Peer::Unix, false);
    for (path, schema) in [
        ("/accounts", "Accounts"),
        ("/accounts/alice@example.test", "Account"),
        ("/accounts/alice@example.test/mailboxes", "Mailboxes"),
        ("/accounts/alice@example.test/history", "History"),
        ("/accounts/alice@example.test/app-passwords", "AppPasswords"),
        ("/accounts/alice@example.test/retained", "RetainedMessages"),
        ("/aliases", "Aliases"),
        ("/groups", "Groups"),
        ("/sessions", "Sessions"),
        ("/lockouts", "Lockouts"),
        ("/settings", "Settings"),
        ("/status", "Status"),
        ("/session", "Login"),
    ] {
        let reply = server.api(&format!("GET {path}"), Value::Null).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        assert_eq!(fits(schema, &reply.json()), Vec::<String>::new(), "{path}: {}", reply.body);
    }
    let check = server.api("POST /check", json!({})).await.json();
    assert_eq!(fits("Check", &check), Vec::<String>::new());
    assert_eq!(server.api("DELETE /sessions/1", Value::Null).await.status, 204);
    assert_eq!(entry.has_ended(), Some(common::session::End::Kicked));
    let told = server.ask("GET /api/v1/openapi.json", &[], "").await.json();
    assert_eq!(told["openapi"], "3.1.0");
    assert!(told["paths"]["/accounts/{account}"]["patch"]["requestBody"].is_object());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn monitors_need_no_login_and_metrics_are_for_here() {
    let server = Server::new();
    assert_eq!(server.ask("GET /health", &[], "").await.json()["status"], "ok");
    assert_eq!(server.ask("GET /ready", &[], "").await.status, 200);
    let entry = server.site.shared.sessions.add("imap", &common::stream::Peer::Unix, false);
    entry.finish("NOOP", std::time::Duration::from_millis(1), "OK");
    let metrics = server.ask("GET /metrics", &[], "").await;
    for line in [
        "restante_sessions{protocol=\"imap\"} 1",
        "restante_connections_total{protocol=\"imap\"} 1",
        "restante_accounts 2",
        "restante_ready 1",
        "restante_command_seconds_bucket{le=\"0.002\",protocol=\"imap\",command=\"NOOP\"} 1",
        "restante_command_seconds_bucket{le=\"+Inf\",protocol=\"imap\",command=\"NOOP\"} 1",
        "# EOF",
    ] {
        assert!(metrics.body.lines().any(|found| found.starts_with(line)), "{line} in\n{}", metrics.body);
    }
    assert!(!metrics.body.contains("example.test"));
    let outside = Client { peer: Some("192.0.2.1".parse().unwrap()), ..Client::default() };
    assert_eq!(server.ask_as(outside.clone(), "GET /metrics", &[], "").await.status, 401);
    server.site.shared.sessions.shutdown();
    assert_eq!(server.ask_as(outside, "GET /ready", &[], "").await.status, 503);
}
