//! ESEARCH: one search in many mailboxes, whichever is selected. RFC 7377
//!
//! - Mailboxes are looked into one after the other; of each only what matches is held, until it is told.
//! - What the user may not read, or what is gone by its turn, is passed over without a word.
//! - The selected mailbox is searched as the session sees it, whatever brought it in.

use std::collections::HashSet;

use common::block;
use store::{AccountId, Mailbox, MailboxId, MailboxName, Rights, UidSet, UidValidity};

use super::search::{forget_saved_after, prepare, return_options, save};
use super::select::recent_from;
use crate::error::Error;
use crate::limit;
use crate::name;
use crate::progress::Progress;
use crate::response::{Code, Reply};
use crate::search::find::{Found, Scope, find};
use crate::search::options::Options;
use crate::search::program::Program;
use crate::search::result::{Answer, Correlator, Origin};
use crate::search::sources::Sources;
use crate::session::{Enabled, Selected, Session, User};
use crate::syntax::Parser;
use crate::view::{Known, Numbering};

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let sources = Sources::parse(arguments)?.unwrap_or_else(Sources::only_selected);
    // RFC 7377 section 2.1: ALL where nothing else is asked for
    let options = return_options(arguments)?.unwrap_or(Options { all: true, ..Options::default() });
    // RFC 7377 section 2.2: BAD in both cases
    if sources.selected && session.selected.is_none() {
        return Err(Error::bad("No mailbox is selected: name the mailboxes to search with IN (...)"));
    }
    if options.save && sources != Sources::only_selected() {
        return Err(Error::bad("SAVE is for the selected mailbox alone"));
    }
    let result = search(session, &sources, options, arguments).await;
    if options.save {
        forget_saved_after(&result, session);
    }
    result
}

async fn search(
    session: &mut Session,
    sources: &Sources,
    options: Options,
    arguments: &mut Parser<'_>,
) -> Result<Reply, Error> {
    let program = Program::parse(arguments, session)?;
    program.check_relevancy(options.relevancy)?;
    prepare(session, &program).await?;
    let names = sources.names(session.user()?)?;
    let mut search = Search::new(session, &program, options)?;
    let total = names.len() + usize::from(sources.selected);
    if sources.selected {
        search.selected().await?;
    }
    for (index, (place, rights)) in names.into_iter().enumerate() {
        if search.is_spent() {
            break;
        }
        search.progress.stand_at(index + usize::from(sources.selected), total);
        search.named(&place.name, rights).await?;
    }
    let Outcome { failure, cut, told } = search.outcome;
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    if options.save {
        save(session, told)?;
    }
    let is_one = *sources == Sources::only_selected();
    Ok(limit::tell(
        Reply::completed(),
        cut.map(|cut| if is_one { cut } else { Code::Limit }),
        &mut session.writer(),
    ))
}

/// A search on its way from mailbox to mailbox.
struct Search<'a> {
    user: &'a User,
    selected: Option<&'a Selected>,
    tag: &'a [u8],
    enabled: Enabled,
    progress: Progress<'a>,
    program: &'a Program,
    options: Options,
    /// How many messages may still be looked at; `None`: any number. RFC 9738 section 3
    left: Option<u32>,
    /// Mailboxes that were looked into: one may have two names by now.
    searched: HashSet<(AccountId, MailboxId)>,
    outcome: Outcome,
}

#[derive(Default)]
struct Outcome {
    /// Why the first message that could not be read could not: what matches without it has been told.
    failure: Option<store::Error>,
    /// Some messages were not looked at.
    cut: Option<Code>,
    /// What was told of the selected mailbox.
    told: UidSet,
}

/// A mailbox to be searched, and as what it is told.
struct Target<'a> {
    mailbox: &'a Mailbox,
    view: &'a Known,
    shown: &'a MailboxName,
    validity: UidValidity,
}

impl<'a> Search<'a> {
    fn new(session: &'a mut Session, program: &'a Program, options: Options) -> Result<Search<'a>, Error> {
        let Session { stream, service, entry, selected, tag, user, enabled, .. } = session;
        let user = user.as_deref().ok_or_else(|| Error::bug("ESEARCH before login"))?;
        let limit = service.options.message_limit;
        Ok(Search {
            user,
            selected: selected.as_deref(),
            tag,
            enabled: *enabled,
            progress: Progress::new(stream, entry, tag, service.options.progress_interval),
            program,
            options,
            left: (limit > 0).then_some(limit),
            searched: HashSet::new(),
            outcome: Outcome::default(),
        })
    }

    /// Nothing more may be looked at: what is left out is told. RFC 9738 section 3.2
    fn is_spent(&mut self) -> bool {
        let spent = self.left == Some(0);
        if spent {
            self.outcome.cut.get_or_insert(Code::Limit);
        }
        spent
    }

    /// The selected mailbox, by the name that it has now.
    async fn selected(&mut self) -> Result<(), Error> {
        let selected = self.selected.ok_or_else(|| Error::bad("No mailbox is selected"))?;
        let mailbox = &selected.mailbox;
        let info = block(|| mailbox.info())?;
        let account = mailbox.account();
        let is_own = account.id() == self.user.account.id();
        let prefix = if is_own { String::new() } else { self.user.sharing().prefix(account.name()) };
        let shown = info.name.under(&prefix);
        self.searched.insert((account.id(), mailbox.id()));
        let target =
            Target { mailbox, view: selected.view.known(), shown: &shown, validity: info.uid_validity };
        self.outcome.told = self.look_into(&target).await?;
        Ok(())
    }

    /// A mailbox by its name, where there is one with these rights.
    async fn named(&mut self, name: &str, rights: Rights) -> Result<(), Error> {
        match self.look_by_name(name, rights).await {
            // RFC 7377 section 2.2: what is absent, or not for this user, "MUST be ignored".
            Err(Error::No { code: Some(Code::NonExistent | Code::NoPerm | Code::Cannot), .. }) => Ok(()),
            other => other,
        }
    }

    async fn look_by_name(&mut self, name: &str, rights: Rights) -> Result<(), Error> {
        let place = name::resolve(self.user, name)?;
        let mailbox = place.require_readable(self.user)?;
        place.require(rights)?;
        if !self.searched.insert((mailbox.account().id(), mailbox.id())) {
            return Ok(());
        }
        let is_it = |selected: &&Selected| {
            selected.mailbox.id() == mailbox.id() && selected.mailbox.account().id() == mailbox.account().id()
        };
        let state = block(|| mailbox.live())?.state();
        let validity = state.uid_validity();
        let known;
        let view = match self.selected.filter(is_it) {
            Some(selected) => selected.view.known(),
            None => {
                let recent_from = block(|| recent_from(&mailbox, &state))?;
                known = Known::new(state, place.rights.read_only(), recent_from);
                &known
            }
        };
        self.look_into(&Target { mailbox: &mailbox, view, shown: &place.shown, validity }).await?;
        Ok(())
    }

    /// Searches it and tells what matches. Gives what of it was told.
    async fn look_into(&mut self, target: &Target<'_>) -> Result<UidSet, Error> {
        let scope = Scope { mailbox: target.mailbox, view: target.view, limit: self.left.unwrap_or(0) };
        let found = find(scope, self.program, self.options.need(), &mut self.progress).await?;
        let told = self.options.told(&found.uids);
        // RFC 7377 section 2.1: no response "for mailboxes that contain no matching messages"
        if !found.uids.is_empty() && !self.options.is_silent() {
            self.answer(target, &found, &told).await?;
        }
        self.left =
            self.left.map(|left| left.saturating_sub(u32::try_from(found.considered).unwrap_or(u32::MAX)));
        self.outcome.failure = self.outcome.failure.take().or(found.failure);
        self.outcome.cut = self.outcome.cut.take().or(found.cut);
        Ok(told)
    }

    async fn answer(&mut self, target: &Target<'_>, found: &Found, told: &UidSet) -> Result<(), Error> {
        let modseq = if self.program.modseq { Found::modseq(target.view, told) } else { None };
        // RFC 7377 section 2.1: "information about UIDs, not message numbers"
        let scores = self.options.relevancy.then(|| found.scores(target.view, told));
        let answer =
            Answer { view: target.view, numbering: Numbering::Uid, found: &found.uids, modseq, scores };
        let origin = Origin { name: target.shown, validity: target.validity, enabled: self.enabled };
        let correlator = Correlator { tag: self.tag, mailbox: Some(origin) };
        answer.write_esearch(self.options, &correlator, self.progress.stream()).await
    }
}
