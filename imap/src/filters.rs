//! Named searches: annotations of the server under `/private/filters/values/` and `/shared/filters/values/`. RFC 5466
//!
//! A user's own filter goes before the shared one of the same name.

use common::block;

use crate::error::Error;
use crate::response::Code;
use crate::session::Session;
use crate::syntax::is_atom_char;

/// The search criteria that the filter stands for. NO [UNDEFINED-FILTER] when there is none. RFC 5466 section 3.1
#[expect(dead_code, reason = "for the search key FILTER")]
pub fn find(session: &Session, name: &str) -> Result<String, Error> {
    let known = if is_name(name) { look_up(session, &name.to_ascii_lowercase())? } else { None };
    let text = known.and_then(|value| String::from_utf8(value).ok());
    text.ok_or_else(|| undefined(name))
}

/// Also what a filter that refers to itself, or to no end, is answered.
pub fn undefined(name: &str) -> Error {
    let shown: String = name.chars().filter(|c| u8::try_from(*c).is_ok_and(is_atom_char)).collect();
    let text = format!(
        "There is no filter {shown}; store it with SETMETADATA \"\" (/private/filters/values/{shown} ...)"
    );
    Error::no(Code::UndefinedFilter(shown), text)
}

fn look_up(session: &Session, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let account = &session.user()?.account;
    let own = block(|| account.metadata(None, account.id()))?;
    let shared = block(|| session.service.store.directory().metadata())?;
    let value = |entries: store::Metadata, entry: String| {
        entries.into_iter().find(|(name, _)| *name == entry).map(|(_, value)| value)
    };
    let private = value(own, format!("/private/filters/values/{name}"));
    Ok(private.or_else(|| value(shared, format!("/shared/filters/values/{name}"))))
}

/// `filter-name = 1*<any ATOM-CHAR except "/">`
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| is_atom_char(c) && c != b'/')
}
