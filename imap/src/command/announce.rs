//! LIST responses that IMAP4rev2 sends unasked: the name of what SELECT opened, and names that are not what the client
//! wrote. RFC 9051 section 6.3.2 and section 6.3.9.7
//!
//! Nothing is sent to clients that have not enabled IMAP4rev2: they do not expect it.

use common::block;

use super::list::write_unasked;
use crate::error::Error;
use crate::hierarchy::{Hierarchy, Listed, Selection};
use crate::name::Place;
use crate::pattern::Patterns;
use crate::session::Session;

/// SELECT and EXAMINE: the mailbox with its attributes. RFC 9051 section 6.3.2
pub fn selected(session: &mut Session, place: &Place, asked: &str) -> Result<(), Error> {
    let old = (asked != place.name.as_str()).then_some(asked);
    write(session, place, old)
}

/// RENAME: the new name and the old one.
pub fn renamed(session: &mut Session, place: &Place, old: &str) -> Result<(), Error> {
    write(session, place, Some(old))
}

/// CREATE and DELETE: only when the name was written otherwise than it is.
pub fn normalized(session: &mut Session, place: &Place, asked: &str) -> Result<(), Error> {
    if asked == place.name.as_str() { Ok(()) } else { write(session, place, Some(asked)) }
}

fn write(session: &mut Session, place: &Place, old: Option<&str>) -> Result<(), Error> {
    if !session.enabled.rev2 {
        return Ok(());
    }
    let listed = block(|| listed(place))?;
    write_unasked(&mut session.writer(), &listed, old);
    Ok(())
}

/// What LIST knows of the name, which may exist no more.
fn listed(place: &Place) -> Result<Listed, Error> {
    let hierarchy = Hierarchy::new(place.account.mailboxes()?, Vec::new());
    // A mailbox name has no wildcards.
    let mut found = hierarchy.list(&Patterns::new([place.name.as_str()]), Selection::default());
    let nonexistent = || Listed {
        name: place.name.clone(),
        info: None,
        subscribed: false,
        has_children: false,
        child_info: false,
    };
    Ok(found.pop().unwrap_or_else(nonexistent))
}
