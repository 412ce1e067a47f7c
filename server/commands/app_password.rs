//! `restante account app-password`

use admin::{Operation, PasswordHash};
use anyhow::Result;
use clap::Subcommand;
use conf::Config;
use store::AccountName;

use super::account_name;
use crate::access::{self, Access};
use crate::cli::Global;
use crate::exit::Exit;
use crate::{output, time};

#[derive(Debug, Subcommand)]
pub enum AppPassword {
    /// Make an app password; it is printed once and stored as a hash
    Add {
        #[arg(value_parser = account_name)]
        account: AccountName,
        /// What it is for, such as "phone"
        label: String,
        /// Only for this protocol; may be given again [default: imap, pop3 and smtp]. "api" is the JSON API, for administrators
        #[arg(long = "protocol", value_name = "PROTOCOL", value_parser = ["imap", "pop3", "smtp", "api"])]
        protocols: Vec<String>,
        /// The first day on which it is of no use any more, such as 2030-12-31 (UTC)
        #[arg(long, value_name = "DATE", value_parser = date)]
        expires: Option<i64>,
    },
    /// List an account's app passwords
    List {
        #[arg(value_parser = account_name)]
        account: AccountName,
    },
    /// Remove an app password
    Remove {
        #[arg(value_parser = account_name)]
        account: AccountName,
        label: String,
    },
}

fn date(text: &str) -> Result<i64, String> {
    time::parse_date(text).ok_or_else(|| "write a date such as 2030-12-31".into())
}

impl AppPassword {
    pub fn run(self, global: &Global) -> Result<Exit> {
        match self {
            AppPassword::Add { account, label, protocols, expires } => {
                let config = access::load(global)?.config;
                let secret = common::password::generate();
                // An app password is as random as a key and goes over TLS, so it needs no keys for SCRAM.
                let password = PasswordHash(common::password::hash_without_scram(&secret));
                let operation = Operation::AppPasswordAdd { account, label, password, protocols, expires };
                add(global, &config, &operation, &secret)
            }
            AppPassword::List { account } => access::run(global, &Operation::AppPasswordList { account }),
            AppPassword::Remove { account, label } => {
                access::run(global, &Operation::AppPasswordRemove { account, label })
            }
        }
    }
}

fn add(global: &Global, config: &Config, operation: &Operation, secret: &str) -> Result<Exit> {
    let access = Access::open(config, false)?;
    access.run(operation)?;
    access.close()?;
    if global.json {
        output::line(&serde_json::json!({ "outcome": "app-password", "password": secret }).to_string())?;
    } else {
        output::line(secret)?;
        eprintln!("This is the only time that the password is shown.");
    }
    Ok(Exit::Done)
}
