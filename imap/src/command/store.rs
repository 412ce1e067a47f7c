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
    require_rights(selected, &change)?;
    let uids = selected.view.resolve(&set, numbering)?;
    let Limited { uids, cut } = limit::highest(selected.view.known(), uids, limit);
    let conditional = change.unchanged_since.is_some();
    let report = if silent { Report::Silent { conditional } } else { Report::Flags };
    let mut rest = Rest::default();
    for uids in selected.view.parts(&uids, AT_ONCE) {
        let stored = store(selected, &uids, &change).await?;
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

/// RFC 4314 section 4: which right each flag needs.
fn require_rights(selected: &Selected, change: &StoreFlags) -> Result<(), Error> {
    let replaces = change.operation == FlagsOperation::Replace;
    let touches = |flag: Flags| replaces || change.flags.contains(flag);
    if touches(Flags::SEEN) {
        selected.require(Rights::SEEN)?;
    }
    if touches(Flags::DELETED) {
        selected.require(Rights::DELETE_MESSAGES)?;
    }
    let others = change.flags.without(Flags::SEEN.with(Flags::DELETED));
    if replaces || others != Flags::default() || !change.keywords.is_empty() {
        selected.require(Rights::WRITE)?;
    }
    // An empty list changes nothing, but not in a read-only mailbox either.
    if selected.view.read_only() { selected.require(Rights::WRITE) } else { Ok(()) }
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
