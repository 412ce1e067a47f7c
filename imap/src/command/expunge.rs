//! EXPUNGE and UID EXPUNGE. RFC 9051 section 6.4.3, RFC 4315 section 2.1
//!
//! The EXPUNGE or VANISHED responses are what the view tells before the tagged line, as for anyone else's expunge.

use store::{Flags, UidSet};

use crate::command::Numbers;
use crate::error::Error;
use crate::limit;
use crate::name::Rights;
use crate::response::{Code, Reply};
use crate::seqset::SequenceSet;
use crate::session::{Selected, Session};
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
    let limit = session.service.options.message_limit;
    let (selected, _) = session.selected()?;
    selected.require(Rights::EXPUNGE)?;
    let limited = set.map(|set| limit::highest(selected.view.known(), deleted(selected, &set), limit));
    let (uids, cut) = limited.map_or((None, None), |limited| (Some(limited.uids), limited.cut));
    let mailbox = selected.mailbox.clone();
    let expunged = mailbox.expunge(uids.as_ref()).await?;
    // RFC 7162 section 3.2.7
    let reply = match session.enabled.condstore && !expunged.uids.is_empty() {
        true => Reply::code(Code::HighestModSeq(expunged.modseq)),
        false => Reply::completed(),
    };
    Ok(limit::tell(reply, cut, &mut session.writer()))
}

/// The messages of the set that are marked \Deleted: those that count. RFC 9738 section 3.1
fn deleted(selected: &Selected, set: &SequenceSet) -> UidSet {
    let state = selected.view.newest_state();
    let named = selected.view.matching(set, Numbering::Uid);
    let marked = selected.view.rows(&named).filter_map(|(_, row)| state.row(row.uid));
    marked.filter(|row| row.flags.contains(Flags::DELETED)).map(|row| row.uid).collect()
}
