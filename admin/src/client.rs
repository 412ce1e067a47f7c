//! The command line's side of the socket.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::http::request;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

use crate::delivery::{self, Envelope, Outgoing};
use crate::events::EventView;
use crate::operation::Operation;
use crate::outcome::{Line, Outcome, Progress};
use crate::{Failure, INTERFACE, messages};

/// Speaks to the server at a socket.
#[derive(Debug, Clone)]
pub struct Client {
    path: PathBuf,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No socket, or nobody behind it: the store can be opened instead.
    #[error("no server is running: nobody answers at {}\n  Start it with `restante serve` or `systemctl start restante`, or name its data directory with --data.", .0.display())]
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

    /// Whether somebody answers, before anything is asked for.
    pub fn probe(self) -> Result<Client, ClientError> {
        match std::os::unix::net::UnixStream::connect(&self.path) {
            Ok(_) => Ok(self),
            Err(error) => Err(self.unreachable(&error)),
        }
    }

    /// Runs the operation in the server. Blocks; not for async code.
    pub fn run(&self, operation: &Operation, progress: &dyn Fn(Progress)) -> Result<Outcome, ClientError> {
        self.block_on(self.call(operation, progress))
    }

    /// Tells what happens until `each` says false or the server stops. Blocks; not for async code.
    pub fn watch(&self, each: &mut dyn FnMut(EventView) -> bool) -> Result<(), ClientError> {
        self.block_on(async {
            let response = self.send(Request::get("/v1/events"), Empty::<Bytes>::new()).await?;
            if !response.status().is_success() {
                return Err(self.broken("it tells nothing; use the same version for both"));
            }
            self.lines(response, &mut |line| {
                let event = serde_json::from_slice(line).map_err(|error| self.broken(error))?;
                Ok((!each(event)).then_some(()))
            })
            .await
            .map(|_| ())
        })
    }

    /// Hands a message to the server. Blocks; not for async code.
    pub fn deliver(
        &self,
        envelope: &Envelope,
        message: impl std::io::Read + Send + 'static,
    ) -> Result<Outcome, ClientError> {
        self.block_on(async {
            let envelope = serde_json::to_string(envelope).map_err(|error| self.broken(error))?;
            let request = Request::post("/v1/delivery").header(delivery::HEADER, escape(&envelope));
            let response = self.send(request, Outgoing::new(message)).await?;
            self.answer(response, &|_| {}).await
        })
    }

    /// Hands messages of another server over. Blocks; not for async code.
    pub(crate) fn import(&self, place: &str, messages: Vec<u8>) -> Result<Outcome, ClientError> {
        self.block_on(async {
            let request = Request::post("/v1/messages").header(messages::HEADER, escape(place));
            let response = self.send(request, Full::new(Bytes::from(messages))).await?;
            self.answer(response, &|_| {}).await
        })
    }

    /// Runs the operation in the server.
    pub async fn call(
        &self,
        operation: &Operation,
        progress: &dyn Fn(Progress),
    ) -> Result<Outcome, ClientError> {
        let body = serde_json::to_vec(operation).map_err(|error| self.broken(error))?;
        let request = Request::post("/v1/operation").header("content-type", "application/json");
        let response = self.send(request, Full::new(Bytes::from(body))).await?;
        self.answer(response, progress).await
    }

    fn block_on<T>(&self, call: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        runtime.map_err(|error| self.broken(error))?.block_on(call)
    }

    async fn send<B>(&self, request: request::Builder, body: B) -> Result<Response<Incoming>, ClientError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let socket = UnixStream::connect(&self.path).await.map_err(|error| self.unreachable(&error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(socket)).await.map_err(|error| self.broken(error))?;
        tokio::spawn(connection);
        let request = request.header("host", "restante").header("restante-interface", INTERFACE);
        let request = request.body(body).map_err(|error| self.broken(error))?;
        sender.send_request(request).await.map_err(|error| self.broken(error))
    }

    /// Reads the answer's lines to the one that ends it.
    async fn answer(
        &self,
        response: Response<Incoming>,
        progress: &dyn Fn(Progress),
    ) -> Result<Outcome, ClientError> {
        let mut each = |line: &[u8]| match serde_json::from_slice(line).map_err(|error| self.broken(error))? {
            Line::Progress(told) => {
                progress(told);
                Ok(None)
            }
            Line::Outcome(outcome) => Ok(Some(outcome)),
            Line::Failure(failure) => Err(failure.into()),
        };
        self.lines(response, &mut each)
            .await?
            .ok_or_else(|| self.broken("the connection ended before the answer"))
    }

    /// Each line of the answer, to the one that gives something. `None`: none did.
    async fn lines<T>(
        &self,
        response: Response<Incoming>,
        each: &mut impl FnMut(&[u8]) -> Result<Option<T>, ClientError>,
    ) -> Result<Option<T>, ClientError> {
        let mut body = response.into_body();
        let mut lines = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.broken(error))?;
            // What was looked at before has no end of a line: an answer may be long.
            let mut looked = lines.len();
            lines.extend_from_slice(frame.data_ref().map(Bytes::as_ref).unwrap_or_default());
            while let Some(end) = lines.iter().skip(looked).position(|octet| *octet == b'\n') {
                let line: Vec<u8> = lines.drain(..=looked + end).collect();
                looked = 0;
                if let Some(given) = each(&line)? {
                    return Ok(Some(given));
                }
            }
        }
        Ok(None)
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

/// JSON in ASCII alone, as a header can carry it.
fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    let mut units = [0; 2];
    for character in json.chars() {
        if character.is_ascii() {
            escaped.push(character);
        } else {
            character.encode_utf16(&mut units).iter().for_each(|unit| escaped += &format!("\\u{unit:04x}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_json_means_the_same() {
        let text = "j\u{f8}rgen \u{1f4ec} \"x\"";
        let escaped = escape(&serde_json::to_string(text).unwrap());
        assert!(escaped.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
    }
}
