//! The selected mailbox in memory: UIDs, flags, keywords and MODSEQs, shared by all its sessions.
//!
//! A [`State`] is immutable and made of chunks (one stored flags page each: the UIDs with the same `uid >> 7`). A commit
//! makes a new `State` that shares every chunk it did not touch, so an old one that a session still stands on costs
//! only what changed since, and comparing two costs only the chunks that differ.

use std::sync::Arc;

use crate::*;

/// A mailbox's newest [`State`] and the notice of the next one. Cheap to clone; dropping the last one frees the memory.
#[derive(Clone)]
pub struct Live {}

impl Live {
    /// The newest state.
    pub fn state(&self) -> Arc<State> {
        unimplemented!()
    }
    /// Waits until [`Live::state`] differs from what this handle returned last. Cancel-safe. Holds no thread.
    pub async fn changed(&mut self) {
        unimplemented!()
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
pub struct State {}

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
    pub fn uid_validity(&self) -> UidValidity {
        unimplemented!()
    }
    pub fn uid_next(&self) -> Uid {
        unimplemented!()
    }
    pub fn highest_modseq(&self) -> ModSeq {
        unimplemented!()
    }
    /// The mailbox has been deleted.
    pub fn deleted(&self) -> bool {
        unimplemented!()
    }
    /// The mailbox's keyword names; bit n of [`KeywordBits`] is name n.
    pub fn keywords(&self) -> &Arc<[Keyword]> {
        unimplemented!()
    }
    /// How many messages.
    pub fn len(&self) -> usize {
        unimplemented!()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The `index`-th message (from 0) in UID order. O(log n).
    pub fn nth(&self, index: usize) -> Option<Row> {
        let _ = index;
        unimplemented!()
    }
    /// Where the UID stands (from 0). O(log n).
    pub fn index_of(&self, uid: Uid) -> Option<usize> {
        let _ = uid;
        unimplemented!()
    }
    /// How many messages have a smaller UID. O(log n).
    pub fn rank(&self, uid: Uid) -> usize {
        let _ = uid;
        unimplemented!()
    }
    pub fn row(&self, uid: Uid) -> Option<Row> {
        let _ = uid;
        unimplemented!()
    }
    /// Every message in UID order.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        std::iter::empty()
    }
    /// Messages with a greater MODSEQ, in UID order; skips whole chunks by their highest.
    pub fn changed_since(&self, modseq: ModSeq) -> impl Iterator<Item = Row> + '_ {
        let _ = modseq;
        std::iter::empty()
    }
    /// The first message without \Seen, as an index from 0.
    pub fn first_unseen(&self) -> Option<usize> {
        unimplemented!()
    }
    /// What is different in `newer`.
    pub fn difference(&self, newer: &State) -> Difference {
        let _ = newer;
        unimplemented!()
    }
}
