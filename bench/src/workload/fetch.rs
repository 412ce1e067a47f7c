//! FETCH of the whole mailbox that `append` filled: flags, envelopes, bodies.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::report::Figures;
use crate::wire::Wire;
use crate::{Options, corpus};

use super::append::MAILBOX;

pub async fn flags(options: Options) -> Result<Figures> {
    let mut wire = Wire::imap(&options).await?;
    wire.imap_command(&format!("EXAMINE {MAILBOX}")).await?;
    whole(&mut wire, &options, "FETCH 1:* (FLAGS UID)", |line, _| {
        ensure!(line.windows(5).any(|word| word == b"FLAGS"), "no FLAGS: {}", String::from_utf8_lossy(line));
        Ok(line.len() as u64)
    })
    .await
}

pub async fn envelope(options: Options) -> Result<Figures> {
    let mut wire = Wire::imap(&options).await?;
    wire.imap_command(&format!("EXAMINE {MAILBOX}")).await?;
    whole(&mut wire, &options, "FETCH 1:* (ENVELOPE)", |line, _| {
        ensure!(
            line.windows(7).any(|word| word == b"<bench-"),
            "no Message-ID: {}",
            String::from_utf8_lossy(line)
        );
        Ok(line.len() as u64)
    })
    .await
}

/// Every message's octets, compared in size with what was appended.
pub async fn body(options: Options) -> Result<Figures> {
    let want: u64 =
        (0..options.messages).map(|number| corpus::message(number + 1_000_000).len() as u64).sum();
    let mut wire = Wire::imap(&options).await?;
    wire.imap_command(&format!("EXAMINE {MAILBOX}")).await?;
    let figures = whole(&mut wire, &options, "FETCH 1:* (BODY.PEEK[])", |_, literals| {
        ensure!(literals.len() == 1, "no body");
        Ok(literals[0].len() as u64)
    })
    .await?;
    ensure!(figures.octets == want, "bodies of {} octets instead of {want}", figures.octets);
    Ok(figures)
}

async fn whole(
    wire: &mut Wire,
    options: &Options,
    command: &str,
    mut each: impl FnMut(&[u8], &[Vec<u8>]) -> Result<u64>,
) -> Result<Figures> {
    let mut figures = Figures::default();
    let began = Instant::now();
    wire.imap_each(command, |line, literals| {
        if line.windows(7).any(|word| word == b" FETCH ") {
            figures.operations += 1;
            figures.octets += each(line, literals)?;
        }
        Ok(())
    })
    .await?;
    figures.elapsed = began.elapsed();
    ensure!(figures.operations == options.messages, "{command}: {} messages", figures.operations);
    figures.note = "one command".into();
    Ok(figures)
}
