//! The binary `restante`: the command line, and the wiring of configuration, store, protocols and service manager.
//!
//! Rules that hold everywhere:
//! - Thin: what a command does lives in the crates; here it is parsed, called and printed.
//! - Results go to standard output, everything else to standard error.
//! - An error names the thing, the reason and the remedy, and ends with an exit code of [`exit::Exit`].

mod access;
mod bars;
mod cli;
mod commands;
mod demo;
mod directory;
mod exit;
mod files;
mod listener;
mod log;
mod monitor;
mod output;
mod privileges;
mod public;
mod secret;
mod service;
mod signals;
mod sockets;
mod time;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let json = cli.global.json;
    match commands::run(cli) {
        Ok(exit) => exit.into(),
        Err(error) => exit::report(&error, json),
    }
}
