//! One connection of an MTA, whatever it asks.

use std::sync::Arc;

use bytes::BytesMut;
use common::session::Entry;
use common::stream::{Stream, StreamError};
use tracing::{Instrument, debug, info, info_span};

use crate::error::Error;
use crate::{Interface, Service, netstring, policy, sasl, socketmap};

pub(crate) struct Session {
    pub stream: Stream,
    pub service: Arc<Service>,
    pub entry: Entry,
    requests: u64,
}

/// Serves one connection to its end. Whether the peer is trusted is for the caller to say.
pub async fn serve(stream: Stream, service: Arc<Service>, interface: Interface) {
    let entry = service.shared.sessions.add(interface.name(), stream.peer(), false);
    let span = info_span!("session", proto = interface.name(), sid = entry.id(), peer = %stream.peer());
    let mut session = Session { stream, service, entry, requests: 0 };
    session.stream.set_timeout(session.service.options.timeout);
    async move {
        debug!("connected");
        let end = match interface {
            Interface::Socketmap => socketmap::run(&mut session).await,
            Interface::Policy => policy::run(&mut session).await,
            Interface::Sasl => sasl::run(&mut session).await,
        };
        session.finish(interface, end).await;
    }
    .instrument(span)
    .await;
}

/// What the MTA is told where there are too many connections, so that it tries again later. `None`: it understands
/// nothing before its own request, and closing is all there is.
pub fn refusal(interface: Interface, reason: &str) -> Option<String> {
    match interface {
        Interface::Socketmap => {
            let mut answer = BytesMut::new();
            netstring::write(&mut answer, &format!("TEMP {reason}"));
            Some(String::from_utf8_lossy(&answer).into_owned())
        }
        Interface::Policy => Some(format!("action=DEFER_IF_PERMIT 4.3.2 {reason}\n\n")),
        Interface::Sasl => None,
    }
}

impl Session {
    /// Counts a request and shows it as the one in work.
    pub fn begin(&mut self, request: &str) {
        self.requests += 1;
        self.entry.begin(request);
    }

    async fn finish(mut self, interface: Interface, end: Result<(), Error>) {
        self.stream.shutdown().await;
        let requests = self.requests;
        match end {
            // An MTA opens and closes many.
            Ok(()) | Err(Error::Stream(StreamError::Closed | StreamError::Timeout) | Error::Ended(_)) => {
                debug!(requests, "session ended");
            }
            Err(reason @ Error::Stream(_)) => info!(%reason, requests, "session ended"),
            Err(Error::Malformed(reason)) => info!(
                reason,
                requests,
                "what came is not the protocol of mta.{}_listen; look at the setting of the MTA that names this socket",
                interface.name()
            ),
        }
    }
}
