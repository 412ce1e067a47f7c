//! The live view: for a person who watches, one short line for each thing that happens.
//!
//! `20:06:05Z  imap 5  alice@example.test  STATUS  OK  0 ms`

use std::fmt::{self, Write as _};
use std::io::{IsTerminal, Write as _};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::time;

/// Writes to standard error.
pub struct Live {
    colour: bool,
}

impl Live {
    pub fn new() -> Live {
        Live { colour: std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }
}

impl<S> Layer<S> for Live
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut session = Fields::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                session.0.extend(fields.0.iter().cloned());
            }
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = line(*event.metadata().level(), &session, fields, self.colour);
        // Nobody can be told that nobody can be told.
        let _ = writeln!(std::io::stderr().lock(), "{} {line}", time::clock(common::time::now()));
    }
}

/// Names and values in the order they came; a later value of the same name replaces the former.
#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

impl Fields {
    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(other, _)| *other == name)?;
        Some(self.0.remove(index).1)
    }

    fn set(&mut self, field: &Field, value: String) {
        match self.0.iter_mut().find(|(name, _)| *name == field.name()) {
            Some(place) => place.1 = value,
            None => self.0.push((field.name(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }
}

fn line(level: Level, session: &Fields, mut event: Fields, colour: bool) -> String {
    let mut line = String::new();
    if let Some(proto) = session.value("proto") {
        let account = session.value("account").or(event.value("account"));
        let who = account.or(session.value("peer")).unwrap_or_default();
        // Writing to a String cannot fail, here and below.
        let _ = write!(line, "{proto:4} {:<4} {who:<24} ", session.value("sid").unwrap_or_default());
    }
    let message = event.take("message").unwrap_or_default();
    event.0.retain(|(name, value)| !is_said(session, name, value));
    if message == "command" {
        let (command, result) = (event.take("command"), event.take("result"));
        let _ = write!(line, "{} {}", command.unwrap_or_default(), result.unwrap_or_default());
    } else {
        line += &message;
    }
    if message == "connected" && session.value("account").is_none() {
        event.0.clear();
    }
    for (name, value) in &event.0 {
        let _ = match *name {
            "ms" if value == "0" => Ok(()),
            "ms" => write!(line, "  {value} ms"),
            _ => write!(line, "  {name} {value}"),
        };
    }
    paint(level, clean(&line), colour)
}

/// Whether the line's beginning says it already: the session's account, its protocol, the address of its peer.
fn is_said(session: &Fields, name: &str, value: &str) -> bool {
    match (name, session.value("proto")) {
        (_, None) => false,
        ("account", _) => session.value(name).is_none_or(|known| known == value),
        ("protocol", Some(proto)) => proto == value,
        ("peer", _) => session.value(name).is_some_and(|peer| peer.starts_with(value)),
        _ => session.value(name) == Some(value),
    }
}

/// What comes from a client must not speak to the terminal.
fn clean(line: &str) -> String {
    line.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

fn paint(level: Level, line: String, colour: bool) -> String {
    let (code, word) = match level {
        Level::ERROR => ("31", "ERROR "),
        Level::WARN => ("33", "WARNING "),
        Level::INFO => ("1", ""),
        Level::DEBUG | Level::TRACE => ("2", ""),
    };
    if colour { format!("\u{1b}[{code}m{word}{line}\u{1b}[0m") } else { format!("{word}{line}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&'static str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    }

    #[test]
    fn a_command_is_one_short_line() {
        let session =
            fields(&[("proto", "imap"), ("sid", "5"), ("peer", "127.0.0.1:9"), ("account", "alice")]);
        let event = fields(&[("message", "command"), ("command", "STATUS"), ("ms", "3"), ("result", "OK")]);
        let line = line(Level::DEBUG, &session, event, false);
        assert_eq!(line, "imap 5    alice                    STATUS OK  3 ms");
    }

    #[test]
    fn what_the_session_says_is_not_said_twice() {
        let session = fields(&[("proto", "pop3"), ("sid", "1"), ("account", "alice")]);
        let event = fields(&[("message", "login"), ("account", "alice"), ("mechanism", "PLAIN")]);
        assert_eq!(
            line(Level::INFO, &session, event, false),
            "pop3 1    alice                    login  mechanism PLAIN"
        );
    }

    #[test]
    fn who_logs_in_stands_at_the_beginning() {
        let session = fields(&[("proto", "imap"), ("sid", "1"), ("peer", "127.0.0.1:9")]);
        let pairs =
            [("message", "logged in"), ("protocol", "imap"), ("peer", "127.0.0.1"), ("account", "bob")];
        assert_eq!(
            line(Level::INFO, &session, fields(&pairs), false),
            "imap 1    bob                      logged in"
        );
    }

    #[test]
    fn clients_do_not_speak_to_the_terminal() {
        let event = fields(&[("message", "delivered"), ("from", "\u{1b}[2Jx\r\n")]);
        let line = line(Level::INFO, &Fields::default(), event, false);
        assert_eq!(line, "delivered  from \u{fffd}[2Jx\u{fffd}\u{fffd}");
    }
}
