//! The selected mailbox as this session's client knows it: the only owner of message sequence numbers.
//!
//! - A sequence number means what the client was last told. It moves only when [`View::pending`] says so on the wire.
//! - `members` is the state whose messages the client can number, `told` the one whose flags it knows. They are one and
//!   the same except while expunges are withheld (RFC 9051 section 7.5.1): then `told` goes on and `members` stays.
//! - A change is told once: what the session's own STORE has answered is not told again.

mod own;

use std::ops::Range;
use std::sync::Arc;

use store::{Keyword, Live, Mailbox, ModSeq, Rights, Row, State, StoreFlags, Stored, Uid, UidSet};

use crate::error::Error;
use crate::search::context::Contexts;
use crate::seqset::{self, SequenceSet};
use crate::session::Enabled;
use crate::updates::{FetchItems, Update, Updates};

pub use own::{Own, Report, keyword_mask};

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
    /// They may, and what came is told first, as REPLACE has it. RFC 8508 section 3.3
    Last,
}

pub struct View {
    mailbox: Mailbox,
    live: Live,
    known: Known,
}

impl View {
    /// The mailbox as SELECT or EXAMINE told it: `state` is what EXISTS and FLAGS spoke of; the messages from
    /// `recent_from` on are this session's \Recent ones.
    pub fn new(mailbox: Mailbox, live: Live, state: Arc<State>, rights: Rights, recent_from: Uid) -> View {
        View { mailbox, live, known: Known::new(state, rights, recent_from) }
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
        if self.known.read_only() || !self.known.has_arrivals(newer) {
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

    /// The mailbox as it is, whatever the client was told.
    pub fn newest(&self) -> Arc<State> {
        self.live.state()
    }

    /// The user may do more or less now.
    pub fn set_rights(&mut self, rights: Rights) {
        self.known.rights = rights;
    }

    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The mailbox as it is now, whatever the client knows of it.
    pub fn newest_state(&self) -> Arc<State> {
        self.live.state()
    }

    /// Results whose changes are told.
    pub fn contexts_mut(&mut self) -> &mut Contexts {
        &mut self.known.contexts
    }

    /// Sets what `$` means from now on. RFC 5182 section 2.1
    pub fn save(&mut self, uids: UidSet) {
        self.known.saved = uids;
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
    /// Which flags can be kept.
    rights: Rights,
    recent: UidSet,
    /// The keywords that FLAGS has announced.
    keywords: Arc<[Keyword]>,
    /// `$`: what the last SEARCH saved. Messages that are gone since are in no set that it is part of.
    saved: UidSet,
    /// Results whose changes are told.
    pub contexts: Contexts,
}

impl Known {
    pub fn new(state: Arc<State>, rights: Rights, recent_from: Uid) -> Known {
        let recent = UidSet::from_ranges(recent_range(recent_from, &state));
        let keywords = Arc::clone(state.keywords());
        Known {
            members: Arc::clone(&state),
            told: state,
            rights,
            recent,
            keywords,
            saved: UidSet::new(),
            contexts: Contexts::default(),
        }
    }

    /// EXISTS.
    pub fn exists(&self) -> usize {
        self.members.len()
    }

    /// Messages from this UID on are not known yet.
    pub fn uid_next(&self) -> Uid {
        self.members.uid_next()
    }

    /// RECENT.
    pub fn recent_count(&self) -> usize {
        self.positions(&self.recent).map(|range| range.len()).sum()
    }

    pub fn is_recent(&self, uid: Uid) -> bool {
        self.recent.contains(uid)
    }

    pub fn read_only(&self) -> bool {
        self.rights.is_read_only()
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

    /// The message as a number of the kind.
    pub fn number(&self, uid: Uid, numbering: Numbering) -> Option<u32> {
        match numbering {
            Numbering::Uid => Some(uid.0),
            Numbering::Seq => self.seq(uid).map(|seq| seq.0),
        }
    }

    /// The messages of a set that a client wrote. RFC 9051 section 9, seq-number: "The server should respond with a tagged
    /// BAD response to a command that uses a message sequence number greater than the number of messages in the selected
    /// mailbox. This includes "*" if the selected mailbox is empty." Absent UIDs are ignored (section 6.4.9).
    pub fn resolve(&self, set: &SequenceSet, numbering: Numbering) -> Result<UidSet, Error> {
        if numbering == Numbering::Uid {
            return Ok(self.matching(set, numbering));
        }
        // RFC 5182 section 2.1: `$` is "a valid, but non-matching list of messages" where nothing is saved
        if set.is_only_saved() {
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
        let written = match numbering {
            Numbering::Uid => {
                let ranges = set.ranges(last.uid.0).filter(|range| *range.start() <= last.uid.0);
                UidSet::from_ranges(ranges.map(|range| *range.start()..=(*range.end()).min(last.uid.0)))
            }
            Numbering::Seq => {
                let exists = seq_num(self.members.len() - 1).0;
                UidSet::from_ranges(set.ranges(exists).filter_map(|range| self.uid_range(range, exists)))
            }
        };
        if set.is_saved() { written.union(&self.saved) } else { written }
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

    /// The messages of the set as ranges of message sequence numbers, ascending.
    pub fn seqs<'a>(&'a self, uids: &'a UidSet) -> impl Iterator<Item = std::ops::RangeInclusive<u32>> + 'a {
        let last = |places: &Range<usize>| places.end.checked_sub(1).map(|last| seq_num(last).0);
        self.positions(uids).filter_map(move |places| Some(seq_num(places.start).0..=last(&places)?))
    }

    /// The messages of the set, at most so many at a time.
    pub fn parts(&self, uids: &UidSet, most: usize) -> Vec<UidSet> {
        let mut parts = Vec::new();
        let mut part = Vec::new();
        let mut room = most;
        for mut range in self.positions(uids) {
            while !range.is_empty() {
                let end = range.end.min(range.start.saturating_add(room));
                part.extend(self.uids_at(range.start..end));
                room -= end - range.start;
                range.start = end;
                if room == 0 {
                    parts.push(UidSet::from_ranges(part.drain(..)));
                    room = most;
                }
            }
        }
        if !part.is_empty() {
            parts.push(UidSet::from_ranges(part));
        }
        parts
    }

    /// From the UID of the first to that of the last of a range of indices.
    fn uids_at(&self, range: Range<usize>) -> Option<std::ops::RangeInclusive<u32>> {
        let first = self.members.nth(range.start)?;
        let last = self.members.nth(range.end.checked_sub(1)?)?;
        Some(first.uid.0..=last.uid.0)
    }

    /// The messages of the set as the client knows them, ascending.
    pub fn rows<'a>(&'a self, uids: &'a UidSet) -> impl Iterator<Item = (SeqNum, Row)> + 'a {
        let numbered = |places: Range<usize>| places.clone().zip(self.members.rows_in(places));
        self.positions(uids).flat_map(numbered).map(|(index, row)| (seq_num(index), self.newest(row)))
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
        let mut updates = Updates::new(Arc::clone(newer.keywords()), self.rights, enabled);
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
        let added = membership.added.len();
        if expunge == Expunge::Last && added > 0 {
            updates.push(Update::Exists(self.exists() + added));
        }
        self.contexts_lose(&membership.expunged, &mut updates);
        self.tell_expunged(&membership.expunged, enabled, &mut updates);
        self.members = newer;
        if expunge != Expunge::Last && added > 0 {
            updates.push(Update::Exists(self.exists()));
        }
        if added > 0 {
            updates.push(Update::Recent(self.recent_count()));
        }
        self.tell_flags(&changed, enabled, &mut updates);
        updates
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

    /// RFC 5267 section 4.3.4: "MUST be sent prior to the expunge notification itself"
    fn contexts_lose(&mut self, expunged: &[Uid], updates: &mut Updates) {
        let mut contexts = std::mem::take(&mut self.contexts);
        if !expunged.is_empty() && !contexts.is_empty() {
            for change in contexts.lose(&expunged.iter().copied().collect(), self) {
                updates.push(Update::RemoveFrom(change));
            }
        }
        self.contexts = contexts;
    }

    /// Expunges by the numbers that the client has. The highest goes first, so no number moves before its turn.
    fn tell_expunged(&self, expunged: &[Uid], enabled: Enabled, updates: &mut Updates) {
        if expunged.is_empty() {
            return;
        }
        // RFC 7162 section 3.2.10.2, RFC 9586 section 3.4
        if enabled.qresync || enabled.uidonly {
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
            None if self.read_only() => self.members.uid_next(),
            None => return,
        };
        let ranges = self.recent.ranges().iter().cloned().chain(recent_range(from, newer));
        self.recent = UidSet::from_ranges(ranges);
    }
}

fn recent_range(from: Uid, state: &State) -> Option<std::ops::RangeInclusive<u32>> {
    (from < state.uid_next()).then(|| from.0..=state.uid_next().0.saturating_sub(1))
}

/// The number of the message at an index. UIDs are 32 bits wide, so a mailbox has no more messages than that.
fn seq_num(index: usize) -> SeqNum {
    SeqNum(u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;
    use store::{Flags, FlagsOperation, KeywordBits};

    use super::*;

    const PLAIN: Enabled = Enabled::NOTHING;
    const CONDSTORE: Enabled = Enabled { condstore: true, ..PLAIN };
    const QRESYNC: Enabled = Enabled { qresync: true, ..CONDSTORE };

    fn row(uid: u32, flags: Flags, modseq: u64) -> Row {
        Row { uid: Uid(uid), flags, keywords: KeywordBits(0), modseq: ModSeq(modseq) }
    }

    /// A state of messages without flags, with MODSEQ 1, except where told otherwise.
    fn state(uids: &[u32], changes: &[(u32, Flags, u64)]) -> Arc<State> {
        let change = |uid: u32| changes.iter().find(|(changed, ..)| *changed == uid);
        let rows = uids.iter().map(|&uid| match change(uid) {
            Some(&(_, flags, modseq)) => row(uid, flags, modseq),
            None => row(uid, Flags::default(), 1),
        });
        let rows: Vec<Row> = rows.collect();
        let next = uids.last().map_or(1, |last| last + 1);
        let highest = rows.iter().map(|row| row.modseq.0).max().unwrap_or(1);
        Arc::new(State::of_rows(Uid(next), ModSeq(highest), &[], &rows))
    }

    fn known(uids: &[u32]) -> Known {
        Known::new(state(uids, &[]), Rights::ALL, Uid(u32::MAX))
    }

    fn text(mut updates: Updates) -> String {
        let mut out = BytesMut::new();
        while !updates.write(&mut out) {}
        String::from_utf8(out.to_vec()).unwrap()
    }

    fn uids(known: &Known) -> Vec<u32> {
        (1..).map_while(|seq| known.uid(SeqNum(seq))).map(|uid| uid.0).collect()
    }

    fn set(text: &str) -> SequenceSet {
        SequenceSet::parse(text.as_bytes()).unwrap()
    }

    fn resolved(known: &Known, text: &str, numbering: Numbering) -> Option<String> {
        known.resolve(&set(text), numbering).ok().map(|uids| known.numbers(&uids, Numbering::Uid))
    }

    #[test]
    fn numbers_and_uids_are_each_others_inverse() {
        let known = known(&[3, 5, 200, 201]);
        assert_eq!(uids(&known), [3, 5, 200, 201]);
        assert_eq!(known.seq(Uid(200)), Some(SeqNum(3)));
        assert_eq!(known.seq(Uid(4)), None);
        assert_eq!((known.uid(SeqNum(0)), known.uid(SeqNum(5))), (None, None));
    }

    #[test]
    fn sets_of_sequence_numbers() {
        let known = known(&[3, 5, 200, 201]);
        let seq = |text| resolved(&known, text, Numbering::Seq);
        assert_eq!(seq("1"), Some("3".into()));
        assert_eq!(seq("*"), Some("201".into()));
        assert_eq!(seq("2,4"), Some("5,201".into()));
        assert_eq!(
            known.numbers(&known.resolve(&set("4,1:2"), Numbering::Seq).unwrap(), Numbering::Seq),
            "1:2,4"
        );
        // RFC 9051 section 9: a number greater than the number of messages
        for text in ["5", "1:5", "1,4294967295", "5:*"] {
            assert_eq!(seq(text), None, "{text}");
        }
    }

    // RFC 9051 section 6.4.9: "a UID range of 559:* always includes the UID of the last message in the mailbox"
    #[test]
    fn sets_of_uids() {
        let known = known(&[3, 5, 200, 201]);
        let rows = |text: &str| {
            let uids = known.resolve(&set(text), Numbering::Uid).unwrap();
            known.rows(&uids).map(|(seq, row)| (seq.0, row.uid.0)).collect::<Vec<_>>()
        };
        assert_eq!(rows("4:200"), [(2, 5), (3, 200)]);
        assert_eq!(rows("559:*"), [(4, 201)]);
        assert_eq!(rows("*:559"), [(4, 201)]);
        assert_eq!(rows("1:2,4,6:199,202,300:400"), []);
        assert_eq!(rows("1:*"), [(1, 3), (2, 5), (3, 200), (4, 201)]);
    }

    #[test]
    fn sets_are_cut_in_parts() {
        let known = known(&[1, 2, 5, 6, 9]);
        let parts = |text: &str, most| {
            let uids = known.matching(&set(text), Numbering::Uid);
            known.parts(&uids, most).iter().map(UidSet::to_string).collect::<Vec<_>>()
        };
        assert_eq!(parts("1:*", 2), ["1:2", "5:6", "9"]);
        assert_eq!(parts("1:*", 3), ["1:5", "6:9"]);
        assert_eq!(parts("2,6:*", 2), ["2,6", "9"]);
        assert_eq!(parts("1:*", 5), ["1:9"]);
        assert_eq!(parts("3:4", 5), [""; 0]);
    }

    #[test]
    fn sets_in_an_empty_mailbox() {
        let known = known(&[]);
        for text in ["*", "1", "1:*", "*:5"] {
            assert_eq!(resolved(&known, text, Numbering::Seq), None, "{text}");
            assert_eq!(resolved(&known, text, Numbering::Uid), Some(String::new()), "{text}");
            assert!(known.matching(&set(text), Numbering::Seq).is_empty(), "{text}");
        }
    }

    #[test]
    fn arrivals_are_told_with_recent() {
        let mut known = known(&[1, 2]);
        let updates = known.advance(state(&[1, 2, 5], &[]), Expunge::Forbid, PLAIN, Some(Uid(5)));
        assert_eq!(text(updates), "* 3 EXISTS\r\n* 1 RECENT\r\n");
        assert!(known.is_recent(Uid(5)) && !known.is_recent(Uid(2)));
        // Another session claimed the next one.
        let updates = known.advance(state(&[1, 2, 5, 6], &[]), Expunge::Allow, PLAIN, Some(Uid(7)));
        assert_eq!(text(updates), "* 4 EXISTS\r\n* 1 RECENT\r\n");
        assert_eq!(text(known.advance(state(&[1, 2, 5, 6], &[]), Expunge::Allow, PLAIN, None)), "");
    }

    #[test]
    fn expunges_go_from_the_highest_down() {
        let mut known = known(&[1, 2, 3, 4]);
        let updates = known.advance(state(&[2, 4, 9], &[]), Expunge::Allow, PLAIN, None);
        assert_eq!(text(updates), "* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n* 3 EXISTS\r\n* 0 RECENT\r\n");
        assert_eq!(uids(&known), [2, 4, 9]);
    }

    // RFC 7162 section 3.2.10.2
    #[test]
    fn qresync_gets_vanished() {
        let mut known = known(&[1, 2, 3, 4]);
        let updates = known.advance(state(&[2], &[]), Expunge::Allow, QRESYNC, None);
        assert_eq!(text(updates), "* VANISHED 1,3:4\r\n");
    }

    // RFC 9051 section 7.5.1
    #[test]
    fn withheld_expunges_keep_the_numbers_while_flags_go_on() {
        let mut known = known(&[1, 2, 3]);
        let newer = state(&[1, 3, 7], &[(3, Flags::SEEN, 5)]);
        let updates = known.advance(Arc::clone(&newer), Expunge::Forbid, PLAIN, Some(Uid(7)));
        assert_eq!(text(updates), "* 3 FETCH (FLAGS (\\Seen))\r\n");
        assert_eq!(uids(&known), [1, 2, 3]);
        assert_eq!(known.at(1).map(|(_, row)| row), Some(row(2, Flags::default(), 1)));
        assert_eq!(known.at(2).map(|(_, row)| row.flags), Some(Flags::SEEN));
        // Nothing is told twice, and the expunge comes as soon as it may.
        assert_eq!(text(known.advance(Arc::clone(&newer), Expunge::Forbid, PLAIN, None)), "");
        let updates = known.advance(newer, Expunge::Allow, PLAIN, None);
        assert_eq!(text(updates), "* 2 EXPUNGE\r\n* 3 EXISTS\r\n* 1 RECENT\r\n");
        assert_eq!(uids(&known), [1, 3, 7]);
    }

    // RFC 7162 section 3.2 and the example of section 6
    #[test]
    fn modseqs_that_overtake_an_expunge_come_with_the_lower_highestmodseq() {
        let mut known = known(&[1, 2]);
        let newer = state(&[2], &[(2, Flags::SEEN, 9)]);
        let updates = known.advance(newer, Expunge::Forbid, CONDSTORE, None);
        let expected = "* 2 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (9))\r\n* OK [HIGHESTMODSEQ 1] ";
        assert!(text(updates).starts_with(expected));
    }

    #[test]
    fn a_new_keyword_is_announced_before_it_is_shown() {
        let mut known = known(&[1]);
        let changed = Row { keywords: KeywordBits(1), modseq: ModSeq(4), ..row(1, Flags::default(), 4) };
        let newer = Arc::new(State::of_rows(Uid(2), ModSeq(4), &[Keyword("$Junk".into())], &[changed]));
        let updates = known.advance(newer, Expunge::Forbid, PLAIN, None);
        let expected = concat!(
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk)\r\n",
            "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk \\*)] Flags permitted\r\n",
            "* 1 FETCH (FLAGS ($Junk))\r\n"
        );
        assert_eq!(text(updates), expected);
    }

    /// What an own `operation` of `\Flagged` on the messages answers.
    fn own_store(
        known: &mut Known,
        newer: Arc<State>,
        stored: &Stored,
        report: Report,
        enabled: Enabled,
    ) -> String {
        let uids = UidSet::from_ranges([1..=10]);
        let change = StoreFlags {
            operation: FlagsOperation::Add,
            flags: Flags::FLAGGED,
            keywords: vec![],
            unchanged_since: None,
        };
        text(known.stored(newer, &Own { uids: &uids, change: &change, stored, report }, enabled))
    }

    fn stored(changed: &[u32], modified: &[u32], modseq: u64) -> Stored {
        let set = |uids: &[u32]| uids.iter().map(|&uid| Uid(uid)).collect();
        Stored {
            changed: set(changed),
            modified: set(modified),
            missing: UidSet::new(),
            modseq: ModSeq(modseq),
        }
    }

    // RFC 9051 section 6.4.6
    #[test]
    fn an_own_store_is_told_once() {
        let newer = state(&[1, 2], &[(1, Flags::FLAGGED, 7)]);
        let mut view = known(&[1, 2]);
        let answer = own_store(&mut view, Arc::clone(&newer), &stored(&[1], &[], 7), Report::Flags, PLAIN);
        assert_eq!(answer, "* 1 FETCH (FLAGS (\\Flagged))\r\n* 2 FETCH (FLAGS ())\r\n");
        assert_eq!(text(view.advance(Arc::clone(&newer), Expunge::Allow, PLAIN, None)), "");
        let silent = Report::Silent { conditional: false };
        let mut view = known(&[1, 2]);
        assert_eq!(own_store(&mut view, Arc::clone(&newer), &stored(&[1], &[], 7), silent, PLAIN), "");
        assert_eq!(text(view.advance(newer, Expunge::Allow, PLAIN, None)), "");
    }

    #[test]
    fn silence_does_not_cover_what_others_did() {
        // Message 1 got \Seen from elsewhere before ours, message 2 after it, message 3 at all.
        let both = Flags::FLAGGED.with(Flags::SEEN);
        let newer =
            state(&[1, 2, 3, 4], &[(1, both, 7), (2, both, 8), (3, Flags::SEEN, 6), (4, Flags::FLAGGED, 7)]);
        let silent = Report::Silent { conditional: false };
        let answer = own_store(&mut known(&[1, 2, 3, 4]), newer, &stored(&[1, 2, 4], &[], 7), silent, PLAIN);
        let expected = concat!(
            "* 1 FETCH (FLAGS (\\Flagged \\Seen))\r\n",
            "* 2 FETCH (FLAGS (\\Flagged \\Seen))\r\n",
            "* 3 FETCH (FLAGS (\\Seen))\r\n"
        );
        assert_eq!(answer, expected);
    }

    // RFC 7162 section 3.1.3, examples 6 and 10, with the UID of section 3.2.4
    #[test]
    fn conditional_store_tells_modseqs_even_when_silent() {
        let newer = state(&[5, 7, 9], &[(5, Flags::FLAGGED, 350), (7, Flags::SEEN, 342)]);
        let silent = Report::Silent { conditional: true };
        let answer = own_store(&mut known(&[5, 7, 9]), newer, &stored(&[5], &[7, 9], 350), silent, CONDSTORE);
        let expected = concat!(
            "* 1 FETCH (UID 5 MODSEQ (350))\r\n",
            "* 2 FETCH (UID 7 FLAGS (\\Seen) MODSEQ (342))\r\n",
            "* 3 FETCH (UID 9 FLAGS () MODSEQ (1))\r\n"
        );
        assert_eq!(answer, expected);
    }

    // RFC 7162 section 3.1.12
    #[test]
    fn a_change_of_other_flags_is_no_reason_for_modified() {
        let newest = state(&[1, 2], &[(1, Flags::SEEN, 9), (2, Flags::FLAGGED, 8)]);
        let change = StoreFlags {
            operation: FlagsOperation::Add,
            flags: Flags::FLAGGED,
            keywords: vec![],
            unchanged_since: Some(ModSeq(1)),
        };
        let known = known(&[1, 2]);
        let spurious = known.spurious(&newest, &change, &stored(&[], &[1, 2], 0)).unwrap();
        assert_eq!(spurious, ([Uid(1)].into_iter().collect(), ModSeq(9)));
        let replace = StoreFlags { operation: FlagsOperation::Replace, ..change.clone() };
        assert_eq!(known.spurious(&newest, &replace, &stored(&[], &[1, 2], 0)), None);
        let older = StoreFlags { unchanged_since: Some(ModSeq(0)), ..change };
        assert_eq!(known.spurious(&newest, &older, &stored(&[], &[1, 2], 0)), None);
    }

    // RFC 7162 section 3.2.10.1: what still has a number is not EARLIER
    #[test]
    fn vanished_earlier_is_what_has_no_number() {
        let mut known = known(&[1, 5, 9]);
        known.advance(state(&[1, 9], &[]), Expunge::Forbid, QRESYNC, None);
        let expunged = UidSet::from_ranges([2..=8]);
        let vanished = |text: &str| known.vanished(&expunged, &set(text)).to_string();
        assert_eq!(vanished("1:*"), "2:4,6:8");
        assert_eq!(vanished("3,7:300"), "3,7:8");
        assert_eq!(known.changed_since(&UidSet::from_ranges([1..=100]), ModSeq(0)).to_string(), "1,9");
    }

    /// The mailbox itself.
    struct Model {
        rows: Vec<Row>,
        next: u32,
        modseq: u64,
    }

    impl Model {
        fn state(&self) -> Arc<State> {
            Arc::new(State::of_rows(Uid(self.next), ModSeq(self.modseq), &[], &self.rows))
        }

        fn change(&mut self, index: usize, flags: Flags) -> Option<Row> {
            let length = self.rows.len();
            let row = self.rows.get_mut(index.checked_rem(length)?)?;
            if row.flags == flags {
                return None;
            }
            self.modseq += 1;
            row.flags = flags;
            row.modseq = ModSeq(self.modseq);
            Some(*row)
        }
    }

    /// Knows only what it is told.
    #[derive(Default)]
    struct Client {
        /// One a message: its flags.
        flags: Vec<String>,
        uids: Vec<u32>,
    }

    impl Client {
        fn apply(&mut self, text: &str, known: &Known) {
            for line in text.lines() {
                let words: Vec<&str> = line.split(' ').collect();
                match (words[1], words.get(2).copied()) {
                    ("VANISHED", Some(uids)) => self.vanish(uids),
                    (seq, Some("EXPUNGE")) => {
                        self.flags.remove(seq.parse::<usize>().unwrap() - 1);
                        self.uids.remove(seq.parse::<usize>().unwrap() - 1);
                    }
                    (count, Some("EXISTS")) => self.grow(count.parse().unwrap(), known),
                    (seq, Some("FETCH")) => self.fetch(seq.parse().unwrap(), line),
                    _ => {}
                }
            }
        }

        fn vanish(&mut self, uids: &str) {
            for uid in SequenceSet::parse(uids.as_bytes()).unwrap().ranges(0).flatten() {
                let index = self.uids.iter().position(|known| *known == uid).unwrap();
                self.uids.remove(index);
                self.flags.remove(index);
            }
        }

        /// Asks for what it does not know of the new messages.
        fn grow(&mut self, count: usize, known: &Known) {
            assert!(count >= self.uids.len());
            for seq in self.uids.len() + 1..=count {
                let (_, row) = known.at(seq - 1).unwrap();
                self.uids.push(row.uid.0);
                self.flags.push(flag_text(row.flags));
            }
        }

        fn fetch(&mut self, seq: usize, line: &str) {
            if let Some((_, flags)) = line.split_once("FLAGS (") {
                self.flags[seq - 1] = flags.split(')').next().unwrap().to_owned();
            }
        }
    }

    fn flag_text(flags: Flags) -> String {
        let mut out = BytesMut::new();
        crate::fetch::flags::write(
            &mut crate::response::Writer::new(&mut out),
            &row(1, flags, 1),
            &[],
            false,
        );
        String::from_utf8(out.to_vec()).unwrap().trim_matches(['(', ')']).to_owned()
    }

    #[derive(Debug, Clone)]
    enum Step {
        Arrive,
        Expunge(usize),
        Change(usize, u8),
        OwnAdd { index: usize, flags: u8, silent: bool },
        Tell { allow: bool },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Arrive),
            (0usize..20).prop_map(Step::Expunge),
            (0usize..20, 0u8..32).prop_map(|(index, flags)| Step::Change(index, flags)),
            (0usize..20, 0u8..32, any::<bool>()).prop_map(|(index, flags, silent)| Step::OwnAdd {
                index,
                flags,
                silent
            }),
            any::<bool>().prop_map(|allow| Step::Tell { allow }),
        ]
    }

    fn play(steps: Vec<Step>, enabled: Enabled) {
        let mut model = Model { rows: vec![], next: 1, modseq: 1 };
        let mut view = Known::new(model.state(), Rights::ALL, Uid(1));
        let mut client = Client::default();
        for step in steps {
            match step {
                Step::Arrive => {
                    model.modseq += 1;
                    model.rows.push(row(model.next, Flags::default(), model.modseq));
                    // Some UIDs are never used.
                    model.next += 1 + model.next % 3;
                }
                Step::Expunge(index) if index < model.rows.len() => {
                    model.modseq += 1;
                    model.rows.remove(index);
                }
                Step::Expunge(_) => {}
                Step::Change(index, flags) => drop(model.change(index, Flags(flags))),
                Step::OwnAdd { index, flags, silent } => {
                    own_add(&mut model, &mut view, &mut client, index, Flags(flags), silent, enabled);
                }
                Step::Tell { allow } => {
                    let expunge = if allow { Expunge::Allow } else { Expunge::Forbid };
                    let told = text(view.advance(model.state(), expunge, enabled, Some(Uid(model.next))));
                    assert!(allow || !(told.contains("EXPUNGE") || told.contains("VANISHED")), "{told}");
                    client.apply(&told, &view);
                }
            }
            assert_eq!(uids(&view), client.uids);
        }
        client.apply(&text(view.advance(model.state(), Expunge::Allow, enabled, None)), &view);
        assert_eq!(client.uids, model.rows.iter().map(|row| row.uid.0).collect::<Vec<_>>());
        assert_eq!(client.flags, model.rows.iter().map(|row| flag_text(row.flags)).collect::<Vec<_>>());
    }

    #[allow(clippy::too_many_arguments, reason = "a test's own step")]
    fn own_add(
        model: &mut Model,
        view: &mut Known,
        client: &mut Client,
        index: usize,
        flags: Flags,
        silent: bool,
        enabled: Enabled,
    ) {
        // The client names a message by a number that it has.
        let Some((seq, _)) = view.at(index) else { return };
        let uid = view.uid(seq).unwrap();
        let named: UidSet = [uid].into_iter().collect();
        let change =
            StoreFlags { operation: FlagsOperation::Add, flags, keywords: vec![], unchanged_since: None };
        let place = model.rows.iter().position(|row| row.uid == uid);
        let changed = place.and_then(|place| model.change(place, model.rows[place].flags.with(flags)));
        let stored = Stored {
            changed: changed.iter().map(|row| row.uid).collect(),
            modified: UidSet::new(),
            missing: if place.is_none() { named.clone() } else { UidSet::new() },
            modseq: ModSeq(model.modseq),
        };
        let report = if silent { Report::Silent { conditional: false } } else { Report::Flags };
        if silent && place.is_some() {
            // It works out the flags itself.
            let known = &mut client.flags[index];
            let before = (0..32).map(Flags).find(|flags| flag_text(*flags) == *known).unwrap();
            *known = flag_text(before.with(flags));
        }
        let own = Own { uids: &named, change: &change, stored: &stored, report };
        client.apply(&text(view.stored(model.state(), &own, enabled)), view);
    }

    proptest! {
        #[test]
        fn a_client_that_believes_what_it_is_told_is_right(steps in prop::collection::vec(step(), 0..60)) {
            play(steps.clone(), PLAIN);
            play(steps.clone(), CONDSTORE);
            play(steps, QRESYNC);
        }
    }

    #[test]
    fn many_updates_are_written_in_batches() {
        let all: Vec<u32> = (1..=40_000).collect();
        let mut updates = known(&all).advance(state(&[], &[]), Expunge::Allow, PLAIN, None);
        let mut batches = Vec::new();
        loop {
            let mut out = BytesMut::new();
            let is_done = updates.write(&mut out);
            batches.push(out.len());
            if is_done {
                break;
            }
        }
        assert!(
            batches.len() > 1 && batches.iter().all(|size| *size < common::stream::BATCH + 100),
            "{batches:?}"
        );
        let whole: usize = (1..=40_000).map(|seq: u32| format!("* {seq} EXPUNGE\r\n").len()).sum();
        assert_eq!(batches.iter().sum::<usize>(), whole);
    }
}
