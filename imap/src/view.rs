//! The selected mailbox as this session's client knows it: the only owner of message sequence numbers.
//!
//! - A sequence number means what the client was last told. It moves only when [`View::pending`] says so on the wire.
//! - `members` is the state whose messages the client can number, `told` the one whose flags it knows. They are one and
//!   the same except while expunges are withheld (RFC 9051 section 7.5.1): then `told` goes on and `members` stays.
//! - A change is told once: what the session's own STORE has answered is not told again.

use std::ops::Range;
use std::sync::Arc;

use store::{
    Flags, FlagsOperation, Keyword, KeywordBits, Live, Mailbox, ModSeq, Row, State, StoreFlags, Stored, Uid,
    UidSet,
};

use crate::error::Error;
use crate::seqset::{self, SequenceSet};
use crate::session::Enabled;
use crate::updates::{FetchItems, Update, Updates};

/// A message sequence number (RFC 9051 section 2.3.1.2). Never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeqNum(pub u32);

/// What the numbers of a set, or of an answer, mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbering {
    Seq,
    Uid,
}

/// Whether messages may go from the client's view now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expunge {
    Allow,
    /// RFC 9051 section 7.5.1: no EXPUNGE while a FETCH, STORE or SEARCH by sequence numbers is answered, nor between commands.
    Forbid,
}

/// What the session's own STORE tells of the messages that it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The new flags of every message that was named.
    Flags,
    /// RFC 9051 section 6.4.6, `.SILENT`: nothing but what the client cannot know. A CONDSTORE-aware client gets the new
    /// MODSEQs (RFC 7162 section 3.1.4.2), after UNCHANGEDSINCE of every message that passed (section 3.1.3).
    Silent { conditional: bool },
    /// FETCH tells it itself.
    Nothing,
}

/// A verb that this session has done itself, with its answer.
pub struct Own<'a> {
    pub uids: &'a UidSet,
    pub change: &'a StoreFlags,
    pub stored: &'a Stored,
    pub report: Report,
}

pub struct View {
    mailbox: Mailbox,
    live: Live,
    known: Known,
}

impl View {
    /// The mailbox as SELECT or EXAMINE told it: `state` is what EXISTS and FLAGS spoke of; the messages from
    /// `recent_from` on are this session's \Recent ones.
    pub fn new(mailbox: Mailbox, live: Live, state: Arc<State>, read_only: bool, recent_from: Uid) -> View {
        View { mailbox, live, known: Known::new(state, read_only, recent_from) }
    }

    /// All that happened since the client was last told, as far as it may be told now. The view has advanced when this
    /// returns, so the updates must be sent.
    pub fn pending(&mut self, expunge: Expunge, enabled: Enabled) -> Result<Updates, Error> {
        let newer = self.live.state();
        let recent_from = self.claim_recent(&newer)?;
        Ok(self.known.advance(newer, expunge, enabled, recent_from))
    }

    /// Like [`View::pending`] without expunges, before a FETCH: `answered` are the messages whose flags it tells anyway.
    pub fn refresh(&mut self, answered: &UidSet, enabled: Enabled) -> Result<Updates, Error> {
        let mut updates = self.pending(Expunge::Forbid, enabled)?;
        updates.forget_flags_of(answered);
        Ok(updates)
    }

    /// What the client must be told after a verb of its own; the next [`View::pending`] does not repeat it.
    pub fn stored(&mut self, own: &Own<'_>, enabled: Enabled) -> Updates {
        let newer = self.live.state();
        self.known.stored(newer, own, enabled)
    }

    /// The messages that UNCHANGEDSINCE spared although nobody touched what the change is about since the client was told,
    /// and the MODSEQ up to which that is so. RFC 7162 section 3.1.12
    pub fn spurious(&self, change: &StoreFlags, stored: &Stored) -> Option<(UidSet, ModSeq)> {
        self.known.spurious(&self.live.state(), change, stored)
    }

    /// RFC 3501 section 2.3.2: the first session to be told of a message sees it as \Recent. A read-only one claims nothing.
    fn claim_recent(&self, newer: &Arc<State>) -> Result<Option<Uid>, Error> {
        if self.known.read_only || !self.known.has_arrivals(newer) {
            return Ok(None);
        }
        let claimed = common::block(|| self.mailbox.claim_recent())?;
        Ok(Some(claimed))
    }

    /// Waits until there may be something for [`View::pending`] to tell. Cancel-safe.
    pub async fn changed(&mut self) {
        self.live.changed().await;
    }

    /// The mailbox has been deleted by someone.
    pub fn is_deleted(&self) -> bool {
        self.live.state().deleted()
    }

    pub fn known(&self) -> &Known {
        &self.known
    }
}

impl std::ops::Deref for View {
    type Target = Known;
    fn deref(&self) -> &Known {
        &self.known
    }
}

/// The pure part of the view: what the client knows, and what it must be told of a newer state.
pub struct Known {
    members: Arc<State>,
    told: Arc<State>,
    read_only: bool,
    recent: UidSet,
    /// The keywords that FLAGS has announced.
    keywords: Arc<[Keyword]>,
}

impl Known {
    pub fn new(state: Arc<State>, read_only: bool, recent_from: Uid) -> Known {
        let recent = UidSet::from_ranges(recent_range(recent_from, &state));
        let keywords = Arc::clone(state.keywords());
        Known { members: Arc::clone(&state), told: state, read_only, recent, keywords }
    }

    /// EXISTS.
    pub fn exists(&self) -> usize {
        self.members.len()
    }

    /// RECENT.
    pub fn recent_count(&self) -> usize {
        self.positions(&self.recent).map(|range| range.len()).sum()
    }

    pub fn is_recent(&self, uid: Uid) -> bool {
        self.recent.contains(uid)
    }

    pub fn read_only(&self) -> bool {
        self.read_only
    }

    /// The names of the keyword bits in the rows of this view.
    pub fn keywords(&self) -> &Arc<[Keyword]> {
        self.told.keywords()
    }

    pub fn uid(&self, seq: SeqNum) -> Option<Uid> {
        let index = usize::try_from(seq.0.checked_sub(1)?).ok()?;
        self.members.nth(index).map(|row| row.uid)
    }

    pub fn seq(&self, uid: Uid) -> Option<SeqNum> {
        self.members.index_of(uid).map(seq_num)
    }

    /// The messages of a set that a client wrote. RFC 9051 section 9, seq-number: "The server should respond with a tagged
    /// BAD response to a command that uses a message sequence number greater than the number of messages in the selected
    /// mailbox. This includes "*" if the selected mailbox is empty." Absent UIDs are ignored (section 6.4.9).
    pub fn resolve(&self, set: &SequenceSet, numbering: Numbering) -> Result<UidSet, Error> {
        if numbering == Numbering::Uid {
            return Ok(self.matching(set, numbering));
        }
        let exists = self.exists();
        let (largest, star) = set.extent();
        if exists == 0 {
            return Err(Error::bad("No message has this number: the mailbox is empty"));
        }
        if usize::try_from(largest).is_ok_and(|largest| largest <= exists) || (largest == 0 && star) {
            return Ok(self.matching(set, numbering));
        }
        Err(Error::bad(format!("No message has the number {largest}: the mailbox has {exists} messages")))
    }

    /// The messages of a set, numbers without a message left out: a set among the keys of SEARCH.
    pub fn matching(&self, set: &SequenceSet, numbering: Numbering) -> UidSet {
        let Some(last) = self.members.len().checked_sub(1).and_then(|index| self.members.nth(index)) else {
            return UidSet::new();
        };
        match numbering {
            Numbering::Uid => {
                let ranges = set.ranges(last.uid.0).filter(|range| *range.start() <= last.uid.0);
                UidSet::from_ranges(ranges.map(|range| *range.start()..=(*range.end()).min(last.uid.0)))
            }
            Numbering::Seq => {
                let exists = seq_num(self.members.len() - 1).0;
                UidSet::from_ranges(set.ranges(exists).filter_map(|range| self.uid_range(range, exists)))
            }
        }
    }

    /// From the UID of the first to that of the last of a range of sequence numbers: between them are no other messages.
    fn uid_range(
        &self,
        range: std::ops::RangeInclusive<u32>,
        exists: u32,
    ) -> Option<std::ops::RangeInclusive<u32>> {
        let from = self.uid(SeqNum(*range.start()))?;
        let to = self.uid(SeqNum((*range.end()).min(exists)))?;
        Some(from.0..=to.0)
    }

    /// Where the messages of the set stand, as ranges of indices from 0, ascending.
    pub fn positions<'a>(&'a self, uids: &'a UidSet) -> impl Iterator<Item = Range<usize>> + 'a {
        uids.ranges().iter().filter_map(|range| {
            let from = self.members.rank(Uid(*range.start()));
            let last = Uid(*range.end());
            let to = self.members.rank(last) + usize::from(self.members.index_of(last).is_some());
            (from < to).then_some(from..to)
        })
    }

    /// The messages of the set as the client knows them, ascending.
    pub fn rows<'a>(&'a self, uids: &'a UidSet) -> impl Iterator<Item = (SeqNum, Row)> + 'a {
        self.positions(uids).flatten().filter_map(|index| self.at(index))
    }

    /// The `index`-th message (from 0) as the client knows it.
    pub fn at(&self, index: usize) -> Option<(SeqNum, Row)> {
        let member = self.members.nth(index)?;
        Some((seq_num(index), self.newest(member)))
    }

    /// The row whose flags the client was told: that of an expunged message is the last one there was.
    fn newest(&self, member: Row) -> Row {
        if Arc::ptr_eq(&self.members, &self.told) {
            return member;
        }
        self.told.row(member.uid).unwrap_or(member)
    }

    /// The highest MODSEQ that the client may rely on (RFC 7162 section 6).
    pub fn highest_modseq(&self) -> ModSeq {
        self.members.highest_modseq()
    }

    /// The set as numbers of the kind, in the shortest form: `1:3,5`.
    pub fn numbers(&self, uids: &UidSet, numbering: Numbering) -> String {
        match numbering {
            Numbering::Uid => uids.to_string(),
            Numbering::Seq => seqset::compact(self.positions(uids).flatten().map(|index| seq_num(index).0)),
        }
    }

    /// The messages of the set with a greater MODSEQ. RFC 7162 section 3.1.4.1
    pub fn changed_since(&self, uids: &UidSet, modseq: ModSeq) -> UidSet {
        let changed = self.told.changed_since(modseq).map(|row| row.uid);
        changed.filter(|&uid| uids.contains(uid) && self.members.index_of(uid).is_some()).collect()
    }

    /// Which of the expunged UIDs a client that asks for this set is told of as VANISHED (EARLIER): not those that it still
    /// has a number for, they are told in their turn. RFC 7162 section 3.2.10.1
    pub fn vanished(&self, expunged: &UidSet, set: &SequenceSet) -> UidSet {
        let last = self.told.uid_next().0.saturating_sub(1);
        let asked = expunged.intersection(&UidSet::from_ranges(set.ranges(last)));
        let numbered: UidSet = self.rows(&asked).map(|(_, row)| row.uid).collect();
        asked.difference(&numbered)
    }

    fn has_arrivals(&self, newer: &Arc<State>) -> bool {
        newer.uid_next() > self.members.uid_next()
    }

    fn advance(
        &mut self,
        newer: Arc<State>,
        expunge: Expunge,
        enabled: Enabled,
        recent_from: Option<Uid>,
    ) -> Updates {
        let mut updates = Updates::new(Arc::clone(newer.keywords()), self.read_only);
        if Arc::ptr_eq(&newer, &self.members) {
            return updates;
        }
        self.tell_keywords(&newer, &mut updates);
        let changed = self.told.difference(&newer).changed;
        let changed = changed.into_iter().filter(|row| self.seq(row.uid).is_some()).collect::<Vec<_>>();
        let membership = self.members.difference(&newer);
        self.told = Arc::clone(&newer);
        self.note_recent(&newer, recent_from);
        if expunge == Expunge::Forbid && !membership.expunged.is_empty() {
            self.tell_flags(&changed, enabled, &mut updates);
            self.tell_withheld(enabled, &mut updates);
            return updates;
        }
        self.tell_expunged(&membership.expunged, enabled, &mut updates);
        self.members = newer;
        if !membership.added.is_empty() {
            updates.push(Update::Exists(self.exists()));
            updates.push(Update::Recent(self.recent_count()));
        }
        self.tell_flags(&changed, enabled, &mut updates);
        updates
    }

    fn stored(&mut self, newer: Arc<State>, own: &Own<'_>, enabled: Enabled) -> Updates {
        let mut updates = Updates::new(Arc::clone(newer.keywords()), self.read_only);
        self.tell_keywords(&newer, &mut updates);
        let changed = self.told.difference(&newer).changed;
        let asked = keyword_mask(&own.change.keywords, newer.keywords());
        let mut told = Vec::new();
        for row in changed {
            let Some(seq) = self.seq(row.uid) else { continue };
            let before = self.told.row(row.uid);
            if let Some(items) = own.items(&row, before, asked, enabled) {
                told.push(self.fetch(seq, row, items));
            }
        }
        let answered: UidSet = told.iter().map(|(row, _)| row.uid).collect();
        self.told = newer;
        for (seq, row) in self.rows(own.uids).filter(|(_, row)| !answered.contains(row.uid)) {
            if let Some(items) = own.items_unchanged(&row, enabled) {
                told.push(self.fetch(seq, row, items));
            }
        }
        told.sort_by_key(|(row, _)| row.uid);
        told.into_iter().for_each(|(_, update)| updates.push(update));
        updates
    }

    fn spurious(&self, newest: &State, change: &StoreFlags, stored: &Stored) -> Option<(UidSet, ModSeq)> {
        let since = change.unchanged_since.filter(|_| change.operation != FlagsOperation::Replace)?;
        let asked = keyword_mask(&change.keywords, newest.keywords());
        let is_spurious =
            |before: &Row, now: &Row| before.modseq <= since && agree_on(change, asked, before, now);
        let rows = self.rows(&stored.modified);
        let spared =
            rows.filter_map(|(_, before)| newest.row(before.uid).filter(|now| is_spurious(&before, now)));
        let spared: Vec<Row> = spared.collect();
        let newest = spared.iter().map(|row| row.modseq).max()?;
        Some((spared.iter().map(|row| row.uid).collect(), newest))
    }

    fn fetch(&self, seq: SeqNum, row: Row, items: FetchItems) -> (Row, Update) {
        (row, Update::Fetch { seq, row, items, recent: self.is_recent(row.uid) })
    }

    /// RFC 9051 section 7.3.5: FLAGS comes again when a keyword is new, before the FETCH that shows it.
    fn tell_keywords(&mut self, newer: &Arc<State>, updates: &mut Updates) {
        if self.keywords == *newer.keywords() {
            return;
        }
        self.keywords = Arc::clone(newer.keywords());
        updates.push(Update::Keywords);
    }

    /// Expunges by the numbers that the client has. The highest goes first, so no number moves before its turn.
    fn tell_expunged(&self, expunged: &[Uid], enabled: Enabled, updates: &mut Updates) {
        if expunged.is_empty() {
            return;
        }
        // RFC 7162 section 3.2.10.2
        if enabled.qresync {
            return updates.push(Update::Vanished(expunged.iter().copied().collect()));
        }
        let numbers = expunged.iter().rev().filter_map(|&uid| self.seq(uid));
        numbers.for_each(|seq| updates.push(Update::Expunge(seq)));
    }

    fn tell_flags(&self, changed: &[Row], enabled: Enabled, updates: &mut Updates) {
        let items = FetchItems::changed(enabled);
        for &row in changed {
            if let Some(seq) = self.seq(row.uid) {
                updates.push(self.fetch(seq, row, items).1);
            }
        }
    }

    /// RFC 7162 section 3.2: "if the server sends MODSEQ FETCH data items while EXPUNGE (or VANISHED) replies with lower
    /// mod-sequences being delayed, the server MUST send the HIGHESTMODSEQ response code with a lower value".
    fn tell_withheld(&self, enabled: Enabled, updates: &mut Updates) {
        if enabled.condstore && updates.has_modseqs() {
            updates.push(Update::HighestModSeq(self.members.highest_modseq()));
        }
    }

    /// In a read-only view nobody's claim is taken: whatever arrives is recent there.
    fn note_recent(&mut self, newer: &State, recent_from: Option<Uid>) {
        let from = match recent_from {
            Some(from) => from,
            None if self.read_only => self.members.uid_next(),
            None => return,
        };
        let ranges = self.recent.ranges().iter().cloned().chain(recent_range(from, newer));
        self.recent = UidSet::from_ranges(ranges);
    }
}

impl Own<'_> {
    /// What to tell of a row that differs from the one that the client knows.
    fn items(
        &self,
        row: &Row,
        before: Option<Row>,
        asked: KeywordBits,
        enabled: Enabled,
    ) -> Option<FetchItems> {
        let is_own = row.modseq == self.stored.modseq && self.stored.changed.contains(row.uid);
        if !is_own {
            return Some(FetchItems::changed(enabled));
        }
        match self.report {
            Report::Nothing => None,
            Report::Flags => Some(FetchItems::changed(enabled)),
            // RFC 9051 section 6.4.6: a change from elsewhere is told even so
            Report::Silent { .. } if !self.is_expected(row, before, asked) => {
                Some(FetchItems::changed(enabled))
            }
            Report::Silent { .. } => FetchItems::modseq(enabled),
        }
    }

    /// What to tell of a message that was named, exists, and is as the client knows it.
    fn items_unchanged(&self, row: &Row, enabled: Enabled) -> Option<FetchItems> {
        if self.stored.missing.contains(row.uid) {
            return None;
        }
        // RFC 7162 section 3.1.3: "It is RECOMMENDED that the server avoids the need for the client to do that by sending
        // an unsolicited FETCH response"
        if self.stored.modified.contains(row.uid) {
            return Some(FetchItems::changed(enabled));
        }
        match self.report {
            Report::Flags => Some(FetchItems::changed(enabled)),
            Report::Silent { conditional: true } => FetchItems::modseq(enabled),
            Report::Silent { conditional: false } | Report::Nothing => None,
        }
    }

    /// Whether the client can work out these flags from those it knew and what it asked for.
    fn is_expected(&self, row: &Row, before: Option<Row>, asked: KeywordBits) -> bool {
        let Some(before) = before else { return false };
        let (flags, keywords) = match self.change.operation {
            FlagsOperation::Replace => (self.change.flags, asked.0),
            FlagsOperation::Add => (before.flags.with(self.change.flags), before.keywords.0 | asked.0),
            FlagsOperation::Remove => (before.flags.without(self.change.flags), before.keywords.0 & !asked.0),
        };
        (row.flags, row.keywords.0) == (flags, keywords)
    }
}

/// The bits of the names in a mailbox's list; names that it does not have have none.
pub fn keyword_mask(names: &[Keyword], list: &[Keyword]) -> KeywordBits {
    let bit = |name: &Keyword| list.iter().position(|known| known.0.eq_ignore_ascii_case(&name.0));
    KeywordBits(names.iter().filter_map(bit).fold(0, |bits, index| bits | 1 << index))
}

/// Whether the flags and the bits of one change are as they were: nobody else touched what it is about.
fn agree_on(change: &StoreFlags, asked: KeywordBits, one: &Row, other: &Row) -> bool {
    let of = |row: &Row| (Flags(row.flags.0 & change.flags.0), row.keywords.0 & asked.0);
    of(one) == of(other)
}

fn recent_range(from: Uid, state: &State) -> Option<std::ops::RangeInclusive<u32>> {
    (from < state.uid_next()).then(|| from.0..=state.uid_next().0.saturating_sub(1))
}

/// The number of the message at an index. UIDs are 32 bits wide, so a mailbox has no more messages than that.
fn seq_num(index: usize) -> SeqNum {
    SeqNum(u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1))
}
