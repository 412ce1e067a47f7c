//! The table of commands and that of extensions: what there is, when it may come, and what LHLO announces.

use std::future::Future;
use std::pin::Pin;

use crate::address;
use crate::data;
use crate::envelope;
use crate::error::{Error, Result};
use crate::reply::{Answer, Reply};
use crate::session::Session;

type Run<'a> = Pin<Box<dyn Future<Output = Result<Answer>> + Send + 'a>>;

/// One command. The session looks it up, checks the order, and runs it with what follows the keyword.
pub(crate) struct Command {
    pub name: &'static str,
    pub when: When,
    /// What announces it in the reply to LHLO.
    pub extension: Option<Extension>,
    pub run: for<'a> fn(&'a mut Session, &'a str) -> Run<'a>,
}

/// RFC 5321 section 4.1.4
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// After LHLO.
    Greeted,
    /// After MAIL.
    Transaction,
}

macro_rules! commands {
    ($($name:literal $when:ident $extension:expr, $run:path;)*) => {
        /// Sorted by name.
        pub(crate) static COMMANDS: &[Command] = &[$(Command {
            name: $name,
            when: When::$when,
            extension: $extension,
            run: |session, arguments| Box::pin($run(session, arguments)),
        }),*];
    };
}

// BDAT comes always: its chunk must be read whatever is wrong.
commands! {
    "BDAT"     Always      extension("CHUNKING", always), data::bdat;
    "DATA"     Transaction None,                          data::data;
    "EHLO"     Always      None,                          not_lmtp;
    "HELO"     Always      None,                          not_lmtp;
    "HELP"     Always      None,                          help;
    "LHLO"     Always      None,                          lhlo;
    "MAIL"     Greeted     extension("SIZE", size),       envelope::mail;
    "NOOP"     Always      None,                          noop;
    "QUIT"     Always      None,                          quit;
    "RCPT"     Transaction None,                          envelope::rcpt;
    "RSET"     Always      None,                          rset;
    "STARTTLS" Greeted     extension("STARTTLS", tls),    starttls;
    "VRFY"     Always      None,                          vrfy;
}

pub(crate) fn lookup(keyword: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name.eq_ignore_ascii_case(keyword))
}

/// One line of the reply to LHLO.
pub(crate) struct Extension {
    name: &'static str,
    /// Its parameter, with a space before it; `None`: not announced now.
    parameter: fn(&Session) -> Option<String>,
}

const fn extension(name: &'static str, parameter: fn(&Session) -> Option<String>) -> Option<Extension> {
    Some(Extension { name, parameter })
}

/// Extensions that add no command.
// RFC 2033 section 5: PIPELINING and ENHANCEDSTATUSCODES are a must, 8BITMIME a should.
static PASSIVE: &[Option<Extension>] = &[
    extension("PIPELINING", always),
    extension("ENHANCEDSTATUSCODES", always),
    extension("8BITMIME", always),
    extension("SMTPUTF8", always),
];

fn extensions() -> impl Iterator<Item = &'static Extension> {
    PASSIVE.iter().chain(COMMANDS.iter().map(|command| &command.extension)).flatten()
}

fn always(_: &Session) -> Option<String> {
    Some(String::new())
}

/// RFC 1870 section 4: 0 is "no fixed limit".
fn size(session: &Session) -> Option<String> {
    Some(format!(" {}", session.service.options.message_limit))
}

fn tls(session: &Session) -> Option<String> {
    session.offers_tls().then(String::new)
}

/// RFC 2033 section 4.1
async fn lhlo(session: &mut Session, arguments: &str) -> Result<Answer> {
    let name = arguments.trim();
    if name.is_empty() || address::domain(name).is_err() {
        return Err(Error::Syntax(Reply::new(
            501,
            "5.5.4",
            "LHLO needs the name of a host or an address literal",
        )));
    }
    session.client = Some(name.to_owned());
    session.transaction = None;
    let mut text = session.service.shared.hostname.to_string();
    for extension in extensions() {
        if let Some(parameter) = (extension.parameter)(session) {
            text = format!("{text}\n{}{parameter}", extension.name);
        }
    }
    Ok(Reply::new(250, "", text).into())
}

/// RFC 2033 section 4.1: "should return a 500 reply"
async fn not_lmtp(_: &mut Session, _: &str) -> Result<Answer> {
    Err(Error::Syntax(Reply::new(500, "5.5.1", "this is LMTP: use LHLO")))
}

/// RFC 5321 section 4.1.1.5
async fn rset(session: &mut Session, arguments: &str) -> Result<Answer> {
    none(arguments)?;
    session.transaction = None;
    Ok(Reply::new(250, "2.0.0", "OK").into())
}

/// RFC 5321 section 4.1.1.9: an argument is ignored.
async fn noop(_: &mut Session, _: &str) -> Result<Answer> {
    Ok(Reply::new(250, "2.0.0", "OK").into())
}

/// RFC 5321 section 7.3: VRFY that tells nothing.
async fn vrfy(_: &mut Session, arguments: &str) -> Result<Answer> {
    if arguments.trim().is_empty() {
        return Err(Error::Syntax(Reply::new(501, "5.5.4", "VRFY needs an address")));
    }
    Ok(Reply::new(252, "2.5.0", "try RCPT").into())
}

/// RFC 5321 section 4.1.1.8
async fn help(_: &mut Session, _: &str) -> Result<Answer> {
    let refused = ["EHLO", "HELO"];
    let names: Vec<&str> =
        COMMANDS.iter().map(|command| command.name).filter(|name| !refused.contains(name)).collect();
    Ok(Reply::new(214, "2.0.0", names.join(" ")).into())
}

/// RFC 5321 section 4.1.1.10
async fn quit(session: &mut Session, arguments: &str) -> Result<Answer> {
    none(arguments)?;
    Ok(Answer::Quit(Reply::new(
        221,
        "2.0.0",
        format!("{} closing connection", session.service.shared.hostname),
    )))
}

/// RFC 3207 section 4
async fn starttls(session: &mut Session, arguments: &str) -> Result<Answer> {
    if !arguments.is_empty() {
        return Err(Error::Syntax(Reply::new(501, "5.5.4", "STARTTLS has no arguments")));
    }
    if !session.offers_tls() {
        return Err(Error::sequence("TLS is not offered here, or in use already"));
    }
    if session.transaction.is_some() {
        return Err(Error::sequence("STARTTLS within a transaction: send RSET first"));
    }
    Ok(Answer::Tls(Reply::new(220, "2.0.0", "begin TLS")))
}

fn none(arguments: &str) -> Result<()> {
    if arguments.is_empty() {
        return Ok(());
    }
    Err(Error::Syntax(Reply::new(501, "5.5.4", "the command has no arguments")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_and_extensions_are_unique() {
        assert!(COMMANDS.windows(2).all(|pair| pair[0].name < pair[1].name));
        let mut names: Vec<&str> = extensions().map(|extension| extension.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(lookup("lhlo").map(|command| command.name), Some("LHLO"));
        assert!(lookup("MAI").is_none());
    }
}
