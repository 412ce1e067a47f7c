//! REPLACE and UID REPLACE: a new message in the place of one. RFC 8508
//!
//! - The store does both in one step: the old message goes only with the new one durable.
//! - APPENDUID goes out untagged, then EXISTS, then the EXPUNGE or VANISHED of the old one.

use store::Uid;

use crate::error::Error;
use crate::incoming::Incoming;
use crate::name::{self, Rights};
use crate::response::{Code, Reply};
use crate::seqset::SequenceSet;
use crate::session::Session;
use crate::syntax::Parser;
use crate::view::Expunge;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let number = seq_number(arguments)?;
    arguments.space()?;
    let name = arguments.mailbox()?;
    let mut incoming = Incoming::new(session, arguments);
    let announced = incoming.announced()?;
    let uid = old_message(incoming.session, &number)?;
    let place = name::resolve(incoming.session.user()?, &name)?;
    let target = place.target()?;
    let message = incoming.receive(announced, place.rights).await?;
    if !incoming.ended() {
        // RFC 8508 section 4.2: REPLACE has no form for several messages.
        return Err(Error::bad("Expected the end of the command behind the message"));
    }
    let source = session.selected()?.0.mailbox.clone();
    let replaced = source.replace(uid, &target, message).await;
    let replaced = replaced.map_err(|error| Error::from(error).or_try_create())?;
    let appended = replaced.appended;
    if place.rights.contains(Rights::READ) {
        let code = Code::AppendUid(appended.uid_validity, appended.uids.into_iter().collect());
        session.writer().status(b"*", "OK", Some(&code), "Replacement message ready");
    }
    session.write_updates(Expunge::Last).await?;
    // RFC 7162 section 3.2.7, as for EXPUNGE
    if session.enabled.condstore {
        return Ok(Reply::code(Code::HighestModSeq(replaced.modseq)));
    }
    Ok(Reply::completed())
}

/// `seq-number = nz-number / "*"`
fn seq_number(arguments: &mut Parser<'_>) -> Result<SequenceSet, Error> {
    let text = arguments.take_while(|octet| octet.is_ascii_digit() || octet == b'*');
    SequenceSet::parse(text).ok_or_else(|| arguments.expected("a message number"))
}

/// The message that is to go, if the user may expunge it.
fn old_message(session: &mut Session, number: &SequenceSet) -> Result<Uid, Error> {
    let numbering = session.numbers().numbering();
    let (selected, _) = session.selected()?;
    let found = selected.view.resolve(number, numbering)?;
    let uid = selected.view.rows(&found).map(|(_, row)| row.uid).next();
    let uid = uid.ok_or_else(|| Error::no(Code::NonExistent, "There is no message with this UID"))?;
    // RFC 8508 section 4.1
    selected.require(Rights::DELETE_MESSAGES)?;
    selected.require(Rights::EXPUNGE)?;
    Ok(uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    #[test]
    fn one_number_or_star() {
        let parse = |text: &str| {
            let mut parser = Parser::new(text.as_bytes(), 0, Limits::default());
            seq_number(&mut parser)?;
            parser.space()
        };
        assert!(parse("4 ").is_ok() && parse("* ").is_ok());
        for text in ["", " ", "0 ", "4:5 ", "4,5 ", "** ", "4* ", "x ", "$ "] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
