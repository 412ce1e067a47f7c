//! COMPRESS. RFC 4978
//!
//! The session switches once the OK is sent, which is the last octet in the clear.

use crate::error::Error;
use crate::response::{After, Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

/// `compress = "COMPRESS" SP algorithm`, `algorithm = "DEFLATE"`
pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let algorithm = arguments.atom()?;
    arguments.end()?;
    if !algorithm.eq_ignore_ascii_case("DEFLATE") {
        return Err(Error::bad("DEFLATE is the only algorithm there is"));
    }
    // RFC 4978 section 3
    if session.stream.is_compressed() {
        return Err(Error::no(Code::CompressionActive, "DEFLATE active already"));
    }
    Ok(Reply { after: After::Compress, ..Reply::text("DEFLATE active") })
}
