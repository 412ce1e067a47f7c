//! GETQUOTA. RFC 9208 section 4.1.1

use crate::error::Error;
use crate::quota;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let root = arguments.utf8_astring()?;
    arguments.end()?;
    let account = quota::account(session, &root)?;
    if !quota::is_limited(&account)? {
        return Err(quota::no_root());
    }
    quota::write(session, &account)?;
    Ok(Reply::completed())
}
