//! The JSON API below `/api/v1`: a table of endpoints, and what holds for all of them.
//!
//! A request goes: path to its row (404), method (405), who asks (401, 403), parameters (422), kind and size of the body
//! (415, 413), its JSON (400), its schema (422), the operation.

mod accounts;
mod aliases;
mod app_passwords;
mod call;
mod components;
mod document;
mod groups;
mod history;
mod mailboxes;
mod retained;
mod schema;
mod server;
mod table;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::block;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

pub(crate) use accounts::{Wanted, find as find_accounts, hash, show_account};
pub(crate) use call::run;
use call::{Answer, Call};
pub(crate) use server::strange;
use table::{ENDPOINTS, Endpoint};

use crate::problem::Problem;
use crate::{BODY_LIMIT, Client, Web, auth, events};

/// How long a body may take to come.
const BODY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

pub(crate) async fn handle(
    State(web): State<Web>,
    Extension(client): Extension<Client>,
    request: Request<Body>,
) -> Response {
    match answer(&web, &client, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(web: &Web, client: &Client, request: Request<Body>) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix("/api/v1").unwrap_or_default();
    match path {
        "/openapi.json" if is_reading(&parts.method) => {
            return Ok(json(StatusCode::OK, &document::document()));
        }
        "/openapi.json" => return Err(not_allowed("GET, HEAD".into())),
        _ => {}
    }
    let (endpoint, segments) = find(path, &parts)?;
    let administrator = match is_reading(&parts.method) {
        true => auth::require(web, client, &parts.headers).await?,
        false => auth::require_change(web, client, &parts.headers).await?,
    };
    if endpoint.name == table::EVENTS {
        return events::watch(web, administrator);
    }
    let path = call::path(endpoint, &segments)?;
    let query = call::query(endpoint, parts.uri.query().unwrap_or_default())?;
    let body = match endpoint.body {
        Some(schema) => checked(schema, read(&parts.headers, body).await?)?,
        None => Value::Null,
    };
    let call = Call { web, administrator: &administrator, path, query, body };
    let answer = block(|| (endpoint.run)(&call))?;
    Ok(match answer {
        Answer::Nothing => StatusCode::NO_CONTENT.into_response(),
        Answer::Is(value) => json(StatusCode::OK, &value),
        Answer::Made(value) => json(StatusCode::CREATED, &value),
    })
}

fn is_reading(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// The row for a path and method, and the path's segments as they were sent.
fn find<'a>(path: &'a str, parts: &Parts) -> Result<(&'static Endpoint, Vec<&'a str>), Problem> {
    let segments: Vec<&str> = path.split('/').collect();
    let rows: Vec<&Endpoint> = ENDPOINTS.iter().filter(|row| row.matches(&segments)).collect();
    // A path without parameters is more to the point than one with.
    let fewest = rows.iter().map(|row| row.parameters().count()).min();
    let rows: Vec<&Endpoint> =
        rows.into_iter().filter(|row| Some(row.parameters().count()) == fewest).collect();
    if rows.is_empty() {
        return Err(Problem::missing("the API has nothing at this path")
            .remedy("/api/v1/openapi.json lists what there is."));
    }
    let method = if parts.method == Method::HEAD { "GET" } else { parts.method.as_str() };
    match rows.iter().find(|row| row.method == method) {
        Some(row) => Ok((row, segments)),
        None => Err(not_allowed(allowed(&rows))),
    }
}

fn allowed(rows: &[&Endpoint]) -> String {
    let mut methods: Vec<&str> = rows.iter().map(|row| row.method).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.join(", ")
}

fn not_allowed(allow: String) -> Problem {
    let detail = format!("this path has only {allow}");
    Problem { allow: Some(allow), ..Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail) }
}

/// JSON, of bounded size, within a time.
async fn read(headers: &HeaderMap, body: Body) -> Result<Value, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let detail = "the body must be application/json, and its Content-Type must say so";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let octets = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_LIMIT).collect()).await;
    let octets =
        octets.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"))?;
    let octets = octets.map_err(|error| match error.is::<LengthLimitError>() {
        true => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {BODY_LIMIT} octets"),
        ),
        false => Problem::new(StatusCode::BAD_REQUEST, "the body could not be read to its end"),
    })?;
    serde_json::from_slice(&octets.to_bytes())
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("the body is no JSON: {error}")))
}

fn checked(schema: &str, body: Value) -> Result<Value, Problem> {
    let errors = schema::check(&schema::reference(schema), &body, components::all());
    if errors.is_empty() { Ok(body) } else { Err(Problem::fields(errors)) }
}

fn json(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// What of a value does not fit a schema, by name.
#[cfg(test)]
pub(crate) fn fits(schema: &str, value: &Value) -> Vec<String> {
    let errors = schema::check(&schema::reference(schema), value, components::all());
    errors.into_iter().map(|error| format!("{}: {}", error.field, error.message)).collect()
}
