//! `restante completions`

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::output;

#[derive(Debug, Args)]
pub struct Completions {
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result<Exit> {
        let mut script = vec![];
        clap_complete::generate(self.shell, &mut Cli::command(), "restante", &mut script);
        output::line(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}
