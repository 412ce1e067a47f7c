//! `restante alias`

use admin::Operation;
use anyhow::Result;
use clap::Subcommand;
use store::{AccountName, AliasName};

use super::account_name;
use crate::access;
use crate::cli::Global;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Alias {
    /// Let an address lead to accounts, or to more of them; @DOMAIN takes what is nobody's in the domain
    Add {
        #[arg(value_parser = alias_name)]
        address: AliasName,
        #[arg(value_parser = account_name, required = true)]
        accounts: Vec<AccountName>,
    },
    /// Remove an alias, or only accounts from it
    Remove {
        #[arg(value_parser = alias_name)]
        address: AliasName,
        #[arg(value_parser = account_name)]
        accounts: Vec<AccountName>,
    },
    /// List all aliases with their accounts, or one
    List {
        #[arg(value_parser = alias_name)]
        address: Option<AliasName>,
    },
}

impl Alias {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let operation = match self {
            Alias::Add { address: alias, accounts } => Operation::AliasAdd { alias, accounts },
            Alias::Remove { address: alias, accounts } => Operation::AliasRemove { alias, accounts },
            Alias::List { address: alias } => Operation::AliasList { alias },
        };
        access::run(global, &operation)
    }
}

fn alias_name(text: &str) -> Result<AliasName, String> {
    AliasName::new(text).map_err(|error| error.to_string())
}
