//! Named searches: annotations of the server under `/private/filters/values/` and `/shared/filters/values/`. RFC 5466
//!
//! A user's own filter goes before the shared one of the same name. Filters may refer to others; how deep and how many is
//! limited, so that neither a loop nor a pyramid of them costs more than a long command.

use common::block;

use crate::error::Error;
use crate::response::Code;
use crate::search::key::Key;
use crate::search::parse::{Context, parse_list};
use crate::session::Session;
use crate::syntax::{Limits, Parser, is_atom_char};

/// Where values are kept.
const VALUES: [&str; 2] = ["/private/filters/values/", "/shared/filters/values/"];
/// RFC 5466 section 3.1: "at least 3 substitution passes"; what goes deeper is taken for a loop.
const DEEPEST: usize = 10;
/// Filters inserted into one command, those that filters insert counted.
const MOST: usize = 100;

/// Gives the value of a filter.
type Find<'a> = &'a dyn Fn(&str) -> Result<String, Error>;

/// Where filters are found, and how many of them a command has had so far.
#[derive(Default)]
pub struct Filters<'a> {
    /// `None` where only syntax is looked at: every filter stands for something.
    find: Option<Find<'a>>,
    depth: usize,
    inserted: usize,
}

impl<'a> Filters<'a> {
    pub fn found_by(find: Find<'a>) -> Filters<'a> {
        Filters { find: Some(find), ..Filters::default() }
    }

    fn enter(&mut self, name: &str) -> Result<(), Error> {
        self.inserted += 1;
        if self.inserted > MOST {
            let text = format!("More than {MOST} filters in one search, filters within filters counted");
            return Err(Error::no(Code::Limit, text));
        }
        // "If an implementation detects a loop [...] it MUST behave as if the specified filter doesn't exist"
        if self.depth == DEEPEST {
            return Err(undefined(name));
        }
        self.depth += 1;
        Ok(())
    }
}

/// The keys that stand for the filter in a command that is `nested` keys deep already. RFC 5466 section 3.1
pub fn expand(
    name: &str,
    parser: &Parser<'_>,
    context: &mut Context<'_>,
    nested: usize,
) -> Result<Vec<Key>, Error> {
    let Some(find) = context.filters.find else { return Ok(vec![Key::all()]) };
    context.filters.enter(name)?;
    let value = find(name)?;
    let nesting = context.nesting;
    context.nesting = nesting.saturating_sub(nested);
    let keys = parse_list(&mut parser.over(value.as_bytes()), context);
    context.nesting = nesting;
    context.filters.depth -= 1;
    keys.map_err(|error| match error {
        // The command is right; what is stored is not, or not in what the client has enabled since.
        Error::Bad(reason) => {
            Error::no(Code::UndefinedFilter(shown(name)), format!("The filter {}: {reason}", shown(name)))
        }
        other => other,
    })
}

/// What is stored as a filter is one: its name, and search criteria in UTF-8. RFC 5466 section 3.2
pub fn check(entry: &str, value: &[u8], limits: Limits) -> Result<(), Error> {
    let Some(name) = VALUES.iter().find_map(|prefix| entry.strip_prefix(prefix)) else { return Ok(()) };
    if !is_name(name) {
        let text = "A filter's name has no /, no blank and nothing else that an atom cannot have";
        return Err(Error::no(Code::Cannot, text));
    }
    let refused =
        |reason: &str| Error::no(Code::Cannot, format!("The filter {name} is no search criteria: {reason}"));
    let text = std::str::from_utf8(value).map_err(|_| refused("not UTF-8"))?;
    let mut context = Context { nesting: limits.nesting, ..Context::default() };
    match parse_list(&mut Parser::new(text.as_bytes(), 0, limits), &mut context) {
        Ok(_) => Ok(()),
        Err(Error::Bad(reason)) => Err(refused(reason.as_ref())),
        Err(other) => Err(other),
    }
}

/// The search criteria that the filter stands for. NO [UNDEFINED-FILTER] when there is none. RFC 5466 section 3.1
pub fn find(session: &Session, name: &str) -> Result<String, Error> {
    let value = look_up(session, &name.to_ascii_lowercase())?;
    value.and_then(|value| String::from_utf8(value).ok()).ok_or_else(|| undefined(name))
}

/// Also what a filter that refers to itself, or to no end, is answered.
fn undefined(name: &str) -> Error {
    let shown = shown(name);
    let text = format!(
        "There is no filter {shown}; store it with SETMETADATA \"\" (/private/filters/values/{shown} ...)"
    );
    Error::no(Code::UndefinedFilter(shown), text)
}

fn shown(name: &str) -> String {
    name.chars().filter(|&c| u8::try_from(c).is_ok_and(is_name_char)).collect()
}

fn look_up(session: &Session, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let account = &session.user()?.account;
    let own = block(|| account.metadata(None, account.id()))?;
    let shared = block(|| session.service.store.directory().metadata())?;
    let value = |entries: store::Metadata, entry: String| {
        entries.into_iter().find(|(name, _)| *name == entry).map(|(_, value)| value)
    };
    let private = value(own, format!("{}{name}", VALUES[0]));
    Ok(private.or_else(|| value(shared, format!("{}{name}", VALUES[1]))))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(is_name_char)
}

/// `filter-name = 1*<any ATOM-CHAR except "/">`. RFC 5466 section 4
pub fn is_name_char(octet: u8) -> bool {
    octet != b'/' && is_atom_char(octet)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(name: &str) -> Result<String, Error> {
        match name.split_at(1) {
            ("a", "") => Ok("SEEN FLAGGED".into()),
            ("b", "") => Ok("OR SMALLER".into()),
            ("c", "") => Ok("FILTER c".into()),
            ("d", "") => Ok("FILTER e0 FILTER e0".into()),
            // Each twice the next one.
            ("e", n) => {
                let next = n.parse::<usize>().unwrap() + 1;
                Ok(if next == 9 { "ALL".into() } else { format!("FILTER e{next} FILTER e{next}") })
            }
            ("f", "4") => Ok("DELETED".into()),
            ("f", n) => Ok(format!("FILTER f{}", n.parse::<usize>().unwrap() + 1)),
            _ => Err(undefined(name)),
        }
    }

    fn parsed(text: &str) -> Result<Vec<Key>, Error> {
        let filters = Filters::found_by(&stored);
        let mut context = Context { nesting: 20, filters, ..Context::default() };
        parse_list(&mut Parser::new(text.as_bytes(), 0, Limits::default()), &mut context)
    }

    fn plain(text: &str) -> Vec<Key> {
        parsed(text).unwrap()
    }

    // RFC 5466 section 3.1: "inserted verbatim"
    #[test]
    fn stands_for_its_keys() {
        assert_eq!(plain("DRAFT FILTER a LARGER 5"), plain("DRAFT SEEN FLAGGED LARGER 5"));
        assert_eq!(plain("NOT FILTER a"), plain("NOT SEEN FLAGGED"));
        assert_eq!(plain("OR FILTER a DRAFT"), plain("OR SEEN FLAGGED DRAFT"));
        assert_eq!(plain("NOT (FILTER a)"), plain("NOT (SEEN FLAGGED)"));
        assert_eq!(plain("filter f1"), plain("DELETED"));
    }

    #[test]
    fn loops_and_pyramids_end() {
        let code = |text| match parsed(text) {
            Err(Error::No { code, .. }) => code,
            other => panic!("{other:?}"),
        };
        assert_eq!(code("FILTER c"), Some(Code::UndefinedFilter("c".into())));
        assert_eq!(code("FILTER x"), Some(Code::UndefinedFilter("x".into())));
        assert_eq!(code("FILTER b"), Some(Code::UndefinedFilter("b".into())));
        assert_eq!(code("FILTER d"), Some(Code::Limit));
    }

    #[test]
    fn what_is_stored() {
        let checked = |entry: &str, value: &[u8]| check(entry, value, Limits::default()).is_ok();
        assert!(checked(
            "/private/filters/values/on-the-road",
            br#"OR SMALLER 5000 FROM "boss@example.com""#
        ));
        assert!(checked("/shared/filters/values/x", b"FILTER not-yet-there"));
        assert!(checked("/private/comment", b"\xff"));
        assert!(checked("/private/filters/descriptions/x", b"OR"));
        for (entry, value) in [
            ("/private/filters/values/x", &b"OR SMALLER"[..]),
            ("/private/filters/values/x", b""),
            ("/private/filters/values/x", b"SUBJECT \"\xff\""),
            ("/shared/filters/values/x/y", b"ALL"),
            ("/shared/filters/values/", b"ALL"),
        ] {
            assert!(!checked(entry, value), "{entry} {value:?}");
        }
    }
}
