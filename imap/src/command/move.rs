//! MOVE and UID MOVE. RFC 6851, RFC 9051 section 6.4.8
//!
//! COPYUID goes out untagged, before the EXPUNGE or VANISHED responses, which are what the view has to tell anyway.

use super::copy::{Operands, copy_uid, operands};
use crate::error::Error;
use crate::limit::{self, Limited};
use crate::name::Rights;
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let Operands { uids, target, rights } = operands(session, arguments)?;
    let limit = session.service.options.message_limit;
    let (selected, mut progress) = session.selected_with_progress()?;
    // RFC 6851 section 4.4: what it needs, beside the right to insert into the target
    selected.require(Rights::DELETE_MESSAGES)?;
    selected.require(Rights::EXPUNGE)?;
    let Limited { uids, cut } = limit::highest(selected.view.known(), uids, limit);
    let moved = progress.during(selected.mailbox.move_within(&uids, &target, rights)).await?;
    let moved = moved.map_err(|error| Error::from(error).or_try_create())?;
    let Some(code) = copy_uid(&moved) else {
        return Ok(limit::tell(Reply::completed(), cut, &mut session.writer()));
    };
    session.writer().status(b"*", "OK", Some(&code), "Moved");
    // RFC 7162 section 3.2.7, which goes for MOVE too (RFC 6851 section 4.1)
    let reply = match session.enabled.qresync {
        true => Reply::code(Code::HighestModSeq(moved.modseq)),
        false => Reply::completed(),
    };
    Ok(limit::tell(reply, cut, &mut session.writer()))
}
