//! Results whose changes are told: SEARCH RETURN (UPDATE) and CANCELUPDATE. RFC 5267 section 4.3
//!
//! - What goes is told before its EXPUNGE, by the view itself ([`Contexts::lose`]).
//! - What comes and what changes is looked for when the view has told it ([`tell`]): only messages that changed are searched.
//! - A session holds few of them, and none that is made of very many pieces.

use std::mem;

use bytes::Bytes;
use store::{ModSeq, UidSet};

use super::find::{Scope, find_among};
use super::options::Need;
use super::program::Program;
use crate::error::Error;
use crate::response::Code;
use crate::session::Session;
use crate::updates::ResultChange;
use crate::view::{Known, Numbering};

/// Results that one session may have kept up to date.
const MOST: usize = 16;
/// Ranges of messages that such a result may be made of.
const MOST_RANGES: usize = 64 * 1024;

/// A result that is kept up to date.
#[derive(Debug)]
struct Context {
    /// Of the command that asked for it.
    tag: Bytes,
    numbering: Numbering,
    program: Program,
    /// The result as the client knows it.
    uids: UidSet,
    /// Changes up to here are in it.
    seen: ModSeq,
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
            context.uids = context.uids.difference(&lost);
            context.change(&lost, view)
        });
        each.collect()
    }

    fn has(&self, tag: &[u8]) -> bool {
        self.0.iter().any(|context| context.tag == tag)
    }
}

impl Context {
    /// `None` where nothing is to be told.
    fn change(&self, uids: &UidSet, view: &Known) -> Option<ResultChange> {
        (!uids.is_empty()).then(|| ResultChange {
            tag: self.tag.clone(),
            numbering: self.numbering,
            numbers: view.numbers(uids, self.numbering),
        })
    }
}

/// RFC 5267 section 4.3: a tag that is in use already is refused with BAD, before anything is searched.
pub fn check_tag(session: &mut Session) -> Result<(), Error> {
    let tag = session.tag.clone();
    if session.selected()?.0.view.contexts.has(&tag) {
        return Err(Error::bad("This tag is in use for another UPDATE; use a tag once only"));
    }
    Ok(())
}

/// From now on changes of this result of the command in work are told.
pub fn keep(session: &mut Session, program: &Program, uids: &UidSet) -> Result<(), Error> {
    let (tag, numbering) = (session.tag.clone(), session.numbers().numbering());
    let (selected, _) = session.selected()?;
    if selected.view.contexts.0.len() >= MOST || uids.ranges().len() > MOST_RANGES {
        refuse(session);
        return Ok(());
    }
    let (program, seen) = (program.frozen(selected.view.known()), selected.view.highest_modseq());
    let context = Context { tag, numbering, program, uids: uids.clone(), seen };
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
    let mut left = Vec::new();
    for mut context in mem::take(&mut contexts.0) {
        if update(session, &mut context).await? {
            left.push(context);
        } else {
            let tag = String::from_utf8_lossy(&context.tag).into_owned();
            let text = "The result has become too large to be kept up to date";
            session.writer().status(b"*", "NO", Some(&Code::NoUpdate(tag)), text);
        }
    }
    contexts.0 = left;
    Ok(())
}

/// False: it is no longer kept up to date.
async fn update(session: &mut Session, context: &mut Context) -> Result<bool, Error> {
    let (selected, mut progress) = session.selected_with_progress()?;
    let view = selected.view.known();
    let highest = view.highest_modseq();
    let changed = view.changed_since(&UidSet::from_ranges([1..=u32::MAX]), context.seen);
    if changed.is_empty() {
        context.seen = highest;
        return Ok(true);
    }
    let scope = Scope { mailbox: &selected.mailbox, view, limit: 0 };
    let found = find_among(scope, &context.program, &changed, Need::All, &mut progress).await?;
    // What could not be read keeps its place, and is looked at again.
    if let Some(failure) = found.failure {
        return Err(failure.into());
    }
    let (had, now) = (context.uids.intersection(&changed), found.uids);
    let (lost, gained) = (had.difference(&now), now.difference(&had));
    let (remove, add) = (context.change(&lost, view), context.change(&gained, view));
    context.uids = context.uids.difference(&lost).union(&gained);
    context.seen = highest;
    let mut out = session.writer();
    for (change, item) in [(remove, "REMOVEFROM"), (add, "ADDTO")] {
        change.iter().for_each(|change| change.write(item, &mut out));
    }
    session.flush_batch().await?;
    Ok(context.uids.ranges().len() <= MOST_RANGES)
}
