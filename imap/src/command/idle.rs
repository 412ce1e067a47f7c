//! IDLE: changes are pushed as they are committed. RFC 2177
//!
//! While it waits it holds no thread, no snapshot and no buffer.

use tokio::time::{Instant, sleep_until};

use crate::error::Error;
use crate::notify;
use crate::response::Reply;
use crate::session::{Session, bye};
use crate::syntax::Parser;

/// What ended a wait.
enum Event {
    Input,
    Change,
}

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.end()?;
    session.request_continuation("idling").await?;
    let deadline = Instant::now() + session.idle_timeout();
    loop {
        session.write_pending().await?;
        session.tell_notifications()?;
        session.stream.flush().await?;
        if let Event::Input = wait(session, deadline).await? {
            return done(session).await;
        }
    }
}

async fn wait(session: &mut Session, deadline: Instant) -> Result<Event, Error> {
    let Session { stream, entry, selected, notify, .. } = session;
    tokio::select! {
        biased;
        end = entry.ended() => Err(bye(end)),
        input = stream.readable() => Ok(input.map(|()| Event::Input)?),
        () = notify::changed(selected.as_deref_mut(), notify.as_deref_mut(), true) => Ok(Event::Change),
        // RFC 2177 section 3: "The server MAY consider a client inactive if it has an IDLE command running"
        () = sleep_until(deadline) => Err(Error::bye("Idle for too long")),
    }
}

/// `DONE` ends it; anything else is an error, and ends it too.
async fn done(session: &mut Session) -> Result<Reply, Error> {
    let limit = session.command_limit();
    let line = session.next_line(limit).await?;
    if line.eq_ignore_ascii_case(b"DONE") {
        return Ok(Reply::completed());
    }
    Err(Error::bad("Expected DONE"))
}
