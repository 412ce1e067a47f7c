//! Looks whether everything that must be true of a store is true, and repairs what can be derived.
//!
//! Rules:
//! - Everything is compared within one snapshot, so an open store can be checked while it works.
//! - A repair is a verb. Counters are corrected by the difference that was found, so changes since then are no harm.
//! - No message is ever deleted. What cannot be derived is told and left as it is.

mod accounts;
mod acl;
mod bodies;
mod history;
mod index;
mod mailbox;
mod mailboxes;
mod metadata;
mod names;
mod retained;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::batch::Batch;
use crate::engine::{self, KeyRange, Table};
use crate::schema::{Counters, UsageRow};
use crate::shard::Shard;
use crate::*;

/// Findings that a report lists one by one.
const FINDINGS: usize = 10_000;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// At most 10,000.
    pub findings: Vec<Finding>,
    /// Findings that are not in the list.
    pub omitted: u64,
    pub accounts: u64,
    pub mailboxes: u64,
    pub messages: u64,
    pub bodies: u64,
}

impl CheckReport {
    /// Nothing is wrong, and nothing was.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.omitted == 0
    }

    /// Nothing is wrong any more.
    pub fn is_repaired(&self) -> bool {
        self.omitted == 0 && self.findings.iter().all(|finding| finding.repaired)
    }
}

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which row, message or file.
    pub place: String,
    /// What is wrong with it.
    pub problem: String,
    pub repaired: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.place, self.problem, if self.repaired { " (repaired)" } else { "" })
    }
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub shard: u16,
    /// What is being looked at.
    pub step: &'static str,
    pub done: u64,
    /// 0 where it is not known.
    pub total: u64,
}

impl Store {
    /// Checks every invariant of the store, body checksums included; repairs what is derivable if asked to. Takes as
    /// long as reading all of it. An error means that the check itself could not go on.
    pub fn check(&self, repair: bool, progress: &mut dyn FnMut(Progress)) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        for finding in self.directory().check(repair)? {
            report.found(finding);
        }
        for shard in self.shards() {
            let mut check = Check::new(shard, repair, progress)?;
            check.run(self.directory());
            check.settle();
            report.add(check.report);
        }
        for finding in self.directory().check(repair)? {
            report.found(finding);
        }
        Ok(report)
    }
}

impl CheckReport {
    fn add(&mut self, other: CheckReport) {
        self.accounts += other.accounts;
        self.mailboxes += other.mailboxes;
        self.messages += other.messages;
        self.bodies += other.bodies;
        self.omitted += other.omitted;
        for finding in other.findings {
            self.found(finding);
        }
    }

    /// The finding's place in the list.
    fn found(&mut self, finding: Finding) -> Option<usize> {
        if self.findings.len() >= FINDINGS {
            self.omitted += 1;
            return None;
        }
        self.findings.push(finding);
        Some(self.findings.len() - 1)
    }
}

/// What is known of a body before its messages are looked at.
struct BodyFacts {
    size: u64,
    /// As stored.
    references: u64,
    /// As counted.
    counted: u64,
}

/// The check of one shard.
struct Check<'a> {
    shard: &'a Arc<Shard>,
    read: Box<dyn engine::Snapshot>,
    repair: bool,
    progress: &'a mut dyn FnMut(Progress),
    report: CheckReport,
    /// Repairs that the writer has not answered yet.
    pending: Vec<(Option<usize>, Pending<()>)>,
    counters: Counters,
    bodies: HashMap<BodyId, BodyFacts>,
    /// As counted from the mailboxes.
    usages: HashMap<AccountId, UsageRow>,
    /// Every mailbox, deleted ones included.
    mailboxes: HashMap<MailboxId, AccountId>,
}

type Step<'a> = fn(&mut Check<'a>) -> Result<()>;

impl<'a> Check<'a> {
    fn new(shard: &'a Arc<Shard>, repair: bool, progress: &'a mut dyn FnMut(Progress)) -> Result<Check<'a>> {
        let read = shard.read()?;
        let counters = shard.counters(&*read)?;
        Ok(Check {
            shard,
            read,
            repair,
            progress,
            report: CheckReport::default(),
            pending: Vec::new(),
            counters,
            bodies: HashMap::new(),
            usages: HashMap::new(),
            mailboxes: HashMap::new(),
        })
    }

    /// Later steps use what earlier ones have learned.
    fn run(&mut self, directory: &Directory) {
        let steps: [(&str, Step<'a>); 15] = [
            ("the table of bodies", |check| check.load_bodies()),
            ("mailboxes", |check| check.check_mailboxes()),
            ("deleted mailboxes", |check| check.check_deleted_mailboxes()),
            ("mailbox names", |check| check.check_names()),
            ("what is shared", |check| check.check_shared()),
            ("rows of no mailbox", |check| check.check_strays()),
            ("annotations", |check| check.check_metadata()),
            ("what was held on past days", |check| check.check_history()),
            ("retained messages", |check| check.check_retained()),
            ("references of bodies", |check| check.check_references()),
            ("the tables beside the bodies", |check| check.check_body_tables()),
            ("segments", |check| check.check_segments()),
            ("usage of accounts", |check| check.check_usages()),
            ("the search index", |check| check.check_index()),
            ("postings of the search index", |check| check.check_postings()),
        ];
        for (name, step) in steps {
            self.tell(name, 0, 0);
            if let Err(error) = step(self) {
                self.stopped(name, &error);
            }
        }
        if let Err(error) = self.check_contents() {
            self.stopped("bodies", &error);
        }
        if let Err(error) = self.check_directory(directory) {
            self.stopped("the directory", &error);
        }
    }

    fn stopped(&mut self, step: &str, error: &Error) {
        let place = format!("shard {}", self.shard.number);
        self.found(place, format!("the check of {step} could not be finished: {error}"));
    }

    fn tell(&mut self, step: &'static str, done: u64, total: u64) {
        (self.progress)(Progress { shard: self.shard.number, step, done, total });
    }

    /// Something that cannot be repaired.
    fn found(&mut self, place: String, problem: impl Into<String>) {
        self.report.found(Finding { place, problem: problem.into(), repaired: false });
    }

    /// Something that this verb repairs.
    fn repairable(
        &mut self,
        place: String,
        problem: impl Into<String>,
        repair: impl FnMut(&mut Batch<'_>) -> Result<()> + Send + 'static,
    ) {
        let at = self.report.found(Finding { place, problem: problem.into(), repaired: false });
        if self.repair {
            self.pending.push((at, self.shard.write(repair)));
        }
    }

    /// A row that should not be there and is of no message.
    fn superfluous(&mut self, table: Table, key: Vec<u8>, problem: &str) {
        let place = format!("row {} of {}", hex(&key), table.name());
        self.repairable(place, problem, move |batch| batch.delete(table, &key));
    }

    /// Waits for the repairs.
    fn settle(&mut self) {
        for (at, pending) in std::mem::take(&mut self.pending) {
            let outcome = pending.wait();
            let Some(finding) = at.and_then(|at| self.report.findings.get_mut(at)) else { continue };
            match outcome {
                Ok(()) => finding.repaired = true,
                Err(error) => finding.problem = format!("{}; the repair failed: {error}", finding.problem),
            }
        }
    }

    fn has_any(&self, table: Table, range: KeyRange) -> Result<bool> {
        let mut any = false;
        self.read.scan(table, range, &mut |_, _| {
            any = true;
            Ok(ControlFlow::Break(()))
        })?;
        Ok(any)
    }

    /// All rows of a range, read before they are looked at, in pieces of bounded size.
    fn rows(
        &mut self,
        table: Table,
        range: KeyRange,
        mut each: impl FnMut(&mut Check<'a>, &[u8], &[u8]) -> Result<()>,
    ) -> Result<()> {
        const PIECE: usize = 1000;
        let KeyRange { mut start, end } = range;
        loop {
            let mut piece = Vec::new();
            let range = KeyRange { start: start.clone(), end: end.clone() };
            self.read.scan(table, range, &mut |key, octets| {
                piece.push((key.to_vec(), octets.to_vec()));
                Ok(if piece.len() < PIECE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            })?;
            for (key, octets) in &piece {
                each(self, key, octets)?;
            }
            match piece.pop() {
                Some((last, _)) if piece.len() + 1 == PIECE => start = [&last[..], &[0]].concat(),
                _ => return Ok(()),
            }
        }
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// What has to be added to `found` to get `right`.
fn difference(right: u64, found: u64) -> i64 {
    i64::try_from(i128::from(right) - i128::from(found)).unwrap_or(0)
}
