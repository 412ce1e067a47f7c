//! `restante account import`

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use admin::{ImportLine, ImportReport, Operation, Outcome, RefusedLine};
use anyhow::{Context, Result, bail};
use clap::Args;

use crate::access::{self, Access};
use crate::cli::Global;
use crate::exit::Exit;
use crate::output;

/// Lines in one operation: one commit of the directory, one step of the bar.
const BATCH: usize = 500;

/// A line of a passwd-file is short; anything longer is no passwd-file.
const LINE_LIMIT: u64 = 4096;

#[derive(Debug, Args)]
pub struct Import {
    /// The file; "-" is standard input
    file: PathBuf,
    /// Say what would happen, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Give accounts that exist the password of their line
    #[arg(long)]
    update: bool,
}

impl Import {
    pub fn run(self, global: &Global) -> Result<Exit> {
        // Opened before the store, because that may mean to become another user.
        let lines = read(&self.file)?;
        let access = Access::open(&access::load(global)?.config, !self.dry_run)?;
        let report = self.import(&access, lines, global.json)?;
        access.close()?;
        let exit = if report.refused.is_empty() { Exit::Done } else { Exit::Found };
        output::print(&Outcome::Imported(report), global.json)?;
        Ok(exit)
    }

    fn import(&self, access: &Access, lines: Vec<ImportLine>, json: bool) -> Result<ImportReport> {
        let bar = output::progress_bar("accounts", json);
        bar.set_length(lines.len() as u64);
        let (lines, mut report) = without_repeats(lines);
        for batch in lines.chunks(BATCH) {
            let lines = batch.to_vec();
            let operation = Operation::AccountImport { lines, dry_run: self.dry_run, update: self.update };
            match access.run(&operation)? {
                Outcome::Imported(part) => report.merge(part),
                _ => bail!(
                    "the server answered something else than a report\n  Use the same version for both."
                ),
            }
            bar.inc(batch.len() as u64);
        }
        bar.finish_and_clear();
        report.refused.sort_by_key(|refused| refused.line);
        Ok(report)
    }
}

/// A name that comes again is refused here, since the batches do not know each other.
fn without_repeats(lines: Vec<ImportLine>) -> (Vec<ImportLine>, ImportReport) {
    let mut seen: HashMap<String, u64> = HashMap::new();
    let mut report = ImportReport::default();
    let mut kept = vec![];
    for line in lines {
        let name = line.text.split(':').next().unwrap_or_default().trim().to_lowercase();
        let comment = name.is_empty() || name.starts_with('#');
        match seen.get(&name).filter(|_| !comment) {
            Some(before) => {
                let reason = format!("{name} was in line {before} already");
                report.refused.push(RefusedLine { line: line.number, reason });
            }
            None => {
                seen.insert(name, line.number);
                kept.push(line);
            }
        }
    }
    (kept, report)
}

fn read(path: &Path) -> Result<Vec<ImportLine>> {
    if path == Path::new("-") {
        return lines(&mut std::io::stdin().lock(), "standard input");
    }
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    lines(&mut BufReader::new(file), &path.display().to_string())
}

fn lines(input: &mut impl BufRead, name: &str) -> Result<Vec<ImportLine>> {
    let mut lines = vec![];
    loop {
        let number = lines.len() as u64 + 1;
        let mut line = vec![];
        let read = input.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line);
        if read.with_context(|| format!("{name} cannot be read after line {}", number - 1))? == 0 {
            return Ok(lines);
        }
        if line.len() as u64 == LINE_LIMIT {
            bail!("{name}: line {number} is longer than {LINE_LIMIT} octets: this is no passwd-file");
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        lines.push(ImportLine { number, text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_numbers() {
        let lines = lines(&mut &b"a:{PLAIN}x\n\nb:{PLAIN}y"[..], "test").unwrap();
        let numbers: Vec<(u64, &str)> = lines.iter().map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(numbers, [(1, "a:{PLAIN}x"), (2, ""), (3, "b:{PLAIN}y")]);
    }

    #[test]
    fn an_endless_line_is_refused() {
        let long = vec![b'x'; 10_000];
        assert!(lines(&mut &long[..], "test").unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn repeats_are_refused_with_both_numbers() {
        let lines = lines(&mut &b"a:{PLAIN}x\n# a\n# a\n\n\nA:{PLAIN}y\n"[..], "test").unwrap();
        let (kept, report) = without_repeats(lines);
        assert_eq!(kept.len(), 5);
        assert_eq!(report.refused, [RefusedLine { line: 6, reason: "a was in line 1 already".into() }]);
    }
}
