//! Verifying the store, and making room in it.

use super::Context;
use crate::Failure;
use crate::outcome::{CheckView, FindingView, Outcome, Progress};

pub(super) fn run(context: &Context<'_>, repair: bool) -> Result<Outcome, Failure> {
    let mut last = None;
    let report = context.store.check(repair, &mut |progress| {
        let store::Progress { shard, step, done, total } = progress;
        // A hundred steps are enough for a bar; the end of a step is always told.
        let part = (shard, step, done.saturating_mul(100).checked_div(total).unwrap_or(done / 1000));
        if last.replace(part) != Some(part) || done == total {
            (context.progress)(Progress { done, total, what: format!("shard {shard}: {step}") });
        }
    })?;
    Ok(Outcome::Checked(CheckView {
        clean: report.is_clean(),
        repaired: report.is_repaired(),
        omitted: report.omitted,
        accounts: report.accounts,
        mailboxes: report.mailboxes,
        messages: report.messages,
        bodies: report.bodies,
        findings: report.findings.into_iter().map(finding).collect(),
    }))
}

fn finding(finding: store::Finding) -> FindingView {
    FindingView { place: finding.place, problem: finding.problem, repaired: finding.repaired }
}

pub(super) fn compact(context: &Context<'_>) -> Result<Outcome, Failure> {
    context.store.compact()?;
    Ok(Outcome::done("The room of what is gone is given back to the disk."))
}
