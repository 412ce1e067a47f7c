//! Accounts from the lines of a passwd-file: a bad line is told with its number, the others are made.

use std::collections::HashMap;

use store::AccountName;

use super::{Context, ImportLine};
use crate::outcome::{ImportReport, Outcome, RefusedLine};
use crate::passwd::{self, Entry};
use crate::{Failure, Kind};

/// Lines in one operation: one transaction of the directory.
const LIMIT: usize = 10_000;

pub(super) fn run(
    context: &Context<'_>,
    lines: &[ImportLine],
    dry_run: bool,
    update: bool,
) -> Result<Outcome, Failure> {
    if lines.len() > LIMIT {
        let reason = format!("{} lines in one operation are more than {LIMIT}", lines.len());
        return Err(Failure::new(Kind::Limit, reason, "Send them in several operations."));
    }
    let mut report = ImportReport::default();
    let entries = entries(lines, &mut report);
    let (existing, new) = divide(context, entries)?;
    if update {
        self::update(context, existing, dry_run, &mut report);
    } else {
        let refused = existing.into_iter().map(|(line, entry)| RefusedLine {
            line,
            reason: format!("account {} exists already (--update gives it the password)", entry.name),
        });
        report.refused.extend(refused);
    }
    add(context, new, dry_run, &mut report)?;
    report.refused.sort_by_key(|refused| refused.line);
    Ok(Outcome::Imported(report))
}

/// The good lines; a name that comes twice is good once.
fn entries(lines: &[ImportLine], report: &mut ImportReport) -> Vec<(u64, Entry)> {
    let mut seen: HashMap<AccountName, u64> = HashMap::new();
    let mut entries = vec![];
    for line in lines {
        let reason = match passwd::parse(&line.text) {
            Ok(None) => continue,
            Ok(Some(entry)) => match seen.insert(entry.name.clone(), line.number) {
                Some(before) => format!("{} was in line {before} already", entry.name),
                None => {
                    entries.push((line.number, entry));
                    continue;
                }
            },
            Err(reason) => reason,
        };
        report.refused.push(RefusedLine { line: line.number, reason });
    }
    entries
}

type Entries = Vec<(u64, Entry)>;

/// Accounts that exist, and those that do not.
fn divide(context: &Context<'_>, entries: Entries) -> Result<(Entries, Entries), Failure> {
    let (mut existing, mut new) = (vec![], vec![]);
    for (line, entry) in entries {
        let exists = context.store.directory().find(&entry.name)?.is_some();
        if exists { &mut existing } else { &mut new }.push((line, entry));
    }
    Ok((existing, new))
}

fn add(context: &Context<'_>, new: Entries, dry_run: bool, report: &mut ImportReport) -> Result<(), Failure> {
    if dry_run {
        report.added += new.len() as u64;
        return Ok(());
    }
    let lines: Vec<u64> = new.iter().map(|(line, _)| *line).collect();
    let accounts = new.into_iter().map(|(_, entry)| (entry.name, entry.password)).collect();
    let results = context.store.directory().add(accounts)?;
    for (line, result) in lines.into_iter().zip(results) {
        match result {
            Ok(_) => report.added += 1,
            Err(error) => report.refused.push(RefusedLine { line, reason: error.to_string() }),
        }
    }
    Ok(())
}

fn update(context: &Context<'_>, existing: Entries, dry_run: bool, report: &mut ImportReport) {
    for (line, entry) in existing {
        let change = &mut |record: &mut store::AccountRecord| {
            record.password.clone_from(&entry.password);
            record.password_set = Some(common::time::now());
        };
        match if dry_run { Ok(()) } else { context.store.directory().update(&entry.name, change).map(|_| ()) }
        {
            Ok(()) => report.updated += 1,
            Err(error) => report.refused.push(RefusedLine { line, reason: error.to_string() }),
        }
    }
}
