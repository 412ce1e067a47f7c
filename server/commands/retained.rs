//! `restante retained`

use std::time::Duration;

use admin::Operation;
use anyhow::Result;
use clap::Subcommand;
use store::AccountName;

use super::account_name;
use crate::access;
use crate::cli::Global;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Retained {
    /// List the expunged messages that can still be restored
    List {
        #[arg(value_parser = account_name)]
        account: AccountName,
    },
    /// Put expunged messages back
    Restore {
        #[arg(value_parser = account_name)]
        account: AccountName,
        /// Their ids in the list
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// All that are in the list
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// The mailbox to put them into
        #[arg(long, default_value = "INBOX")]
        to: String,
    },
    /// Let go for ever what was expunged long ago, before its time in the configuration is over
    Purge {
        /// Such as "3d"; "0s" is everything
        #[arg(long, value_name = "TIME", value_parser = conf::parse_duration)]
        older_than: Duration,
    },
}

impl Retained {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let operation = match self {
            Retained::List { account } => Operation::RetainedList { account },
            Retained::Restore { account, ids, all: _, to } => {
                Operation::RetainedRestore { account, ids, mailbox: to }
            }
            Retained::Purge { older_than } => Operation::RetainedPurge { seconds: older_than.as_secs() },
        };
        access::run(global, &operation)
    }
}
