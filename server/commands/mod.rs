//! One file a command, or a group of commands.

pub mod account;
pub mod app_password;
pub mod check;
pub mod completions;
pub mod config;
pub mod deliver;
pub mod import;
pub mod mailbox;
pub mod serve;
pub mod sessions;

use admin::Operation;
use anyhow::Result;
use store::AccountName;

use crate::access;
use crate::cli::{Account, Cli, Command};
use crate::exit::Exit;

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
        Command::Config(config) => config.run(global),
        Command::Deliver(deliver) => deliver.run(global),
        Command::Account(Account::Own(account)) => account.run(global),
        Command::Account(Account::Import(import)) => import.run(global),
        Command::Account(Account::AppPassword(app_password)) => app_password.run(global),
        Command::Mailbox(mailbox) => mailbox.run(global),
        Command::Status => access::run(global, &Operation::Status),
        Command::Sessions => access::run(global, &Operation::Sessions),
        Command::Kick(kick) => kick.run(global),
        Command::Unlock(unlock) => unlock.run(global),
        Command::Completions(completions) => completions.run(),
    }
}

/// An account's name on the command line.
pub fn account_name(text: &str) -> Result<AccountName, String> {
    AccountName::new(text).map_err(|error| error.to_string())
}
