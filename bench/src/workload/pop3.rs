//! POP3: STAT and UIDL of a maildrop, and its whole download. Reads INBOX, which `deliver` filled.

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::Options;
use crate::report::Figures;
use crate::wire::Wire;

pub async fn uidl(options: Options) -> Result<Figures> {
    let began = Instant::now();
    let mut wire = Wire::pop3(&options).await?;
    let (count, _) = stat(&mut wire).await?;
    wire.pop3_command("UIDL").await?;
    let mut listed = 0;
    let octets = wire.pop3_lines(|_| listed += 1).await?;
    let elapsed = began.elapsed();
    wire.pop3_command("QUIT").await?;
    ensure!(listed == count, "UIDL has {listed} of {count} messages");
    let note = "login, STAT, UIDL".into();
    Ok(Figures { operations: count, octets: octets as u64, elapsed, note, ..Figures::default() })
}

pub async fn download(options: Options) -> Result<Figures> {
    let mut wire = Wire::pop3(&options).await?;
    let (count, size) = stat(&mut wire).await?;
    let mut figures = Figures { note: "one connection, RETR each".into(), ..Figures::default() };
    let began = Instant::now();
    for number in 1..=count {
        let asked = Instant::now();
        wire.pop3_command(&format!("RETR {number}")).await?;
        figures.octets += wire.pop3_lines(|_| ()).await? as u64;
        figures.latencies.push(asked.elapsed());
        figures.operations += 1;
    }
    figures.elapsed = began.elapsed();
    wire.pop3_command("QUIT").await?;
    ensure!(figures.octets == size, "{} octets came instead of {size}", figures.octets);
    Ok(figures)
}

async fn stat(wire: &mut Wire) -> Result<(usize, u64)> {
    let line = wire.pop3_command("STAT").await?;
    let mut words = line.split_whitespace().skip(1);
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).context("STAT has no numbers");
    Ok((number()? as usize, number()?))
}
