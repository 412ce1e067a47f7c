//! GETQUOTAROOT. RFC 9208 section 4.1.2
//!
//! The mailbox need not exist: the answer is what would hold for it. In another's account its right is needed, and what
//! is absent there is answered as what is not allowed. RFC 9208 section 6

use crate::error::Error;
use crate::name::{self, Rights};
use crate::quota;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    arguments.end()?;
    let place = name::resolve(session.user()?, &name)?;
    if place.account.id() != session.user()?.account.id() {
        place.mailbox()?;
    }
    place.require(Rights::READ)?;
    let root = quota::is_limited(&place.account)?.then(|| quota::root(&place.account));
    let mut out = session.writer();
    out.raw("* QUOTAROOT ").mailbox(&place.shown);
    if let Some(root) = root {
        out.raw(" ").string(root.as_bytes());
    }
    out.crlf();
    quota::write(session, &place.account)?;
    Ok(Reply::completed())
}
