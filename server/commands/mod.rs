//! One file a command, or a group of commands.

pub mod account;
pub mod alias;
pub mod app_password;
pub mod check;
pub mod completions;
pub mod config;
pub mod deliver;
pub mod group;
pub mod import;
pub mod import_mail;
pub mod index;
pub mod mailbox;
pub mod man;
pub mod monitor;
pub mod retained;
pub mod serve;
pub mod sessions;

use admin::{Client, ClientError, Operation, Outcome, Status};
use anyhow::Result;
use store::AccountName;

use crate::cli::{Account, Cli, Command, Global};
use crate::exit::Exit;
use crate::{access, output};

pub fn run(cli: Cli) -> Result<Exit> {
    let global = &cli.global;
    // The server sets up its own logging; other commands tell only what the person must know.
    if !matches!(cli.command, Command::Serve(_) | Command::Demo(_)) {
        crate::log::quiet();
    }
    match cli.command {
        Command::Serve(serve) => serve.run(global),
        Command::Demo(demo) => demo.run(global),
        Command::Check(check) => check.run(global),
        Command::Compact => access::run(global, &Operation::Compact),
        Command::Index(index) => index.run(global),
        Command::Config(config) => config.run(global),
        Command::Import(import) => import.run(global),
        Command::Deliver(deliver) => deliver.run(global),
        Command::Account(Account::Own(account)) => account.run(global),
        Command::Account(Account::Import(import)) => import.run(global),
        Command::Account(Account::AppPassword(app_password)) => app_password.run(global),
        Command::Mailbox(mailbox) => mailbox.run(global),
        Command::Alias(alias) => alias.run(global),
        Command::Group(group) => group.run(global),
        Command::Retained(retained) => retained.run(global),
        Command::Status => status(global),
        Command::Monitor(monitor) => monitor.run(global),
        Command::Sessions => access::run(global, &Operation::Sessions),
        Command::Kick(kick) => kick.run(global),
        Command::Unlock(unlock) => unlock.run(global),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(global.json),
    }
}

/// Does not open the store itself: a question must not keep a server that starts meanwhile out of it.
fn status(global: &Global) -> Result<Exit> {
    let client = Client::new(&access::load(global)?.config.admin.socket);
    let outcome = match client.run(&Operation::Status, &output::ignore_progress) {
        Err(ClientError::NotRunning(_)) => Outcome::Status(Box::new(Status::not_running())),
        other => other?,
    };
    output::print(&outcome, global.json)?;
    Ok(Exit::Done)
}

/// An account's name on the command line.
pub fn account_name(text: &str) -> Result<AccountName, String> {
    AccountName::new(text).map_err(|error| error.to_string())
}

/// An answer of another kind than the operation has: a server of another version.
fn strange() -> anyhow::Error {
    anyhow::anyhow!("the server answered something else than was asked for\n  Use the same version for both.")
}
