//! COPY and UID COPY. RFC 9051 section 6.4.7, RFC 4315 section 3

use store::{Copied, Mailbox, UidSet};

use crate::error::Error;
use crate::limit;
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let (uids, target) = operands(session, arguments)?;
    let options = &session.service.options;
    let limit = limit::smaller(options.message_limit, options.save_limit);
    limit::refuse(session.selected()?.0.view.known(), &uids, limit)?;
    let source = session.selected()?.0.mailbox.clone();
    // A target that was deleted just now can be made again: TRYCREATE.
    let copied = source.copy_to(&uids, &target).await.map_err(|error| Error::from(error).or_try_create())?;
    Ok(copy_uid(&copied).map_or_else(Reply::completed, Reply::code))
}

/// `SP sequence-set SP mailbox`, for COPY and MOVE: which messages, and where to.
pub(super) fn operands(
    session: &mut Session,
    arguments: &mut Parser<'_>,
) -> Result<(UidSet, Mailbox), Error> {
    arguments.space()?;
    let set = super::sequence_set(arguments)?;
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.end()?;
    let numbering = session.numbers().numbering();
    let uids = session.selected()?.0.view.resolve(&set, numbering)?;
    let target = crate::name::resolve(session.user()?, &name)?.target()?;
    Ok((uids, target))
}

/// RFC 4315 section 3: no COPYUID where nothing was copied. UIDs are given in the order of the source's, so the two sets
/// correspond.
pub(super) fn copy_uid(copied: &Copied) -> Option<Code> {
    let (from, to): (UidSet, UidSet) =
        (copied.from.iter().copied().collect(), copied.to.iter().copied().collect());
    (!from.is_empty()).then_some(Code::CopyUid(copied.uid_validity, from, to))
}
