//! `restante index`

use admin::{Operation, Progress};
use anyhow::Result;
use clap::Subcommand;
use store::AccountName;

use super::account_name;
use crate::access::{self, Access};
use crate::cli::Global;
use crate::exit::Exit;
use crate::output;

#[derive(Debug, Subcommand)]
pub enum Index {
    /// Make the search index anew; searches go on meanwhile, and take longer
    Rebuild {
        /// Of this account's mail alone
        #[arg(value_parser = account_name)]
        account: Option<AccountName>,
    },
}

impl Index {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let Index::Rebuild { account } = self;
        let access = Access::open(&access::load(global)?.config, false)?;
        let bar = output::progress_bar("index", global.json);
        let progress = |progress: Progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
            bar.set_message(progress.what);
        };
        let outcome = access.run_with(&Operation::IndexRebuild { account }, &progress);
        bar.finish_and_clear();
        let outcome = outcome?;
        access.close()?;
        output::print(&outcome, global.json)?;
        Ok(Exit::Done)
    }
}
