//! LIST responses that IMAP4rev2 sends unasked: the name of what SELECT opened, and names that are not what the client
//! wrote. RFC 9051 section 6.3.2 and section 6.3.9.7
//!
//! Nothing is sent to clients that have not enabled IMAP4rev2: they do not expect it.

use common::block;

use super::list::write_unasked;
use crate::error::Error;
use crate::hierarchy::{Hierarchy, Listed, Selection};
use crate::name::{Place, Rights};
use crate::pattern::Patterns;
use crate::session::{Session, User};
use crate::sharing;

/// SELECT and EXAMINE: the mailbox with its attributes. RFC 9051 section 6.3.2
pub fn selected(session: &mut Session, place: &Place, asked: &str) -> Result<(), Error> {
    let old = (asked != place.shown.as_str()).then_some(asked);
    write(session, place, old)
}

/// RENAME: the new name and the old one.
pub fn renamed(session: &mut Session, place: &Place, old: &str) -> Result<(), Error> {
    write(session, place, Some(old))
}

/// CREATE and DELETE: only when the name was written otherwise than it is.
pub fn normalized(session: &mut Session, place: &Place, asked: &str) -> Result<(), Error> {
    if asked == place.shown.as_str() { Ok(()) } else { write(session, place, Some(asked)) }
}

fn write(session: &mut Session, place: &Place, old: Option<&str>) -> Result<(), Error> {
    if !session.enabled.rev2 {
        return Ok(());
    }
    let user = session.user()?;
    let listed = block(|| listed(user, place))?;
    write_unasked(&mut session.writer(), &listed, old);
    Ok(())
}

/// What LIST knows of the name, which may exist no more.
fn listed(user: &User, place: &Place) -> Result<Listed, Error> {
    // A mailbox name has no wildcards.
    let patterns = Patterns::new([place.shown.as_str()]);
    let hierarchy = Hierarchy::new(sharing::visible(user, &patterns)?, Vec::new());
    let mut found = hierarchy.list(&patterns, Selection::default());
    let nonexistent = || Listed {
        name: place.shown.clone(),
        info: None,
        rights: Rights::NONE,
        subscribed: false,
        has_children: false,
        child_info: false,
    };
    Ok(found.pop().unwrap_or_else(nonexistent))
}
