//! GETACL. RFC 4314 section 3.3

use common::block;
use store::{Acl, Rights, Subject};

use crate::error::Error;
use crate::name::Place;
use crate::response::Reply;
use crate::session::{Session, User};
use crate::syntax::Parser;
use crate::{identifier, name};

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.end()?;
    let user = session.user()?;
    let place = name::resolve(user, &name)?;
    let mailbox = place.mailbox()?;
    place.require(Rights::ADMINISTER)?;
    let entries = block(|| {
        let acl = mailbox.acl()?;
        entries(user, &place, acl.as_deref())
    })?;
    let mut out = session.writer();
    out.raw("* ACL ").mailbox(&place.shown);
    for (identifier, rights) in &entries {
        // IMAPClient 4.1.0 takes a quoted identifier with its quotes.
        out.raw(" ").astring(identifier.as_bytes()).raw(" ").raw(rights.letters());
    }
    out.crlf();
    Ok(Reply::completed())
}

/// Identifiers and rights, the owner's first. Who was deleted is left out: nobody is ever him again.
fn entries(user: &User, place: &Place, acl: Option<&Acl>) -> Result<Vec<(String, Rights)>, Error> {
    let default = user.sharing().default_acl(place.account.name());
    let acl = acl.unwrap_or(&default);
    let owner = Subject::User(place.account.id());
    let mut shown = Vec::new();
    if acl.entry(owner, false).is_none() {
        shown.push((place.account.name().to_string(), Rights::ALL));
    }
    for entry in acl.entries() {
        let name = identifier::show(user.service.store.directory(), entry.subject, entry.negative)?;
        let is_owner = entry.subject == owner && !entry.negative;
        let rights = if is_owner { entry.rights.with(Rights::OWNER) } else { entry.rights };
        shown.extend(name.map(|name| (name, rights)));
    }
    Ok(shown)
}
