//! How many messages one command may be about. RFC 9738
//!
//! A command that may do a part of its work does it on the messages with the highest UIDs and tells the lowest of them;
//! one that does all or nothing is refused.

use store::{Uid, UidSet};

use crate::error::Error;
use crate::response::{Code, Reply, Writer};
use crate::view::Known;

/// The messages that a command works on.
pub struct Limited {
    pub uids: UidSet,
    /// `Some` where others are left out: what the client is told.
    pub cut: Option<Code>,
}

/// Of these messages those with the highest UIDs; a limit of 0 is none.
pub fn highest(view: &Known, uids: UidSet, limit: u32) -> Limited {
    let Some(lowest) = lowest(view, &uids, limit) else { return Limited { uids, cut: None } };
    let uids = uids.intersection(&UidSet::from_ranges([lowest.0..=u32::MAX]));
    Limited { uids, cut: Some(Code::MessageLimit(limit, Some(lowest))) }
}

/// NO where there are more messages than that. RFC 9738 section 3.1
pub fn refuse(view: &Known, uids: &UidSet, limit: u32) -> Result<(), Error> {
    match lowest(view, uids, limit) {
        None => Ok(()),
        Some(lowest) => Err(too_many(limit, Some(lowest))),
    }
}

/// NO, with the code.
pub fn too_many(limit: u32, lowest: Option<Uid>) -> Error {
    let text = format!("More than {limit} messages in one command; name fewer of them");
    Error::no(Code::MessageLimit(limit, lowest), text)
}

/// The smaller of two limits of which 0 is none.
pub fn smaller(one: u32, other: u32) -> u32 {
    if one == 0 || other == 0 { one.max(other) } else { one.min(other) }
}

/// The lowest UID that is within the limit, where some are not.
fn lowest(view: &Known, uids: &UidSet, limit: u32) -> Option<Uid> {
    let count: usize = view.positions(uids).map(|range| range.len()).sum();
    let beyond = count.checked_sub(usize::try_from(limit).ok()?).filter(|&beyond| limit > 0 && beyond > 0)?;
    let index = view.positions(uids).flatten().nth(beyond)?;
    view.at(index).map(|(_, row)| row.uid)
}

/// Tells that a part was left out: in the tagged OK, or before it where that has a code already. RFC 9738 section 3.2
pub fn tell(reply: Reply, cut: Option<Code>, out: &mut Writer<'_>) -> Reply {
    const TEXT: &str = "Only a part of the messages was worked on";
    match (cut, reply.code) {
        (None, code) => Reply { code, ..reply },
        (Some(cut), None) => Reply { code: Some(cut), text: TEXT.into(), ..reply },
        (Some(cut), code) => {
            out.status(b"*", "NO", Some(&cut), TEXT);
            Reply { code, ..reply }
        }
    }
}
