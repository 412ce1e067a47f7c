//! CANCELUPDATE: changes of results are told no more. RFC 5267 section 4.3.5

use crate::error::Error;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let mut tags = Vec::new();
    loop {
        arguments.space()?;
        tags.push(arguments.quoted()?);
        if arguments.peek().is_none() {
            break;
        }
    }
    arguments.end()?;
    let (selected, _) = session.selected()?;
    for tag in tags {
        selected.view.contexts_mut().cancel(&tag);
    }
    Ok(Reply::text("No further updates"))
}
