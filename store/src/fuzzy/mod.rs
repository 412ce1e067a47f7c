//! The fuzzy index: which messages have words like those that are looked for, and how well they fit. RFC 6203
//!
//! Rules:
//! - Each account has one of its own, `fuzzy/ACCOUNT/` in its shard, made by its first fuzzy search. Who never searches so has none.
//! - It knows bodies, not messages: copies and moves never touch it, and what a mailbox holds is read from the mailbox.
//! - A search first adds the bodies that it could find and that are not in it ([`Fuzzy::round`]): in rounds of bounded size, off
//!   the writer, so that delivery never waits for it.
//! - Scores are counted among the messages that are searched alone, so that nothing of another mailbox shows in them.
//! - It is derived: damaged, of another version, or mostly of messages that are gone, it is made anew.
//! - What it is made with (tantivy) shows nowhere outside this folder.

mod document;
mod files;
mod query;
mod score;
mod tokens;

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::Mutex;

use crate::engine::{KeyRange, Read, Table};
use crate::registry::lock;
use crate::schema::{self, MessageRow};
use crate::shard::Shard;
use crate::*;
use files::Files;
pub(crate) use files::{remove, remove_all};
pub use query::{FuzzyField, FuzzyQuery};
use roaring::RoaringTreemap;
pub use score::FuzzyHits;

/// Octets of bodies that are added in one round, and how many bodies.
const ROUND_OCTETS: u64 = 8 << 20;
const ROUND_BODIES: usize = 1000;
/// So many may be of messages that are gone, however few others there are.
const FEW: u64 = 64;

/// What a shard knows of its fuzzy indexes.
#[derive(Default)]
pub(crate) struct FuzzyState {
    /// Held by the one who changes an index, or deletes it.
    work: Mutex<()>,
    /// Accounts whose files were found sound since the server started.
    sound: Mutex<HashSet<AccountId>>,
}

/// One fuzzy search, or several of the same messages.
pub struct Fuzzy {
    mailbox: Mailbox,
    /// What is searched, by body.
    messages: Vec<(BodyId, Uid)>,
    /// What is not in the index yet.
    missing: Vec<BodyId>,
    /// Documents that the index had when `missing` was made.
    documents: u64,
    /// What cannot be read, and why the first of them cannot.
    unread: BTreeSet<BodyId>,
    failure: Option<Error>,
}

impl Mailbox {
    /// For searching these messages. `None` where there is no search index. Blocks.
    pub fn fuzzy(&self, uids: &UidSet) -> Result<Option<Fuzzy>> {
        if !self.shard().options.index {
            return Ok(None);
        }
        let read = self.shard().read()?;
        let mut fuzzy = Fuzzy {
            mailbox: self.clone(),
            messages: Vec::new(),
            missing: Vec::new(),
            documents: 0,
            unread: BTreeSet::new(),
            failure: None,
        };
        for range in uids.ranges() {
            let first = schema::message_key(self.id(), Uid(*range.start()));
            let last = schema::message_key(self.id(), Uid(*range.end()));
            read.scan(Table::Message, KeyRange::inclusive(&first, &last), &mut |key, octets| {
                match MessageRow::body_and_trace(octets) {
                    Ok((body, _)) => fuzzy.messages.push((body, schema::uid_of_key(key)?)),
                    Err(error) => drop(fuzzy.failure.get_or_insert(error)),
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        fuzzy.messages.sort_unstable();
        if !fuzzy.messages.is_empty() {
            fuzzy.begin(&*read)?;
        }
        Ok(Some(fuzzy))
    }
}

impl Fuzzy {
    fn begin(&mut self, read: &(impl Read + ?Sized)) -> Result<()> {
        let indexed = match self.sound(read) {
            // A round may have changed the files under the reader: nobody does now.
            Err(_) => {
                let _working = lock(&self.shard().fuzzy.work);
                self.sound(read).or_else(|error| {
                    tracing::info!(account = %self.account(), %error, "the fuzzy index is made anew");
                    self.files().clear().map(|()| None)
                })?
            }
            Ok(indexed) => indexed,
        };
        self.look(&indexed.unwrap_or_default());
        Ok(())
    }

    /// What is in the index, if there is one and it is worth keeping.
    fn sound(&self, read: &(impl Read + ?Sized)) -> Result<Option<RoaringTreemap>> {
        let Some(index) = self.files().open_sound()? else { return Ok(None) };
        let indexed = index.bodies()?;
        if is_stale(read, self.account(), indexed.len())? {
            return Err(Error::Damaged("most of it is of messages that are gone".to_owned()));
        }
        Ok(Some(indexed))
    }

    fn look(&mut self, indexed: &RoaringTreemap) {
        let wanted = self.messages.chunk_by(|one, other| one.0 == other.0).filter_map(|same| same.first());
        let missing = wanted.map(|(body, _)| *body);
        // The newest are at the end, from where they are taken.
        self.missing =
            missing.filter(|body| !indexed.contains(body.0) && !self.unread.contains(body)).collect();
        self.documents = indexed.len();
    }

    fn shard(&self) -> &Shard {
        self.mailbox.shard()
    }

    fn account(&self) -> AccountId {
        self.mailbox.account().id()
    }

    fn files(&self) -> Files<'_> {
        Files::of(self.mailbox.shard(), self.account())
    }

    /// Bodies that are not in the index yet: call [`Fuzzy::round`] until there are none.
    pub fn missing(&self) -> usize {
        self.missing.len()
    }

    /// Why the first message that could not be read could not, if there is one: it is not found.
    pub fn failure(&self) -> Option<Error> {
        self.failure.clone()
    }

    /// Adds some of what is missing, durably. Blocks, and computes for a second or so.
    pub fn round(&mut self) -> Result<()> {
        let shard = self.mailbox.shard().clone();
        let _working = lock(&shard.fuzzy.work);
        // Deleting the account takes the folder away under the same lock; it must not come back.
        let usage = shard.read()?.get(Table::Usage, &schema::account_key(self.account()))?;
        usage.ok_or_else(|| Error::NoSuchAccount(self.mailbox.account().name().to_string()))?;
        let index = self.files().open_or_make()?;
        // Another search may have added them meanwhile, or a rebuild taken all away.
        if index.documents()? != self.documents {
            self.look(&index.bodies()?);
        }
        let mut writer = index.writer()?;
        let (mut octets, mut bodies) = (0, 0);
        while octets < ROUND_OCTETS && bodies < ROUND_BODIES {
            let Some(body) = self.missing.pop() else { break };
            if shard.options.wake.is_stopped() {
                return Err(Error::ShuttingDown);
            }
            match document::read(&shard, body) {
                Ok(Some(document)) => {
                    octets += document.octets;
                    writer.add(document)?;
                    self.documents += 1;
                }
                Ok(None) => {}
                Err(error) => {
                    self.unread.insert(body);
                    self.failure.get_or_insert(error);
                }
            }
            bodies += 1;
        }
        writer.finish()
    }

    /// Which of the messages have words like these, as far as they are in the index. Blocks.
    pub fn search(&self, query: &FuzzyQuery) -> Result<FuzzyHits> {
        if self.messages.is_empty() {
            return Ok(FuzzyHits::default());
        }
        let Some(index) = self.files().open()? else { return Ok(FuzzyHits::default()) };
        score::search(&index, &self.messages, query).inspect_err(|_| self.files().suspect())
    }
}

/// More than half of it is of messages that are gone, or its account is.
fn is_stale(read: &(impl Read + ?Sized), account: AccountId, documents: u64) -> Result<bool> {
    let Some(usage) = read.get(Table::Usage, &schema::account_key(account))? else { return Ok(true) };
    let messages = schema::UsageRow::decode(&usage)?.messages;
    Ok(documents > FEW.max(messages.saturating_mul(2)))
}

/// Deletes the indexes that are not worth keeping, so that what was expunged does not stay in them where nobody searches.
pub(crate) fn tidy(shard: &Shard) -> Result<()> {
    for account in files::accounts(shard)? {
        let _working = lock(&shard.fuzzy.work);
        let files = Files::of(shard, account);
        let documents = files.open().and_then(|index| index.map(|index| index.documents()).transpose());
        // One that cannot be read is none.
        let is_worth = match documents {
            Ok(Some(documents)) => !is_stale(&*shard.read()?, account, documents)?,
            Ok(None) | Err(_) => false,
        };
        if !is_worth {
            files.clear()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
