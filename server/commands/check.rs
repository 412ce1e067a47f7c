//! `restante check`, `restante compact`

use admin::{Operation, Outcome, Progress};
use anyhow::Result;
use clap::Args;

use crate::access::{self, Access};
use crate::cli::Global;
use crate::exit::Exit;
use crate::output;

#[derive(Debug, Args)]
pub struct Check {
    /// Repair what can be derived from the rest; no message is ever deleted
    #[arg(long)]
    repair: bool,
}

impl Check {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let access = Access::open(&access::load(global)?.config, false)?;
        let bar = output::progress_bar("check", global.json);
        let progress = |progress: Progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
            bar.set_message(progress.what);
        };
        let outcome = access.run_with(&Operation::Check { repair: self.repair }, &progress);
        bar.finish_and_clear();
        let outcome = outcome?;
        access.close()?;
        output::print(&outcome, global.json)?;
        Ok(match outcome {
            Outcome::Checked(report) if !report.clean && !report.repaired => Exit::Found,
            _ => Exit::Done,
        })
    }
}
