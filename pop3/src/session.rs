//! One connection: reads commands, looks them up, checks the state, runs them, and alone writes status lines.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::auth::{Context, Identity, Protocol};
use common::block;
use common::line;
use common::session::Entry;
use common::stream::{Stream, StreamError};
use store::AccountName;
use tracing::{Instrument, debug, error, field, info, info_span, warn};

use crate::command::{self, Command};
use crate::download;
use crate::error::{Code, Error, Result};
use crate::maildrop::Maildrop;
use crate::reply::{Listing, Reply, Status};
use crate::text::{Language, Text};
use crate::{Options, Service};

/// RFC 2449 section 4: a command has at most 255 octets with its CRLF.
const COMMAND_LIMIT: usize = 253;
/// RFC 5034 section 4: responses may be longer. This is what RFC 4954 section 4.6 asks for of SMTP.
const SASL_LIMIT: usize = 12_288;
/// RFC 1939 section 3
const LEAST_AUTOLOGOUT: Duration = Duration::from_secs(600);
/// After so many commands before the login that are none, and so many that are too long, the connection is closed.
const MISTAKES: u32 = 20;
const TOO_LONG: u32 = 3;

pub(crate) struct Session {
    pub stream: Stream,
    pub service: Arc<Service>,
    pub state: State,
    /// Whether UTF8 was given.
    pub utf8: bool,
    pub language: Language,
    /// APOP's timestamp, as the greeting had it.
    pub challenge: Option<String>,
    /// How many messages QUIT removed.
    pub removed: usize,
    entry: Entry,
    mistakes: u32,
    too_long: u32,
}

/// RFC 1939 section 3. UPDATE lasts no longer than QUIT.
pub(crate) enum State {
    Authorization { user: Option<String> },
    Transaction(Box<Maildrop>),
}

/// Serves one connection from greeting to close.
pub async fn serve(stream: Stream, service: Arc<Service>) {
    let entry = service.shared.sessions.add("pop3", stream.peer(), stream.tls().is_some());
    let span = info_span!(
        "session",
        proto = "pop3",
        sid = entry.id(),
        peer = %stream.peer(),
        account = field::Empty
    );
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
        Session {
            stream,
            state: State::Authorization { user: None },
            utf8: false,
            language: service.options.language,
            challenge: service.shared.authenticator.apop_challenge(),
            removed: 0,
            service,
            entry,
            mistakes: 0,
            too_long: 0,
        }
    }

    /// From greeting to end. `Ok`: QUIT.
    async fn run(&mut self) -> Result<()> {
        self.stream.set_timeout(self.options().login_timeout);
        self.greet();
        loop {
            self.stream.flush_unless_pipelined().await?;
            let line = match self.read_command().await {
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
            match answer {
                Ok(Reply::Quit(status)) => {
                    self.write_ok(status);
                    return Ok(());
                }
                Ok(reply) => self.write(reply).await?,
                Err(error) => self.refuse(error)?,
            }
        }
    }

    async fn answer(&mut self, command: Option<&'static Command>, arguments: Result<&str>) -> Result<Reply> {
        let command = command.ok_or(Error::Syntax(Text::UnknownCommand))?;
        if !command.states.allow(&self.state) {
            return Err(Error::refused(Text::WrongState));
        }
        (command.run)(self, arguments?).await
    }

    fn greet(&mut self) {
        let challenge = self.challenge.as_ref().map(|challenge| format!(" {challenge}")).unwrap_or_default();
        // RFC 1939 section 7: the timestamp is the one thing in the greeting that looks like a message-id.
        let greeting: String =
            self.options().greeting.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
        self.write_ok(Status::data(format!("{greeting}{challenge}")));
    }

    // --- what commands use

    pub fn maildrop(&mut self) -> Result<&mut Maildrop> {
        match &mut self.state {
            State::Transaction(maildrop) => Ok(maildrop),
            State::Authorization { .. } => Err(Error::refused(Text::WrongState)),
        }
    }

    pub fn context(&self) -> Context {
        Context::of(Protocol::Pop3, &self.stream)
    }

    pub fn mechanisms(&self) -> Vec<&'static str> {
        self.service.shared.authenticator.mechanisms(&self.context())
    }

    pub fn plaintext_allowed(&self) -> bool {
        self.service.shared.authenticator.plaintext_allowed(&self.context())
    }

    pub fn offers_stls(&self) -> bool {
        let authorization = matches!(self.state, State::Authorization { .. });
        authorization && self.stream.tls().is_none() && self.service.shared.tls.is_some()
    }

    /// Sends a line of a SASL exchange and waits for the client's.
    pub async fn ask(&mut self, line: &str) -> Result<Bytes> {
        self.stream.out().extend_from_slice(line.as_bytes());
        self.stream.flush().await?;
        self.read_line().await
    }

    /// From a proven identity to the TRANSACTION state.
    pub async fn log_in(&mut self, identity: Identity) -> Result<Reply> {
        if self.options().login_delay.as_ref().is_some_and(|delay| delay.refuses(&identity.account)) {
            return Err(Error::coded(Code::LoginDelay, Text::LoginTooSoon));
        }
        let permit = self.service.shared.limits.account(&identity.account)?;
        let name =
            AccountName::new(&identity.account).map_err(|_| Error::coded(Code::SysPerm, Text::NoMaildrop))?;
        let maildrop = block(|| Maildrop::open(&self.service, &name, permit))?;
        if let Some(delay) = &self.options().login_delay {
            delay.logged_in(&identity.account);
        }
        let (messages, octets) = maildrop.snapshot().totals();
        self.state = State::Transaction(Box::new(maildrop));
        self.stream.set_timeout(self.options().idle_timeout.max(LEAST_AUTOLOGOUT));
        self.entry.update(|info| {
            info.account = Some(identity.account.clone());
            info.mailbox = Some("INBOX".to_owned());
        });
        tracing::Span::current().record("account", field::display(&name));
        let tls = self.stream.tls().is_some();
        info!(account = %name, mechanism = %identity.mechanism, tls, messages, octets, "login");
        Ok(Text::LoggedIn.into())
    }

    fn options(&self) -> &Options {
        &self.service.options
    }

    // --- reading

    async fn read_command(&mut self) -> Result<Bytes> {
        let line = self.read_line().await?;
        // A client's initial response ought to fit too (RFC 5034 section 4); one that does not harms nobody.
        if line.len() > COMMAND_LIMIT
            && !line.get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"AUTH "))
        {
            return Err(StreamError::LineTooLong.into());
        }
        Ok(line)
    }

    /// A line, unless the session must end meanwhile.
    async fn read_line(&mut self) -> Result<Bytes> {
        Ok(self.entry.unless_ended(self.stream.read_line(SASL_LIMIT)).await??)
    }

    // --- writing

    async fn write(&mut self, reply: Reply) -> Result<()> {
        match reply {
            Reply::Status(status) | Reply::Quit(status) => self.write_ok(status),
            Reply::Lines(status, lines) => {
                self.write_ok(status);
                self.stream.out().extend_from_slice(&lines);
                self.stream.out().extend_from_slice(b".\r\n");
            }
            Reply::Listing(status, listing) => {
                self.write_ok(status);
                self.write_listing(listing).await?;
            }
            Reply::Message(status, message) => {
                let (uid, whole) = (message.uid, message.is_whole());
                self.write_ok(status);
                download::send(&mut self.stream, *message).await?;
                if whole {
                    self.maildrop()?.retrieved(uid);
                }
            }
            Reply::Tls(status) => {
                self.write_ok(status);
                self.start_tls().await?;
            }
        }
        Ok(())
    }

    fn write_ok(&mut self, status: Status) {
        let language = self.language;
        let out = self.stream.out();
        out.extend_from_slice(b"+OK");
        let text = status.text.map(|text| text.in_language(language));
        for word in [Some(&*status.data), text].into_iter().flatten().filter(|word| !word.is_empty()) {
            // Writing to a buffer in memory cannot fail.
            let _ = write!(out, " {word}");
        }
        out.extend_from_slice(b"\r\n");
    }

    fn write_err(&mut self, code: Option<Code>, text: Text) {
        let code = code.map(|code| format!("{} ", code.as_str())).unwrap_or_default();
        // RFC 6856 section 3.3: after LANG the text begins as it would have, without a language tag.
        let text = text.in_language(self.language);
        let _ = write!(self.stream.out(), "-ERR {code}{text}\r\n");
    }

    async fn write_listing(&mut self, listing: Listing) -> Result<()> {
        let State::Transaction(maildrop) = &self.state else { return Ok(()) };
        let drop = maildrop.snapshot();
        for number in drop.numbers_from(0) {
            let out = self.stream.out();
            let _ = match listing {
                Listing::Sizes => write!(out, "{number} {}\r\n", drop.size(number)),
                Listing::UniqueIds => write!(out, "{number} {}\r\n", drop.unique_id(number)),
            };
            self.stream.flush_batch().await?;
        }
        self.stream.out().extend_from_slice(b".\r\n");
        Ok(())
    }

    /// RFC 2595 section 4: what the client said before TLS is forgotten.
    async fn start_tls(&mut self) -> Result<()> {
        let Some(acceptor) = self.service.shared.tls.clone() else { return Ok(()) };
        self.stream.start_tls(&acceptor).await?;
        self.state = State::Authorization { user: None };
        self.language = self.options().language;
        self.entry.update(|info| info.tls = true);
        Ok(())
    }

    /// Writes `-ERR` if the session goes on; else hands the error up.
    fn refuse(&mut self, error: Error) -> Result<()> {
        match error {
            Error::Refused { code, text } => self.write_err(code, text),
            Error::Store { code, text, source } => {
                warn!(error = %source, "store");
                self.write_err(Some(code), text);
            }
            Error::Syntax(text) => {
                self.mistakes += u32::from(matches!(self.state, State::Authorization { .. }));
                if self.mistakes > MISTAKES {
                    return Err(Error::Close { code: None, text: Text::TooManyMistakes });
                }
                self.write_err(None, text);
            }
            Error::Stream(StreamError::LineTooLong) => self.refuse_long_line()?,
            fatal @ (Error::Close { .. } | Error::Stream(_) | Error::Truncated(_)) => return Err(fatal),
        }
        Ok(())
    }

    /// An over-long command counts against the address like a failed login.
    fn refuse_long_line(&mut self) -> Result<()> {
        self.service.shared.authenticator.misbehaved(&self.context());
        self.too_long += 1;
        if self.too_long >= TOO_LONG {
            return Err(Error::Close { code: None, text: Text::LineTooLong });
        }
        self.write_err(None, Text::LineTooLong);
        Ok(())
    }

    // --- telling

    /// The last words, what RETR leaves to be done, and the line in the log.
    async fn finish(mut self, end: Result<()>) {
        let reason = match end {
            Ok(()) => "quit".to_owned(),
            Err(Error::Close { code, text }) => {
                self.write_err(code, text);
                text.in_language(Language::English).to_owned()
            }
            Err(Error::Stream(StreamError::Endless)) => {
                self.service.shared.authenticator.misbehaved(&self.context());
                self.write_err(None, Text::LineTooLong);
                StreamError::Endless.to_string()
            }
            // RFC 1939 section 3: autologout closes without a word.
            Err(Error::Stream(stream)) => stream.to_string(),
            Err(Error::Truncated(source)) => {
                error!(error = %source, "message could not be read to its end; connection closed");
                source.to_string()
            }
            Err(Error::Refused { text, .. } | Error::Store { text, .. } | Error::Syntax(text)) => {
                text.in_language(Language::English).to_owned()
            }
        };
        if let State::Transaction(maildrop) = &mut self.state
            && let Err(error) = maildrop.set_seen().await
        {
            warn!(%error, "\\Seen could not be set on retrieved messages");
        }
        // Gives the account's place back: the client may log in again before it closes this connection.
        self.state = State::Authorization { user: None };
        self.stream.shutdown().await;
        let (received, sent) = self.stream.transferred();
        info!(reason, removed = self.removed, received, sent, "session ended");
    }
}

fn note(entry: &Entry, command: &'static str, start: Instant, answer: &Result<Reply>) {
    let result = if answer.is_ok() { "+OK" } else { "-ERR" };
    let took = start.elapsed();
    entry.finish(command, took, result);
    debug!(command, ms = took.as_millis(), result, "command");
}

/// RFC 2449 section 4 has commands in ASCII, RFC 6856 section 2.2 user names
/// and passwords in UTF-8, so what is not UTF-8 is refused.
fn split(line: &[u8]) -> (String, Result<&str>) {
    let (keyword, arguments) = line::split(line);
    let arguments = arguments.map_err(|_| Error::Syntax(Text::Syntax));
    if keyword.eq_ignore_ascii_case("PASS") {
        return (keyword, arguments);
    }
    // Clients that pad their commands are many.
    (keyword, arguments.map(str::trim))
}
