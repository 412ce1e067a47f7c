//! REPLACE (RFC 8508): a new message in, the old one out, in one step.

use super::append::{Kept, Prepared};
use super::copy::Place;
use super::{Target, expunge, rows_of};
use crate::batch::Batch;
use crate::*;

/// Puts the message into `to` and expunges `uid` of `from`, flag or no flag. [`Error::Expunged`] when it is there no more.
pub(crate) fn replace(
    batch: &mut Batch<'_>,
    from: Place,
    uid: Uid,
    to: Place,
    message: &NewMessage,
) -> Result<Replaced> {
    let old = old_message(batch, from, uid)?;
    // Within the account the room of the old message is there for the new one.
    let freed = (from.0 == to.0).then_some(old);
    let appended = Prepared::new(batch, to, std::slice::from_ref(message), freed)?
        .insert(batch, &mut |_| Kept::default())?;
    let uids = UidSet::from_ranges([uid.0..=uid.0]);
    let expunged = expunge::remove(batch, from.0, from.1, &uids, true)?;
    Ok(Replaced { appended, modseq: expunged.modseq })
}

/// The size of the message that is to go.
fn old_message(batch: &mut Batch<'_>, place: Place, uid: Uid) -> Result<u64> {
    let source = Target::open(batch, place.0, place.1)?;
    let rows = rows_of(batch, place.1, &UidSet::from_ranges([uid.0..=uid.0]))?;
    let row = rows.first().ok_or(Error::Expunged)?;
    Ok(source.message(batch, row.uid)?.size)
}
