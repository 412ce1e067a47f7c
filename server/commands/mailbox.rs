//! `restante mailbox`

use admin::{AccountView, Operation, Outcome};
use anyhow::Result;
use clap::Subcommand;
use store::AccountName;

use super::{account, account_name, strange};
use crate::access::{self, Access};
use crate::cli::Global;
use crate::exit::{self, Exit};
use crate::output::usage::{self, AccountUsage};

#[derive(Debug, Subcommand)]
pub enum Mailbox {
    /// List an account's mailboxes
    List {
        #[arg(value_parser = account_name)]
        account: AccountName,
    },
    /// Show what mailboxes take, the largest first, and accounts against their limits
    Usage {
        /// This account alone
        #[arg(value_parser = account_name)]
        account: Option<AccountName>,
    },
    /// Make a mailbox, subscribed; levels are parted by /
    Create {
        #[arg(value_parser = account_name)]
        account: AccountName,
        mailbox: String,
        /// What the mailbox is for: Archive, Drafts, Junk, Sent, Trash, Flagged, All, Important (RFC 6154)
        #[arg(long, value_name = "USE")]
        special_use: Option<String>,
    },
    /// Rename a mailbox and all below it
    Rename {
        #[arg(value_parser = account_name)]
        account: AccountName,
        from: String,
        to: String,
    },
    /// Delete a mailbox; its mail can be restored for as long as expunged mail is retained
    Delete {
        #[arg(value_parser = account_name)]
        account: AccountName,
        mailbox: String,
    },
    /// Subscribe the account to a mailbox
    Subscribe {
        #[arg(value_parser = account_name)]
        account: AccountName,
        mailbox: String,
    },
    /// Unsubscribe the account from a mailbox
    Unsubscribe {
        #[arg(value_parser = account_name)]
        account: AccountName,
        mailbox: String,
    },
}

impl Mailbox {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let operation = match self {
            Mailbox::List { account } => Operation::MailboxList { account },
            Mailbox::Usage { account } => return show_usage(global, account),
            Mailbox::Create { account, mailbox, special_use } => {
                Operation::MailboxCreate { account, mailbox, special_use }
            }
            Mailbox::Rename { account, from, to } => Operation::MailboxRename { account, from, to },
            Mailbox::Delete { account, mailbox } => Operation::MailboxDelete { account, mailbox },
            Mailbox::Subscribe { account, mailbox } => {
                Operation::MailboxSubscribe { account, mailbox, subscribed: true }
            }
            Mailbox::Unsubscribe { account, mailbox } => {
                Operation::MailboxSubscribe { account, mailbox, subscribed: false }
            }
        };
        access::run(global, &operation)
    }
}

fn show_usage(global: &Global, account: Option<AccountName>) -> Result<Exit> {
    let access = Access::open(&access::load(global)?.config, false)?;
    let accounts = match account {
        Some(account) => match access.run(&Operation::AccountShow { account })? {
            Outcome::Account(account) => vec![*account],
            _ => return Err(strange()),
        },
        None => account::all(&access)?,
    };
    let usages = accounts.into_iter().map(|account| usage_of(&access, account));
    let usages: Vec<AccountUsage> = usages.filter_map(Result::transpose).collect::<Result<_>>()?;
    access.close()?;
    usage::print(&usages, global.json)?;
    Ok(Exit::Done)
}

/// `None`: the account was deleted meanwhile.
fn usage_of(access: &Access, account: AccountView) -> Result<Option<AccountUsage>> {
    let name = AccountName::new(&account.name)?;
    match access.run(&Operation::MailboxList { account: name }) {
        Ok(Outcome::Mailboxes { mailboxes }) => Ok(Some(AccountUsage::new(account, mailboxes))),
        Ok(_) => Err(strange()),
        Err(error) if exit::is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
