//! Long work: the client is told how far it is, and work for a client that has gone stops. RFC 9585
//!
//! Short work costs a comparison of clocks: nothing is told, and nobody is asked, before [`FIRST_LOOK`].

use std::time::Duration;

use common::session::Entry;
use common::stream::{Stream, StreamError};
use tokio::time::{Instant, sleep_until};

use crate::error::Error;
use crate::response::{Code, Writer};
use crate::session::bye;

/// After how long, and how often then, the client is looked after.
const FIRST_LOOK: Duration = Duration::from_millis(500);

/// One command's way through long work.
pub struct Progress<'a> {
    stream: &'a mut Stream,
    entry: &'a Entry,
    tag: &'a [u8],
    interval: Duration,
    next_look: Instant,
    next_notice: Instant,
    /// How far work of many steps is, where what each does is only a part of it.
    stand: Option<(usize, usize)>,
}

impl<'a> Progress<'a> {
    /// Notices go out each `interval`.
    pub fn new(stream: &'a mut Stream, entry: &'a Entry, tag: &'a [u8], interval: Duration) -> Progress<'a> {
        let now = Instant::now();
        let look = FIRST_LOOK.min(interval);
        Progress {
            stream,
            entry,
            tag,
            interval,
            next_look: now + look,
            next_notice: now + interval,
            stand: None,
        }
    }

    /// The work has so many parts, and so many are done: that is what is told, whatever the steps within a part say.
    pub fn stand_at(&mut self, done: usize, total: usize) {
        self.stand = Some((done, total));
    }

    /// For answers between two parts of the work.
    pub fn stream(&mut self) -> &mut Stream {
        self.stream
    }

    /// Between two steps of the work: lets others run. Fails when the client has gone, or must go.
    pub async fn step(&mut self, done: usize, total: usize) -> Result<(), Error> {
        tokio::task::yield_now().await;
        if Instant::now() < self.next_look {
            return Ok(());
        }
        self.look(Some((done, total))).await
    }

    /// Waits for work that does not tell how far it is. It goes on elsewhere when the client has gone.
    pub async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = sleep_until(self.next_look) => self.look(None).await?,
            }
        }
    }

    async fn look(&mut self, done: Option<(usize, usize)>) -> Result<(), Error> {
        let now = Instant::now();
        self.next_look = now + FIRST_LOOK.min(self.interval);
        if let Some(end) = self.entry.has_ended() {
            return Err(bye(end));
        }
        if self.stream.is_gone().await {
            return Err(Error::Closed(StreamError::Closed));
        }
        if now < self.next_notice {
            return Ok(());
        }
        self.next_notice = now + self.interval;
        let code = Code::InProgress {
            tag: String::from_utf8_lossy(self.tag).into_owned(),
            done: self.stand.or(done),
        };
        Writer::new(self.stream).status(b"*", "OK", Some(&code), "Still working");
        Ok(self.stream.flush().await?)
    }
}
