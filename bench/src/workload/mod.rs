//! The workloads, one file each, in the order in which they run: the writing ones fill what the reading ones read.

mod append;
mod deliver;
mod fetch;
mod huge;
mod idle;
mod many;
mod pop3;
mod sort;

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
    /// Takes long, or much room: only with --large, or by its name.
    pub large: bool,
    pub run: fn(Options) -> Running,
}

macro_rules! workloads {
    ($($large:ident $name:literal $unit:literal $run:path;)*) => {
        &[$(Workload {
            name: $name,
            unit: $unit,
            large: workloads!(@ $large),
            run: |options| Box::pin($run(options)),
        }),*]
    };
    (@ always) => { false };
    (@ large) => { true };
}

#[rustfmt::skip]
pub const WORKLOADS: &[Workload] = workloads![
    always "deliver"        "messages"    deliver::run;
    always "append"         "messages"    append::run;
    always "fetch-flags"    "messages"    fetch::flags;
    always "fetch-envelope" "messages"    fetch::envelope;
    always "fetch-body"     "messages"    fetch::body;
    always "pop3-uidl"      "messages"    pop3::uidl;
    always "pop3-download"  "messages"    pop3::download;
    always "idle"           "connections" idle::run;
    large  "fill-many"      "messages"    many::fill;
    large  "envelope-many"  "messages"    many::envelope;
    large  "search-rare"    "messages"    many::search_rare;
    large  "search-common"  "messages"    many::search_common;
    large  "search-absent"  "messages"    many::search_absent;
    large  "sort-date"      "messages"    sort::date;
    large  "sort-subject"   "messages"    sort::subject;
    large  "sort-from"      "messages"    sort::from;
    large  "thread-references" "messages" sort::threads;
    large  "store-many"     "messages"    many::store;
    large  "fill-huge"      "messages"    huge::fill;
    large  "select-huge"    "times"       huge::select;
    large  "flags-huge"     "messages"    huge::flags;
    large  "qresync-huge"   "times"       huge::qresync;
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
