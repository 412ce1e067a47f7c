//! `restante demo`

use anyhow::Result;
use clap::Args;

use crate::cli::Global;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub struct Demo {}

impl Demo {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let _ = global;
        Ok(Exit::Done)
    }
}
