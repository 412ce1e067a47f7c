//! RFC.md is true: its files and scripts exist, and every RFC that the code cites has a row.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::support::{Outcome, fail, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("documents::rfc_rows_name_what_exists", rows),
        trial("documents::cited_rfcs_have_a_row", cited),
        trial("documents::scripts_name_their_source", sources),
    ]
}

/// `| RFC | section | status | file | script |`
fn rows() -> Outcome {
    let root = root();
    let mut missing = Vec::new();
    let mut count = 0;
    for line in fs::read_to_string(root.join("RFC.md"))?.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, rfc, _, status, files, scripts, _] = cells[..] else { continue };
        if !rfc.chars().all(|c| c.is_ascii_digit()) || rfc.is_empty() {
            continue;
        }
        count += 1;
        if !["yes", "partial", "no"].contains(&status) {
            missing.push(format!("status `{status}`: {line}"));
        }
        for path in paths(files).chain(paths(scripts)) {
            if !root.join(path).exists() {
                missing.push(format!("{path} does not exist: {line}"));
            }
        }
        if status == "yes" && (paths(files).next().is_none() || paths(scripts).next().is_none()) {
            missing.push(format!("`yes` needs a file and a script or test: {line}"));
        }
    }
    match missing.is_empty() && count > 50 {
        true => Ok(()),
        false => fail(format!("{count} rows\n{}", missing.join("\n"))),
    }
}

fn cited() -> Outcome {
    let root = root();
    let table = fs::read_to_string(root.join("RFC.md"))?;
    let known: BTreeSet<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()).collect();
    let mut unknown = BTreeSet::new();
    for crate_ in [
        "acme", "admin", "common", "conf", "imap", "lmtp", "message", "mta", "pop3", "server", "store", "web",
    ] {
        let mut files = Vec::new();
        collect(&root.join(crate_), "rs", &mut files);
        for file in files {
            let text = fs::read_to_string(&file)?;
            for (at, _) in text.match_indices("RFC ") {
                let number: String = text[at + 4..].chars().take_while(char::is_ascii_digit).collect();
                if !number.is_empty() && !known.contains(number.as_str()) {
                    unknown.insert(format!("RFC {number} in {}", file.strip_prefix(&root)?.display()));
                }
            }
        }
    }
    match unknown.is_empty() {
        true => Ok(()),
        false => fail(format!("not in RFC.md: {unknown:#?}")),
    }
}

/// Where a script's expectations come from: an RFC's section, the design, or what was promised.
fn sources() -> Outcome {
    let mut files = Vec::new();
    collect(&root().join("tests/scripts"), "test", &mut files);
    let mut without = Vec::new();
    for file in &files {
        if !fs::read_to_string(file)?.starts_with("# ") {
            without.push(file.display().to_string());
        }
    }
    match without.is_empty() && files.len() > 100 {
        true => Ok(()),
        false => fail(format!("{} scripts; without a source: {without:?}", files.len())),
    }
}

/// What stands in backquotes, or the words of the cell, and looks like a path.
fn paths(cell: &str) -> impl Iterator<Item = &str> {
    cell.split([' ', ',', '`']).filter(|word| word.contains('/'))
}

fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, extension, files);
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
