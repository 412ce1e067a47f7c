//! A mailbox of many different messages: metadata of all, SEARCH of words that few or half of them have, flags of all.
//!
//! It is filled once; later runs find it full and keep it.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::report::Figures;
use crate::wire::Wire;
use crate::{Options, corpus};

const MAILBOX: &str = "bench-letters";
/// Messages in one MULTIAPPEND, and APPENDs under way at once where there is none.
const TOGETHER: usize = 200;
pub(super) const ROUNDS: usize = 5;

pub async fn fill(options: Options) -> Result<Figures> {
    let mut wire = Wire::imap(&options).await?;
    let mut figures = Figures::default();
    let there = wire.open_mailbox(MAILBOX).await?;
    let multiappend = wire.imap_capability("MULTIAPPEND").await?;
    let began = Instant::now();
    let numbers: Vec<usize> = (there..options.many).collect();
    for together in numbers.chunks(TOGETHER) {
        let messages: Vec<Vec<u8>> = together.iter().map(|number| corpus::letter(*number)).collect();
        figures.octets += messages.iter().map(|message| message.len() as u64).sum::<u64>();
        wire.append(MAILBOX, &messages, multiappend).await?;
        figures.operations += messages.len();
    }
    figures.elapsed = began.elapsed();
    figures.note = if multiappend { "MULTIAPPEND" } else { "APPEND" }.into();
    Ok(figures)
}

pub async fn envelope(options: Options) -> Result<Figures> {
    let mut wire = examine(&options).await?;
    let mut figures = Figures::default();
    let began = Instant::now();
    let total = options.many;
    wire.imap_each("FETCH 1:* (ENVELOPE)", |line, literals| {
        if line.windows(7).any(|word| word == b" FETCH ") {
            let number = format!("<letter-{}@", figures.operations);
            let is_there = |octets: &[u8]| octets.windows(number.len()).any(|part| part == number.as_bytes());
            ensure!(is_there(line) || literals.iter().any(|one| is_there(one)), "no {number}");
            figures.operations += 1;
            figures.octets += line.len() as u64;
        }
        Ok(())
    })
    .await?;
    figures.elapsed = began.elapsed();
    ensure!(figures.operations == total, "{} envelopes instead of {total}", figures.operations);
    Ok(figures)
}

pub async fn search_rare(options: Options) -> Result<Figures> {
    search(options, corpus::RARE, corpus::is_rare).await
}

pub async fn search_common(options: Options) -> Result<Figures> {
    search(options, corpus::COMMON, corpus::is_common).await
}

pub async fn search_absent(options: Options) -> Result<Figures> {
    search(options, "xylophonist", |_| false).await
}

/// An operation is a message that is searched.
async fn search(options: Options, word: &str, has: fn(usize) -> bool) -> Result<Figures> {
    let mut wire = examine(&options).await?;
    let want: Vec<usize> = (0..options.many).filter(|number| has(*number)).map(|number| number + 1).collect();
    let mut figures = Figures::default();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut found = Vec::new();
        wire.imap_each(&format!("SEARCH TEXT {word}"), |line, _| {
            found.extend(numbers(line, b"* SEARCH"));
            Ok(())
        })
        .await?;
        figures.latencies.push(began.elapsed());
        ensure!(found == want, "SEARCH TEXT {word}: {} messages instead of {}", found.len(), want.len());
    }
    figures.operations = options.many * ROUNDS;
    figures.elapsed = figures.latencies.iter().sum();
    figures.note = format!("{} found", want.len());
    Ok(figures)
}

/// STORE over all messages, back and forth.
pub async fn store(options: Options) -> Result<Figures> {
    let mut wire = Wire::imap(&options).await?;
    wire.imap_command(&format!("SELECT {MAILBOX}")).await?;
    let mut figures = Figures::default();
    for _ in 0..ROUNDS {
        for (sign, want) in [('+', options.many), ('-', 0)] {
            let began = Instant::now();
            wire.imap_command(&format!("STORE 1:* {sign}FLAGS.SILENT (\\Flagged)")).await?;
            figures.latencies.push(began.elapsed());
            let mut flagged = 0;
            wire.imap_each("SEARCH FLAGGED", |line, _| {
                flagged += numbers(line, b"* SEARCH").count();
                Ok(())
            })
            .await?;
            ensure!(flagged == want, "{flagged} messages are flagged instead of {want}");
        }
    }
    figures.operations = options.many * ROUNDS * 2;
    figures.elapsed = figures.latencies.iter().sum();
    figures.note = "one command over all".into();
    Ok(figures)
}

pub(super) async fn examine(options: &Options) -> Result<Wire> {
    let mut wire = Wire::imap(options).await?;
    let there = wire.examine(MAILBOX).await?;
    ensure!(there == options.many, "{MAILBOX} has {there} messages: run fill-many first");
    Ok(wire)
}

/// The numbers behind a word of an untagged response.
pub(super) fn numbers<'a>(line: &'a [u8], word: &[u8]) -> impl Iterator<Item = usize> + 'a {
    let rest = line.strip_prefix(word).unwrap_or_default();
    rest.split(|&octet| octet == b' ').filter_map(|part| std::str::from_utf8(part).ok()?.parse().ok())
}
