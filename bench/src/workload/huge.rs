//! A mailbox of very many messages: opening it, its flags, and catching up with few changes.
//!
//! It is filled by COPY of itself, so that every server makes it in a short time. The first figure of `select-huge` after
//! a start of the server is the cold one.

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::Options;
use crate::report::Figures;
use crate::wire::Wire;

const MAILBOX: &str = "bench-huge";
const FIRST: usize = 1000;
const ROUNDS: usize = 10;
const CHANGES: usize = 10;

pub async fn fill(options: Options) -> Result<Figures> {
    let mut wire = Wire::imap(&options).await?;
    let mut there = wire.open_mailbox(MAILBOX).await?;
    let multiappend = wire.imap_capability("MULTIAPPEND").await?;
    let mut figures = Figures::default();
    let began = Instant::now();
    if there == 0 {
        let messages: Vec<Vec<u8>> = (0..FIRST.min(options.huge)).map(crate::corpus::letter).collect();
        wire.append(MAILBOX, &messages, multiappend).await?;
        there = messages.len();
        wire.imap_command(&format!("SELECT {MAILBOX}")).await?;
    }
    while there < options.huge {
        let more = there.min(options.huge - there);
        wire.imap_command(&format!("COPY 1:{more} {MAILBOX}")).await?;
        wire.imap_command("NOOP").await?;
        there += more;
        figures.operations += more;
    }
    figures.elapsed = began.elapsed();
    figures.note = "COPY of itself, doubling".into();
    Ok(figures)
}

pub async fn select(options: Options) -> Result<Figures> {
    let mut figures = Figures::default();
    for _ in 0..=ROUNDS {
        let mut wire = Wire::imap(&options).await?;
        let began = Instant::now();
        let there = wire.examine(MAILBOX).await?;
        figures.latencies.push(began.elapsed());
        ensure!(there == options.huge, "{MAILBOX} has {there} messages: run fill-huge first");
        wire.imap_command("LOGOUT").await?;
    }
    let first = figures.latencies.remove(0);
    figures.operations = ROUNDS;
    figures.elapsed = figures.latencies.iter().sum();
    figures.note = format!("the first {:.2} ms", first.as_secs_f64() * 1000.0);
    Ok(figures)
}

pub async fn flags(options: Options) -> Result<Figures> {
    let mut wire = Wire::imap(&options).await?;
    wire.examine(MAILBOX).await?;
    let mut figures = Figures::default();
    let began = Instant::now();
    wire.imap_each("FETCH 1:* (FLAGS UID)", |line, _| {
        if line.windows(7).any(|word| word == b" FETCH ") {
            ensure!(line.windows(4).any(|word| word == b"UID "), "no UID: {}", String::from_utf8_lossy(line));
            figures.operations += 1;
            figures.octets += line.len() as u64;
        }
        Ok(())
    })
    .await?;
    figures.elapsed = began.elapsed();
    ensure!(
        figures.operations == options.huge,
        "{} messages instead of {}",
        figures.operations,
        options.huge
    );
    Ok(figures)
}

/// SELECT with QRESYNC after few changes. RFC 7162 section 3.2.5
pub async fn qresync(options: Options) -> Result<Figures> {
    let mut figures = Figures::default();
    for round in 0..ROUNDS {
        let known = known(&options).await?;
        change(&options, round).await?;
        let mut wire = enabled(&options).await?;
        let mut told = 0;
        let began = Instant::now();
        let command = format!("SELECT {MAILBOX} (QRESYNC ({} {}))", known.0, known.1);
        wire.imap_each(&command, |line, _| {
            told += usize::from(line.windows(7).any(|word| word == b" FETCH "));
            Ok(())
        })
        .await?;
        figures.latencies.push(began.elapsed());
        ensure!(told == CHANGES, "{told} messages were told instead of {CHANGES}");
        wire.imap_command("LOGOUT").await?;
    }
    figures.operations = ROUNDS;
    figures.elapsed = figures.latencies.iter().sum();
    figures.note = format!("{CHANGES} changes");
    Ok(figures)
}

async fn enabled(options: &Options) -> Result<Wire> {
    let mut wire = Wire::imap(options).await?;
    wire.imap_command("ENABLE QRESYNC").await?;
    Ok(wire)
}

/// UIDVALIDITY and HIGHESTMODSEQ.
async fn known(options: &Options) -> Result<(String, String)> {
    let mut wire = enabled(options).await?;
    let (mut uid_validity, mut modseq) = (None, None);
    wire.imap_each(&format!("EXAMINE {MAILBOX}"), |line, _| {
        uid_validity = uid_validity.take().or_else(|| code(line, "UIDVALIDITY"));
        modseq = modseq.take().or_else(|| code(line, "HIGHESTMODSEQ"));
        Ok(())
    })
    .await?;
    wire.imap_command("LOGOUT").await?;
    Ok((uid_validity.context("no UIDVALIDITY")?, modseq.context("no HIGHESTMODSEQ")?))
}

/// Messages far from each other.
async fn change(options: &Options, round: usize) -> Result<()> {
    let mut wire = Wire::imap(options).await?;
    wire.imap_command(&format!("SELECT {MAILBOX}")).await?;
    let sign = if round.is_multiple_of(2) { '+' } else { '-' };
    let each = options.huge / CHANGES;
    let set: Vec<String> = (0..CHANGES).map(|number| (number * each + 1).to_string()).collect();
    wire.imap_command(&format!("STORE {} {sign}FLAGS.SILENT (\\Answered)", set.join(","))).await?;
    wire.imap_command("LOGOUT").await
}

fn code(line: &[u8], name: &str) -> Option<String> {
    let line = String::from_utf8_lossy(line);
    let (_, rest) = line.split_once(&format!("[{name} "))?;
    rest.split(']').next().map(str::to_owned)
}
