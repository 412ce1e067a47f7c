//! One connection: reads commands, looks them up, checks their order, runs them, and alone writes replies.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use common::line;
use common::session::Entry;
use common::stream::{Peer, Stream, StreamError};
use tracing::{Instrument, debug, info, info_span};

use crate::Service;
use crate::command::{self, Command, When};
use crate::content::Content;
use crate::envelope::Transaction;
use crate::error::{Error, Result};
use crate::recipient::Recipient;
use crate::reply::{Answer, Reply};
use crate::trace::{Origin, Trace};

/// RFC 5321 section 4.5.3.1.4 wants 512 octets and RFC 6531 section 3.4 and others more for MAIL and RCPT.
const LINE_LIMIT: usize = 4096;
/// After so many commands in a row that are none the connection is closed.
const MISTAKES: u32 = 20;

pub(crate) struct Session {
    pub stream: Stream,
    pub service: Arc<Service>,
    /// What the client said with LHLO.
    pub client: Option<String>,
    pub transaction: Option<Transaction>,
    entry: Entry,
    messages: u64,
    mistakes: u32,
}

/// Serves one connection from greeting to close. Whether the peer is trusted is for the caller to say.
pub async fn serve(stream: Stream, service: Arc<Service>) {
    let entry = service.shared.sessions.add("lmtp", stream.peer(), stream.tls().is_some());
    let span = info_span!("session", proto = "lmtp", sid = entry.id(), peer = %stream.peer());
    let mut session = Session::new(stream, service, entry);
    async move {
        debug!("connected");
        let end = session.run().await;
        session.finish(end).await;
    }
    .instrument(span)
    .await;
}

impl Session {
    fn new(stream: Stream, service: Arc<Service>, entry: Entry) -> Session {
        Session { stream, service, client: None, transaction: None, entry, messages: 0, mistakes: 0 }
    }

    /// From greeting to end. `Ok`: QUIT.
    async fn run(&mut self) -> Result<()> {
        self.stream.set_timeout(self.service.options.timeout);
        let greeting = format!("{} {}", self.service.shared.hostname, self.service.options.greeting);
        self.write(&Reply::new(220, "", greeting));
        loop {
            self.stream.flush_unless_pipelined().await?;
            let line = match self.read_line().await {
                Ok(line) => line,
                Err(error) => {
                    self.refuse(error)?;
                    continue;
                }
            };
            let (keyword, arguments) = split(&line);
            let command = command::lookup(&keyword);
            let name = command.map_or("?", |command| command.name);
            self.entry.begin(name);
            let start = Instant::now();
            let answer = self.answer(command, arguments).await;
            note(&self.entry, name, start, &answer);
            if answer.is_ok() {
                self.mistakes = 0;
            }
            match answer {
                Ok(Answer::One(reply)) => self.write(&reply),
                Ok(Answer::Each(replies)) => replies.iter().for_each(|reply| self.write(reply)),
                Ok(Answer::Tls(reply)) => self.start_tls(&reply).await?,
                Ok(Answer::Quit(reply)) => {
                    self.write(&reply);
                    return Ok(());
                }
                Err(error) => self.refuse(error)?,
            }
        }
    }

    async fn answer(&mut self, command: Option<&'static Command>, arguments: Result<&str>) -> Result<Answer> {
        let command = command.ok_or(Error::Syntax(Reply::new(500, "5.5.2", "unknown command")))?;
        match command.when {
            When::Always => {}
            When::Greeted | When::Transaction if self.client.is_none() => {
                return Err(Error::sequence("LHLO first"));
            }
            When::Greeted => {}
            When::Transaction => drop(self.transaction()?),
        }
        (command.run)(self, arguments?).await
    }

    // --- what commands use

    pub fn transaction(&mut self) -> Result<&mut Transaction> {
        self.transaction.as_mut().ok_or(Error::sequence("MAIL first"))
    }

    /// What BDAT adds to.
    pub fn take_chunks(&mut self) -> Result<Content> {
        let store = self.service.store.clone();
        let transaction = self.transaction()?;
        Ok(transaction.chunks.take().unwrap_or_else(|| Content::new(&store)))
    }

    /// The recipients and the trace of the message that has come.
    pub fn end_transaction(&mut self) -> Result<(Vec<Recipient>, Trace)> {
        let transaction = self.transaction.take().ok_or(Error::sequence("MAIL first"))?;
        self.messages += 1;
        let (client, peer) = (self.client.clone().unwrap_or_default(), self.stream.peer().ip());
        let (tls, utf8) = (self.stream.tls().is_some(), transaction.parameters.utf8);
        let trace = Trace {
            reverse_path: transaction.reverse_path,
            origin: Origin::Lmtp { client, peer, tls, utf8 },
            hostname: self.service.shared.hostname.to_string(),
            id: format!("{:x}.{}", self.entry.id(), self.messages),
            time: common::time::now(),
        };
        Ok((transaction.recipients, trace))
    }

    pub fn offers_tls(&self) -> bool {
        let tcp = matches!(self.stream.peer(), Peer::Tcp(_));
        tcp && self.stream.tls().is_none() && self.service.shared.tls.is_some()
    }

    /// Queues a reply.
    pub fn write(&mut self, reply: &Reply) {
        // Writing to a buffer in memory cannot fail.
        let _ = reply.write(self.stream.out());
    }

    // --- reading

    /// A line, unless the session must end meanwhile. A message whose DATA has begun is taken and answered first.
    async fn read_line(&mut self) -> Result<Bytes> {
        Ok(self.entry.unless_ended(self.stream.read_line(LINE_LIMIT)).await??)
    }

    /// RFC 3207 section 4.2: what the client said before TLS is forgotten.
    async fn start_tls(&mut self, reply: &Reply) -> Result<()> {
        self.write(reply);
        if let Some(acceptor) = self.service.shared.tls.clone() {
            self.stream.start_tls(&acceptor).await?;
            self.client = None;
            self.entry.update(|info| info.tls = true);
        }
        Ok(())
    }

    /// Writes the reply if the session goes on; else hands the error up.
    fn refuse(&mut self, error: Error) -> Result<()> {
        match error {
            Error::Refused(reply) => self.write(&reply),
            Error::Syntax(reply) => {
                self.mistakes += 1;
                if self.mistakes > MISTAKES {
                    return Err(Error::Close(Reply::new(421, "4.7.0", "too many bad commands")));
                }
                self.write(&reply);
            }
            Error::Stream(StreamError::LineTooLong) => {
                return self.refuse(Error::Syntax(Reply::new(500, "5.5.2", "command line too long")));
            }
            fatal @ (Error::Close(_) | Error::Stream(_)) => return Err(fatal),
        }
        Ok(())
    }

    // --- telling

    async fn finish(mut self, end: Result<()>) {
        let reason = match end {
            Ok(()) => "quit".to_owned(),
            Err(Error::Stream(StreamError::Timeout)) => {
                // RFC 5321 section 4.5.3.2.7
                self.write(&Reply::new(421, "4.4.2", "timeout, closing connection"));
                StreamError::Timeout.to_string()
            }
            Err(Error::Stream(StreamError::Endless)) => {
                // RFC 5321 section 4.5.3.1.9
                self.write(&Reply::new(500, "5.5.2", "line too long, closing connection"));
                StreamError::Endless.to_string()
            }
            Err(Error::Stream(error)) => error.to_string(),
            Err(Error::Close(reply) | Error::Refused(reply) | Error::Syntax(reply)) => {
                self.write(&reply);
                reply.to_string()
            }
        };
        self.stream.shutdown().await;
        let (received, sent) = self.stream.transferred();
        info!(reason, messages = self.messages, received, sent, "session ended");
    }
}

fn note(entry: &Entry, command: &'static str, start: Instant, answer: &Result<Answer>) {
    let result = match answer {
        Ok(Answer::One(reply) | Answer::Tls(reply) | Answer::Quit(reply)) => reply.code(),
        Ok(Answer::Each(replies)) => replies.iter().map(Reply::code).max().unwrap_or_default(),
        Err(Error::Refused(reply) | Error::Syntax(reply) | Error::Close(reply)) => reply.code(),
        Err(Error::Stream(_)) => 0,
    };
    let took = start.elapsed();
    entry.finish(command, took, &result.to_string());
    debug!(command, ms = took.as_millis(), result, "command");
}

fn split(line: &[u8]) -> (String, Result<&str>) {
    let (keyword, arguments) = line::split(line.trim_ascii_end());
    // RFC 6531 section 3.3: what is outside ASCII is UTF-8.
    let not_utf8 = |_| Error::Syntax(Reply::new(501, "5.5.2", "the command is not UTF-8"));
    (keyword, arguments.map(str::trim).map_err(not_utf8))
}
