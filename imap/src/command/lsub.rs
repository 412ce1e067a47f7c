//! LSUB. RFC 3501 section 6.3.9

use common::block;

use crate::error::Error;
use crate::hierarchy::Hierarchy;
use crate::pattern::Patterns;
use crate::response::Reply;
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let reference = arguments.mailbox()?;
    arguments.space()?;
    let pattern = arguments.list_mailbox()?;
    arguments.end()?;
    let account = session.user()?.account.clone();
    let listed = block(|| {
        let hierarchy = Hierarchy::new(Vec::new(), account.subscriptions()?);
        let pattern = format!("{reference}{pattern}");
        Ok::<_, Error>(hierarchy.subscribed(&Patterns::new([pattern.as_str()])))
    })?;
    for one in &listed {
        // \Noselect says that only names below are subscribed.
        let attributes = if one.subscribed { "" } else { "\\Noselect" };
        session.writer().raw("* LSUB (").raw(attributes).raw(") \"/\" ").mailbox(&one.name).crlf();
        session.flush_batch().await?;
    }
    Ok(Reply::completed())
}
