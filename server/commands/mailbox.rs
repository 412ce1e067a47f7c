//! `restante mailbox`

use admin::Operation;
use anyhow::Result;
use clap::Subcommand;
use store::AccountName;

use super::account_name;
use crate::access;
use crate::cli::Global;
use crate::exit::Exit;

#[derive(Debug, Subcommand)]
pub enum Mailbox {
    /// List an account's mailboxes
    List {
        #[arg(value_parser = account_name)]
        account: AccountName,
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
