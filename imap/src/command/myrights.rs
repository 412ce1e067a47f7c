//! MYRIGHTS. RFC 4314 section 3.5

use crate::error::Error;
use crate::name;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.end()?;
    let place = name::resolve(session.user()?, &name)?;
    // Whoever may know of the mailbox may know his rights in it; to all others it does not exist. RFC 4314 section 4
    place.mailbox()?;
    let letters = place.rights.letters();
    session.writer().raw("* MYRIGHTS ").mailbox(&place.shown).raw(" ").raw(letters).crlf();
    Ok(Reply::completed())
}
