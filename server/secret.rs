//! Passwords: from a prompt or from standard input, never from the command line; hashed here, so that they go nowhere.

use std::io::{IsTerminal, Read};

use admin::PasswordHash;
use anyhow::{Context, Result, bail};
use clap::Args;
use conf::Config;

/// Where the password comes from.
#[derive(Debug, Clone, Args)]
pub struct PasswordSource {
    /// Read the password from standard input (one line) instead of asking for it
    #[arg(long)]
    pub password_stdin: bool,
}

impl PasswordSource {
    /// Gets the password and hashes it, with keys for SCRAM if the site has that.
    pub fn hash(&self, account: &str, config: &Config) -> Result<PasswordHash> {
        let password = if self.password_stdin { from_stdin()? } else { from_prompt(account)? };
        if password.is_empty() || password.len() > common::password::MAX_OCTETS {
            bail!("the password must have from 1 to {} octets", common::password::MAX_OCTETS);
        }
        Ok(hash(&password, config))
    }
}

pub fn hash(password: &str, config: &Config) -> PasswordHash {
    PasswordHash(match config.auth.scram {
        true => common::password::hash(password),
        false => common::password::hash_without_scram(password),
    })
}

/// One line; more than one is a mistake that would otherwise be noticed at the first login.
fn from_stdin() -> Result<String> {
    let mut text = String::new();
    std::io::stdin()
        .take(4097)
        .read_to_string(&mut text)
        .context("the password cannot be read from standard input")?;
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.contains(['\n', '\r', '\0']) || text.len() > 4096 {
        bail!("the password on standard input is not one line of at most 4096 octets");
    }
    Ok(password.to_owned())
}

fn from_prompt(account: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "there is no terminal to ask for the password on\n  Give it on standard input with --password-stdin."
        );
    }
    dialoguer::Password::new()
        .with_prompt(format!("Password for {account}"))
        .with_confirmation("Once more", "The two are not the same.")
        .interact()
        .context("no password was given")
}
