//! FETCH and UID FETCH. RFC 9051 section 6.4.5 and section 6.4.9, RFC 7162 section 3.1.4 and section 3.2.6,
//! RFC 9394 section 3.3
//!
//! - What the rows of the view hold is written without the store; the rest in batches, each from a snapshot of its own
//!   that is gone before the batch is sent.
//! - \Seen is set before the octets are sent, a few messages ahead, so that the FLAGS in the same response are true and
//!   durable; a connection that breaks loses the mark "unread" of those few at most.

use std::collections::VecDeque;
use std::ops::Range;

use common::stream::BATCH;
use store::{Flags, FlagsOperation, ModSeq, StoreFlags, Uid, UidSet};

use crate::error::Error;
use crate::fetch::batch::{Request, Trouble, Wanted};
use crate::fetch::body::with_uid;
use crate::fetch::{self, Item, Known, RowItem};
use crate::limit::{self, Limited};
use crate::response::{Code, Reply, Writer};
use crate::search::options::Partial;
use crate::seqset::SequenceSet;
use crate::session::Session;
use crate::syntax::Parser;
use crate::view::{Numbering, Own, Report};

/// Messages whose \Seen is set by one verb, before any of them is sent.
const SEEN_AHEAD: usize = 32;
/// Messages that are looked up in one go when nothing is changed.
const AHEAD: usize = 1024;

struct Fetch {
    set: SequenceSet,
    items: Vec<Item>,
    changed_since: Option<ModSeq>,
    vanished: bool,
    partial: Option<Partial>,
}

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let mut fetch = parse(arguments)?;
    let numbering = session.numbers().numbering();
    if fetch.vanished && (numbering == Numbering::Seq || !session.enabled.qresync) {
        // RFC 7162 section 3.2.6
        return Err(Error::bad("VANISHED is for UID FETCH after ENABLE QRESYNC"));
    }
    if fetch.partial.is_some() && numbering == Numbering::Seq {
        // RFC 9394 section 3.3
        return Err(Error::bad("PARTIAL is for UID FETCH"));
    }
    // RFC 9586 section 3.3: a UIDFETCH begins with the UID
    if numbering == Numbering::Uid && !session.enabled.uidonly {
        fetch.items = with_uid(fetch.items);
    }
    if fetch.items.contains(&Item::Row(RowItem::ModSeq)) {
        session.enable_condstore();
    }
    let uids = prepare(session, &fetch, numbering).await?;
    let limit = session.service.options.message_limit;
    let Limited { uids, cut } = limit::highest(session.selected()?.0.view.known(), uids, limit);
    let reply = match fetch::row_items(&fetch.items) {
        Some(items) => write_rows(session, &items, &uids).await.map(|()| Reply::completed()),
        None => {
            let sets_seen = fetch.items.iter().any(Item::sets_seen) && session.selected()?.0.may_set_seen();
            write_messages(session, &fetch.items, &uids, sets_seen)
                .await
                .and_then(|trouble| reply(trouble, numbering))
        }
    }?;
    Ok(limit::tell(reply, cut, &mut session.writer()))
}

/// `SP sequence-set SP items [fetch-modifiers]`
fn parse(arguments: &mut Parser<'_>) -> Result<Fetch, Error> {
    arguments.space()?;
    let set = super::sequence_set(arguments)?;
    arguments.space()?;
    let items = fetch::parse_items(arguments)?;
    let mut fetch = Fetch { set, items, changed_since: None, vanished: false, partial: None };
    if arguments.take(b' ') {
        parse_modifiers(arguments, &mut fetch)?;
    }
    arguments.end()?;
    if fetch.vanished && fetch.changed_since.is_none() {
        return Err(Error::bad("VANISHED needs CHANGEDSINCE"));
    }
    // RFC 7162 section 3.1.4.1: CHANGEDSINCE "implicitly adds the MODSEQ FETCH message data item"
    if fetch.changed_since.is_some() && !fetch.items.contains(&Item::Row(RowItem::ModSeq)) {
        fetch.items.push(Item::Row(RowItem::ModSeq));
    }
    Ok(fetch)
}

/// `fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"`. RFC 4466 section 2.4
fn parse_modifiers(arguments: &mut Parser<'_>, fetch: &mut Fetch) -> Result<(), Error> {
    arguments.expect(b'(')?;
    loop {
        let name = arguments.atom()?;
        match &*name.to_ascii_uppercase() {
            "CHANGEDSINCE" => {
                arguments.space()?;
                fetch.changed_since = Some(arguments.modseq()?);
            }
            "VANISHED" => fetch.vanished = true,
            "PARTIAL" if fetch.partial.is_none() => {
                arguments.space()?;
                fetch.partial = Some(Partial::parse(arguments)?);
            }
            "PARTIAL" => return Err(Error::bad("More than one PARTIAL in a UID FETCH")),
            _ => return Err(Error::bad(format!("Unknown FETCH modifier {name}"))),
        }
        if !arguments.take(b' ') {
            return arguments.expect(b')');
        }
    }
}

/// Brings the view up to date and finds the messages.
async fn prepare(session: &mut Session, fetch: &Fetch, numbering: Numbering) -> Result<UidSet, Error> {
    let enabled = session.enabled;
    let (selected, stream) = session.selected()?;
    let has = |item| fetch.items.contains(&Item::Row(item));
    // A change that comes with its MODSEQ is not answered by flags alone.
    let tells_changes = has(RowItem::Flags) && (has(RowItem::ModSeq) || !enabled.condstore);
    // Which messages PARTIAL leaves is known only of the view that is up to date.
    let tells_flags = fetch.changed_since.is_none() && fetch.partial.is_none() && tells_changes;
    let answered = match tells_flags {
        true => selected.view.resolve(&fetch.set, numbering)?,
        false => UidSet::new(),
    };
    selected.view.refresh(&answered, enabled)?.send(stream).await?;
    let uids = selected.view.resolve(&fetch.set, numbering)?;
    let uids = match fetch.partial {
        Some(partial) => partial.among(&uids, selected.view.known()),
        None => uids,
    };
    let Some(modseq) = fetch.changed_since else { return Ok(uids) };
    if fetch.vanished {
        let vanished = common::block(|| selected.mailbox.vanished_since(modseq))?;
        let gone = selected.view.vanished(&vanished, &fetch.set);
        if !gone.is_empty() {
            Writer::new(stream).untagged(format_args!("VANISHED (EARLIER) {gone}"));
        }
    }
    Ok(selected.view.changed_since(&uids, modseq))
}

/// The lines of the messages that the client has just been told of, from this UID on: NOTIFY asked for them. That they
/// have come makes none of them \Seen. RFC 5465 section 5.1
pub async fn write_new(session: &mut Session, items: &[Item], from: Uid) -> Result<(), Error> {
    let selected = session.selected()?.0;
    let uids = UidSet::from_ranges([from.0..=selected.view.uid_next().0]);
    let uids: UidSet = selected.view.rows(&uids).map(|(_, row)| row.uid).collect();
    match fetch::row_items(items) {
        Some(items) => write_rows(session, &items, &uids).await,
        // One that is gone again has no line; its expunge is told in its turn.
        None => match write_messages(session, items, &uids, false).await?.failure {
            Some(failure) => Err(failure.into()),
            None => Ok(()),
        },
    }
}

/// Lines that need nothing but the view: no snapshot, and no allocation a message.
async fn write_rows(session: &mut Session, items: &[RowItem], uids: &UidSet) -> Result<(), Error> {
    let enabled = session.enabled;
    let uidfetch = enabled.uidonly;
    let (selected, stream) = session.selected()?;
    let view = selected.view.known();
    let mut rows = view.rows(uids);
    loop {
        let mut out = Writer::in_mode(stream, enabled);
        for (seq, row) in rows.by_ref() {
            let known =
                Known { seq, row, recent: view.is_recent(row.uid), keywords: view.keywords(), uidfetch };
            fetch::write_row_line(&mut out, items, &known);
            if out.buffered() >= BATCH {
                break;
            }
        }
        if stream.queued() < BATCH {
            return Ok(());
        }
        stream.flush().await?;
    }
}

/// Lines that need the store, a window of messages after the other.
async fn write_messages(
    session: &mut Session,
    items: &[Item],
    uids: &UidSet,
    sets_seen: bool,
) -> Result<Trouble, Error> {
    let positions: Vec<Range<usize>> = session.selected()?.0.view.positions(uids).collect();
    let mut rest = positions.into_iter().flatten();
    let mut trouble = Trouble::default();
    loop {
        let window: Vec<usize> = rest.by_ref().take(if sets_seen { SEEN_AHEAD } else { AHEAD }).collect();
        if window.is_empty() {
            return Ok(trouble);
        }
        let seen = if sets_seen { set_seen(session, &window).await? } else { UidSet::new() };
        trouble.add(write_window(session, items, &window, &seen).await?);
    }
}

/// Sets \Seen where it is missing; the messages that it was set on.
async fn set_seen(session: &mut Session, window: &[usize]) -> Result<UidSet, Error> {
    let enabled = session.enabled;
    let (selected, stream) = session.selected()?;
    let rows = window.iter().filter_map(|&index| selected.view.at(index)).map(|(_, row)| row);
    let unseen: UidSet = rows.filter(|row| !row.flags.contains(Flags::SEEN)).map(|row| row.uid).collect();
    if unseen.is_empty() {
        return Ok(unseen);
    }
    let operation = FlagsOperation::Add;
    let change = StoreFlags { operation, flags: Flags::SEEN, keywords: Vec::new(), unchanged_since: None };
    let stored = selected.mailbox.store_flags(&unseen, change.clone()).await?;
    let own = Own { uids: &unseen, change: &change, stored: &stored, report: Report::Nothing };
    selected.view.stored(&own, enabled).send(stream).await?;
    Ok(stored.changed)
}

/// The lines of a window, in as many batches as they need.
async fn write_window(
    session: &mut Session,
    items: &[Item],
    window: &[usize],
    seen: &UidSet,
) -> Result<Trouble, Error> {
    // RFC 7162 section 3.2.4: a FETCH that sets \Seen tells UID and MODSEQ too
    let enabled = session.enabled;
    let uidfetch = enabled.uidonly;
    let told: &[RowItem] = match (enabled.condstore, uidfetch) {
        (true, false) => &[RowItem::Uid, RowItem::Flags, RowItem::ModSeq],
        (true, true) => &[RowItem::Flags, RowItem::ModSeq],
        (false, _) => &[RowItem::Flags],
    };
    let (selected, stream) = session.selected()?;
    let view = &selected.view;
    let wanted = window.iter().filter_map(|&index| view.at(index)).map(|(seq, row)| {
        let extra = if seen.contains(row.uid) { told } else { &[] };
        Wanted { seq, row, recent: view.is_recent(row.uid), extra }
    });
    let mut wanted: VecDeque<Wanted> = wanted.collect();
    let request = Request { mailbox: &selected.mailbox, items, keywords: view.keywords(), enabled };
    let mut trouble = Trouble::default();
    while !wanted.is_empty() {
        let mut batch = common::block(|| request.batch(&mut wanted))?;
        trouble.add(std::mem::take(&mut batch.trouble));
        batch.send(stream).await?;
    }
    Ok(trouble)
}

/// RFC 5530 section 3, EXPUNGEISSUED. What is there has been sent (RFC 2180 section 4.1.2); by UID an absent message is no
/// error (RFC 9051 section 6.4.9).
fn reply(trouble: Trouble, numbering: Numbering) -> Result<Reply, Error> {
    const TEXT: &str = "Some of the messages no longer exist";
    if let Some(failure) = trouble.failure {
        return Err(failure.into());
    }
    if let Some(name) = trouble.unknown_encoding {
        // RFC 3516 section 4.3
        let text = format!(
            "The Content-Transfer-Encoding {} is not known; fetch the part as it is, by BODY",
            String::from_utf8_lossy(&name)
        );
        return Err(Error::no(Code::UnknownCte, text));
    }
    match (trouble.expunged, numbering) {
        (false, _) => Ok(Reply::completed()),
        (true, Numbering::Seq) => Err(Error::no(Code::ExpungeIssued, TEXT)),
        (true, Numbering::Uid) => {
            Ok(Reply { code: Some(Code::ExpungeIssued), text: TEXT.into(), ..Reply::default() })
        }
    }
}
