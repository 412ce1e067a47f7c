//! APPEND, of one message or several. RFC 9051 section 6.3.12, RFC 3502, RFC 4315 section 3
//!
//! Nothing is in the mailbox before the last message has come: then all of them are, or none.

use common::block;

use crate::error::Error;
use crate::incoming::Incoming;
use crate::limit;
use crate::name::{self, Rights};
use crate::response::{Code, Reply};
use crate::session::Session;
use crate::syntax::Parser;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    let mut incoming = Incoming::new(session, arguments);
    let mut announced = incoming.announced()?;
    let place = name::resolve(incoming.session.user()?, &name)?;
    // Before the literal, so that a synchronizing client does not send the message for nothing.
    let mailbox = place.target()?;
    incoming.charge(&place.account);
    let mut shelf = incoming.session.service.store.shelf();
    let mut messages = Vec::new();
    let options = &incoming.session.service.options;
    let limit = limit::smaller(options.message_limit, options.save_limit);
    loop {
        let mut message = incoming.receive(announced, place.rights).await?;
        let is_only = messages.is_empty() && incoming.ended();
        if !is_only {
            message.staged = block(|| shelf.put(message.staged))?;
        }
        messages.push(message);
        if incoming.ended() {
            break;
        }
        // RFC 9738 section 3.1
        if limit > 0 && messages.len() as u64 >= u64::from(limit) {
            return Err(limit::too_many(limit, None));
        }
        announced = incoming.announced()?;
    }
    let appended = mailbox.append(messages).await.map_err(|error| Error::from(error).or_try_create())?;
    if !place.rights.contains(Rights::READ) {
        // RFC 4315 section 3: UIDs are not told to those who cannot select the mailbox.
        return Ok(Reply::completed());
    }
    Ok(Reply::code(Code::AppendUid(appended.uid_validity, appended.uids.into_iter().collect())))
}
