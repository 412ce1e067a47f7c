//! `restante check`

use anyhow::Result;
use clap::Args;

use crate::cli::Global;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub struct Check {
    /// Repair what can be derived from the rest
    #[arg(long)]
    repair: bool,
}

impl Check {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let _ = (self.repair, global);
        Ok(Exit::Done)
    }
}
