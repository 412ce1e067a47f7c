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
    // The testing directory has no app passwords; the record's are put there by hand.
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
