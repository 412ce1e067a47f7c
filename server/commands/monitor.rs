//! `restante monitor`

use std::io::IsTerminal;
use std::thread::sleep;

use admin::{Client, Operation, Outcome, SessionView, StoreStatus};
use anyhow::{Result, bail};
use clap::Args;

use super::strange;
use crate::cli::Global;
use crate::exit::Exit;
use crate::monitor::{self, EVERY, Sample};
use crate::{access, output};

#[derive(Debug, Args)]
pub struct Monitor {
    /// Print what is so now as text, and end
    #[arg(long)]
    once: bool,
}

impl Monitor {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let client = Client::new(&access::load(global)?.config.admin.socket).probe()?;
        match (global.json, self.once) {
            (true, once) => lines(&client, once)?,
            (false, true) => output::monitor::print(&Sample::take(&client)?, &Sample::later(&client)?)?,
            (false, false) if std::io::stdout().is_terminal() => monitor::run(client)?,
            (false, false) => bail!(
                "standard output is no terminal\n  `restante monitor --once` prints one frame, --json a line each second."
            ),
        }
        Ok(Exit::Done)
    }
}

/// A line each second, until the reader or the server has gone.
fn lines(client: &Client, once: bool) -> Result<()> {
    loop {
        let outcome = client.run(&Operation::Activity, &output::ignore_progress)?;
        output::print(&outcome, true)?;
        if once {
            return Ok(());
        }
        sleep(EVERY);
    }
}

impl Sample {
    /// As it is now.
    pub fn take(client: &Client) -> Result<Sample> {
        let run = |operation| client.run(&operation, &output::ignore_progress);
        let Outcome::Activity(activity) = run(Operation::Activity)? else { return Err(strange()) };
        let Outcome::Sessions { sessions } = run(Operation::Sessions)? else { return Err(strange()) };
        Ok(Sample { at: std::time::Instant::now(), activity: *activity, sessions, store: None })
    }

    /// The next one, with what the store takes.
    fn later(client: &Client) -> Result<Sample> {
        sleep(EVERY);
        Ok(Sample { store: store(client)?, ..Sample::take(client)? })
    }
}

/// What the store takes. Counting it is work for the server: not for every second.
pub fn store(client: &Client) -> Result<Option<StoreStatus>> {
    match client.run(&Operation::Status, &output::ignore_progress)? {
        Outcome::Status(status) => Ok(status.store),
        _ => Err(strange()),
    }
}

/// Whom a session is of, in a few words.
pub fn owner(session: &SessionView) -> String {
    session.account.clone().unwrap_or_else(|| session.peer.clone())
}
