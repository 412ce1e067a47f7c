//! `restante group`

use admin::Operation;
use anyhow::Result;
use clap::Subcommand;
use store::{AccountName, GroupName};

use super::account_name;
use crate::access;
use crate::cli::Global;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Group {
    /// Make a group without members; owners share mailboxes with it as $GROUP (IMAP: SETACL)
    Create {
        #[arg(value_parser = group_name)]
        group: GroupName,
    },
    /// Delete a group and every right that was given to it
    Delete {
        #[arg(value_parser = group_name)]
        group: GroupName,
    },
    /// Add accounts to a group
    Add {
        #[arg(value_parser = group_name)]
        group: GroupName,
        #[arg(value_parser = account_name, required = true)]
        accounts: Vec<AccountName>,
    },
    /// Take accounts out of a group
    Remove {
        #[arg(value_parser = group_name)]
        group: GroupName,
        #[arg(value_parser = account_name, required = true)]
        accounts: Vec<AccountName>,
    },
    /// List all groups with their members, or one
    List {
        #[arg(value_parser = group_name)]
        group: Option<GroupName>,
    },
}

impl Group {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let operation = match self {
            Group::Create { group } => Operation::GroupCreate { group },
            Group::Delete { group } => Operation::GroupDelete { group },
            Group::Add { group, accounts } => Operation::GroupAdd { group, accounts },
            Group::Remove { group, accounts } => Operation::GroupRemove { group, accounts },
            Group::List { group } => Operation::GroupList { group },
        };
        access::run(global, &operation)
    }
}

/// A group's name, with or without the `$` that it has in access control lists.
fn group_name(text: &str) -> Result<GroupName, String> {
    GroupName::new(text.strip_prefix('$').unwrap_or(text)).map_err(|error| error.to_string())
}
