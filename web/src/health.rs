//! What a monitor and a load balancer ask: is it alive, and can it take work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::block;
use serde_json::{Value, json};

use crate::{Web, space};

/// The process answers.
pub(crate) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// 200, or 503 with what is in the way. Says nothing that a stranger must not know.
pub(crate) async fn ready(State(web): State<Web>) -> Response {
    let reasons = block(|| reasons(&web));
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = if reasons.is_empty() { "ready" } else { "not ready" };
    (status, Json(json!({ "status": word, "reasons": reasons }))).into_response()
}

/// Why it is not ready.
pub(crate) fn reasons(web: &Web) -> Vec<&'static str> {
    let mut reasons = Vec::new();
    if web.running().sessions.is_down() {
        reasons.push("the server is stopping");
    }
    if let Err(error) = web.store().probe() {
        tracing::error!(%error, "the store cannot be read");
        reasons.push("the store cannot be read");
    }
    if web.failing_listeners() > 0 {
        reasons.push("a listener cannot accept connections");
    }
    if space::of(&web.options().data).is_some_and(|space| space.free < web.options().message_limit) {
        reasons.push("the disk is full");
    }
    reasons
}
