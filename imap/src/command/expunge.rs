//! EXPUNGE and UID EXPUNGE. RFC 9051 section 6.4.3, RFC 4315 section 2.1
//!
//! The EXPUNGE or VANISHED responses are what the view tells before the tagged line, as for anyone else's expunge.

use crate::command::Numbers;
use crate::error::Error;
use crate::name::Rights;
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;
use crate::view::Numbering;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let set = match session.numbers() {
        Numbers::Uid => {
            arguments.space()?;
            Some(super::sequence_set(arguments)?)
        }
        Numbers::None | Numbers::Seq => None,
    };
    arguments.end()?;
    let (selected, _) = session.selected()?;
    selected.require(Rights::EXPUNGE)?;
    let uids = set.map(|set| selected.view.matching(&set, Numbering::Uid));
    let mailbox = selected.mailbox.clone();
    let expunged = mailbox.expunge(uids.as_ref()).await?;
    // RFC 7162 section 3.2.7
    if session.enabled.condstore && !expunged.uids.is_empty() {
        return Ok(Reply::code(Code::HighestModSeq(expunged.modseq)));
    }
    Ok(Reply::completed())
}
