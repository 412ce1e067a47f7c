//! The server's side: HTTP over a unix socket that only the server's user and root can open.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use axum::body::Body;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::IncomingStream;
use axum::{Json, Router};
use store::Store;
use tokio::net::UnixListener;

use crate::audit::Who;
use crate::delivery::{self, Deliver, Envelope};
use crate::operation::{Context, Operation, Running};
use crate::outcome::{Line, Outcome};
use crate::{Failure, INTERFACE, Kind, messages, wire};

/// Lines of an import; everything else is far smaller.
const REQUEST_LIMIT: usize = 16 * 1024 * 1024;

/// What stands in the way of the socket: names it, the reason and the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ServerError(pub String);

/// The administration of a running server.
#[derive(Clone)]
pub struct Server {
    pub store: Store,
    pub running: Running,
    pub deliver: Deliver,
}

impl Server {
    /// Makes the socket. One that a dead server left is replaced; one that answers belongs to a server that runs.
    pub fn bind(path: &Path) -> Result<UnixListener, ServerError> {
        remove_dead(path)?;
        let listener = UnixListener::bind(path).map_err(|error| refused(path, &error))?;
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600))
            .map_err(|error| refused(path, &error))?;
        Ok(listener)
    }

    /// Answers until the task is dropped.
    pub async fn serve(self, listener: UnixListener) -> std::io::Result<()> {
        let service = self.router().into_make_service_with_connect_info::<Who>();
        axum::serve(listener, service).await
    }

    fn router(self) -> Router {
        Router::new()
            .route("/v1/health", get(health))
            .route("/v1/events", get(events))
            .route("/v1/operation", post(operation))
            .layer(DefaultBodyLimit::max(REQUEST_LIMIT))
            // Messages have the store's own limit.
            .route("/v1/delivery", post(deliver))
            .route("/v1/messages", post(import))
            .with_state(self)
    }
}

fn remove_dead(path: &Path) -> Result<(), ServerError> {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        let text = format!(
            "{}: there is a file that is no socket; remove it, or set admin.socket to another path",
            path.display()
        );
        return Err(ServerError(text));
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        let text = format!(
            "{}: another server answers there; stop it, or give this one its own server.data and admin.socket",
            path.display()
        );
        return Err(ServerError(text));
    }
    std::fs::remove_file(path).map_err(|error| refused(path, &error))
}

fn refused(path: &Path, error: &std::io::Error) -> ServerError {
    let directory = path.parent().map(Path::to_owned).unwrap_or_default();
    ServerError(format!(
        "the administration socket {} cannot be made: {error}; make sure that {} exists and that the server's user may write there",
        path.display(),
        directory.display()
    ))
}

impl Connected<IncomingStream<'_, UnixListener>> for Who {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Who {
        let peer = stream.io().peer_cred().ok();
        Who::Process { uid: peer.as_ref().map(|peer| peer.uid()), pid: peer.and_then(|peer| peer.pid()) }
    }
}

async fn health() -> Json<serde_json::Value> {
    Json(serde_json::json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "interface": INTERFACE,
        "pid": std::process::id(),
    }))
}

async fn events(State(server): State<Server>) -> Response {
    crate::events::watch(server.running.sessions)
}

/// Runs an operation. The answer's lines come while it runs.
async fn operation(
    State(server): State<Server>,
    ConnectInfo(who): ConnectInfo<Who>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    if let Err(failure) = same_interface(&headers) {
        return (StatusCode::CONFLICT, ndjson(), line(&Line::Failure(failure))).into_response();
    }
    let operation = match serde_json::from_slice::<Operation>(&body) {
        Ok(operation) => operation,
        Err(error) => {
            let failure = Failure::new(Kind::Invalid, format!("this is no operation: {error}"), "");
            return (StatusCode::BAD_REQUEST, ndjson(), line(&Line::Failure(failure))).into_response();
        }
    };
    let (sender, lines) = wire::lines();
    tokio::task::spawn_blocking(move || run(&server, &operation, who, &sender));
    (ndjson(), Body::new(lines)).into_response()
}

/// Delivers the message in the body.
async fn deliver(State(server): State<Server>, headers: HeaderMap, body: Body) -> Response {
    if let Err(failure) = same_interface(&headers) {
        return (StatusCode::CONFLICT, ndjson(), line(&Line::Failure(failure))).into_response();
    }
    let envelope =
        headers.get(delivery::HEADER).map(|value| serde_json::from_slice::<Envelope>(value.as_bytes()));
    let Some(Ok(envelope)) = envelope else {
        let failure =
            Failure::new(Kind::Invalid, "the delivery has no envelope", "Use the same version for both.");
        return (StatusCode::BAD_REQUEST, ndjson(), line(&Line::Failure(failure))).into_response();
    };
    let answer = match (server.deliver)(envelope, Box::pin(delivery::Incoming::new(body))).await {
        Ok(recipients) => Line::Outcome(Outcome::Delivered { recipients }),
        Err(failure) => Line::Failure(failure),
    };
    (ndjson(), line(&answer)).into_response()
}

/// Stores the messages in the body.
async fn import(State(server): State<Server>, headers: HeaderMap, body: Body) -> Response {
    if let Err(failure) = same_interface(&headers) {
        return (StatusCode::CONFLICT, ndjson(), line(&Line::Failure(failure))).into_response();
    }
    let place = headers.get(messages::HEADER).and_then(|place| serde_json::from_slice(place.as_bytes()).ok());
    let octets = axum::body::to_bytes(body, migrate::PARCEL_LIMIT).await;
    let (Some(place), Ok(octets)) = (place, octets) else {
        let failure = Failure::new(
            Kind::Invalid,
            "these are no messages of an import",
            "Use the same version for both.",
        );
        return (StatusCode::BAD_REQUEST, ndjson(), line(&Line::Failure(failure))).into_response();
    };
    let stored = tokio::task::spawn_blocking(move || messages::store(&server.store, place, &octets)).await;
    let answer = match stored {
        Ok(Ok(puts)) => Line::Outcome(Outcome::ImportPut { puts }),
        Ok(Err(failure)) => Line::Failure(failure),
        Err(error) => Line::Failure(Failure::new(
            Kind::Unavailable,
            format!("the import broke off: {error}"),
            "See the log.",
        )),
    };
    (ndjson(), line(&answer)).into_response()
}

fn same_interface(headers: &HeaderMap) -> Result<(), Failure> {
    let theirs = headers.get("restante-interface").and_then(|value| value.to_str().ok());
    match theirs {
        Some(theirs) if theirs != INTERFACE.to_string() => {
            let version = env!("CARGO_PKG_VERSION");
            let reason = format!(
                "the server is version {version} with administration interface {INTERFACE}, the client has {theirs}"
            );
            let remedy = "Use the same version for both; restart the server after an upgrade.";
            Err(Failure::new(Kind::State, reason, remedy))
        }
        _ => Ok(()),
    }
}

fn run(server: &Server, operation: &Operation, who: Who, sender: &wire::Sender) {
    let progress = |progress| sender.offer(&Line::Progress(progress));
    let context = Context { store: &server.store, running: Some(&server.running), who, progress: &progress };
    let answer = match operation.run(&context) {
        Ok(outcome) => Line::Outcome(outcome),
        Err(failure) => Line::Failure(failure),
    };
    sender.send(&answer);
}

fn ndjson() -> [(header::HeaderName, &'static str); 1] {
    [(header::CONTENT_TYPE, "application/x-ndjson")]
}

fn line(line: &Line) -> String {
    let mut text = serde_json::to_string(line).unwrap_or_default();
    text.push('\n');
    text
}
