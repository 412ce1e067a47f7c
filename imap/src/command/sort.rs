//! SORT and UID SORT. RFC 5256 section 3, RFC 5267 section 3, RFC 5182, RFC 9394 section 3.1, RFC 7162 section 3.1.6

use store::{Uid, UidSet};

use super::search::{forget_saved_after, prepare, return_options, save};
use crate::error::Error;
use crate::limit;
use crate::response::Reply;
use crate::search::context::{self, Sorted};
use crate::search::find::{Found, Scope, find};
use crate::search::options::{Need, Options};
use crate::search::program::Program;
use crate::search::result::Correlator;
use crate::session::Session;
use crate::sort::Sorting;
use crate::sort::criteria::Criteria;
use crate::sort::order::Order;
use crate::sort::result::Answer;
use crate::syntax::Parser;

/// `SP ["RETURN" SP "(" ... ")" SP] sort-criteria SP search-criteria`. RFC 5267 section 6
pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let options = return_options(arguments)?;
    let result = sort(session, options, arguments).await;
    if options.is_some_and(|options| options.save) {
        forget_saved_after(&result, session);
    }
    result
}

async fn sort(
    session: &mut Session,
    options: Option<Options>,
    arguments: &mut Parser<'_>,
) -> Result<Reply, Error> {
    let criteria = Criteria::parse(arguments)?;
    arguments.space()?;
    let program = Program::parse_criteria(arguments, session)?;
    let asks_scores = options.is_some_and(|options| options.relevancy);
    program.check_relevancy(criteria.has_relevancy() || asks_scores)?;
    if options.is_some_and(|options| options.update) {
        context::check_tag(session)?;
    }
    prepare(session, &program).await?;
    let sorting = Sorting { criteria, collation: session.collation };
    let (found, order) = found_and_sorted(session, &program, &sorting).await?;
    let sorted: Vec<Uid> = order.uids().collect();
    // The keys are not held while the answer is written, unless they are needed after it.
    let kept = options.is_some_and(|options| options.update).then_some(order);
    let told = options.map_or_else(|| sorted.iter().copied().collect(), |options| options.told_of(&sorted));
    let modseq = program.modseq;
    let told_in_order = sorted.iter().filter(|uid| told.contains(**uid));
    let scores = asks_scores.then(|| told_in_order.map(|uid| found.relevancy.score(*uid)).collect());
    answer(session, (options, modseq, scores), (&sorted, &told)).await?;
    // What could be read has been answered; that some could not must not look like their place in the order.
    if let Some(failure) = found.failure {
        return Err(failure.into());
    }
    if let Some(order) = kept {
        keep(session, &program, &found, Sorted { by: sorting, order })?;
    }
    if options.is_some_and(|options| options.save) {
        save(session, told)?;
    }
    Ok(limit::tell(Reply::completed(), found.cut, &mut session.writer()))
}

async fn found_and_sorted(
    session: &mut Session,
    program: &Program,
    sorting: &Sorting,
) -> Result<(Found, Order), Error> {
    let limit = session.service.options.message_limit;
    let (selected, mut progress) = session.selected_with_progress()?;
    let (mailbox, view) = (&selected.mailbox, selected.view.known());
    // Which come first is known only when all are.
    let mut found = find(Scope { mailbox, view, limit }, program, Need::All, &mut progress).await?;
    let score = |uid| found.relevancy.score(uid);
    let (order, unread) = progress.during(sorting.order((mailbox, view), &found.uids, &score)).await??;
    found.failure = found.failure.or(unread);
    Ok((found, order))
}

/// Tells changes of the result from now on, where its order is that of the messages alone: how relevant one is depends on
/// what else is searched.
fn keep(session: &mut Session, program: &Program, found: &Found, sorted: Sorted) -> Result<(), Error> {
    if sorted.by.criteria.has_relevancy() {
        context::refuse(session);
        return Ok(());
    }
    context::keep(session, program, &found.uids, Some(sorted))
}

async fn answer(
    session: &mut Session,
    (options, modseq, scores): (Option<Options>, bool, Option<Vec<u8>>),
    (sorted, told): (&[Uid], &UidSet),
) -> Result<(), Error> {
    let numbering = session.numbers().numbering();
    let tag = session.tag.clone();
    let (selected, stream) = session.selected()?;
    let view = selected.view.known();
    let modseq = if modseq { Found::modseq(view, told) } else { None };
    let numbers: Vec<u32> = sorted.iter().filter_map(|uid| view.number(*uid, numbering)).collect();
    let answer = Answer { numbers: &numbers, modseq, scores };
    match options {
        None => answer.write_sort(stream).await,
        Some(options) if options.is_silent() => Ok(()),
        Some(options) => {
            let correlator = Correlator { tag: &tag, mailbox: None };
            answer.write_esearch(options, (&correlator, numbering), stream).await
        }
    }
}
