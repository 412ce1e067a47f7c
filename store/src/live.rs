//! The selected mailbox in memory: UIDs, flags, keywords and MODSEQs, shared by all its sessions.
//!
//! A [`State`] is immutable and made of chunks (one stored flags page each: the UIDs with the same `uid >> 7`). A commit
//! makes a new `State` that shares every chunk it did not touch, so an old one that a session still stands on costs
//! only what changed since, and comparing two costs only the chunks that differ.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use crate::registry::{Header, Numbers, Shared, Update, lock};
use crate::schema::{Chunk, page_of, slot_of};
use crate::*;

/// A mailbox's newest [`State`] and the notice of the next one. Cheap to clone; dropping the last one frees the memory.
pub struct Live {
    /// Keeps the mailbox listed as open.
    shared: Arc<Shared>,
    /// Knows what this handle has seen.
    receiver: Mutex<watch::Receiver<Arc<State>>>,
}

impl Clone for Live {
    fn clone(&self) -> Live {
        Live { shared: self.shared.clone(), receiver: Mutex::new(lock(&self.receiver).clone()) }
    }
}

impl Live {
    pub(crate) fn new((shared, receiver): (Arc<Shared>, watch::Receiver<Arc<State>>)) -> Live {
        Live { shared, receiver: Mutex::new(receiver) }
    }

    /// The newest state.
    pub fn state(&self) -> Arc<State> {
        lock(&self.receiver).borrow_and_update().clone()
    }

    /// Waits until [`Live::state`] differs from what this handle returned last. Cancel-safe. Holds no thread.
    pub async fn changed(&mut self) {
        let receiver = self.receiver.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        if receiver.changed().await.is_err() {
            // The sender lives as long as `shared`, so this is not reached; if it were, nothing would change any more.
            std::future::pending::<()>().await;
        }
        // The change has not been looked at: until it is, there is no need to wait again.
        receiver.mark_changed();
    }
}

/// One message's changing part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub uid: Uid,
    pub flags: Flags,
    pub keywords: KeywordBits,
    pub modseq: ModSeq,
}

/// A mailbox at one moment.
#[derive(Debug)]
pub struct State {
    numbers: Numbers,
    deleted: bool,
    keywords: Arc<[Keyword]>,
    acl: Option<Arc<Acl>>,
    /// Ascending by page, none empty.
    chunks: Vec<Arc<Chunk>>,
    /// How many messages stand before each chunk.
    starts: Vec<usize>,
    len: usize,
}

/// What is different in a newer state.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Ascending.
    pub expunged: Vec<Uid>,
    /// Messages in both with another MODSEQ, ascending.
    pub changed: Vec<Row>,
    /// Messages only in the newer one, ascending.
    pub added: Vec<Row>,
}

impl State {
    pub(crate) fn new(header: Header, chunks: Vec<Arc<Chunk>>) -> State {
        let none = Numbers { uid_validity: UidValidity(0), uid_next: Uid(1), highest_modseq: ModSeq(0) };
        let mut starts = Vec::with_capacity(chunks.len());
        let mut len = 0;
        for chunk in &chunks {
            starts.push(len);
            len += chunk.len();
        }
        State {
            deleted: header.numbers.is_none(),
            numbers: header.numbers.unwrap_or(none),
            keywords: header.keywords,
            acl: header.acl,
            chunks,
            starts,
            len,
        }
    }

    /// A state of these rows, ascending by UID: for tests of those who stand on one.
    #[doc(hidden)]
    pub fn of_rows(uid_next: Uid, highest_modseq: ModSeq, keywords: &[Keyword], rows: &[Row]) -> State {
        let numbers = Numbers { uid_validity: UidValidity(1), uid_next, highest_modseq };
        let mut chunks: Vec<Chunk> = Vec::new();
        for row in rows {
            match chunks.last_mut() {
                Some(chunk) if chunk.page == page_of(row.uid) => chunk.put(*row),
                _ => {
                    let mut chunk = Chunk::new(page_of(row.uid));
                    chunk.put(*row);
                    chunks.push(chunk);
                }
            }
        }
        let header = Header { numbers: Some(numbers), keywords: keywords.into(), acl: None };
        State::new(header, chunks.into_iter().map(Arc::new).collect())
    }

    /// This state after a commit. What is not in the update is shared.
    pub(crate) fn updated(&self, update: &Update) -> State {
        if update.header.numbers.is_none() {
            // The messages stay visible to those who still stand on them; that the mailbox is gone is what counts.
            let header = Header { numbers: None, keywords: self.keywords.clone(), acl: self.acl.clone() };
            let numbers = self.numbers;
            return State { numbers, ..State::new(header, self.chunks.clone()) };
        }
        let mut chunks = Vec::with_capacity(self.chunks.len() + update.chunks.len());
        let mut old = self.chunks.iter().peekable();
        for (page, new) in &update.chunks {
            while let Some(before) = old.next_if(|chunk| chunk.page < *page) {
                chunks.push(before.clone());
            }
            old.next_if(|chunk| chunk.page == *page);
            chunks.extend(new.clone());
        }
        chunks.extend(old.cloned());
        State::new(update.header.clone(), chunks)
    }

    /// Nothing that a session could see is different: a commit may touch only what is told elsewhere.
    pub(crate) fn is_same(&self, other: &State) -> bool {
        (self.deleted, self.numbers) == (other.deleted, other.numbers)
            && self.keywords == other.keywords
            && self.acl == other.acl
            && self.chunks.len() == other.chunks.len()
            && self.chunks.iter().zip(&other.chunks).all(|(one, two)| Arc::ptr_eq(one, two))
    }

    pub fn uid_validity(&self) -> UidValidity {
        self.numbers.uid_validity
    }

    pub fn uid_next(&self) -> Uid {
        self.numbers.uid_next
    }

    pub fn highest_modseq(&self) -> ModSeq {
        self.numbers.highest_modseq
    }

    /// The mailbox has been deleted.
    pub fn deleted(&self) -> bool {
        self.deleted
    }

    /// The mailbox's keyword names; bit n of [`KeywordBits`] is name n.
    pub fn keywords(&self) -> &Arc<[Keyword]> {
        &self.keywords
    }

    /// The mailbox's access control list; `None`: what holds for the account.
    pub fn acl(&self) -> Option<&Acl> {
        self.acl.as_deref()
    }

    /// How many messages.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `index`-th message (from 0) in UID order. O(log n).
    pub fn nth(&self, index: usize) -> Option<Row> {
        let at = self.starts.partition_point(|start| *start <= index).checked_sub(1)?;
        self.chunks.get(at)?.nth(index - self.starts.get(at)?)
    }

    /// Where the UID stands (from 0). O(log n).
    pub fn index_of(&self, uid: Uid) -> Option<usize> {
        let chunk = self.chunk(page_of(uid))?;
        chunk.contains(slot_of(uid)).then(|| self.rank(uid))
    }

    /// How many messages have a smaller UID. O(log n).
    pub fn rank(&self, uid: Uid) -> usize {
        let at = self.chunks.partition_point(|chunk| chunk.page < page_of(uid));
        match self.chunks.get(at) {
            Some(chunk) if chunk.page == page_of(uid) => self.starts[at] + chunk.rank(slot_of(uid)),
            Some(_) => self.starts[at],
            None => self.len,
        }
    }

    /// `None`: there is no such message. O(log n).
    pub fn row(&self, uid: Uid) -> Option<Row> {
        self.chunk(page_of(uid))?.row(slot_of(uid))
    }

    fn chunk(&self, page: u32) -> Option<&Arc<Chunk>> {
        let at = self.chunks.binary_search_by_key(&page, |chunk| chunk.page).ok()?;
        self.chunks.get(at)
    }

    /// Every message in UID order.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        self.chunks.iter().flat_map(|chunk| chunk.rows())
    }

    /// The messages at these places (from 0), in UID order. O(log n) to the first one.
    pub fn rows_in(&self, places: Range<usize>) -> impl Iterator<Item = Row> + '_ {
        let at = self.starts.partition_point(|start| *start <= places.start).saturating_sub(1);
        let before = self.starts.get(at).copied().unwrap_or(0);
        let rows = self.chunks.iter().skip(at).flat_map(|chunk| chunk.rows());
        rows.skip(places.start - before).take(places.len())
    }

    /// Messages with a greater MODSEQ, in UID order; skips whole chunks by their highest.
    pub fn changed_since(&self, modseq: ModSeq) -> impl Iterator<Item = Row> + '_ {
        let newer = self.chunks.iter().filter(move |chunk| chunk.highest() > modseq);
        newer.flat_map(|chunk| chunk.rows()).filter(move |row| row.modseq > modseq)
    }

    /// The first message without \Seen, as an index from 0.
    pub fn first_unseen(&self) -> Option<usize> {
        let mut chunks = self.chunks.iter().zip(&self.starts);
        chunks.find_map(|(chunk, start)| Some(start + chunk.first_without(Flags::SEEN)?))
    }

    /// What is different in `newer`.
    pub fn difference(&self, newer: &State) -> Difference {
        let mut difference = Difference::default();
        let (mut old, mut new) = (self.chunks.iter().peekable(), newer.chunks.iter().peekable());
        loop {
            let order = match (old.peek(), new.peek()) {
                (Some(before), Some(after)) => before.page.cmp(&after.page),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return difference,
            };
            let before = if order.is_le() { old.next() } else { None };
            let after = if order.is_ge() { new.next() } else { None };
            difference.add(before, after);
        }
    }
}

impl Difference {
    /// Compares two chunks of the same page.
    fn add(&mut self, before: Option<&Arc<Chunk>>, after: Option<&Arc<Chunk>>) {
        if let (Some(before), Some(after)) = (before, after)
            && Arc::ptr_eq(before, after)
        {
            return;
        }
        for old in before.iter().flat_map(|chunk| chunk.rows()) {
            match after.and_then(|chunk| chunk.row(slot_of(old.uid))) {
                None => self.expunged.push(old.uid),
                Some(new) if new.modseq != old.modseq => self.changed.push(new),
                Some(_) => {}
            }
        }
        let had = |uid| before.is_some_and(|chunk| chunk.contains(slot_of(uid)));
        self.added.extend(after.iter().flat_map(|chunk| chunk.rows()).filter(|row| !had(row.uid)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(uid: u32, flags: Flags, modseq: u64) -> Row {
        Row { uid: Uid(uid), flags, keywords: KeywordBits(0), modseq: ModSeq(modseq) }
    }

    fn header() -> Header {
        let numbers =
            Numbers { uid_validity: UidValidity(1), uid_next: Uid(1000), highest_modseq: ModSeq(9) };
        Header { numbers: Some(numbers), keywords: Arc::new([]), acl: None }
    }

    fn state(rows: &[Row]) -> State {
        let mut chunks: Vec<Chunk> = Vec::new();
        for row in rows {
            if chunks.last().is_none_or(|chunk| chunk.page != page_of(row.uid)) {
                chunks.push(Chunk::new(page_of(row.uid)));
            }
            chunks.last_mut().unwrap().put(*row);
        }
        State::new(header(), chunks.into_iter().map(Arc::new).collect())
    }

    #[test]
    fn messages_are_found_by_number_and_by_uid() {
        let rows: Vec<_> =
            [3, 127, 128, 300, 301].iter().map(|uid| row(*uid, Flags::SEEN, u64::from(*uid))).collect();
        let state = state(&rows);
        assert_eq!(state.len(), 5);
        for (index, row) in rows.iter().enumerate() {
            assert_eq!(state.nth(index), Some(*row));
            assert_eq!(state.index_of(row.uid), Some(index));
            assert_eq!(state.rank(row.uid), index);
            assert_eq!(state.rank(Uid(row.uid.0 + 1)), index + 1);
        }
        for (from, to) in [(0, 5), (1, 3), (3, 5), (4, 5), (2, 2), (5, 5), (4, 9)] {
            let expected: Vec<_> = (from..to).filter_map(|index| state.nth(index)).collect();
            assert_eq!(state.rows_in(from..to).collect::<Vec<_>>(), expected);
        }
        assert_eq!((state.nth(5), state.index_of(Uid(200)), state.rank(Uid(200))), (None, None, 3));
        assert_eq!(state.changed_since(ModSeq(128)).collect::<Vec<_>>(), rows[3..]);
        assert_eq!(state.first_unseen(), None);
    }

    #[test]
    fn a_difference_tells_what_went_changed_and_came() {
        let old = state(&[row(1, Flags(0), 1), row(2, Flags(0), 2), row(200, Flags(0), 3)]);
        let changed = row(2, Flags::SEEN, 8);
        let added = [row(5, Flags(0), 9), row(400, Flags(0), 9)];
        let new = state(&[changed, added[0], added[1]]);
        let difference = old.difference(&new);
        assert_eq!(difference.expunged, [Uid(1), Uid(200)]);
        assert_eq!(difference.changed, [changed]);
        assert_eq!(difference.added, added);
        assert_eq!(new.difference(&new), Difference::default());
    }

    #[test]
    fn an_update_shares_what_it_does_not_touch() {
        let old = state(&[row(1, Flags(0), 1), row(200, Flags(0), 2), row(400, Flags(0), 3)]);
        let mut chunk = Chunk::new(2);
        chunk.put(row(300, Flags::SEEN, 9));
        let update = Update { header: header(), chunks: vec![(1, None), (2, Some(Arc::new(chunk)))] };
        let new = old.updated(&update);
        assert_eq!(new.rows().map(|row| row.uid.0).collect::<Vec<_>>(), [1, 300, 400]);
        assert!(Arc::ptr_eq(&old.chunks[0], &new.chunks[0]));
        assert!(Arc::ptr_eq(&old.chunks[2], &new.chunks[2]));
        assert_eq!(new.first_unseen(), Some(0));
    }

    #[test]
    fn a_deleted_mailbox_says_so() {
        let old = state(&[row(1, Flags(0), 1)]);
        let new = old.updated(&Update::of(None));
        assert!(new.deleted());
        assert_eq!(new.uid_validity(), UidValidity(1));
    }
}
