//! Connections that log in, select INBOX and idle: how fast they open, and what one costs in memory.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinSet;

use crate::Options;
use crate::report::Figures;
use crate::wire::Wire;

pub async fn run(options: Options) -> Result<Figures> {
    let first = open(options.clone()).await?;
    let before = options.pid.map(proportional_set_size).transpose()?;
    let began = Instant::now();
    let mut opening = JoinSet::new();
    let mut idle = vec![first];
    let mut started = 0;
    while idle.len() <= options.idle {
        while opening.len() < options.connections && started < options.idle {
            opening.spawn(open(options.clone()));
            started += 1;
        }
        let Some(opened) = opening.join_next().await else { break };
        idle.push(opened??);
    }
    let elapsed = began.elapsed();
    // What a server frees after the login is not what an idle connection costs.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = options.pid.map(proportional_set_size).transpose()?;
    let note = match (before, after) {
        (Some(before), Some(after)) => {
            format!(
                "{:.1} KiB a connection",
                after.saturating_sub(before) as f64 / options.idle.max(1) as f64
            )
        }
        _ => "memory: give --pid".into(),
    };
    Ok(Figures { operations: idle.len() - 1, elapsed, note, ..Figures::default() })
}

async fn open(options: Options) -> Result<Wire> {
    let mut wire = Wire::imap(&options).await?;
    wire.imap_command("SELECT INBOX").await?;
    let tag = wire.next_tag();
    wire.send(format!("{tag} IDLE\r\n").as_bytes()).await?;
    while !wire.line().await?.starts_with(b"+") {}
    Ok(wire)
}

/// In KiB, of the process alone.
fn proportional_set_size(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = text.lines().find(|line| line.starts_with("Pss:")).context("no Pss line")?;
    line.split_whitespace().nth(1).context("no size")?.parse().context("no number")
}
