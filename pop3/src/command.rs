//! The table of commands and the table of capabilities: what there is, in which states, and what CAPA says of it.

use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;

use bytes::BytesMut;

use crate::Expire;
use crate::authorization as auth;
use crate::error::Result;
use crate::reply::Reply;
use crate::session::{Session, State};
use crate::text::Text;
use crate::transaction as trans;

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Reply>> + Send + 'a>>;

/// One command. The session looks it up, checks the state, and runs it with what follows the keyword and one space.
pub(crate) struct Command {
    pub name: &'static str,
    pub states: States,
    /// What announces it in CAPA; commands of RFC 1939's minimum have none.
    pub capability: Option<Capability>,
    pub run: for<'a> fn(&'a mut Session, &'a str) -> Answer<'a>,
}

/// RFC 1939 section 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum States {
    Authorization,
    Transaction,
    Both,
}

impl States {
    pub fn allow(self, state: &State) -> bool {
        match self {
            States::Both => true,
            States::Authorization => matches!(state, State::Authorization { .. }),
            States::Transaction => matches!(state, State::Transaction(_)),
        }
    }
}

macro_rules! commands {
    ($($name:literal $states:ident $capability:expr, $run:path;)*) => {
        /// Sorted by name.
        pub(crate) static COMMANDS: &[Command] = &[$(Command {
            name: $name,
            states: States::$states,
            capability: $capability,
            run: |session, arguments| Box::pin($run(session, arguments)),
        }),*];
    };
}

commands! {
    "APOP" Authorization None,                        auth::apop;
    "AUTH" Authorization capability("SASL", sasl),    auth::auth;
    "CAPA" Both          None,                        capa;
    "DELE" Transaction   None,                        trans::dele;
    "LANG" Both          capability("LANG", always),  lang;
    "LIST" Transaction   None,                        trans::list;
    "NOOP" Transaction   None,                        trans::noop;
    "PASS" Authorization None,                        auth::pass;
    "QUIT" Both          None,                        trans::quit;
    "RETR" Transaction   None,                        trans::retr;
    "RSET" Transaction   None,                        trans::rset;
    "STAT" Transaction   None,                        trans::stat;
    "STLS" Authorization capability("STLS", stls),    auth::stls;
    "TOP"  Transaction   capability("TOP", always),   trans::top;
    "UIDL" Transaction   capability("UIDL", always),  trans::uidl;
    "USER" Authorization capability("USER", user),    auth::user;
    "UTF8" Authorization capability("UTF8", utf8),    auth::utf8;
}

pub(crate) fn lookup(keyword: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name.eq_ignore_ascii_case(keyword))
}

/// One line of CAPA (RFC 2449 section 5).
pub(crate) struct Capability {
    name: &'static str,
    /// Its arguments, each with a space before it; `None`: not announced now.
    arguments: fn(&Session) -> Option<String>,
}

const fn capability(name: &'static str, arguments: fn(&Session) -> Option<String>) -> Option<Capability> {
    Some(Capability { name, arguments })
}

/// Capabilities that add no command.
static PASSIVE: &[Option<Capability>] = &[
    capability("PIPELINING", always),
    capability("RESP-CODES", always),
    capability("AUTH-RESP-CODE", always),
    capability("EXPIRE", expire),
    capability("LOGIN-DELAY", login_delay),
    capability("IMPLEMENTATION", implementation),
];

fn capabilities() -> impl Iterator<Item = &'static Capability> {
    COMMANDS.iter().map(|command| &command.capability).chain(PASSIVE).flatten()
}

/// RFC 2449 section 5
async fn capa(session: &mut Session, _arguments: &str) -> Result<Reply> {
    let mut lines = BytesMut::new();
    for capability in capabilities() {
        if let Some(arguments) = (capability.arguments)(session) {
            // Writing to a buffer in memory cannot fail.
            let _ = write!(lines, "{}{arguments}\r\n", capability.name);
        }
    }
    Ok(Reply::Lines(Text::Capabilities.into(), lines))
}

/// RFC 6856 section 3
async fn lang(session: &mut Session, arguments: &str) -> Result<Reply> {
    use crate::text::Language;
    if arguments.is_empty() {
        let mut lines = BytesMut::new();
        for language in Language::ALL {
            let _ = write!(lines, "{} {}\r\n", language.tag(), language.name());
        }
        return Ok(Reply::Lines(Text::Languages.into(), lines));
    }
    session.language = match arguments {
        "*" => session.service.options.language,
        range => Language::matching(range).ok_or(crate::error::Error::refused(Text::UnknownLanguage))?,
    };
    let status = crate::reply::Status::data(session.language.tag().to_owned());
    Ok(Reply::Status(status.with(Text::LanguageChanged)))
}

fn always(_: &Session) -> Option<String> {
    Some(String::new())
}

/// RFC 5034 section 3
fn sasl(session: &Session) -> Option<String> {
    let mechanisms = session.mechanisms();
    (!mechanisms.is_empty()).then(|| mechanisms.iter().map(|name| format!(" {name}")).collect())
}

/// RFC 2449 section 6.3: announced where USER and PASS would be taken.
fn user(session: &Session) -> Option<String> {
    session.plaintext_allowed().then(String::new)
}

/// RFC 2595 section 4: announced while it can be used.
fn stls(session: &Session) -> Option<String> {
    session.offers_stls().then(String::new)
}

/// RFC 6856 section 2.2: user names and passwords may be UTF-8.
fn utf8(_: &Session) -> Option<String> {
    Some(" USER".to_owned())
}

/// RFC 2449 section 6.9
fn implementation(session: &Session) -> Option<String> {
    session.service.options.implementation.as_ref().map(|text| format!(" {text}"))
}

/// RFC 2449 section 6.7
fn expire(session: &Session) -> Option<String> {
    Some(match session.service.options.expire {
        Expire::Never => " NEVER".to_owned(),
        Expire::Days(days) => format!(" {days}"),
    })
}

/// RFC 2449 section 6.5
fn login_delay(session: &Session) -> Option<String> {
    session.service.options.login_delay.as_ref().map(|delay| format!(" {}", delay.seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_and_capabilities_are_unique() {
        assert!(COMMANDS.windows(2).all(|pair| pair[0].name < pair[1].name));
        // RFC 2449 section 4: keywords have three or four characters.
        assert!(COMMANDS.iter().all(|command| (3..=4).contains(&command.name.len())));
        let mut names: Vec<&str> = capabilities().map(|capability| capability.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn keywords_are_found_in_any_case_and_not_by_their_beginnings() {
        assert_eq!(lookup("rEtR").map(|command| command.name), Some("RETR"));
        assert!(lookup("RET").is_none() && lookup("RETRX").is_none() && lookup("").is_none());
    }
}
