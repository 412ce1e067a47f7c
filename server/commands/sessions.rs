//! `restante kick`, `restante unlock`

use admin::Operation;
use anyhow::{Result, bail};
use clap::Args;
use store::AccountName;

use super::account_name;
use crate::access;
use crate::cli::Global;
use crate::exit::Exit;

#[derive(Debug, Args)]
pub struct Kick {
    /// The session's number in `restante sessions`
    #[arg(required_unless_present = "account")]
    session: Option<u64>,
    /// All sessions of this account
    #[arg(long, value_parser = account_name, conflicts_with = "session")]
    account: Option<AccountName>,
}

impl Kick {
    pub fn run(self, global: &Global) -> Result<Exit> {
        match (self.session, self.account) {
            (Some(session), _) => access::run(global, &Operation::Kick { session }),
            (None, Some(account)) => access::run(global, &Operation::KickAccount { account }),
            (None, None) => bail!("neither a session nor an account is named"),
        }
    }
}

#[derive(Debug, Args)]
pub struct Unlock {
    /// The address or the account
    #[arg(required_unless_present = "list")]
    who: Option<String>,
    /// Show who is locked out
    #[arg(long)]
    list: bool,
}

impl Unlock {
    pub fn run(self, global: &Global) -> Result<Exit> {
        match self.who {
            Some(who) if !self.list => access::run(global, &Operation::Unlock { who }),
            _ => access::run(global, &Operation::Lockouts),
        }
    }
}
