//! What happens, as it happens: one line an event, for who watches over the socket.

use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use common::activity::Event;
use common::session::Sessions;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;

use crate::wire;

/// How often it is looked whether the server stops.
const LOOK: Duration = Duration::from_secs(1);

/// An event; [`common::activity::Event`] says what each field means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    pub time: i64,
    /// `connected`, `command`, ..., or `missed`: the watcher was too slow for some.
    pub kind: String,
    pub protocol: String,
    pub session: Option<u64>,
    pub peer: Option<String>,
    pub account: Option<String>,
    pub text: String,
    pub milliseconds: Option<u64>,
}

impl From<&Event> for EventView {
    fn from(event: &Event) -> EventView {
        EventView {
            time: event.time,
            kind: event.kind.name().to_owned(),
            protocol: event.protocol.to_owned(),
            session: event.session,
            peer: event.peer.clone(),
            account: event.account.clone(),
            text: event.text.clone(),
            milliseconds: event.milliseconds,
        }
    }
}

/// Until the watcher leaves or the server stops.
pub(crate) fn watch(sessions: Sessions) -> Response {
    let (sender, lines) = wire::lines();
    // Subscribed before the answer, so that nothing after it is missed.
    let mut events = sessions.activity().watch();
    tokio::spawn(async move {
        while !sessions.is_down() {
            let view = tokio::select! {
                event = events.recv() => match event {
                    Ok(event) => EventView::from(&*event),
                    Err(RecvError::Lagged(count)) => missed(count),
                    Err(RecvError::Closed) => return,
                },
                () = tokio::time::sleep(LOOK) => continue,
                () = sender.closed() => return,
            };
            if !sender.pass(&view).await {
                return;
            }
        }
    });
    ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::new(lines)).into_response()
}

fn missed(count: u64) -> EventView {
    EventView {
        time: common::time::now(),
        kind: "missed".into(),
        protocol: String::new(),
        session: None,
        peer: None,
        account: None,
        text: format!("{count} events were too fast for this watcher"),
        milliseconds: None,
    }
}
