//! COPY and UID COPY. RFC 9051 section 6.4.7, RFC 4315 section 3

use store::{Copied, Mailbox, Rights, UidSet};

use crate::error::Error;
use crate::limit;
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let Operands { uids, target, rights } = operands(session, arguments)?;
    let options = &session.service.options;
    let limit = limit::smaller(options.message_limit, options.save_limit);
    limit::refuse(session.selected()?.0.view.known(), &uids, limit)?;
    let (selected, mut progress) = session.selected_with_progress()?;
    let copied = progress.during(selected.mailbox.copy_within(&uids, &target, rights)).await?;
    // A target that was deleted just now can be made again: TRYCREATE.
    let copied = copied.map_err(|error| Error::from(error).or_try_create())?;
    Ok(copy_uid(&copied).map_or_else(Reply::completed, Reply::code))
}

/// Which messages, and where to.
pub(super) struct Operands {
    pub(super) uids: UidSet,
    pub(super) target: Mailbox,
    /// In the target: which flags are kept. RFC 4314 section 4
    pub(super) rights: Rights,
}

/// `SP sequence-set SP mailbox`, for COPY and MOVE.
pub(super) fn operands(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Operands, Error> {
    arguments.space()?;
    let set = super::sequence_set(arguments)?;
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.end()?;
    let numbering = session.numbers().numbering();
    let uids = session.selected()?.0.view.resolve(&set, numbering)?;
    let place = crate::name::resolve(session.user()?, &name)?;
    Ok(Operands { uids, target: place.target()?, rights: place.rights })
}

/// RFC 4315 section 3: no COPYUID where nothing was copied. UIDs are given in the order of the source's, so the two sets
/// correspond.
pub(super) fn copy_uid(copied: &Copied) -> Option<Code> {
    let (from, to): (UidSet, UidSet) =
        (copied.from.iter().copied().collect(), copied.to.iter().copied().collect());
    (!from.is_empty()).then_some(Code::CopyUid(copied.uid_validity, from, to))
}
