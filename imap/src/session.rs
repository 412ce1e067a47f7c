//! One connection: reads commands, looks up their row, checks the state, runs them, writes the tagged line.
//!
//! - Only this file writes tagged lines and BYE.
//! - Before each tagged OK and NO the view's pending changes are sent; EXPUNGEs only where the row allows them.
//! - Between commands a session holds this struct and no buffer.

use std::sync::Arc;
use std::time::Duration;

use common::auth::{Context, Protocol};
use common::limits::Permit;
use common::session::{End, Entry};
use common::stream::Stream;
use store::{Account, Mailbox, MailboxName};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::Service;
use crate::capability;
use crate::collation::Collation;
use crate::command::{Command, Numbers, States, write_new};
use crate::error::Error;
use crate::language::Language;
use crate::name::Rights;
use crate::notify::{self, Notify};
use crate::place;
use crate::progress::Progress;
use crate::response::{After, Code, Reply, Writer};
use crate::search::context;
use crate::syntax::{self, LiteralHeader, Parser};
use crate::updates::write_keywords;
use crate::view::{Expunge, View};

/// RFC 9051 section 5.4: "the duration of such a timer MUST be at least 30 minutes".
const LEAST_IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// Commands that tell all that has changed although NOTIFY asked for nothing: the client asks for it, or did it.
const TELLS_ALL: [&str; 7] = ["APPEND", "CHECK", "EXPUNGE", "MOVE", "NOOP", "UID EXPUNGE", "UID MOVE"];

pub struct Session {
    pub stream: Stream,
    pub service: Arc<Service>,
    pub entry: Entry,
    pub enabled: Enabled,
    /// How strings are compared. RFC 5255 section 4.7
    pub collation: Collation,
    /// `Some` from login on.
    pub user: Option<Box<User>>,
    /// `Some` in the selected state.
    pub selected: Option<Box<Selected>>,
    /// What NOTIFY asked for.
    pub notify: Option<Box<Notify>>,
    /// The tag of the command in work: ESEARCH repeats it.
    pub tag: bytes::Bytes,
    /// The row of the command in work.
    pub command: &'static Command,
    /// A literal that the command in work announced and nobody has read yet. What is left here when the command ends is
    /// skipped, so that it is never taken for a command.
    pub unread: Option<LiteralHeader>,
    /// The command in work must not be followed by EXPUNGE, whatever its row says.
    forbids_expunge: bool,
    /// When a client that has not logged in is cut off.
    login_deadline: Option<Instant>,
    /// Commands answered BAD, after login those in a row.
    bad: u32,
}

/// Who has logged in.
pub struct User {
    pub account: Account,
    /// The place among the account's connections.
    #[expect(dead_code, reason = "held: dropping it gives the place back")]
    pub permit: Permit,
    /// Where others' mailboxes are.
    pub service: Arc<Service>,
}

/// The selected mailbox.
pub struct Selected {
    pub mailbox: Mailbox,
    pub view: View,
    /// As the user called it.
    pub shown: MailboxName,
    /// After EXAMINE without those to change anything.
    pub rights: Rights,
    /// By EXAMINE.
    pub examined: bool,
}

impl Selected {
    /// Whether the user may do that here and now; nothing that changes the mailbox after EXAMINE.
    pub fn may(&self, rights: Rights) -> bool {
        self.rights.contains(rights)
    }

    /// FETCH BODY[] sets \Seen where it may, and fetches all the same where it may not. RFC 4314 section 4
    pub fn may_set_seen(&self) -> bool {
        self.may(Rights::SEEN)
    }

    /// NO, with the reason.
    pub fn require(&self, rights: Rights) -> Result<(), Error> {
        if self.may(rights) {
            return Ok(());
        }
        if self.examined {
            return Err(Error::No { code: None, text: "The mailbox is selected read-only".into() });
        }
        Err(place::refusal(&self.shown, self.rights))
    }
}

/// What the client has switched on, by ENABLE, by LANGUAGE or by using it: how it is to be read and written to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Enabled {
    // RFC 7162 section 3.1
    pub condstore: bool,
    // RFC 7162 section 3.2.3: implies CONDSTORE
    pub qresync: bool,
    // RFC 9051 section 6.3.1: IMAP4rev2 instead of IMAP4rev1
    pub rev2: bool,
    // RFC 9755 section 3: UTF8=ACCEPT
    pub utf8_accept: bool,
    // RFC 5255 section 3
    pub language: Language,
    // RFC 9586 section 3
    pub uidonly: bool,
}

impl Enabled {
    /// As a session begins.
    #[cfg(test)]
    pub const NOTHING: Enabled = Enabled {
        condstore: false,
        qresync: false,
        rev2: false,
        utf8_accept: false,
        language: Language::Default,
        uidonly: false,
    };

    /// Strings and mailbox names are UTF-8 in both directions.
    pub fn utf8(self) -> bool {
        self.rev2 || self.utf8_accept
    }
}

impl Session {
    pub fn new(stream: Stream, service: Arc<Service>) -> Session {
        let entry = service.shared.sessions.add("imap", stream.peer(), stream.tls().is_some());
        let login_deadline = Some(Instant::now() + service.options.login_timeout);
        Session {
            stream,
            service,
            entry,
            enabled: Enabled::default(),
            collation: Collation::default(),
            user: None,
            selected: None,
            notify: None,
            tag: bytes::Bytes::new(),
            command: Command::none(),
            unread: None,
            forbids_expunge: false,
            login_deadline,
            bad: 0,
        }
    }

    /// The connection from greeting to close.
    pub async fn run(mut self) {
        let (sid, peer, account) = (self.entry.id(), self.stream.peer(), tracing::field::Empty);
        let span = tracing::info_span!("session", proto = "imap", sid, %peer, account);
        async move {
            tracing::debug!("connected");
            let end = self.converse().await;
            let (received, sent) = self.stream.transferred();
            tracing::info!(received, sent, reason = %end, "session ended");
            self.stream.shutdown().await;
        }
        .instrument(span)
        .await;
    }

    /// Why the connection ended.
    async fn converse(&mut self) -> String {
        self.stream.set_timeout(self.service.options.login_timeout);
        self.greet();
        loop {
            match self.next().await {
                Ok(After::Close) => return "logout".into(),
                Ok(After::Next | After::StartTls | After::Compress | After::EndCompression) => {}
                Err(error) => return self.say_bye(error),
            }
        }
    }

    /// RFC 9051 section 7.1.5
    fn say_bye(&mut self, error: Error) -> String {
        let (code, text) = match error {
            Error::Closed(why) => return why.to_string(),
            Error::Bye { code, text } | Error::No { code, text } => (code, text),
            Error::BadCode { code, text } => (Some(code), text),
            Error::Internal { code, text, source } => {
                tracing::error!(source, "session failed");
                (Some(code), text)
            }
            Error::Bad(text) => (None, text),
        };
        self.writer().status(b"*", "BYE", code.as_ref(), &text);
        text.into()
    }

    /// RFC 9051 section 7.1.1: an untagged OK, here with the capabilities.
    fn greet(&mut self) {
        let code = Code::Capability(capability::list(self));
        let service = Arc::clone(&self.service);
        Writer::new(&mut self.stream).status(b"*", "OK", Some(&code), &service.options.banner);
    }

    /// One command, from its first octet to its tagged line.
    async fn next(&mut self) -> Result<After, Error> {
        let line = match self.first_line().await {
            Ok(line) => line,
            Err(Error::Bad(text)) => return self.untagged_bad(&text),
            Err(other) => return Err(other),
        };
        let Some((tag, rest)) = split_tag(&line) else {
            self.unread = syntax::literal_header(&line);
            self.skip_unread().await?;
            return self.untagged_bad("A command begins with a tag and a space");
        };
        self.tag = line.slice_ref(tag);
        let started = Instant::now();
        let result = self.execute(&line, rest).await;
        let result = match self.skip_unread().await {
            Ok(()) => result,
            Err(gone) => Err(gone),
        };
        self.log_command(&result, started);
        self.tag = bytes::Bytes::new();
        self.finish(tag, result).await
    }

    /// Finds the row, reads the command's literals, checks the state, runs it.
    async fn execute(&mut self, line: &bytes::Bytes, rest: usize) -> Result<Reply, Error> {
        self.command = Command::none();
        self.forbids_expunge = false;
        self.unread = syntax::literal_header(line);
        let (command, arguments) = Command::find(line, rest)?;
        self.command = command;
        self.entry.begin(command.name);
        if !command.has_secrets() {
            tracing::trace!(line = %String::from_utf8_lossy(line), "client");
        }
        if !command.states.contains(self.state()) {
            return Err(Error::bad(format!("{} is not allowed {}", command.name, self.state().describe())));
        }
        // RFC 9586 section 3.2
        if command.numbers == Numbers::Seq && self.enabled.uidonly {
            return Err(Error::uid_required());
        }
        self.refresh_rights()?;
        let text = self.assemble(line.clone(), arguments).await?;
        let limits = self.syntax_limits();
        (command.run)(self, &mut Parser::new(&text, arguments, limits)).await
    }

    /// Writes pending changes and the tagged line.
    async fn finish(&mut self, tag: &[u8], result: Result<Reply, Error>) -> Result<After, Error> {
        let (word, code, text, after) = match result {
            Ok(reply) => ("OK", reply.code, reply.text, reply.after),
            Err(Error::No { code, text }) => ("NO", code, text, After::Next),
            Err(Error::Internal { code, text, source }) => {
                tracing::error!(command = self.command.name, source, "command failed");
                ("NO", Some(code), text, After::Next)
            }
            Err(Error::Bad(text)) => ("BAD", None, text, After::Next),
            Err(Error::BadCode { code, text }) => ("BAD", Some(code), text, After::Next),
            Err(other) => return Err(other),
        };
        if word != "BAD" && after == After::Next {
            self.tell_pending().await?;
        }
        let text = if text.is_empty() { format!("{} completed", self.command.name).into() } else { text };
        self.writer().status(tag, word, code.as_ref(), &text);
        match word {
            "BAD" => self.count_bad()?,
            // Nonsense counts while it comes in a row; before login it counts for ever.
            _ if self.user.is_some() => self.bad = 0,
            _ => {}
        }
        self.follow(after).await
    }

    /// Tells what others changed in the selected mailbox. RFC 9051 section 7.5.1: no EXPUNGE while message numbers are in
    /// use, which the row of the command knows.
    pub async fn write_pending(&mut self) -> Result<(), Error> {
        let allowed = self.command.allow_expunge && !self.forbids_expunge;
        self.write_updates(if allowed { Expunge::Allow } else { Expunge::Forbid }).await?;
        // Few sessions have one: what it takes to tell of it is not held by all.
        if self.selected.as_ref().is_none_or(|selected| selected.view.contexts.is_empty()) {
            return Ok(());
        }
        Box::pin(context::tell(self)).await
    }

    /// The same for a command that knows when expunges may be told.
    pub async fn write_updates(&mut self, expunge: Expunge) -> Result<(), Error> {
        let Some(selected) = &mut self.selected else { return Ok(()) };
        // RFC 2180 section 3.3: the other sessions of a deleted mailbox are disconnected. A client that was told NO to
        // everything, or nothing in IDLE, would not find out.
        if selected.view.is_deleted() {
            return Err(Error::bye("The selected mailbox was deleted by another session"));
        }
        self.refresh_rights()?;
        let Some(selected) = &mut self.selected else { return Ok(()) };
        let watched = self.notify.as_deref().map(|notify| notify.selected().0);
        if watched.is_some_and(|events| !events.messages) && !TELLS_ALL.contains(&self.command.name) {
            return Ok(());
        }
        let items = watched.map_or_else(Vec::new, |events| events.items.clone());
        let known = selected.view.uid_next();
        let mut updates = selected.view.pending(expunge, self.enabled)?;
        if watched.is_some_and(|events| !events.flags) {
            updates.forget_flags();
        }
        // RFC 5465 section 5.1
        let updates = if watched.is_some() { updates.with_uids() } else { updates };
        updates.send(&mut self.stream).await?;
        if items.is_empty() { Ok(()) } else { Box::pin(write_new(self, &items, known)).await }
    }

    /// Between two commands: what NOTIFY asked for is told at once. RFC 5465 section 3.1
    pub async fn push(&mut self) -> Result<(), Error> {
        let watched = self.notify.as_deref().map(Notify::selected);
        if let Some((_, delayed)) = watched.filter(|(events, _)| events.messages) {
            // RFC 5465 section 6.1 and section 6.2
            self.write_updates(if delayed { Expunge::Forbid } else { Expunge::Allow }).await?;
        }
        self.tell_notifications()
    }

    /// What NOTIFY asked for of the mailboxes that are not selected.
    pub fn tell_notifications(&mut self) -> Result<(), Error> {
        if notify::tell(self)? == notify::Outcome::Overflow {
            // RFC 5465 section 5.8: as if NOTIFY NONE had been received
            self.notify = Some(Box::new(Notify::none()));
            let text = "Too much has happened: NOTIFY is off";
            self.writer().status(b"*", "OK", Some(&Code::NotificationOverflow), text);
        }
        Ok(())
    }

    /// The command in work makes, renames or subscribes this mailbox: NOTIFY does not tell it to the session itself.
    pub fn own_change(&mut self, name: &store::MailboxName) {
        if let Some(notify) = &mut self.notify {
            notify.own.push(name.clone());
        }
    }

    /// Looks at the rights in the selected mailbox anew, from memory: what was given or taken holds for the next command, and
    /// for what IDLE is told. RFC 4314 section 5.1.1
    fn refresh_rights(&mut self) -> Result<(), Error> {
        let (Some(user), Some(selected)) = (&self.user, &mut self.selected) else { return Ok(()) };
        let newest = selected.view.newest();
        let rights = user.rights(selected.mailbox.account(), newest.acl());
        let rights = if selected.examined { rights.read_only() } else { rights };
        if newest.deleted() || rights == selected.rights {
            return Ok(());
        }
        if !rights.contains(Rights::READ) {
            return Err(Error::bye("Your right to read the selected mailbox was taken away"));
        }
        let was_read_only = selected.rights.is_read_only();
        selected.rights = rights;
        selected.view.set_rights(rights);
        let mut out = Writer::in_mode(&mut self.stream, self.enabled);
        write_keywords(&mut out, selected.view.keywords(), rights);
        // RFC 9051 section 7.1, READ-ONLY
        if rights.is_read_only() && !was_read_only {
            out.status(b"*", "OK", Some(&Code::ReadOnly), "The mailbox is read-only now");
        } else if was_read_only && !rights.is_read_only() {
            out.status(b"*", "OK", Some(&Code::ReadWrite), "The mailbox can be changed now");
        }
        Ok(())
    }

    /// Like [`Session::write_pending`] at the end of a command, whose own result stands: what cannot be told now is told
    /// the next time.
    async fn tell_pending(&mut self) -> Result<(), Error> {
        let told = match self.write_pending().await {
            Ok(()) => self.tell_notifications(),
            failed => failed,
        };
        match told {
            Err(Error::Internal { source, .. }) => {
                tracing::error!(source, "cannot tell the changes of the mailbox")
            }
            Err(Error::No { text, .. }) => tracing::debug!(%text, "cannot tell the changes of the mailbox"),
            other => return other,
        }
        Ok(())
    }

    async fn follow(&mut self, after: After) -> Result<After, Error> {
        match after {
            After::StartTls => self.start_tls().await?,
            After::Compress => self.stream.start_compression().await.map_err(Error::Closed)?,
            After::EndCompression => self.stream.end_compression().await.map_err(Error::Closed)?,
            After::Next | After::Close => {}
        }
        Ok(after)
    }

    /// RFC 9051 section 6.2.1. The stream refuses when the client sent more in plain text: it might not be the client's.
    async fn start_tls(&mut self) -> Result<(), Error> {
        let service = Arc::clone(&self.service);
        let acceptor =
            service.shared.tls.as_ref().ok_or_else(|| Error::bug("STARTTLS without certificates"))?;
        self.stream.start_tls(acceptor).await.map_err(Error::Closed)?;
        // RFC 5255 section 3.1: what was said in plain text may not have come from the client.
        self.enabled.language = Language::default();
        self.entry.update(|info| info.tls = true);
        Ok(())
    }

    fn untagged_bad(&mut self, text: &str) -> Result<After, Error> {
        self.writer().status(b"*", "BAD", None, text);
        self.count_bad()?;
        Ok(After::Next)
    }

    /// Ends the session of a client that sends nonsense only.
    fn count_bad(&mut self) -> Result<(), Error> {
        self.bad += 1;
        let options = &self.service.options;
        let limit = if self.user.is_some() { options.bad_limit } else { options.bad_limit_before_login };
        if self.bad < limit {
            return Ok(());
        }
        self.service.shared.authenticator.misbehaved(&self.auth_context());
        Err(Error::bye("Too many bad commands"))
    }

    fn log_command(&self, result: &Result<Reply, Error>, started: Instant) {
        let took = started.elapsed();
        let (ms, command) = (took.as_millis(), self.command.name);
        self.entry.finish(command, took, result.as_ref().map_or_else(Error::result, |_| "OK"));
        match result {
            Ok(_) => tracing::debug!(command, ms, result = "OK", "command"),
            // The text may quote what the client sent.
            Err(error) if self.command.has_secrets() => {
                tracing::debug!(command, ms, result = error.result(), "command");
            }
            Err(error) => {
                tracing::debug!(command, ms, result = error.result(), why = %error.text(), "command")
            }
        }
    }
}

/// What handlers ask the session for.
impl Session {
    pub fn state(&self) -> States {
        match (&self.user, &self.selected) {
            (None, _) => States::NOT_AUTHENTICATED,
            (Some(_), None) => States::AUTHENTICATED,
            (Some(_), Some(_)) => States::SELECTED,
        }
    }

    /// The user who has logged in.
    pub fn user(&self) -> Result<&User, Error> {
        self.user.as_deref().ok_or_else(|| Error::bad("Not allowed before login"))
    }

    /// The selected mailbox and, apart from it, the stream.
    pub fn selected(&mut self) -> Result<(&mut Selected, &mut Stream), Error> {
        match &mut self.selected {
            Some(selected) => Ok((selected, &mut self.stream)),
            None => Err(Error::bad("No mailbox is selected")),
        }
    }

    /// The selected mailbox, and what looks after the client while something is done in it that may take long.
    pub fn selected_with_progress(&mut self) -> Result<(&mut Selected, Progress<'_>), Error> {
        let Session { stream, service, entry, selected, tag, .. } = self;
        let selected = selected.as_deref_mut().ok_or_else(|| Error::bad("No mailbox is selected"))?;
        Ok((selected, Progress::new(stream, entry, tag, service.options.progress_interval)))
    }

    /// Writes in the session's mode.
    pub fn writer(&mut self) -> Writer<'_> {
        Writer::in_mode(&mut self.stream, self.enabled)
    }

    /// Sends what is written when it has become a batch, so that no answer is held whole.
    pub async fn flush_batch(&mut self) -> Result<(), Error> {
        Ok(self.stream.flush_batch().await?)
    }

    /// Message numbers of the command in work.
    pub fn numbers(&self) -> Numbers {
        self.command.numbers
    }

    /// Back to the authenticated state.
    pub fn leave(&mut self) {
        self.selected = None;
        self.entry.update(|info| info.mailbox = None);
    }

    /// Back to the authenticated state by another command than CLOSE or UNSELECT: the client is told. RFC 7162 section 3.2.11
    pub fn unselect(&mut self) -> Option<Box<Selected>> {
        let previous = self.selected.take()?;
        self.leave();
        self.writer().status(b"*", "OK", Some(&Code::Closed), "Previous mailbox closed");
        Some(previous)
    }

    /// From now on this mailbox is the selected one.
    pub fn select(&mut self, selected: Selected) {
        let name = selected.shown.to_string();
        self.selected = Some(Box::new(selected));
        self.entry.update(|info| info.mailbox = Some(name));
    }

    /// No EXPUNGE at the end of this command, although its row allows it: its arguments have message numbers.
    pub fn forbid_expunge(&mut self) {
        self.forbids_expunge = true;
    }

    /// A CONDSTORE enabling command was given. RFC 7162 section 3.1: the client learns HIGHESTMODSEQ at once.
    pub fn enable_condstore(&mut self) {
        if std::mem::replace(&mut self.enabled.condstore, true) {
            return;
        }
        if let Some(selected) = &self.selected {
            let code = Code::HighestModSeq(selected.view.highest_modseq());
            self.writer().status(b"*", "OK", Some(&code), "Highest");
        }
    }

    /// RFC 7162 section 3.2.3: QRESYNC brings CONDSTORE with it.
    pub fn enable_qresync(&mut self) {
        self.enable_condstore();
        self.enabled.qresync = true;
    }

    /// RFC 9051 section 6.3.1
    pub fn enable_rev2(&mut self) {
        self.enabled.rev2 = true;
    }

    /// RFC 9755 section 3
    pub fn enable_utf8_accept(&mut self) {
        self.enabled.utf8_accept = true;
    }

    /// Back to the state before login: everything but TLS is forgotten. RFC 8437 section 3
    pub fn log_out(&mut self) {
        self.leave();
        self.user = None;
        self.notify = None;
        self.enabled = Enabled::default();
        self.collation = Collation::default();
        self.entry.update(|info| info.account = None);
        tracing::Span::current().record("account", tracing::field::Empty);
        self.login_deadline = Some(Instant::now() + self.service.options.login_timeout);
        self.stream.set_timeout(self.service.options.login_timeout);
    }

    /// RFC 9586 section 3: from here on there are no message sequence numbers.
    pub fn enable_uidonly(&mut self) {
        self.enabled.uidonly = true;
    }

    /// For authentication: who asks, from where, how protected.
    pub fn auth_context(&self) -> Context {
        Context::of(Protocol::Imap, &self.stream)
    }

    /// From now on the session is this user's: other timeouts and limits hold. Authentication has logged it already.
    pub fn log_in(&mut self, user: User) {
        let account = user.account.name().to_string();
        tracing::Span::current().record("account", account.as_str());
        self.entry.update(|info| info.account = Some(account));
        self.user = Some(Box::new(user));
        self.login_deadline = None;
        self.bad = 0;
        let timeout = self.idle_timeout();
        self.stream.set_timeout(timeout);
    }

    pub fn idle_timeout(&self) -> Duration {
        self.service.options.idle_timeout.max(LEAST_IDLE_TIMEOUT)
    }

    pub fn login_deadline(&self) -> Option<Instant> {
        self.login_deadline
    }

    /// Octets that a command with its literals may have now.
    pub fn command_limit(&self) -> usize {
        let options = &self.service.options;
        if self.user.is_some() { options.command_limit } else { options.command_limit_before_login }
    }

    pub fn syntax_limits(&self) -> syntax::Limits {
        let options = &self.service.options;
        syntax::Limits {
            nesting: options.nesting_limit,
            keywords: options.keyword_limit,
            enabled: self.enabled,
        }
    }
}

/// What the client is told when somebody else ends the session.
pub fn bye(end: End) -> Error {
    match end {
        // RFC 5530 section 3: the server will be back
        End::Shutdown => Error::Bye { code: Some(Code::Unavailable), text: "Server is shutting down".into() },
        End::Kicked => Error::bye("The administrator ended this session"),
    }
}

/// `tag SP`: the tag and the offset of what follows.
fn split_tag(line: &[u8]) -> Option<(&[u8], usize)> {
    let length = line.iter().position(|&c| !syntax::is_tag_char(c))?;
    (length > 0 && line[length] == b' ').then(|| (&line[..length], length + 1))
}
