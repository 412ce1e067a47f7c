//! How a command reaches the store: through the running server, or, when none runs, by opening it.

use std::path::Path;
use std::time::{Duration, Instant};

use admin::{Client, ClientError, Context, Failure, Kind, Operation, Outcome, Progress, Who};
use anyhow::Result;
use conf::{Config, Loaded, Request, Surroundings};
use store::Store;

use crate::cli::Global;
use crate::exit::Exit;
use crate::{output, privileges, service};

/// The configuration that the command line asks for.
pub fn load(global: &Global) -> Result<Loaded> {
    let mut overrides = vec![];
    if let Some(data) = &global.data {
        overrides.push(("server.data".to_owned(), data.display().to_string()));
    }
    overrides.extend(global.set.iter().cloned());
    let surroundings = Surroundings::of_process(nix::unistd::geteuid().is_root());
    Ok(Request { file: global.config.clone(), overrides, surroundings }.load()?)
}

/// Runs operations one after another in one place.
pub enum Access {
    Server(Client),
    Store(Box<Store>),
}

impl Access {
    /// Finds the server, or opens the store. With `create` a store that does not exist is made. A server that is just
    /// starting or stopping, and another command, are waited for.
    pub fn open(config: &Config, create: bool) -> Result<Access> {
        let deadline = Instant::now() + PATIENCE;
        let mut prepared = false;
        loop {
            match Client::new(&config.admin.socket).probe() {
                Ok(client) => return Ok(Access::Server(client)),
                Err(ClientError::NotRunning(_)) => {}
                Err(error) => return Err(error.into()),
            }
            if !std::mem::replace(&mut prepared, true) {
                prepare(config, create)?;
            }
            match Store::open(service::store_options(config)?) {
                Err(store::Error::Unavailable(_)) if Instant::now() < deadline => std::thread::sleep(PAUSE),
                opened => return Ok(Access::Store(Box::new(opened?))),
            }
        }
    }

    pub fn run(&self, operation: &Operation) -> Result<Outcome> {
        self.run_with(operation, &output::ignore_progress)
    }

    pub fn run_with(&self, operation: &Operation, progress: &dyn Fn(Progress)) -> Result<Outcome> {
        match self {
            Access::Server(client) => Ok(client.run(operation, progress)?),
            Access::Store(store) => {
                let who = Who::Process { uid: Some(nix::unistd::getuid().as_raw()), pid: None };
                let context = Context { store, running: None, who, progress };
                Ok(operation.run(&context)?)
            }
        }
    }

    /// Makes what was done through an opened store last. Nothing to do with a server.
    pub fn close(self) -> Result<()> {
        match self {
            Access::Server(_) => Ok(()),
            Access::Store(store) => Ok(store.close()?),
        }
    }
}

/// Loads the configuration, runs one operation and prints its outcome.
pub fn run(global: &Global, operation: &Operation) -> Result<Exit> {
    let loaded = load(global)?;
    if operation.needs_server() {
        let outcome = Client::new(&loaded.config.admin.socket).run(operation, &output::ignore_progress)?;
        output::print(&outcome, global.json)?;
        return Ok(Exit::Done);
    }
    let creates = matches!(operation, Operation::AccountAdd { .. } | Operation::AccountImport { .. });
    let access = Access::open(&loaded.config, creates)?;
    let outcome = access.run(operation)?;
    access.close()?;
    output::print(&outcome, global.json)?;
    Ok(Exit::Done)
}

/// Becomes the user that the server runs as, so that no file in the store belongs to root.
fn prepare(config: &Config, create: bool) -> Result<()> {
    if !create {
        must_exist(&config.server.data)?;
    }
    privileges::become_server_user(config)
}

/// For the server itself: a command may have the store open for a moment.
pub fn open_patiently(config: &Config) -> Result<Store> {
    let options = service::store_options(config)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Store::open(options.clone()) {
            Err(store::Error::Unavailable(_)) if Instant::now() < deadline => std::thread::sleep(PAUSE),
            opened => return Ok(opened?),
        }
    }
}

/// How long to wait for another process to close the store, and how often to look.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);

fn must_exist(data: &Path) -> Result<()> {
    if data.is_dir() {
        return Ok(());
    }
    let reason = format!("there is no store at {}", data.display());
    let remedy = "Start the server once, make an account with `restante account add`, or name the directory with --data.";
    Err(Failure::new(Kind::Missing, reason, remedy).into())
}
