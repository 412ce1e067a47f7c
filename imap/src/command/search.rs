//! SEARCH and UID SEARCH. RFC 9051 section 6.4.4, RFC 3501 section 6.4.4, RFC 4731, RFC 7162 section 3.1.5
//!
//! Candidates are looked at in windows: first by their rows, then those that are undecided by what is stored, each step
//! bounded and in one blocking call with a snapshot of its own.

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};

use store::{Message, ModSeq, Row, Uid, UidSet};

use crate::error::Error;
use crate::limit::{self, Limited};
use crate::response::{Code, Reply};
use crate::search::candidates::{candidates, query};
use crate::search::charset::Charset;
use crate::search::eval::{self, Evidence};
use crate::search::key::{Context, Key, parse_keys};
use crate::search::result::{self, Found, Options};
use crate::session::{Selected, Session};
use crate::syntax::Parser;
use crate::view::{Numbering, SeqNum};

/// Rows that are looked at between two yields; fewer when there are many keys.
const WINDOW: usize = 4096;
/// Keys that are asked between two yields.
const WINDOW_KEYS: usize = 256 * 1024;
/// Octets of messages that are read in one blocking call.
const READ_AHEAD: u64 = 1024 * 1024;

struct Search {
    options: Option<Options>,
    key: Key,
    modseq: bool,
    numbering: Numbering,
}

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    let enabled = session.enabled;
    let (selected, stream) = session.selected()?;
    selected.view.refresh(&UidSet::new(), enabled)?.send(stream).await?;
    let search = parse(session, arguments)?;
    if search.modseq {
        session.enable_condstore();
    }
    let limit = session.service.options.message_limit;
    let (found, failure, cut) = find(session.selected()?.0, &search, limit).await?;
    let tag = session.tag.clone();
    let stream = &mut session.stream;
    match search.options {
        None => result::write_search(&found, stream).await?,
        Some(options) => result::write_esearch(&found, options, search.numbering, &tag, stream).await?,
    }
    // What could be read has been answered; that some could not must not look like "no match".
    match failure {
        None => Ok(limit::tell(Reply::completed(), cut, &mut session.writer())),
        Some(failure) => Err(failure.into()),
    }
}

/// `SP [search-return-opts SP] ["CHARSET" SP charset SP] search-key *(SP search-key)`
fn parse(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Search, Error> {
    let numbering = session.numbers().numbering();
    let nesting = session.syntax_limits().nesting;
    arguments.space()?;
    // RFC 9051 section 6.4.4: IMAP4rev2 answers ESEARCH, always
    let mut options = session.enabled.rev2.then_some(Options { all: true, ..Options::default() });
    if arguments.word("RETURN") {
        arguments.space()?;
        options = Some(Options::parse(arguments)?);
        arguments.space()?;
    }
    let mut charset = Charset::default();
    if arguments.word("CHARSET") {
        if session.enabled.utf8_accept {
            // RFC 9755 section 3: "due to the conflicting charset labels"
            return Err(Error::bad("No CHARSET after ENABLE UTF8=ACCEPT: search strings are UTF-8"));
        }
        arguments.space()?;
        charset = Charset::named(&arguments.astring()?)?;
        arguments.space()?;
    }
    let view = session.selected()?.0.view.known();
    let mut context = Context { charset, view, nesting, modseq: false, numbered: false, bodies: 0 };
    let mut key = parse_keys(arguments, &mut context)?;
    eval::sort(&mut key);
    let Context { modseq, numbered, .. } = context;
    if numbered && session.enabled.uidonly {
        return Err(Error::uid_required());
    }
    if numbered {
        session.forbid_expunge();
    }
    Ok(Search { options, key, modseq, numbering })
}

/// What matches, and why a message could not be read, if one could not.
async fn find(
    selected: &Selected,
    search: &Search,
    limit: u32,
) -> Result<(Found, Option<store::Error>, Option<Code>), Error> {
    let uids = candidates(&search.key, selected.view.known());
    let Limited { uids, cut } = limit::highest(selected.view.known(), uids, limit);
    let uids = common::block(|| selected.mailbox.narrow(&query(&search.key), &uids))?;
    let mut finder = Finder { selected, search, found: Found::default(), highest: ModSeq(0), failure: None };
    match search.options {
        Some(options) if options.ends_only() => finder.ends(options, &uids).await?,
        _ => finder.scan(selected.view.rows(&uids), false).await?,
    }
    let Finder { mut found, highest, failure, .. } = finder;
    // RFC 7162 section 3.1.6: "omitted if no match"
    found.modseq = (search.modseq && !found.numbers.is_empty()).then_some(highest);
    Ok((found, failure, cut))
}

struct Finder<'a> {
    selected: &'a Selected,
    search: &'a Search,
    found: Found,
    /// The highest MODSEQ of what was found.
    highest: ModSeq,
    /// Why the first message that could not be read could not.
    failure: Option<store::Error>,
}

impl Finder<'_> {
    /// MIN and MAX alone: from either end to the first match.
    async fn ends(&mut self, options: Options, uids: &UidSet) -> Result<(), Error> {
        let view = &self.selected.view;
        if options.min {
            self.scan(view.rows(uids), true).await?;
        }
        if options.max && (!options.min || !self.found.numbers.is_empty()) {
            let positions: Vec<Range<usize>> = view.positions(uids).collect();
            let backwards = positions.into_iter().rev().flat_map(Iterator::rev);
            self.scan(backwards.filter_map(|index| view.at(index)), true).await?;
        }
        Ok(())
    }

    /// Looks at these messages, in this order; with `first_only` to the first that matches.
    async fn scan(
        &mut self,
        mut rest: impl Iterator<Item = (SeqNum, Row)> + Send,
        first_only: bool,
    ) -> Result<(), Error> {
        let width = (WINDOW_KEYS / self.search.key.weight()).clamp(16, WINDOW);
        loop {
            let rows: Vec<(SeqNum, Row)> = rest.by_ref().take(width).collect();
            if rows.is_empty() {
                return Ok(());
            }
            let matching = self.matching(&rows).await?;
            for (seq, row) in rows.iter().filter(|(_, row)| matching.contains(row.uid)) {
                self.add(*seq, row);
                if first_only {
                    return Ok(());
                }
            }
            tokio::task::yield_now().await;
        }
    }

    fn add(&mut self, seq: SeqNum, row: &Row) {
        self.highest = self.highest.max(row.modseq);
        self.found.numbers.push(match self.search.numbering {
            Numbering::Seq => seq.0,
            Numbering::Uid => row.uid.0,
        });
    }

    /// Which of the rows match.
    async fn matching(&mut self, rows: &[(SeqNum, Row)]) -> Result<UidSet, Error> {
        let (key, view) = (&self.search.key, &self.selected.view);
        let mut matching = Vec::new();
        let mut undecided: Vec<Row> = Vec::new();
        for (_, row) in rows {
            match eval::by_row(key, row, view.is_recent(row.uid)) {
                Some(true) => matching.push(row.uid),
                Some(false) => {}
                None => undecided.push(*row),
            }
        }
        undecided.sort_unstable_by_key(|row| row.uid);
        let mut undecided = VecDeque::from(undecided);
        while !undecided.is_empty() {
            let step = common::block(|| self.read_step(&mut undecided))?;
            matching.extend(step.matching);
            self.failure = self.failure.take().or(step.failure);
            tokio::task::yield_now().await;
        }
        Ok(matching.into_iter().collect())
    }

    /// Decides messages from the front of the queue until enough has been read. Those that exist no more do not match.
    fn read_step(&self, undecided: &mut VecDeque<Row>) -> store::Result<Step> {
        let uids: UidSet = undecided.iter().map(|row| row.uid).collect();
        let mut step = Step::default();
        self.selected.mailbox.snapshot()?.messages(&uids, &mut |message| {
            while undecided.front().is_some_and(|row| row.uid < message.uid) {
                undecided.pop_front();
            }
            if let Some(row) = undecided.front().copied().filter(|row| row.uid == message.uid) {
                undecided.pop_front();
                self.decide(row, &message, &mut step);
            }
            Ok(if step.read >= READ_AHEAD { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if step.read < READ_AHEAD {
            undecided.clear();
        }
        Ok(step)
    }

    fn decide(&self, row: Row, message: &Message, step: &mut Step) {
        let recent = self.selected.view.is_recent(row.uid);
        let mut evidence = Evidence::new(row, recent, message, self.search.key.cost());
        match evidence.matches(&self.search.key) {
            Ok(true) => step.matching.push(row.uid),
            Ok(false) | Err(store::Error::Expunged) => {}
            Err(failure) => drop(step.failure.get_or_insert(failure)),
        }
        step.read += evidence.read + PER_MESSAGE;
    }
}

/// What one blocking call found out.
#[derive(Default)]
struct Step {
    matching: Vec<Uid>,
    failure: Option<store::Error>,
    /// Octets.
    read: u64,
}

/// What looking at a message costs beside its octets, in octets.
const PER_MESSAGE: u64 = 1024;
