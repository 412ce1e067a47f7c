//! Asking the index: which messages of a mailbox can match.

use std::collections::{BTreeSet, HashMap};
use std::ops::{ControlFlow, RangeInclusive};

use message::grams::{self, Gram, Probe};
use roaring::RoaringBitmap;

use super::run::{Run, documents, runs};
use super::trace::TraceProbe;
use crate::engine::{KeyRange, Read, Table};
use crate::schema::gram::{Part, document, run_key};
use crate::schema::{self, MessageRow};
use crate::*;

/// Strings that are asked for; more narrow nothing.
const STRINGS: usize = 32;
/// So few messages are read sooner than narrowed.
const FEW: u64 = 32;

/// What is looked for, as far as an index can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Every message can match.
    All,
    And(Vec<Query>),
    Or(Vec<Query>),
    /// A string, its case folded, in the text of ...
    Text {
        folded: String,
        /// ... the header of the shared octets and the addresses in it,
        header: bool,
        /// ... the header lines of the copy alone,
        trace: bool,
        /// ... the body.
        body: bool,
    },
}

impl Mailbox {
    /// Those of the messages that can match: all that do match and exist, and perhaps some that do not. Blocks.
    pub fn narrow(&self, query: &Query, uids: &UidSet) -> Result<UidSet> {
        let shard = self.shard();
        if !shard.options.index || uids.len() <= FEW {
            return Ok(uids.clone());
        }
        let mut leaves = Vec::new();
        let Some(plan) = Plan::of(query, &mut leaves) else { return Ok(uids.clone()) };
        let read = shard.read()?;
        let (runs, damaged) = runs(&*read)?;
        for key in damaged {
            shard.index.suspect(schema::u64_of("gram_run", &key).unwrap_or_default());
        }
        if runs.is_empty() {
            return Ok(uids.clone());
        }
        let mut search =
            Search { read: &*read, runs: &runs, leaves, found: HashMap::new(), damaged: Vec::new() };
        let mut candidates = Vec::new();
        for range in uids.ranges() {
            let first = schema::message_key(self.id(), Uid(*range.start()));
            let last = schema::message_key(self.id(), Uid(*range.end()));
            read.scan(Table::Message, KeyRange::inclusive(&first, &last), &mut |key, octets| {
                // One that cannot be read is told by the one who reads it.
                let can = MessageRow::body_and_trace(octets)
                    .map_or(true, |(body, trace)| search.can_match(&plan, body, trace));
                if can {
                    candidates.push(schema::uid_of_key(key)?);
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        search.damaged.iter().for_each(|first| shard.index.suspect(*first));
        Ok(candidates.into_iter().collect())
    }
}

/// A query without what the index cannot tell.
enum Plan {
    And(Vec<Plan>),
    Or(Vec<Plan>),
    Leaf(usize),
}

struct Leaf {
    grams: Vec<RangeInclusive<Gram>>,
    header: bool,
    body: bool,
    trace: Option<TraceProbe>,
}

impl Plan {
    /// `None`: everything can match.
    fn of(query: &Query, leaves: &mut Vec<Leaf>) -> Option<Plan> {
        match query {
            Query::All => None,
            Query::And(queries) => {
                let plans: Vec<Plan> = queries.iter().filter_map(|query| Plan::of(query, leaves)).collect();
                (!plans.is_empty()).then_some(Plan::And(plans))
            }
            Query::Or(queries) => {
                let plans: Option<Vec<Plan>> = queries.iter().map(|query| Plan::of(query, leaves)).collect();
                plans.map(Plan::Or)
            }
            Query::Text { folded, header, trace, body } => {
                // A string of several lines may begin in the trace and go on in the header.
                if leaves.len() >= STRINGS || (*header && folded.contains(['\r', '\n'])) {
                    return None;
                }
                let grams = match grams::probe(folded) {
                    Probe::Any => return None,
                    Probe::One(range) => vec![range],
                    Probe::All(grams) => grams.into_iter().map(|gram| gram..=gram).collect(),
                };
                let trace = trace.then(|| TraceProbe::new(folded));
                leaves.push(Leaf { grams, header: *header, body: *body, trace });
                Some(Plan::Leaf(leaves.len() - 1))
            }
        }
    }
}

struct Search<'a> {
    read: &'a dyn Read,
    runs: &'a [Run],
    leaves: Vec<Leaf>,
    /// By the place of the run: for each leaf the documents that can match; `None` where the run cannot be read.
    found: HashMap<usize, Option<Vec<RoaringBitmap>>>,
    /// First bodies of runs that cannot be read.
    damaged: Vec<u64>,
}

impl Search<'_> {
    fn can_match(&mut self, plan: &Plan, body: BodyId, trace: &[u8]) -> bool {
        let place = self.runs.partition_point(|run| *run.bodies.end() < body.0);
        let Some(run) = self.runs.get(place).filter(|run| run.holds(body)) else { return true };
        if run.opaque.contains(document(body)) {
            return true;
        }
        if !self.found.contains_key(&place) {
            let found = self.look_up(run);
            self.found.insert(place, found);
        }
        let Some(Some(found)) = self.found.get(&place) else { return true };
        can_match(plan, &mut self.leaves, found, (document(body), trace))
    }

    fn look_up(&mut self, run: &Run) -> Option<Vec<RoaringBitmap>> {
        let found: Result<Vec<RoaringBitmap>> =
            self.leaves.iter().map(|leaf| leaf.documents(self.read, run.number)).collect();
        let found = found.inspect_err(|error| {
            tracing::warn!(%error, first = ?run_key(*run.bodies.start()), "a part of the search index cannot be read");
            self.damaged.push(*run.bodies.start());
        });
        found.ok()
    }
}

fn can_match(plan: &Plan, leaves: &mut [Leaf], found: &[RoaringBitmap], message: (u32, &[u8])) -> bool {
    match plan {
        Plan::And(plans) => plans.iter().all(|plan| can_match(plan, leaves, found, message)),
        Plan::Or(plans) => plans.iter().any(|plan| can_match(plan, leaves, found, message)),
        Plan::Leaf(at) => {
            found.get(*at).is_none_or(|documents| documents.contains(message.0))
                || leaves
                    .get_mut(*at)
                    .and_then(|leaf| leaf.trace.as_mut())
                    .is_some_and(|probe| probe.may_be_in(message.1))
        }
    }
}

impl Leaf {
    /// The documents of a run with all grams in one part.
    fn documents(&self, read: &dyn Read, run: u64) -> Result<RoaringBitmap> {
        let mut all = RoaringBitmap::new();
        for (part, _) in
            [(Part::Header, self.header), (Part::Body, self.body)].into_iter().filter(|(_, is)| *is)
        {
            let mut found: Option<RoaringBitmap> = None;
            for gram in &self.grams {
                let with = documents(read, run, part, gram)?;
                let both = match found.take() {
                    Some(found) => found & with,
                    None => with,
                };
                if both.is_empty() {
                    found = None;
                    break;
                }
                found = Some(both);
            }
            all |= found.unwrap_or_default();
        }
        Ok(all)
    }
}

/// The bodies of an account's messages.
pub(super) fn bodies_of(read: &(impl Read + ?Sized), account: AccountId) -> Result<BTreeSet<u64>> {
    let mut mailboxes = Vec::new();
    read.scan(Table::Mailbox, KeyRange::prefix(&schema::account_key(account)), &mut |key, _| {
        mailboxes.push(schema::mailbox_of_key(key)?.1);
        Ok(ControlFlow::Continue(()))
    })?;
    let mut bodies = BTreeSet::new();
    for mailbox in mailboxes {
        let range = KeyRange::prefix(&schema::mailbox_prefix(mailbox));
        read.scan(Table::Message, range, &mut |_, octets| {
            bodies.extend(MessageRow::body_and_trace(octets).map(|(body, _)| body.0));
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(bodies)
}
