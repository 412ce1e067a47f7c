//! The command line's side of the socket.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use crate::operation::Operation;
use crate::outcome::{Line, Outcome, Progress};
use crate::{Failure, INTERFACE};

/// Speaks to the server at a socket.
#[derive(Debug, Clone)]
pub struct Client {
    path: PathBuf,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No socket, or nobody behind it: the store can be opened instead.
    #[error("no server is running at {}", .0.display())]
    NotRunning(PathBuf),
    /// A server may run, but not for this user.
    #[error("the administration socket {} does not let you in\n  Run this as root or as the server's user, such as `sudo restante ...`.", .0.display())]
    Forbidden(PathBuf),
    /// The conversation broke off: whether the operation was done is not known.
    #[error("the server at {path} did not answer to the end: {reason}\n  Look at its log; the operation may have been done.", path = path.display())]
    Broken { path: PathBuf, reason: String },
    /// The operation's own answer.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl Client {
    pub fn new(path: &Path) -> Client {
        Client { path: path.to_owned() }
    }

    /// Runs the operation in the server. Blocks; not for async code.
    pub fn run(&self, operation: &Operation, progress: &dyn Fn(Progress)) -> Result<Outcome, ClientError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.map_err(|error| self.broken(error))?;
        runtime.block_on(self.call(operation, progress))
    }

    /// Runs the operation in the server.
    pub async fn call(
        &self,
        operation: &Operation,
        progress: &dyn Fn(Progress),
    ) -> Result<Outcome, ClientError> {
        let body = serde_json::to_vec(operation).map_err(|error| self.broken(error))?;
        let response = self.send(body).await?;
        let mut body = response.into_body();
        let mut lines = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.broken(error))?;
            lines.extend_from_slice(frame.data_ref().map(Bytes::as_ref).unwrap_or_default());
            while let Some(end) = lines.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = lines.drain(..=end).collect();
                match serde_json::from_slice(&line).map_err(|error| self.broken(error))? {
                    Line::Progress(told) => progress(told),
                    Line::Outcome(outcome) => return Ok(outcome),
                    Line::Failure(failure) => return Err(failure.into()),
                }
            }
        }
        Err(self.broken("the connection ended before the answer"))
    }

    async fn send(&self, body: Vec<u8>) -> Result<Response<Incoming>, ClientError> {
        let socket = UnixStream::connect(&self.path).await.map_err(|error| self.unreachable(&error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(socket)).await.map_err(|error| self.broken(error))?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(Method::POST)
            .uri("/v1/operation")
            .header("host", "restante")
            .header("content-type", "application/json")
            .header("restante-interface", INTERFACE)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| self.broken(error))?;
        sender.send_request(request).await.map_err(|error| self.broken(error))
    }

    fn unreachable(&self, error: &std::io::Error) -> ClientError {
        let path = self.path.clone();
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => ClientError::NotRunning(path),
            ErrorKind::PermissionDenied => ClientError::Forbidden(path),
            _ => ClientError::Broken { path, reason: error.to_string() },
        }
    }

    fn broken(&self, reason: impl ToString) -> ClientError {
        ClientError::Broken { path: self.path.clone(), reason: reason.to_string() }
    }
}
