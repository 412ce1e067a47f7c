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
        trial("documents::settings_are_those_of_the_program", settings),
        trial("documents::the_guide_is_whole", guide),
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

/// The guide's page of settings is what the program prints: `restante config docs > docs/src/settings.md` makes it anew.
fn settings() -> Outcome {
    let page = fs::read_to_string(root().join("docs/src/settings.md"))?;
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_restante"));
    let printed = crate::support::program::run(
        command.args(["config", "docs"]),
        b"",
        std::time::Duration::from_secs(60),
    )?;
    match printed.ok("config docs")?.trim_end() == page.trim_end() {
        true => Ok(()),
        false => fail("docs/src/settings.md is stale: restante config docs > docs/src/settings.md"),
    }
}

/// Every page is in the table of contents, every link leads to a file, and every command that is named exists.
fn guide() -> Outcome {
    let folder = root().join("docs/src");
    let mut pages = Vec::new();
    collect(&folder, "md", &mut pages);
    let summary = fs::read_to_string(folder.join("SUMMARY.md"))?;
    let mut wrong = Vec::new();
    for page in &pages {
        let name = page.strip_prefix(&folder)?.display().to_string();
        if name != "SUMMARY.md" && !summary.contains(&format!("]({name})")) {
            wrong.push(format!("{name} is not in SUMMARY.md"));
        }
        let text = fs::read_to_string(page)?;
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !link.is_empty() && !link.contains("://") && !folder.join(link).exists() {
                wrong.push(format!("{name}: {link} does not exist"));
            }
        }
        wrong.extend(unknown_commands(&text)?.into_iter().map(|command| format!("{name}: {command}")));
    }
    match wrong.is_empty() && pages.len() > 10 {
        true => Ok(()),
        false => fail(wrong.join("\n")),
    }
}

/// Lines of shell that begin with `restante` whose commands the program does not know.
fn unknown_commands(text: &str) -> Outcome<Vec<String>> {
    let mut unknown = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| line.starts_with("restante ")) {
        let is_word =
            |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
        let words: Vec<&str> = line.split_whitespace().skip(1).take_while(is_word).take(2).collect();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_restante"));
        command.args(&words).arg("--help");
        let help = crate::support::program::run(&mut command, b"", std::time::Duration::from_secs(60))?;
        if words.is_empty() || help.code != Some(0) {
            unknown.push(line.to_owned());
        }
    }
    Ok(unknown)
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
