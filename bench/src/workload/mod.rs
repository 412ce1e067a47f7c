//! The workloads, one file each, in the order in which they run: the writing ones fill what the reading ones read.

mod append;
mod deliver;
mod fetch;
mod idle;
mod pop3;

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use anyhow::Result;
use tokio::task::JoinSet;

use crate::Options;
use crate::report::Figures;

type Running = Pin<Box<dyn Future<Output = Result<Figures>> + Send>>;

pub struct Workload {
    pub name: &'static str,
    /// What an operation is.
    pub unit: &'static str,
    pub run: fn(Options) -> Running,
}

pub const WORKLOADS: &[Workload] = &[
    Workload { name: "deliver", unit: "messages", run: |options| Box::pin(deliver::run(options)) },
    Workload { name: "append", unit: "messages", run: |options| Box::pin(append::run(options)) },
    Workload { name: "fetch-flags", unit: "messages", run: |options| Box::pin(fetch::flags(options)) },
    Workload { name: "fetch-envelope", unit: "messages", run: |options| Box::pin(fetch::envelope(options)) },
    Workload { name: "fetch-body", unit: "messages", run: |options| Box::pin(fetch::body(options)) },
    Workload { name: "pop3-uidl", unit: "messages", run: |options| Box::pin(pop3::uidl(options)) },
    Workload { name: "pop3-download", unit: "messages", run: |options| Box::pin(pop3::download(options)) },
    Workload { name: "idle", unit: "connections", run: |options| Box::pin(idle::run(options)) },
];

/// For `--only`.
pub fn names() -> Vec<&'static str> {
    WORKLOADS.iter().map(|workload| workload.name).collect()
}

/// Runs `work(connection, first, last)` on every connection at once, the messages shared out among them.
async fn share_out<F>(
    options: &Options,
    work: impl Fn(Options, std::ops::Range<usize>) -> F,
) -> Result<Figures>
where
    F: Future<Output = Result<Figures>> + Send + 'static,
{
    let connections = options.connections.clamp(1, options.messages.max(1));
    let each = options.messages.div_ceil(connections);
    let mut tasks = JoinSet::new();
    let began = Instant::now();
    for connection in 0..connections {
        let range = connection * each..((connection + 1) * each).min(options.messages);
        tasks.spawn(work(options.clone(), range));
    }
    let mut total = Figures::default();
    while let Some(figures) = tasks.join_next().await {
        let figures = figures??;
        total.operations += figures.operations;
        total.octets += figures.octets;
        total.latencies.extend(figures.latencies);
    }
    total.elapsed = began.elapsed();
    total.note = format!("{connections} connections");
    Ok(total)
}
