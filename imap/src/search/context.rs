//! Results whose changes are told: SEARCH and SORT with RETURN (UPDATE), CANCELUPDATE. RFC 5267 section 4.3
//!
//! - What goes is told before its EXPUNGE, by the view itself ([`Contexts::lose`]).
//! - What comes and what changes is looked for when the view has told it ([`tell`]): only messages that changed are searched.
//! - A session holds few of them, and none that is made of very many pieces. By what a result is sorted never changes in
//!   a message, so its key is read once and held: within a bound for all sorted results of a session.

use std::fmt::Write as _;
use std::mem;

use bytes::Bytes;
use store::{ModSeq, UidSet};

use super::find::{Scope, find_among};
use super::options::Need;
use super::program::Program;
use crate::error::Error;
use crate::response::Code;
use crate::session::Session;
use crate::sort::Sorting;
use crate::sort::order::{Order, Run};
use crate::sort::result::ordered_set;
use crate::updates::ResultChange;
use crate::view::{Known, Numbering};

/// Results that one session may have kept up to date.
const MOST: usize = 16;
/// Ranges of messages that such a result may be made of.
const MOST_RANGES: usize = 64 * 1024;
/// Octets that the orders of all sorted results of a session may take.
const MOST_SORTED: usize = 4 * 1024 * 1024;

/// A result that is kept up to date.
#[derive(Debug)]
struct Context {
    /// Of the command that asked for it.
    tag: Bytes,
    numbering: Numbering,
    program: Program,
    /// The result as the client knows it.
    uids: UidSet,
    /// The order that it has, unless mailbox order.
    sorted: Option<Sorted>,
    /// Changes up to here are in it.
    seen: ModSeq,
}

/// How a result is ordered.
#[derive(Debug)]
pub struct Sorted {
    pub by: Sorting,
    pub order: Order,
}

/// Those of the selected mailbox.
#[derive(Debug, Default)]
pub struct Contexts(Vec<Context>);

impl Contexts {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// CANCELUPDATE. A tag that names none has nothing to cancel. RFC 5267 section 4.3.5
    pub fn cancel(&mut self, tag: &[u8]) {
        self.0.retain(|context| context.tag != tag);
    }

    /// Takes what goes out of every result: what the client must be told while its numbers are valid.
    pub fn lose(&mut self, gone: &UidSet, view: &Known) -> Vec<ResultChange> {
        let each = self.0.iter_mut().filter_map(|context| {
            let lost = context.uids.intersection(gone);
            context.remove(&lost, view)
        });
        each.collect()
    }

    /// Octets that the orders take.
    fn sorted(&self) -> usize {
        self.0.iter().map(Context::size).sum()
    }

    fn has(&self, tag: &[u8]) -> bool {
        self.0.iter().any(|context| context.tag == tag)
    }
}

impl Context {
    fn size(&self) -> usize {
        self.sorted.as_ref().map_or(0, |sorted| sorted.order.size())
    }

    /// `None` where nothing is to be told.
    fn remove(&mut self, lost: &UidSet, view: &Known) -> Option<ResultChange> {
        if lost.is_empty() {
            return None;
        }
        self.uids = self.uids.difference(lost);
        let runs = self.sorted.as_mut().map(|sorted| sorted.order.remove(lost));
        Some(self.change(lost, runs, view))
    }

    /// These messages, in an order of their own where the result has one.
    fn add(&mut self, gained: &UidSet, order: &Order, view: &Known) -> Option<ResultChange> {
        if gained.is_empty() {
            return None;
        }
        self.uids = self.uids.union(gained);
        let runs = self.sorted.as_mut().map(|sorted| sorted.order.insert(order));
        Some(self.change(gained, runs, view))
    }

    /// Position 0 is left to results in mailbox order. RFC 5267 section 4.3.3
    fn change(&self, uids: &UidSet, runs: Option<Vec<Run>>, view: &Known) -> ResultChange {
        let numbering = self.numbering;
        let pairs = match runs {
            None => format!("0 {}", view.numbers(uids, numbering)),
            Some(runs) => pairs(&runs, numbering, view),
        };
        ResultChange { tag: self.tag.clone(), numbering, pairs }
    }
}

/// `context-position SP sequence-set`, the sets in the order of the result. RFC 5267 section 5
fn pairs(runs: &[Run], numbering: Numbering, view: &Known) -> String {
    let mut pairs = String::new();
    for Run { position, uids } in runs {
        let numbers: Vec<u32> = uids.iter().filter_map(|uid| view.number(*uid, numbering)).collect();
        let gap = if pairs.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(pairs, "{gap}{position} ");
        let sets = ordered_set(&numbers).enumerate();
        sets.for_each(|(index, set)| {
            let _ = write!(pairs, "{}{set}", if index > 0 { "," } else { "" });
        });
    }
    pairs
}

/// RFC 5267 section 4.3: a tag that is in use already is refused with BAD, before anything is searched.
pub fn check_tag(session: &mut Session) -> Result<(), Error> {
    let tag = session.tag.clone();
    if session.selected()?.0.view.contexts.has(&tag) {
        return Err(Error::bad("This tag is in use for another UPDATE; use a tag once only"));
    }
    Ok(())
}

/// From now on changes of this result of the command in work are told. RFC 5267 section 4.3.1: unless that is too much
pub fn keep(
    session: &mut Session,
    program: &Program,
    uids: &UidSet,
    sorted: Option<Sorted>,
) -> Result<(), Error> {
    let (tag, numbering) = (session.tag.clone(), session.numbers().numbering());
    let (selected, _) = session.selected()?;
    let (program, seen) = (program.frozen(selected.view.known()), selected.view.highest_modseq());
    let mut context = Context { tag, numbering, program, uids: uids.clone(), sorted, seen };
    let contexts = &selected.view.contexts;
    let size = context.size() + contexts.sorted();
    if contexts.0.len() >= MOST || uids.ranges().len() > MOST_RANGES || size > MOST_SORTED {
        refuse(session);
        return Ok(());
    }
    if let Some(sorted) = &mut context.sorted {
        sorted.order.compact();
    }
    selected.view.contexts_mut().0.push(context);
    Ok(())
}

/// RFC 5267 section 4.3.1: the search itself is done all the same.
pub fn refuse(session: &mut Session) {
    let code = Code::NoUpdate(String::from_utf8_lossy(&session.tag).into_owned());
    session.writer().status(b"*", "NO", Some(&code), "This result is not kept up to date");
}

/// Tells what came into the results and what left them by changes that the client knows of now.
pub async fn tell(session: &mut Session) -> Result<(), Error> {
    let Some(selected) = &mut session.selected else { return Ok(()) };
    if selected.view.contexts.is_empty() {
        return Ok(());
    }
    let mut contexts = mem::take(selected.view.contexts_mut());
    let told = tell_each(session, &mut contexts).await;
    if let Some(selected) = &mut session.selected {
        *selected.view.contexts_mut() = contexts;
    }
    told
}

async fn tell_each(session: &mut Session, contexts: &mut Contexts) -> Result<(), Error> {
    let mut index = 0;
    while index < contexts.0.len() {
        update(session, &mut contexts.0[index]).await?;
        if contexts.0[index].uids.ranges().len() <= MOST_RANGES && contexts.sorted() <= MOST_SORTED {
            index += 1;
            continue;
        }
        let tag = String::from_utf8_lossy(&contexts.0.remove(index).tag).into_owned();
        let text = "The result has become too large to be kept up to date";
        session.writer().status(b"*", "NO", Some(&Code::NoUpdate(tag)), text);
    }
    Ok(())
}

/// What could not be read keeps its place, and is looked at again.
async fn update(session: &mut Session, context: &mut Context) -> Result<(), Error> {
    let (selected, mut progress) = session.selected_with_progress()?;
    let (mailbox, view) = (&selected.mailbox, selected.view.known());
    let highest = view.highest_modseq();
    let changed = view.changed_since(&UidSet::from_ranges([1..=u32::MAX]), context.seen);
    if changed.is_empty() {
        context.seen = highest;
        return Ok(());
    }
    let scope = Scope { mailbox, view, limit: 0 };
    let found = find_among(scope, &context.program, &changed, Need::All, &mut progress).await?;
    if let Some(failure) = found.failure {
        return Err(failure.into());
    }
    let (had, now) = (context.uids.intersection(&changed), found.uids);
    let (lost, gained) = (had.difference(&now), now.difference(&had));
    let mut order = Order::default();
    if let Some(sorted) = &context.sorted {
        let reading = sorted.by.order((mailbox, view), &gained, &|_| 0);
        let (gained, unread) = progress.during(reading).await??;
        order = gained;
        if let Some(failure) = unread {
            return Err(failure.into());
        }
    }
    let (remove, add) = (context.remove(&lost, view), context.add(&gained, &order, view));
    context.seen = highest;
    let mut out = session.writer();
    for (change, item) in [(remove, "REMOVEFROM"), (add, "ADDTO")] {
        change.iter().for_each(|change| change.write(item, &mut out));
    }
    session.flush_batch().await
}
