//! The commands of the TRANSACTION state, and QUIT, which enters the UPDATE state.

use common::block;

use crate::download::Download;
use crate::error::{Code, Error, Result};
use crate::maildrop::{MessageNumber, decimal};
use crate::reply::{Listing, Reply, Status};
use crate::session::{Session, State};
use crate::text::Text;

/// RFC 1939 section 5
pub(crate) async fn stat(session: &mut Session, arguments: &str) -> Result<Reply> {
    none(arguments)?;
    let (count, octets) = session.maildrop()?.snapshot().totals();
    Ok(Reply::Status(Status::data(format!("{count} {octets}"))))
}

/// RFC 1939 section 5
pub(crate) async fn list(session: &mut Session, arguments: &str) -> Result<Reply> {
    let drop = session.maildrop()?.snapshot();
    if arguments.is_empty() {
        let (count, octets) = drop.totals();
        let status = Status::data(format!("{count} {octets}")).with(Text::Octets);
        return Ok(Reply::Listing(status, Listing::Sizes));
    }
    let number = drop.number(arguments)?;
    Ok(Reply::Status(Status::data(format!("{number} {}", drop.size(number)))))
}

/// RFC 1939 section 7
pub(crate) async fn uidl(session: &mut Session, arguments: &str) -> Result<Reply> {
    let drop = session.maildrop()?.snapshot();
    if arguments.is_empty() {
        let status = Status::data(drop.totals().0.to_string()).with(Text::Messages);
        return Ok(Reply::Listing(status, Listing::UniqueIds));
    }
    let number = drop.number(arguments)?;
    Ok(Reply::Status(Status::data(format!("{number} {}", drop.unique_id(number)))))
}

/// RFC 1939 section 5
pub(crate) async fn retr(session: &mut Session, arguments: &str) -> Result<Reply> {
    let number = session.maildrop()?.snapshot().number(arguments)?;
    download(session, number, None)
}

/// RFC 1939 section 7
pub(crate) async fn top(session: &mut Session, arguments: &str) -> Result<Reply> {
    let (message, lines) = arguments.split_once(' ').ok_or(Error::Syntax(Text::Syntax))?;
    let number = session.maildrop()?.snapshot().number(message)?;
    download(session, number, Some(decimal(lines.trim_start())?))
}

fn download(session: &mut Session, number: MessageNumber, lines: Option<u64>) -> Result<Reply> {
    let utf8 = session.utf8;
    let maildrop = session.maildrop()?;
    let download = block(|| Ok::<_, Error>(Download::open(&maildrop.message(number)?, lines, utf8)?))?;
    let status = match lines {
        None => Status::data(maildrop.snapshot().size(number).to_string()).with(Text::Octets),
        Some(_) => Status::default(),
    };
    Ok(Reply::Message(status, Box::new(download)))
}

/// RFC 1939 section 5
pub(crate) async fn dele(session: &mut Session, arguments: &str) -> Result<Reply> {
    let maildrop = session.maildrop()?;
    let number = maildrop.snapshot().number(arguments)?;
    maildrop.delete(number);
    Ok(Text::Deleted.into())
}

/// RFC 1939 section 5
pub(crate) async fn rset(session: &mut Session, arguments: &str) -> Result<Reply> {
    none(arguments)?;
    session.maildrop()?.reset();
    Ok(Text::Reset.into())
}

/// RFC 1939 section 5
pub(crate) async fn noop(_: &mut Session, arguments: &str) -> Result<Reply> {
    none(arguments)?;
    Ok(Reply::Status(Status::default()))
}

/// RFC 1939 section 6: the UPDATE state, the only place where messages are removed.
pub(crate) async fn quit(session: &mut Session, arguments: &str) -> Result<Reply> {
    none(arguments)?;
    if let State::Transaction(maildrop) = &session.state {
        session.removed = maildrop.update().await.map_err(not_removed)?;
    }
    Ok(Reply::Quit(Text::Goodbye.into()))
}

/// The session ends in any case; the client learns that its messages are still there.
fn not_removed(error: Error) -> Error {
    if let Error::Store { source, .. } = error {
        tracing::error!(error = %source, "deleted messages could not be removed");
    }
    Error::Close { code: Some(Code::SysTemp), text: Text::NotRemoved }
}

fn none(arguments: &str) -> Result<()> {
    if arguments.is_empty() { Ok(()) } else { Err(Error::Syntax(Text::Syntax)) }
}
