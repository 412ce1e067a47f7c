//! `restante deliver`

use anyhow::Result;
use clap::Args;

use crate::cli::Global;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub struct Deliver {
    /// The recipients
    recipients: Vec<String>,
}

impl Deliver {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let _ = (self.recipients, global);
        Ok(Exit::Done)
    }
}
