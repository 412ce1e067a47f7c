//! LISTRIGHTS. RFC 4314 section 3.4 and section 3.7

use store::Rights;

use crate::error::Error;
use crate::name;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.space()?;
    let identifier = arguments.utf8_astring()?;
    arguments.end()?;
    if identifier.trim_start_matches('-').is_empty() {
        return Err(Error::bad("The identifier is empty"));
    }
    let place = name::resolve(session.user()?, &name)?;
    place.mailbox()?;
    place.require(Rights::ADMINISTER)?;
    // No right is tied to another, so each stands by itself; nobody is looked up, so nothing is told of who exists.
    let is_owner = identifier.to_lowercase() == place.account.name().as_str();
    let always = if is_owner { Rights::OWNER } else { Rights::NONE };
    let mut out = session.writer();
    out.raw("* LISTRIGHTS ").mailbox(&place.shown).raw(" ").astring(identifier.as_bytes()).raw(" ");
    let always_letters = if is_owner { always.letters() } else { "\"\"".into() };
    out.raw(always_letters);
    for (letter, _) in Rights::each().filter(|(_, right)| !always.contains(*right)) {
        out.raw(" ").show(letter);
    }
    out.crlf();
    Ok(Reply::completed())
}
