//! LMTP delivery of distinct messages to one account over several connections.

use std::time::Instant;

use anyhow::Result;

use crate::report::Figures;
use crate::wire::Wire;
use crate::{Options, corpus};

use super::share_out;

pub async fn run(options: Options) -> Result<Figures> {
    share_out(&options, connection).await
}

async fn connection(options: Options, numbers: std::ops::Range<usize>) -> Result<Figures> {
    let mut wire = Wire::lmtp(&options).await?;
    let recipient = options.recipient.as_deref().unwrap_or(&options.user);
    let mut figures = Figures::default();
    for number in numbers {
        let message = corpus::message(number);
        let began = Instant::now();
        wire.lmtp_command("MAIL FROM:<bench@example.test>", "250").await?;
        wire.lmtp_command(&format!("RCPT TO:<{recipient}>"), "250").await?;
        wire.lmtp_command("DATA", "354").await?;
        wire.send(&[message.as_slice(), b".\r\n"].concat()).await?;
        wire.lmtp_reply("250").await?;
        figures.latencies.push(began.elapsed());
        figures.operations += 1;
        figures.octets += message.len() as u64;
    }
    wire.lmtp_command("QUIT", "221").await?;
    Ok(figures)
}
