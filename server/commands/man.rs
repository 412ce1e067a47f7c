//! `restante man`

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, CommandFactory};

use crate::cli::Cli;
use crate::exit::Exit;
use crate::output;

#[derive(Debug, Args)]
pub struct Man {
    /// Where to put them, such as /usr/local/share/man/man1; made if it is not there
    directory: PathBuf,
}

impl Man {
    pub fn run(self, json: bool) -> Result<Exit> {
        let directory = &self.directory;
        let written =
            fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(Cli::command(), directory));
        written.with_context(|| {
            format!(
                "the manual pages cannot be written to {}\n  Name a directory in which this user may write.",
                directory.display()
            )
        })?;
        let message = format!("The manual pages are in {}.", directory.display());
        if json {
            output::line(&serde_json::json!({ "outcome": "done", "message": message }).to_string())?;
        } else {
            output::line(&message)?;
        }
        Ok(Exit::Done)
    }
}
