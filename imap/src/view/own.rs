//! What a session is told of its own STORE: the answer to the command, and what others did meanwhile.

use std::sync::Arc;

use store::{Flags, FlagsOperation, Keyword, KeywordBits, ModSeq, Row, State, StoreFlags, Stored, UidSet};

use super::Known;
use crate::session::Enabled;
use crate::updates::{FetchItems, Updates};

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

impl Known {
    pub(super) fn stored(&mut self, newer: Arc<State>, own: &Own<'_>, enabled: Enabled) -> Updates {
        let mut updates = Updates::new(Arc::clone(newer.keywords()), self.rights, enabled);
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

    pub(super) fn spurious(
        &self,
        newest: &State,
        change: &StoreFlags,
        stored: &Stored,
    ) -> Option<(UidSet, ModSeq)> {
        let since = change.unchanged_since.filter(|_| !change.operation.replaces())?;
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
            FlagsOperation::Replace | FlagsOperation::ReplaceWithin(_) => (self.change.flags, asked.0),
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
