//! `restante import`

use std::path::PathBuf;

use admin::{Outcome, Remote};
use anyhow::Result;
use clap::{Args, Subcommand};
use migrate::{Direct, Maildir, Mbox, Progress, Report, Sink, Source, UidlFormat, Wishes};
use store::AccountName;

use super::account_name;
use crate::access::{self, Access};
use crate::cli::Global;
use crate::exit::Exit;
use crate::output;

#[derive(Debug, Subcommand)]
pub enum Import {
    /// From a Maildir of Dovecot or Courier on this machine, with UIDs, flags and POP3 unique-ids
    #[command(after_help = "\
What is here already is not brought again: stop it when you like and run it again. Clients download nothing again where
UIDS says \"kept\"; that is so as long as no mail has been in the mailbox here before.
While the server runs, the files are read by whoever runs this command and written by the server.")]
    Maildir(FromMaildir),
    /// From mbox files on this machine: one file a mailbox (UW-IMAP, Dovecot, IMail's .mbx), with UIDs and flags
    Mbox(FromMbox),
}

#[derive(Debug, Args)]
pub struct FromMaildir {
    #[arg(value_parser = account_name)]
    account: AccountName,
    /// The directory that has cur/ and new/ in it
    directory: PathBuf,
    /// What pop3_uidl_format was in Dovecot, if it was set: %u, %v, %f, %Mf, such as %08Xu%08Xv
    #[arg(long, value_name = "FORMAT")]
    uidl_format: Option<UidlFormat>,
    #[command(flatten)]
    wishes: Options,
}

#[derive(Debug, Args)]
pub struct FromMbox {
    #[arg(value_parser = account_name)]
    account: AccountName,
    /// The file that is INBOX, or a directory of mailboxes
    path: PathBuf,
    /// The file that is INBOX, beside a directory, such as /var/mail/alice
    #[arg(long, value_name = "FILE")]
    inbox: Option<PathBuf>,
    /// What pop3_uidl_format was in Dovecot, if it was set: %u, %v, such as %08Xv%08Xu
    #[arg(long, value_name = "FORMAT")]
    uidl_format: Option<UidlFormat>,
    #[command(flatten)]
    wishes: Options,
}

/// For every source.
#[derive(Debug, Args)]
struct Options {
    /// Say what would happen, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Bring messages again that were brought before and expunged here
    #[arg(long)]
    again: bool,
    /// This mailbox alone; may be given several times
    #[arg(long = "mailbox", value_name = "NAME")]
    only: Vec<String>,
}

impl Import {
    pub fn run(self, global: &Global) -> Result<Exit> {
        let access = Access::open(&access::load(global)?.config, false)?;
        let report = match self {
            Import::Maildir(from) => Maildir::new(&from.directory, from.uidl_format)
                .map_err(anyhow::Error::from)
                .and_then(|source| bring(&access, from.account, &source, &from.wishes.into(), global.json)),
            Import::Mbox(from) => Mbox::new(&from.path, from.inbox, from.uidl_format)
                .map_err(anyhow::Error::from)
                .and_then(|source| bring(&access, from.account, &source, &from.wishes.into(), global.json)),
        };
        access.close()?;
        let report = report?;
        let exit = if report.is_whole() { Exit::Done } else { Exit::Found };
        output::print(&Outcome::MailImported(report), global.json)?;
        Ok(exit)
    }
}

impl From<Options> for Wishes {
    fn from(Options { dry_run, again, only }: Options) -> Wishes {
        Wishes { dry_run, again, only }
    }
}

fn bring(
    access: &Access,
    account: AccountName,
    source: &dyn Source,
    wishes: &Wishes,
    json: bool,
) -> Result<Report> {
    let mut sink: Box<dyn Sink + '_> = match access {
        Access::Server(client) => Box::new(Remote { client, account }),
        Access::Store(store) => Box::new(Direct { store, account }),
    };
    let bar = output::progress_bar("messages", json);
    let progress = |progress: Progress<'_>| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        bar.set_message(progress.mailbox.to_owned());
    };
    let report = migrate::transfer(source, &mut *sink, wishes, &progress);
    bar.finish_and_clear();
    Ok(report?)
}
