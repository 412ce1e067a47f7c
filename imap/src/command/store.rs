//! STORE and UID STORE. RFC 9051 section 6.4.6, RFC 7162 section 3.1.3

use store::{Flags, FlagsOperation, ModSeq, StoreFlags, Stored, UidSet};

use crate::error::Error;
use crate::limit::{self, Limited};
use crate::name::Rights;
use crate::response::{Code, Reply};
use crate::seqset::SequenceSet;
use crate::session::{Selected, Session};
use crate::syntax::{FlagList, Parser};
use crate::view::{Numbering, Own, Report};

struct Store {
    set: SequenceSet,
    change: StoreFlags,
    silent: bool,
}

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let Store { set, change, silent } = parse(arguments)?;
    let numbering = session.numbers().numbering();
    if change.unchanged_since.is_some() {
        session.enable_condstore();
    }
    let (enabled, limit) = (session.enabled, session.service.options.message_limit);
    let (selected, stream) = session.selected()?;
    let permitted = permitted(selected, &change)?;
    let uids = selected.view.resolve(&set, numbering)?;
    let Limited { uids, cut } = limit::highest(selected.view.known(), uids, limit);
    let conditional = change.unchanged_since.is_some();
    // A client that was given less than it asked for must see what became of it.
    let is_whole = permitted.flags == change.flags && permitted.keywords.len() == change.keywords.len();
    let report = if silent && is_whole { Report::Silent { conditional } } else { Report::Flags };
    let mut rest = Rest::default();
    for uids in selected.view.parts(&uids, AT_ONCE) {
        let stored = store(selected, &uids, &permitted).await?;
        let own = Own { uids: &uids, change: &change, stored: &stored, report };
        let updates = selected.view.stored(&own, enabled);
        let updates = if numbering == Numbering::Uid { updates.with_uids() } else { updates };
        updates.send(stream).await?;
        rest.add(stored);
    }
    let reply = reply(selected, &rest, numbering)?;
    Ok(limit::tell(reply, cut, &mut session.writer()))
}

/// Messages that one verb changes: the writer does other things between two of them. STORE need not be atomic.
const AT_ONCE: usize = 10_000;

/// What was not changed.
#[derive(Default)]
struct Rest {
    modified: UidSet,
    missing: UidSet,
}

impl Rest {
    fn add(&mut self, stored: Stored) {
        self.modified = self.modified.union(&stored.modified);
        self.missing = self.missing.union(&stored.missing);
    }
}

/// `SP sequence-set [store-modifiers] SP store-att-flags`
fn parse(arguments: &mut Parser<'_>) -> Result<Store, Error> {
    arguments.space()?;
    let set = super::sequence_set(arguments)?;
    arguments.space()?;
    let unchanged_since = parse_modifiers(arguments)?;
    let (operation, silent) = parse_item(arguments)?;
    arguments.space()?;
    let FlagList { flags, keywords } = parse_flags(arguments)?;
    arguments.end()?;
    Ok(Store { set, change: StoreFlags { operation, flags, keywords, unchanged_since }, silent })
}

/// `"(" store-modifier *(SP store-modifier) ")" SP`, of which UNCHANGEDSINCE is the only one. RFC 7162 section 7
fn parse_modifiers(arguments: &mut Parser<'_>) -> Result<Option<ModSeq>, Error> {
    if !arguments.take(b'(') {
        return Ok(None);
    }
    if !arguments.word("UNCHANGEDSINCE") {
        return Err(arguments.expected("UNCHANGEDSINCE"));
    }
    arguments.space()?;
    let modseq = arguments.modseq()?;
    arguments.expect(b')')?;
    arguments.space()?;
    Ok(Some(modseq))
}

/// `["+" / "-"] "FLAGS" [".SILENT"]`
fn parse_item(arguments: &mut Parser<'_>) -> Result<(FlagsOperation, bool), Error> {
    let operation = if arguments.take(b'+') {
        FlagsOperation::Add
    } else if arguments.take(b'-') {
        FlagsOperation::Remove
    } else {
        FlagsOperation::Replace
    };
    if arguments.word("FLAGS.SILENT") {
        return Ok((operation, true));
    }
    if arguments.word("FLAGS") {
        return Ok((operation, false));
    }
    Err(arguments.expected("FLAGS, +FLAGS or -FLAGS"))
}

/// `flag-list / (flag *(SP flag))`
fn parse_flags(arguments: &mut Parser<'_>) -> Result<FlagList, Error> {
    if arguments.peek() == Some(b'(') {
        return arguments.flag_list();
    }
    let mut list = FlagList::default();
    arguments.flags(&mut list)?;
    Ok(list)
}

/// What of the change the user may do. RFC 4314 section 4: it "SHOULD NOT fail if the user has rights to modify at least one
/// flag specified".
fn permitted(selected: &Selected, change: &StoreFlags) -> Result<StoreFlags, Error> {
    const FLAGS: Rights = Rights::SEEN.with(Rights::WRITE).with(Rights::DELETE_MESSAGES);
    let rights = selected.rights;
    let mut permitted = StoreFlags { flags: rights.allowed(change.flags), ..change.clone() };
    if !rights.contains(Rights::WRITE) {
        permitted.keywords.clear();
    }
    let nothing = permitted.flags == Flags::default() && permitted.keywords.is_empty();
    let asked = change.flags != Flags::default() || !change.keywords.is_empty();
    let is_futile = rights.without(FLAGS) == rights;
    if is_futile || nothing && asked {
        selected.require(needed(change))?;
    }
    if change.operation.replaces() && !rights.contains(FLAGS) {
        permitted.operation = FlagsOperation::ReplaceWithin(rights);
    }
    Ok(permitted)
}

/// The right that the first of the flags needs.
fn needed(change: &StoreFlags) -> Rights {
    if change.flags.contains(Flags::SEEN) {
        Rights::SEEN
    } else if change.flags.contains(Flags::DELETED) {
        Rights::DELETE_MESSAGES
    } else {
        Rights::WRITE
    }
}

/// RFC 7162 section 3.1.12: a message that failed UNCHANGEDSINCE for flags that are not asked about is tried again.
async fn store(selected: &Selected, uids: &UidSet, change: &StoreFlags) -> Result<Stored, Error> {
    let mut stored = selected.mailbox.store_flags(uids, change.clone()).await?;
    let Some((spurious, newest)) = selected.view.spurious(change, &stored) else { return Ok(stored) };
    let again = StoreFlags { unchanged_since: Some(newest), ..change.clone() };
    let second = selected.mailbox.store_flags(&spurious, again).await?;
    stored.modified = stored.modified.difference(&spurious).union(&second.modified);
    stored.missing = stored.missing.union(&second.missing);
    Ok(stored)
}

fn reply(selected: &Selected, rest: &Rest, numbering: Numbering) -> Result<Reply, Error> {
    const GONE: &str = "Some of the messages no longer exist";
    let modified =
        (!rest.modified.is_empty()).then(|| Code::Modified(selected.view.numbers(&rest.modified, numbering)));
    // RFC 2180 section 4.2.1; by UID an absent message is no error (RFC 9051 section 6.4.9)
    let gone = numbering == Numbering::Seq && selected.view.rows(&rest.missing).next().is_some();
    match (gone, modified) {
        (true, code) => Err(Error::no(code.unwrap_or(Code::ExpungeIssued), GONE)),
        (false, Some(code)) => {
            Ok(Reply { code: Some(code), text: "Conditional STORE failed".into(), ..Reply::default() })
        }
        (false, None) => Ok(Reply::completed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Limits;

    fn parse_text(text: &str) -> Result<Store, Error> {
        parse(&mut Parser::new(text.as_bytes(), 0, Limits::default()))
    }

    #[test]
    fn forms_of_store() {
        let store = parse_text(" 2:4 +FLAGS (\\Deleted)").unwrap();
        assert_eq!((store.change.operation, store.silent), (FlagsOperation::Add, false));
        assert_eq!(store.change.flags, Flags::DELETED);
        let store = parse_text(" * -flags.silent \\Seen $Junk").unwrap();
        assert_eq!((store.change.operation, store.silent), (FlagsOperation::Remove, true));
        assert_eq!(store.change.keywords.len(), 1);
        let store = parse_text(" 1 FLAGS ()").unwrap();
        assert_eq!((store.change.operation, store.change.flags), (FlagsOperation::Replace, Flags::default()));
    }

    // RFC 7162 section 3.1.3, examples 4 and 5
    #[test]
    fn unchanged_since() {
        let store = parse_text(" 50 (UNCHANGEDSINCE 12121230045) -FLAGS.SILENT (\\Deleted)").unwrap();
        assert_eq!(store.change.unchanged_since, Some(ModSeq(12_121_230_045)));
        assert_eq!(
            parse_text(" 12 (UNCHANGEDSINCE 0) +FLAGS ($X)").unwrap().change.unchanged_since,
            Some(ModSeq(0))
        );
    }

    #[test]
    fn what_is_no_store() {
        for text in [
            "",
            " 1",
            " 1 FLAGS",
            " 1 FLAGS ",
            " 0 FLAGS ()",
            " 1 *FLAGS ()",
            " 1 +-FLAGS ()",
            " 1 FLAGS.LOUD ()",
            " 1 (UNCHANGEDSINCE) FLAGS ()",
            " 1 (UNCHANGEDSINCE x) FLAGS ()",
            " 1 () FLAGS ()",
            " 1 FLAGS (\\Bogus)",
            " 1 FLAGS () x",
            " 1 (CHANGEDSINCE 1) FLAGS ()",
        ] {
            assert!(parse_text(text).is_err(), "{text}");
        }
    }
}
