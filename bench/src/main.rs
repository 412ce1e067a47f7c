//! Load generator for mail-access servers: any server, by address, knowing nothing of its insides.
//!
//! Every answer is verified while it is measured; a wrong or short one ends the run, so that no figure comes from a
//! server that did less than it was asked. Connections are plain TCP.

mod corpus;
mod report;
mod wire;
mod workload;

use std::net::SocketAddr;

use anyhow::Result;
use clap::Parser;

use report::Report;
use workload::{WORKLOADS, Workload};

/// Measures an IMAP, POP3 and LMTP server.
#[derive(Debug, Clone, Parser)]
#[command(after_help = "Example: restante demo --ports auto --json, then\n  \
    bench --imap 127.0.0.1:PORT --pop3 127.0.0.1:PORT --lmtp 127.0.0.1:PORT --user alice@example.test --password restante")]
pub struct Options {
    /// The IMAP server's address (plain, login allowed).
    #[arg(long)]
    pub imap: SocketAddr,
    /// The POP3 server's address.
    #[arg(long)]
    pub pop3: SocketAddr,
    /// The LMTP server's address.
    #[arg(long)]
    pub lmtp: SocketAddr,
    /// The login name. Mail is delivered to it, unless --recipient says otherwise; its INBOX fills up.
    #[arg(long)]
    pub user: String,
    #[arg(long)]
    pub password: String,
    /// The address of the account, where it differs from the login name.
    #[arg(long)]
    pub recipient: Option<String>,
    /// Messages a workload that writes, and in the mailbox that the others read.
    #[arg(long, default_value_t = 2000)]
    pub messages: usize,
    /// Connections at once.
    #[arg(long, default_value_t = 10)]
    pub connections: usize,
    /// Messages in the mailbox of many different messages, for ENVELOPE, SEARCH, SORT, THREAD and STORE.
    #[arg(long, default_value_t = 100_000)]
    pub many: usize,
    /// Messages in the largest mailbox, for SELECT, FETCH FLAGS and QRESYNC.
    #[arg(long, default_value_t = 1_000_000)]
    pub huge: usize,
    /// Also the workloads that take long: large mailboxes and SEARCH.
    #[arg(long)]
    pub large: bool,
    /// Idle connections to hold.
    #[arg(long, default_value_t = 500)]
    pub idle: usize,
    /// The server's process id: memory per idle connection is then told (Linux, needs the right to read smaps).
    #[arg(long)]
    pub pid: Option<u32>,
    /// Workloads to run; all but the large ones when not given.
    #[arg(long, value_delimiter = ',', value_parser = workload::names())]
    pub only: Vec<String>,
    /// One JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
}

impl Options {
    fn wants(&self, workload: &Workload) -> bool {
        match self.only.is_empty() {
            true => self.large || !workload.large,
            false => self.only.iter().any(|name| name == workload.name),
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let mut report = Report::default();
    for workload in WORKLOADS {
        if !options.wants(workload) {
            continue;
        }
        if !options.json {
            eprintln!("{} ...", workload.name);
        }
        let figures = (workload.run)(options.clone()).await?;
        report.add(workload.name, workload.unit, figures);
    }
    report.print(options.json)
}
