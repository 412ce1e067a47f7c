//! SEARCH and UID SEARCH. RFC 9051 section 6.4.4, RFC 3501 section 6.4.4, RFC 4731, RFC 5182, RFC 7162 section 3.1.5

use store::UidSet;

use crate::error::Error;
use crate::limit;
use crate::response::{Code, Reply};
use crate::search::context;
use crate::search::find::{Found, Scope, find};
use crate::search::options::{Need, Options};
use crate::search::program::Program;
use crate::search::result::{Answer, Correlator};
use crate::session::Session;
use crate::syntax::Parser;

/// Ranges of messages that `$` may be made of: what a session holds has a bound.
const MOST_SAVED: usize = 256 * 1024;

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    // RFC 9051 section 6.4.4: IMAP4rev2 answers ESEARCH, always
    let rev2 = session.enabled.rev2.then_some(Options { all: true, ..Options::default() });
    let options = return_options(arguments)?.or(rev2);
    let result = search(session, options, arguments).await;
    if options.is_some_and(|options| options.save) {
        forget_saved_after(&result, session);
    }
    result
}

/// `["RETURN" SP search-return-opts SP]`
pub(super) fn return_options(arguments: &mut Parser<'_>) -> Result<Option<Options>, Error> {
    if !arguments.word("RETURN") {
        return Ok(None);
    }
    arguments.space()?;
    let options = Options::parse(arguments)?;
    arguments.space()?;
    Ok(Some(options))
}

async fn search(
    session: &mut Session,
    options: Option<Options>,
    arguments: &mut Parser<'_>,
) -> Result<Reply, Error> {
    let program = Program::parse(arguments, session)?;
    program.check_relevancy(options.is_some_and(|options| options.relevancy))?;
    if options.is_some_and(|options| options.update) {
        context::check_tag(session)?;
    }
    prepare(session, &program).await?;
    let limit = session.service.options.message_limit;
    let (selected, mut progress) = session.selected_with_progress()?;
    let scope = Scope { mailbox: &selected.mailbox, view: selected.view.known(), limit };
    let need = options.map_or(Need::All, Options::search_for);
    let found = find(scope, &program, need, &mut progress).await?;
    answer(session, &program, options, &found).await?;
    // What could be read has been answered; that some could not must not look like "no match".
    if let Some(failure) = found.failure {
        return Err(failure.into());
    }
    if options.is_some_and(|options| options.update) {
        context::keep(session, &program, &found.uids, None)?;
    }
    if let Some(options) = options.filter(|options| options.save) {
        save(session, options.told(&found.uids))?;
    }
    Ok(limit::tell(Reply::completed(), found.cut, &mut session.writer()))
}

/// The selected mailbox, where there is one, as it is now, and what the keys of the program ask of the session.
pub(super) async fn prepare(session: &mut Session, program: &Program) -> Result<(), Error> {
    let enabled = session.enabled;
    if program.numbered && enabled.uidonly {
        return Err(Error::uid_required());
    }
    if session.selected.is_some() {
        let (selected, stream) = session.selected()?;
        selected.view.refresh(&UidSet::new(), enabled)?.send(stream).await?;
    }
    if program.numbered {
        session.forbid_expunge();
    }
    if program.modseq {
        session.enable_condstore();
    }
    Ok(())
}

async fn answer(
    session: &mut Session,
    program: &Program,
    options: Option<Options>,
    found: &Found,
) -> Result<(), Error> {
    let numbering = session.numbers().numbering();
    let tag = session.tag.clone();
    let (selected, stream) = session.selected()?;
    let view = selected.view.known();
    let told = options.map(|options| options.told(&found.uids));
    let told = told.as_ref().unwrap_or(&found.uids);
    let modseq = if program.modseq { Found::modseq(view, told) } else { None };
    let asks_scores = options.is_some_and(|options| options.relevancy);
    let scores = asks_scores.then(|| found.scores(view, told));
    let answer = Answer { view, numbering, found: &found.uids, modseq, scores };
    match options {
        None => answer.write_search(stream).await,
        Some(options) if options.is_silent() => Ok(()),
        Some(options) => {
            answer.write_esearch(options, &Correlator { tag: &tag, mailbox: None }, stream).await
        }
    }
}

/// RFC 5182 section 2.5: more than a bound is not saved.
pub(super) fn save(session: &mut Session, uids: UidSet) -> Result<(), Error> {
    if uids.ranges().len() > MOST_SAVED {
        return Err(Error::no(Code::NotSaved, "Too many messages apart from one another to be saved"));
    }
    session.selected()?.0.view.save(uids);
    Ok(())
}

/// RFC 5182 section 2.1: a SEARCH with SAVE that is answered NO empties the result; one that is answered BAD leaves it.
pub(super) fn forget_saved_after(result: &Result<Reply, Error>, session: &mut Session) {
    if let (Err(Error::No { .. } | Error::Internal { .. }), Some(selected)) = (result, &mut session.selected)
    {
        selected.view.save(UidSet::new());
    }
}
