//! Live activity as server-sent events. A reader that falls behind is dropped: it connects again and goes on from then.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::activity::Event;
use common::block;
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc};
use tokio::time::{MissedTickBehavior, interval};

use crate::Web;
use crate::auth::{self, Administrator};
use crate::problem::Problem;

/// Readers at once.
pub(crate) const WATCHERS: usize = 64;
/// Events that may wait for a reader.
const WAITING: usize = 256;
/// A reader is told so often that the line is alive, and looked at whether it may still read.
const ALIVE: Duration = Duration::from_secs(15);

/// The stream, for someone who may see it.
pub(crate) fn watch(web: &Web, administrator: Administrator) -> Result<Response, Problem> {
    let busy = |_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("{WATCHERS} others watch already"))
            .remedy("Close a page that shows live activity.")
    };
    let permit = Arc::clone(&web.0.watchers).try_acquire_owned().map_err(busy)?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let events = web.running().sessions.activity().watch();
    tokio::spawn(feed(web.clone(), administrator, events, sender));
    let body = Body::new(Stream { receiver, _permit: permit });
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], body).into_response())
}

/// Until the reader leaves, is too slow or is logged out, or the server stops.
async fn feed(
    web: Web,
    administrator: Administrator,
    mut events: broadcast::Receiver<Arc<Event>>,
    sender: mpsc::Sender<Bytes>,
) {
    let mut alive = interval(ALIVE);
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let piece = tokio::select! {
            event = events.recv() => match event {
                Ok(event) => encode(&event),
                // Behind by more than is kept, or the server is gone.
                Err(_) => return,
            },
            _ = alive.tick() => {
                if web.running().sessions.is_down() || !block(|| auth::is_still(&web, &administrator)) {
                    return;
                }
                Bytes::from_static(b": alive\n\n")
            }
            () = sender.closed() => return,
        };
        if sender.try_send(piece).is_err() {
            return;
        }
    }
}

fn encode(event: &Event) -> Bytes {
    let data = json!({
        "time": event.time,
        "kind": event.kind.name(),
        "protocol": event.protocol,
        "session": event.session,
        "peer": event.peer,
        "account": event.account,
        "text": event.text,
        "milliseconds": event.milliseconds,
    });
    // JSON has no line ends of its own, so one line is the event.
    format!("event: activity\ndata: {data}\n\n").into()
}

struct Stream {
    receiver: mpsc::Receiver<Bytes>,
    _permit: OwnedSemaphorePermit,
}

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.receiver.poll_recv(context).map(|piece| piece.map(|octets| Ok(Frame::data(octets))))
    }
}
