//! The OpenAPI 3.1 document, made of the table of endpoints and the schemas.

use serde_json::{Map, Value, json};

use super::call::{PAGE, PAGE_MOST};
use super::components;
use super::schema::{LARGEST, any_text, reference, text, whole};
use super::table::{ENDPOINTS, EVENTS, Endpoint};

const ABOUT: &str = "Administration of a Restante server. Programs use HTTP Basic with an app password that is for \
    \"api\", of an account that is an administrator; pages use a session's cookie, and for changes its token in \
    X-CSRF-Token. Refusals are problem details (RFC 9457).";

pub(super) fn document() -> Value {
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        path[endpoint.method.to_ascii_lowercase()] = operation(endpoint);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Restante", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT },
        "servers": [{ "url": "/api/v1" }],
        "security": [{ "basic": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "schemas": components::all(),
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic" },
                "session": { "type": "apiKey", "in": "cookie", "name": "restante" },
            },
        },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let path = endpoint
        .parameters()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": path_schema(name) }));
    let query = endpoint
        .query
        .iter()
        .map(|name| json!({ "name": name, "in": "query", "required": false, "schema": query_schema(name) }));
    let mut operation = json!({
        "operationId": endpoint.name,
        "summary": endpoint.about,
        "parameters": path.chain(query).collect::<Value>(),
        "responses": responses(endpoint),
    });
    if let Some(schema) = endpoint.body {
        let content = json!({ "application/json": { "schema": reference(schema) } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

fn path_schema(name: &str) -> Value {
    match name {
        "account" => reference("AccountName"),
        "alias" => reference("AliasName"),
        "group" => reference("GroupName"),
        "mailbox" => reference("MailboxName"),
        "label" => text(1, 100, "of an app password"),
        "session" => whole(0, LARGEST, "of the list of sessions"),
        _ => text(1, 300, ""),
    }
}

fn query_schema(name: &str) -> Value {
    match name {
        "limit" => whole(1, PAGE_MOST as i64, &format!("items in one answer; without it {PAGE}")),
        "after" => any_text("`next` of the page before"),
        "search" => any_text("only names that contain this, in any case"),
        "account" => any_text("only of this account"),
        _ => any_text(""),
    }
}

fn responses(endpoint: &Endpoint) -> Value {
    let (status, schema) = endpoint.answer;
    let mut responses = Map::new();
    let mut good = json!({ "description": "done" });
    if endpoint.name == EVENTS {
        good["content"] = json!({ "text/event-stream": { "schema": { "type": "string" } } });
    } else if !schema.is_empty() {
        good["content"] = json!({ "application/json": { "schema": reference(schema) } });
    }
    responses.insert(status.to_string(), good);
    let problem = json!({ "application/problem+json": { "schema": reference("Problem") } });
    for (status, description) in refusals(endpoint) {
        responses.insert(status.to_string(), json!({ "description": description, "content": problem }));
    }
    Value::Object(responses)
}

fn refusals(endpoint: &Endpoint) -> Vec<(u16, &'static str)> {
    let mut refusals = vec![
        (401, "not logged in"),
        (403, "no administrator, or the session's token is missing"),
        (422, "a parameter or field cannot be used as it is"),
        (429, "too many failed logins"),
        (503, "the disk or the database cannot be used now"),
    ];
    if endpoint.parameters().next().is_some() || endpoint.body.is_some() {
        refusals.push((400, "the request cannot be read"));
        refusals.push((404, "what is named does not exist"));
        refusals.push((409, "it exists already, or a limit or the state of things stands against it"));
    }
    if endpoint.body.is_some() {
        refusals.extend([
            (408, "the body did not come in time"),
            (413, "the body is too large"),
            (415, "the body is no JSON by its Content-Type"),
        ]);
    }
    refusals
}
