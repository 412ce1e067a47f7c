//! APPEND to one mailbox over several connections.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::report::Figures;
use crate::wire::Wire;
use crate::{Options, corpus};

use super::share_out;

/// The mailbox that the FETCH workloads read.
pub const MAILBOX: &str = "bench";

pub async fn run(options: Options) -> Result<Figures> {
    let mut wire = Wire::imap(&options).await?;
    // A run before this one may have left it: that is no fault.
    drop(wire.imap_command(&format!("DELETE {MAILBOX}")).await);
    wire.imap_command(&format!("CREATE {MAILBOX}")).await?;
    let figures = share_out(&options, connection).await?;
    let mut exists = false;
    let want = format!("MESSAGES {}", options.messages);
    wire.imap_each(&format!("STATUS {MAILBOX} (MESSAGES)"), |line, _| {
        exists |= String::from_utf8_lossy(line).contains(&want);
        Ok(())
    })
    .await?;
    ensure!(exists, "after APPEND the mailbox does not hold {} messages", options.messages);
    Ok(figures)
}

async fn connection(options: Options, numbers: std::ops::Range<usize>) -> Result<Figures> {
    let mut wire = Wire::imap(&options).await?;
    let mut figures = Figures::default();
    for number in numbers {
        // Other octets than those delivered, so that a server that stores equal ones once gains nothing.
        let message = corpus::message(number + 1_000_000);
        let began = Instant::now();
        let tag = wire.next_tag();
        wire.send(format!("{tag} APPEND {MAILBOX} {{{}}}\r\n", message.len()).as_bytes()).await?;
        while !wire.line().await?.starts_with(b"+") {}
        wire.send(&[message.as_slice(), b"\r\n"].concat()).await?;
        loop {
            let line = wire.line().await?;
            if line.starts_with(format!("{tag} ").as_bytes()) {
                ensure!(
                    line[tag.len() + 1..].starts_with(b"OK"),
                    "APPEND: {}",
                    String::from_utf8_lossy(line)
                );
                break;
            }
        }
        figures.latencies.push(began.elapsed());
        figures.operations += 1;
        figures.octets += message.len() as u64;
    }
    Ok(figures)
}
