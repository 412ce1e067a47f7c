//! LANGUAGE: in what language the texts of responses are. RFC 5255 section 3

use crate::error::Error;
use crate::language::Language;
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

/// Ranges in one command.
const MOST_RANGES: usize = 100;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let ranges = ranges(arguments)?;
    let Some(first) = ranges.first() else {
        let tags = Language::ALL.map(Language::tag).join(" ");
        session.writer().untagged(format_args!("LANGUAGE ({tags})"));
        return Ok(Reply::text("These languages are spoken here"));
    };
    let known = ranges.iter().find_map(|range| Language::matching(range));
    let language =
        known.ok_or_else(|| Error::no(Code::Cannot, format!("Language {first} is not spoken here")))?;
    session.enabled.language = language;
    session.writer().untagged(format_args!("LANGUAGE ({})", language.tag()));
    if session.user.is_some() {
        // RFC 5255 section 3.4: with what the names of the namespaces are called in that language
        super::namespace::write(session)?;
    }
    Ok(Reply::text("This is the language now"))
}

/// `"LANGUAGE" *(SP lang-range-quoted)`
fn ranges(arguments: &mut Parser<'_>) -> Result<Vec<String>, Error> {
    let mut ranges = Vec::new();
    while arguments.more() {
        ranges.push(arguments.utf8_astring()?.into_owned());
        if ranges.len() > MOST_RANGES {
            return Err(Error::bad(format!("More than {MOST_RANGES} language ranges")));
        }
    }
    arguments.end()?;
    Ok(ranges)
}
