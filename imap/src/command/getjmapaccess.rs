//! GETJMAPACCESS. RFC 9698 section 4

use crate::error::Error;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.end()?;
    let url = session.service.options.jmap_url.clone();
    if url.is_empty() {
        // Not announced, so as unknown as any other word.
        return Err(Error::bad("Unknown command GETJMAPACCESS"));
    }
    session.writer().raw("* JMAPACCESS ").string(url.as_bytes()).crlf();
    Ok(Reply::completed())
}
