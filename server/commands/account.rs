//! `restante account`

use admin::{AccountChanges, AccountView, Operation, Outcome, Setting};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use conf::ByteSize;
use store::AccountName;

use super::{account_name, strange};
use crate::access::{self, Access};
use crate::cli::Global;
use crate::exit::Exit;
use crate::output;
use crate::secret::PasswordSource;

#[derive(Debug, Subcommand)]
pub enum Account {
    /// Make an account
    Add {
        #[arg(value_parser = account_name)]
        account: AccountName,
        #[command(flatten)]
        password: PasswordSource,
        /// Without a password: nobody can log in until one is set
        #[arg(long, conflicts_with = "password_stdin")]
        no_password: bool,
        #[command(flatten)]
        changes: Changes,
    },
    /// List all accounts
    List,
    /// Show an account
    Show {
        #[arg(value_parser = account_name)]
        account: AccountName,
    },
    /// Change limits and switches
    Set {
        #[arg(value_parser = account_name)]
        account: AccountName,
        #[command(flatten)]
        changes: Changes,
    },
    /// Set a new password
    Password {
        #[arg(value_parser = account_name)]
        account: AccountName,
        #[command(flatten)]
        password: PasswordSource,
        /// Take the password away: nobody can log in with one until it is set again
        #[arg(long, conflicts_with = "password_stdin")]
        remove: bool,
    },
    /// Stop logins; mail still arrives and the password stays
    Disable {
        #[arg(value_parser = account_name)]
        account: AccountName,
    },
    /// Allow logins again
    Enable {
        #[arg(value_parser = account_name)]
        account: AccountName,
    },
    /// Show what an account held on past days (--json: each mailbox, too)
    History {
        #[arg(value_parser = account_name)]
        account: AccountName,
    },
    /// Delete an account and all its mail
    Delete {
        #[arg(value_parser = account_name)]
        account: AccountName,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Give an account another name
    Rename {
        #[arg(value_parser = account_name)]
        from: AccountName,
        #[arg(value_parser = account_name)]
        to: AccountName,
    },
}

/// What `add` and `set` can change.
#[derive(Debug, Clone, Args)]
pub struct Changes {
    /// Limit of all mail together, such as "2 GiB"; 0: the configuration's
    #[arg(long, value_name = "SIZE")]
    limit_bytes: Option<ByteSize>,
    /// Limit of messages; 0: the configuration's
    #[arg(long, value_name = "NUMBER")]
    limit_messages: Option<u64>,
    /// Limit of mailboxes, INBOX included; 0: the configuration's
    #[arg(long, value_name = "NUMBER")]
    limit_mailboxes: Option<u64>,
    /// Whether the account may log in to the web page and set limits of all accounts over IMAP
    #[arg(long, visible_alias = "admin", value_name = "ON|OFF", value_parser = switch)]
    administrator: Option<bool>,
    /// Whether IMAP may be used
    #[arg(long, value_name = "ON|OFF", value_parser = switch)]
    imap: Option<bool>,
    /// Whether POP3 may be used
    #[arg(long, value_name = "ON|OFF", value_parser = switch)]
    pop3: Option<bool>,
    /// Whether mail may be handed in at the MTA (submission)
    #[arg(long, value_name = "ON|OFF", value_parser = switch)]
    smtp: Option<bool>,
    /// Whether mail is taken in
    #[arg(long, value_name = "ON|OFF", value_parser = switch)]
    delivery: Option<bool>,
    /// Whether any login is possible
    #[arg(long, value_name = "ON|OFF", value_parser = switch)]
    login: Option<bool>,
    /// What becomes of mail that is deleted over POP3: expunge, "keep in NAME", or default
    #[arg(long, value_name = "WHAT", value_parser = pop3_delete)]
    pop3_delete: Option<Setting<store::Pop3Delete>>,
    /// Whether RETR marks mail as read: on, off, or default
    #[arg(long, value_name = "ON|OFF|DEFAULT", value_parser = setting)]
    pop3_retr_sets_seen: Option<Setting<bool>>,
}

fn pop3_delete(text: &str) -> Result<Setting<store::Pop3Delete>, String> {
    match text {
        "default" => Ok(Setting::Default),
        own => own.parse().map(Setting::Own).map_err(|error: store::InvalidName| error.0),
    }
}

fn setting(text: &str) -> Result<Setting<bool>, String> {
    match text {
        "default" => Ok(Setting::Default),
        own => switch(own).map(Setting::Own).map_err(|_| "write on, off or default".to_owned()),
    }
}

fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" => Ok(true),
        "off" | "false" | "no" => Ok(false),
        _ => Err("write on or off".into()),
    }
}

impl Account {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let config = access::load(global)?.config;
        let operation = match self {
            Account::Add { account, password, no_password, changes } => {
                let password =
                    if no_password { None } else { Some(password.hash(account.as_str(), &config)?) };
                Operation::AccountAdd { account, password, changes: changes.into() }
            }
            Account::List => return list(global),
            Account::Show { account } => Operation::AccountShow { account },
            Account::History { account } => Operation::History { account },
            Account::Set { account, changes } => set(account, changes.into())?,
            Account::Password { account, password, remove } => {
                let password = if remove { None } else { Some(password.hash(account.as_str(), &config)?) };
                Operation::AccountPassword { account, password }
            }
            Account::Disable { account } => login(account, false),
            Account::Enable { account } => login(account, true),
            Account::Delete { account, yes } => {
                confirm(&account, yes)?;
                Operation::AccountDelete { account }
            }
            Account::Rename { from, to } => Operation::AccountRename { from, to },
        };
        access::run(global, &operation)
    }
}

fn set(account: AccountName, changes: AccountChanges) -> Result<Operation> {
    if changes.is_empty() {
        bail!("nothing to set\n  `restante account set --help` lists what can be set.");
    }
    Ok(Operation::AccountSet { account, changes })
}

fn login(account: AccountName, on: bool) -> Operation {
    Operation::AccountSet {
        account,
        changes: AccountChanges { login: Some(on), ..AccountChanges::default() },
    }
}

fn confirm(account: &AccountName, yes: bool) -> Result<()> {
    use std::io::IsTerminal;
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!(
            "deleting {account} deletes all its mail, and there is no terminal to ask on\n  Say --yes to do it."
        );
    }
    let question = format!("Delete {account} and all its mail?");
    if dialoguer::Confirm::new().with_prompt(question).default(false).interact()? {
        return Ok(());
    }
    bail!("nothing was deleted")
}

fn list(global: &Global) -> Result<Exit> {
    let access = Access::open(&access::load(global)?.config, false)?;
    let accounts = all(&access)?;
    access.close()?;
    output::print(&Outcome::Accounts { accounts }, global.json)?;
    Ok(Exit::Done)
}

/// All accounts, asked for in batches so that no answer is too large.
pub(super) fn all(access: &Access) -> Result<Vec<AccountView>> {
    const BATCH: usize = 1000;
    let mut all: Vec<AccountView> = vec![];
    loop {
        let after = all.last().and_then(|last| AccountName::new(&last.name).ok());
        let Outcome::Accounts { accounts } = access.run(&Operation::AccountList { after, limit: BATCH })?
        else {
            return Err(strange());
        };
        let last = accounts.len() < BATCH;
        all.extend(accounts);
        if last {
            return Ok(all);
        }
    }
}

impl From<Changes> for AccountChanges {
    fn from(changes: Changes) -> AccountChanges {
        AccountChanges {
            bytes: changes.limit_bytes.map(|size| size.0),
            messages: changes.limit_messages,
            mailboxes: changes.limit_mailboxes,
            administrator: changes.administrator,
            imap: changes.imap,
            pop3: changes.pop3,
            smtp: changes.smtp,
            delivery: changes.delivery,
            login: changes.login,
            pop3_delete: changes.pop3_delete,
            pop3_retr_sets_seen: changes.pop3_retr_sets_seen,
        }
    }
}
