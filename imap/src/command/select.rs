//! SELECT and EXAMINE with CONDSTORE and QRESYNC. RFC 9051 section 6.3.2 and section 6.3.3, RFC 7162 section 3.1.8 and section 3.2.5

use std::sync::Arc;

use common::block;
use store::{Live, Mailbox, ModSeq, State, Uid, UidSet, UidValidity};

use super::announce;
use crate::error::Error;
use crate::name::{self, Place, Rights};
use crate::response::{Code, Reply, Writer};
use crate::seqset::SequenceSet;
use crate::session::{Selected, Session};
use crate::syntax::Parser;
use crate::updates::{FetchItems, Update, Updates, write_keywords};
use crate::view::{SeqNum, View};

/// FETCH responses, or ranges of one VANISHED, that are put together before they are sent.
const BATCH: usize = 2000;

/// select-params
#[derive(Debug, Default, PartialEq, Eq)]
struct Parameters {
    condstore: bool,
    resync: Option<Resync>,
}

/// What a client knows of the mailbox from before. RFC 7162 section 3.2.5
#[derive(Debug, PartialEq, Eq)]
struct Resync {
    uid_validity: UidValidity,
    modseq: ModSeq,
    /// `None`: all.
    known: Option<SequenceSet>,
    /// Sequence numbers and the UIDs that they stood for.
    sample: Option<(SequenceSet, SequenceSet)>,
}

pub async fn run(session: &mut Session, arguments: &mut Parser<'_>) -> Result<Reply, Error> {
    arguments.space()?;
    let name = arguments.mailbox()?;
    let parameters = if arguments.more() { parameters(arguments)? } else { Parameters::default() };
    arguments.end()?;
    if parameters.resync.is_some() && !session.enabled.qresync {
        return Err(Error::bad("QRESYNC must be enabled first"));
    }
    // RFC 9586 section 3.2: the sample has message numbers
    if session.enabled.uidonly && parameters.resync.as_ref().is_some_and(|resync| resync.sample.is_some()) {
        return Err(Error::uid_required());
    }
    // RFC 9051 section 6.3.2: the mailbox that was selected is left, whether or not the new one can be opened. Its state
    // is kept until then: it may be the same one.
    let _previous = session.unselect();
    if parameters.condstore {
        session.enable_condstore();
    }
    let place = name::resolve(session.user()?, &name)?;
    let examine = session.command.name == "EXAMINE";
    let mailbox = place.require_readable(session.user()?)?;
    let opened = block(|| open(mailbox, &place, examine))?;
    let read_only = opened.read_only;
    let numbered = !session.enabled.uidonly;
    opened.write(&mut session.writer(), numbered);
    announce::selected(session, &place, &name)?;
    let Opened { mailbox, live, state, recent_from, rights, .. } = opened;
    let view = View::new(mailbox.clone(), live, Arc::clone(&state), rights, recent_from);
    let selected = Selected { mailbox, view, shown: place.shown.clone(), rights, examined: examine };
    session.select(selected);
    if let Some(resync) = parameters.resync.filter(|resync| resync.uid_validity == state.uid_validity()) {
        resynchronize(session, &state, &resync).await?;
    }
    Ok(Reply::code(if read_only { Code::ReadOnly } else { Code::ReadWrite }))
}

/// A mailbox as it was when it was opened.
struct Opened {
    mailbox: Mailbox,
    live: Live,
    state: Arc<State>,
    recent_from: Uid,
    rights: Rights,
    read_only: bool,
}

fn open(mailbox: Mailbox, place: &Place, examine: bool) -> Result<Opened, Error> {
    let rights = if examine { place.rights.read_only() } else { place.rights };
    let read_only = rights.is_read_only();
    let live = mailbox.live()?;
    // Claimed before the state is read: what arrives between is shown now and claimed with the next arrival.
    let (state, recent_from) = if read_only {
        let state = live.state();
        let recent_from = recent_from(&mailbox, &state)?;
        (state, recent_from)
    } else {
        let claimed = mailbox.claim_recent()?;
        (live.state(), claimed)
    };
    Ok(Opened { mailbox, live, state, recent_from, rights, read_only })
}

/// Where what is recent begins, which stays so: as EXAMINE shows it. RFC 3501 section 6.3.2
pub(super) fn recent_from(mailbox: &Mailbox, state: &State) -> store::Result<Uid> {
    Ok(nth_from_the_end(state, mailbox.info()?.recent))
}

fn nth_from_the_end(state: &State, count: u32) -> Uid {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let first = state.nth(state.len().saturating_sub(count)).filter(|_| count > 0);
    first.map_or(state.uid_next(), |row| row.uid)
}

impl Opened {
    /// The untagged responses of RFC 9051 section 6.3.2 and RFC 3501 section 6.3.1.
    /// UNSEEN is a message number: not after ENABLE UIDONLY (RFC 9586).
    fn write(&self, out: &mut Writer<'_>, numbered: bool) {
        let state = &self.state;
        write_keywords(out, state.keywords(), self.rights);
        out.untagged(format_args!("{} EXISTS", state.len()));
        // RFC 9051 appendix E: neither RECENT nor UNSEEN
        if !out.enabled().rev2 {
            self.write_rev1(out, numbered);
        }
        out.status(b"*", "OK", Some(&Code::UidValidity(state.uid_validity())), "UIDs are valid");
        out.status(b"*", "OK", Some(&Code::UidNext(state.uid_next())), "Predicted next UID");
        // RFC 8474 section 4.2
        out.status(b"*", "OK", Some(&Code::MailboxId(self.mailbox.id())), "Mailbox");
        // RFC 7162 section 3.1.2.1
        out.status(b"*", "OK", Some(&Code::HighestModSeq(state.highest_modseq())), "Highest");
    }

    /// What IMAP4rev1 alone tells. RFC 3501 section 6.3.1
    fn write_rev1(&self, out: &mut Writer<'_>, numbered: bool) {
        let state = &self.state;
        let recent = state.len() - state.rank(self.recent_from);
        out.untagged(format_args!("{recent} RECENT"));
        if numbered && let Some(seq) = state.first_unseen().and_then(|index| u32::try_from(index + 1).ok()) {
            out.status(b"*", "OK", Some(&Code::Unseen(seq)), "First unseen message");
        }
    }
}

/// VANISHED (EARLIER), then the changed flags. RFC 7162 section 3.2.5.1
async fn resynchronize(session: &mut Session, state: &State, resync: &Resync) -> Result<(), Error> {
    let known = resync.known(state);
    let (selected, _) = session.selected()?;
    let mailbox = selected.mailbox.clone();
    let vanished = block(|| mailbox.vanished_since(resync.modseq))?;
    let vanished = resync.vanished(state, &vanished, &known);
    for ranges in vanished.ranges().chunks(BATCH) {
        let uids = UidSet::from_ranges(ranges.iter().cloned());
        session.writer().untagged(format_args!("VANISHED (EARLIER) {uids}"));
        session.flush_batch().await?;
    }
    let mut changed = state.changed_since(resync.modseq).filter(|row| known.contains(row.uid)).peekable();
    while changed.peek().is_some() {
        let updates = fetches(session, state, changed.by_ref().take(BATCH))?;
        updates.send(&mut session.stream).await?;
    }
    Ok(())
}

fn fetches(
    session: &mut Session,
    state: &State,
    rows: impl Iterator<Item = store::Row>,
) -> Result<Updates, Error> {
    let enabled = session.enabled;
    let items = FetchItems::changed(enabled);
    let (selected, _) = session.selected()?;
    let mut updates = Updates::new(Arc::clone(state.keywords()), selected.rights, enabled);
    for row in rows {
        let seq = state.index_of(row.uid).and_then(|index| u32::try_from(index + 1).ok());
        let Some(seq) = seq.map(SeqNum) else { continue };
        updates.push(Update::Fetch { seq, row, items, recent: selected.view.is_recent(row.uid) });
    }
    Ok(updates)
}

impl Resync {
    /// The UIDs that the client asks about, below UIDNEXT.
    fn known(&self, state: &State) -> UidSet {
        let last = state.uid_next().0.saturating_sub(1);
        let all = || UidSet::from_ranges((last > 0).then_some(1..=last));
        self.known.as_ref().map_or_else(all, |known| {
            let ranges = known.ranges(last).filter(|range| *range.start() <= last);
            UidSet::from_ranges(ranges.map(|range| *range.start()..=(*range.end()).min(last)))
        })
    }

    /// Of the UIDs that vanished those that the client may still have. What vanished after `state` was told is left to
    /// the view, which will tell it once.
    fn vanished(&self, state: &State, vanished: &UidSet, known: &UidSet) -> UidSet {
        let intact = self.intact_up_to(state);
        let gone = intersection(vanished, known).filter_map(|range| {
            let start = (*range.start()).max(intact.saturating_add(1));
            (start <= *range.end()).then_some(start..=*range.end())
        });
        let gone: Vec<_> = gone.flat_map(|range| without_existing(state, range)).collect();
        UidSet::from_ranges(gone)
    }

    /// The highest UID of the sample that still has its sequence number: nothing up to it vanished unknown to the client.
    /// RFC 7162 section 3.2.5.2
    fn intact_up_to(&self, state: &State) -> u32 {
        let Some((seqs, uids)) = &self.sample else { return 0 };
        let exists = u32::try_from(state.len()).unwrap_or(u32::MAX);
        let mut last = 0;
        // "Both MUST be provided in ascending order": what does not ascend is not looked at, so the work has an end.
        let ascending = numbers(seqs).zip(numbers(uids)).take_while(|(seq, _)| {
            let ascends = last < *seq && *seq <= exists;
            last = *seq;
            ascends
        });
        let matching = ascending.filter(|(seq, uid)| {
            let index = usize::try_from(seq.saturating_sub(1)).ok();
            index.and_then(|index| state.nth(index)).is_some_and(|row| row.uid.0 == *uid)
        });
        matching.map(|(_, uid)| uid).max().unwrap_or(0)
    }
}

/// All numbers of a set, in the order in which they are written.
fn numbers(set: &SequenceSet) -> impl Iterator<Item = u32> + '_ {
    set.ranges(0).flatten()
}

/// What two sets have in common, in steps of the sum of their ranges.
fn intersection<'a>(
    one: &'a UidSet,
    other: &'a UidSet,
) -> impl Iterator<Item = std::ops::RangeInclusive<u32>> + 'a {
    let (one, other) = (one.ranges(), other.ranges());
    let (mut i, mut j) = (0, 0);
    std::iter::from_fn(move || {
        while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
            let (start, end) = ((*a.start()).max(*b.start()), (*a.end()).min(*b.end()));
            if a.end() < b.end() {
                i += 1;
            } else {
                j += 1;
            }
            if start <= end {
                return Some(start..=end);
            }
        }
        None
    })
}

/// The parts of a range that no message of the state lies in.
fn without_existing(
    state: &State,
    range: std::ops::RangeInclusive<u32>,
) -> Vec<std::ops::RangeInclusive<u32>> {
    let mut parts = Vec::new();
    let mut start = *range.start();
    let mut index = state.rank(Uid(start));
    while let Some(row) = state.nth(index).filter(|row| row.uid.0 <= *range.end()) {
        if start < row.uid.0 {
            parts.push(start..=row.uid.0 - 1);
        }
        start = row.uid.0.saturating_add(1);
        index += 1;
    }
    if start <= *range.end() {
        parts.push(start..=*range.end());
    }
    parts
}

/// `select-params = "(" select-param *(SP select-param) ")"`. RFC 7162 section 7
fn parameters(arguments: &mut Parser<'_>) -> Result<Parameters, Error> {
    arguments.expect(b'(')?;
    let mut parameters = Parameters::default();
    parameter(arguments, &mut parameters)?;
    while arguments.take(b' ') {
        parameter(arguments, &mut parameters)?;
    }
    arguments.expect(b')')?;
    Ok(parameters)
}

fn parameter(arguments: &mut Parser<'_>, parameters: &mut Parameters) -> Result<(), Error> {
    if arguments.word("CONDSTORE") {
        parameters.condstore = true;
        return Ok(());
    }
    if arguments.word("QRESYNC") && parameters.resync.is_none() {
        arguments.space()?;
        parameters.resync = Some(resync(arguments)?);
        return Ok(());
    }
    Err(arguments.expected("CONDSTORE or QRESYNC"))
}

/// `"(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"`
fn resync(arguments: &mut Parser<'_>) -> Result<Resync, Error> {
    arguments.expect(b'(')?;
    let uid_validity = UidValidity(arguments.nz_number()?);
    arguments.space()?;
    let modseq = arguments.modseq()?;
    if modseq.0 == 0 {
        return Err(arguments.expected("a MODSEQ above 0"));
    }
    let mut resync = Resync { uid_validity, modseq, known: None, sample: None };
    if arguments.take(b' ') {
        if arguments.peek() != Some(b'(') {
            resync.known = Some(plain_set(arguments)?);
        }
        if resync.known.is_none() || arguments.take(b' ') {
            resync.sample = Some(sample(arguments)?);
        }
    }
    arguments.expect(b')')?;
    Ok(resync)
}

/// `seq-match-data = "(" known-sequence-set SP known-uid-set ")"`
fn sample(arguments: &mut Parser<'_>) -> Result<(SequenceSet, SequenceSet), Error> {
    arguments.expect(b'(')?;
    let seqs = plain_set(arguments)?;
    arguments.space()?;
    let uids = plain_set(arguments)?;
    arguments.expect(b')')?;
    Ok((seqs, uids))
}

/// A sequence set in which `*` is not allowed.
fn plain_set(arguments: &mut Parser<'_>) -> Result<SequenceSet, Error> {
    let text = arguments.take_while(|c| c.is_ascii_digit() || matches!(c, b':' | b','));
    SequenceSet::parse(text).ok_or_else(|| arguments.expected("a set of numbers without \"*\""))
}

#[cfg(test)]
mod tests {
    use store::{Flags, KeywordBits, Row};

    use super::*;
    use crate::syntax::Limits;

    fn parse(text: &str) -> Result<Parameters, Error> {
        let mut parser = Parser::new(text.as_bytes(), 0, Limits::default());
        let parameters = parameters(&mut parser)?;
        parser.end()?;
        Ok(parameters)
    }

    fn set(text: &str) -> SequenceSet {
        SequenceSet::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn rfc_examples() {
        assert!(parse("(CONDSTORE)").unwrap().condstore);
        // RFC 7162 section 3.2.5
        let resync =
            parse("(QRESYNC (67890007 20050715194045000 41,43:211,214:541))").unwrap().resync.unwrap();
        assert_eq!(resync.uid_validity, UidValidity(67_890_007));
        assert_eq!(resync.modseq, ModSeq(20_050_715_194_045_000));
        assert_eq!(resync.known, Some(set("41,43:211,214:541")));
        let text = "(QRESYNC (67890007 90060115194045000 1:29997 (5000,7500 15000,22500)))";
        let resync = parse(text).unwrap().resync.unwrap();
        assert_eq!(resync.sample, Some((set("5000,7500"), set("15000,22500"))));
        let resync = parse("(qresync (1 2 (3 4)) condstore)").unwrap().resync.unwrap();
        assert_eq!((resync.known, resync.sample), (None, Some((set("3"), set("4")))));
    }

    #[test]
    fn refuses_bad_parameters() {
        for text in [
            "()",
            "(BOGUS)",
            "(QRESYNC)",
            "(QRESYNC ())",
            "(QRESYNC (1))",
            "(QRESYNC (0 1))",
            "(QRESYNC (1 0))",
            "(QRESYNC (1 2 1:*))",
            "(QRESYNC (1 2 3 (4)))",
            "(QRESYNC (1 2 3 (4 5) 6))",
            "(QRESYNC (1 2 ))",
            "(CONDSTORE",
            "(CONDSTORE  CONDSTORE)",
            "(QRESYNC (1 2) QRESYNC (1 2))",
        ] {
            assert!(matches!(parse(text), Err(Error::Bad(_))), "{text}");
        }
    }

    fn uids(ranges: &[std::ops::RangeInclusive<u32>]) -> UidSet {
        UidSet::from_ranges(ranges.iter().cloned())
    }

    /// Messages with these UIDs.
    fn state(uids: impl IntoIterator<Item = u32>, uid_next: u32) -> State {
        let row =
            |uid| Row { uid: Uid(uid), flags: Flags::default(), keywords: KeywordBits(0), modseq: ModSeq(1) };
        let rows: Vec<Row> = uids.into_iter().map(row).collect();
        State::of_rows(Uid(uid_next), ModSeq(1), &[], &rows)
    }

    fn resync(known: Option<&str>, sample: Option<(&str, &str)>) -> Resync {
        let sample = sample.map(|(seqs, uids)| (set(seqs), set(uids)));
        Resync { uid_validity: UidValidity(1), modseq: ModSeq(1), known: known.map(set), sample }
    }

    fn vanished(resync: &Resync, state: &State, vanished: &UidSet) -> String {
        resync.vanished(state, vanished, &resync.known(state)).to_string()
    }

    #[test]
    fn vanished_are_those_that_the_client_may_have() {
        let state = state([1, 5, 7], 10);
        let gone = uids(&[2..=4, 6..=6, 8..=9]);
        assert_eq!(vanished(&resync(None, None), &state, &gone), "2:4,6,8:9");
        assert_eq!(vanished(&resync(Some("3:8"), None), &state, &gone), "3:4,6,8");
        assert_eq!(vanished(&resync(Some("5,7,20:30"), None), &state, &gone), "");
        // Expunged after the state was told: the view will tell it.
        assert_eq!(vanished(&resync(None, None), &state, &uids(&[1..=9])), "2:4,6,8:9");
        // Arrived and gone after the state was told
        assert_eq!(vanished(&resync(None, None), &state, &uids(&[9..=12])), "9");
        let empty = self::state([], 1);
        assert_eq!(vanished(&resync(None, None), &empty, &UidSet::new()), "");
    }

    #[test]
    fn a_sample_tells_up_to_where_nothing_vanished() {
        // RFC 7162 section 3.2.5.2: message 4 has UID 8, message 12 has UID 25 and not 24
        let state = state((1..=3).map(|n| n * 2).chain(8..=14).chain([20, 25]), 30);
        let gone = uids(&[1..=1, 3..=3, 5..=5, 15..=19, 21..=24]);
        assert_eq!(vanished(&resync(None, Some(("4,12", "8,24"))), &state, &gone), "15:19,21:24");
        assert_eq!(vanished(&resync(None, Some(("4,12", "8,25"))), &state, &gone), "");
        // Not ascending, or past the end: not looked at
        assert_eq!(resync(None, Some(("12,4", "24,8"))).intact_up_to(&state), 0);
        assert_eq!(resync(None, Some(("1:4294967295", "1:4294967295"))).intact_up_to(&state), 0);
    }

    #[test]
    fn recent_ones_are_the_last() {
        let state = state([2, 4, 6], 9);
        for (count, from) in [(0, 9), (1, 6), (3, 2), (7, 2)] {
            assert_eq!(nth_from_the_end(&state, count), Uid(from), "{count}");
        }
        assert_eq!(nth_from_the_end(&self::state([], 1), 1), Uid(1));
    }

    #[test]
    fn sets_intersect() {
        let set = uids;
        let one = set(&[1..=5, 8..=8, 10..=20]);
        let other = set(&[2..=3, 5..=8, 12..=30]);
        assert_eq!(intersection(&one, &other).collect::<Vec<_>>(), [2..=3, 5..=5, 8..=8, 12..=20]);
        assert_eq!(intersection(&one, &UidSet::new()).count(), 0);
    }
}
