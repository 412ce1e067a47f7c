//! `restante deliver`

use std::sync::Arc;

use admin::{Delivered, Failure, Kind, Outcome};
use anyhow::{Result, bail};
use clap::Args;
use common::activity::Activity;
use conf::Config;
use store::Store;

use crate::access::{self, Access};
use crate::cli::Global;
use crate::exit::{self, Exit};
use crate::{output, service};

#[derive(Debug, Args)]
#[command(after_help = "\
The exit code is the MTA's (sysexits.h): 0 delivered, 67 no such recipient, 73 over quota, 69 refused, 65 no mail,
75 try again. With several recipients the worst one counts, and \"try again\" is the worst; give one at a time, so that
nobody gets a message twice.")]
pub struct Deliver {
    /// The sender, for Return-Path; empty or <> for a bounce
    #[arg(long, short = 'f', default_value = "", hide_default_value = true)]
    from: String,
    #[arg(required = true, value_name = "RECIPIENT")]
    recipients: Vec<String>,
}

impl Deliver {
    /// Whatever goes wrong around the message is "try again": mail is kept, not bounced, while it is put right.
    pub fn run(self, global: &Global) -> Result<Exit> {
        match self.deliver(global) {
            Ok(recipients) => tell(&recipients, global.json),
            Err(error) => {
                exit::report(&error, global.json);
                Ok(Exit::TemporaryFailure)
            }
        }
    }

    fn deliver(self, global: &Global) -> Result<Vec<Delivered>> {
        let config = access::load(global)?.config;
        let envelope = admin::Envelope { reverse_path: self.from, recipients: self.recipients };
        match Access::open(&config, false)? {
            Access::Server(client) => match client.deliver(&envelope, std::io::stdin())? {
                Outcome::Delivered { recipients } => Ok(recipients),
                _ => bail!(
                    "the server answered something else than a delivery\n  Use the same version for both."
                ),
            },
            Access::Store(store) => directly(&config, &store, envelope),
        }
    }
}

fn directly(config: &Config, store: &Store, envelope: admin::Envelope) -> Result<Vec<Delivered>> {
    let deliver = hook(config, store, &Activity::default());
    let runtime = super::serve::runtime()?;
    // A task, because blocking calls are for the runtime's own threads.
    let delivered = runtime.block_on(runtime.spawn(deliver(envelope, admin::octets(std::io::stdin()))));
    store.close()?;
    Ok(delivered??)
}

/// What the server does with a message that comes over the administration socket.
pub fn hook(config: &Config, store: &Store, activity: &Activity) -> admin::Deliver {
    let (options, store) = (Arc::new(service::lmtp_options(config)), store.clone());
    let activity = activity.clone();
    let hostname: Arc<str> = config.server.hostname.as_str().into();
    Arc::new(move |envelope, octets| {
        let (options, store, hostname) = (Arc::clone(&options), store.clone(), Arc::clone(&hostname));
        let activity = activity.clone();
        Box::pin(async move {
            let envelope = accept(envelope, &hostname)?;
            let mut octets = octets;
            let outcomes = lmtp::deliver(&store, &options, envelope, &mut octets, &activity).await;
            Ok(outcomes.iter().map(view).collect())
        })
    })
}

fn accept(envelope: admin::Envelope, hostname: &str) -> Result<lmtp::Envelope, Failure> {
    Ok(lmtp::Envelope {
        reverse_path: reverse_path(&envelope.reverse_path)?,
        recipients: envelope
            .recipients
            .iter()
            .map(|recipient| address(recipient))
            .collect::<Result<_, _>>()?,
        hostname: hostname.to_owned(),
        id: format!("{:x}-{:x}", common::time::now(), unique()),
    })
}

/// Deliveries of one process within one second have different names.
fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    u64::from(std::process::id()) << 32 | COUNT.fetch_add(1, Ordering::Relaxed) & 0xffff_ffff
}

fn reverse_path(text: &str) -> Result<Option<lmtp::Address>, Failure> {
    if matches!(text, "" | "<>" | "MAILER-DAEMON") { Ok(None) } else { address(text).map(Some) }
}

fn address(text: &str) -> Result<lmtp::Address, Failure> {
    let bare = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text);
    lmtp::Address::parse(bare).map_err(|error| {
        Failure::new(
            Kind::Invalid,
            format!("{text:?} is no address: {}", error.0),
            "Write it as user@example.org.",
        )
    })
}

fn view(outcome: &lmtp::Outcome) -> Delivered {
    Delivered {
        recipient: outcome.recipient.to_string(),
        code: outcome.reply.code(),
        enhanced: outcome.reply.enhanced().to_owned(),
        text: outcome.reply.text().to_owned(),
        exit_status: outcome.exit_status(),
    }
}

/// Silent when all went well, as MTAs expect; else what they put into the bounce.
fn tell(recipients: &[Delivered], json: bool) -> Result<Exit> {
    let refused: Vec<Delivered> = recipients.iter().filter(|one| one.exit_status != 0).cloned().collect();
    if json {
        output::print(&Outcome::Delivered { recipients: recipients.to_vec() }, true)?;
    } else if !refused.is_empty() {
        output::print(&Outcome::Delivered { recipients: refused.clone() }, false)?;
    }
    Ok(worst(refused.iter().map(|one| one.exit_status)))
}

fn worst(statuses: impl Iterator<Item = u8>) -> Exit {
    let rank = |status: &u8| (*status == 75, *status);
    match statuses.max_by_key(rank) {
        None | Some(0) => Exit::Done,
        Some(65) => Exit::DataError,
        Some(67) => Exit::NoUser,
        Some(73) => Exit::CannotCreate,
        Some(75) => Exit::TemporaryFailure,
        Some(_) => Exit::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn try_again_is_the_worst() {
        assert_eq!(worst([].into_iter()), Exit::Done);
        assert_eq!(worst([67].into_iter()), Exit::NoUser);
        assert_eq!(worst([67, 75, 73].into_iter()), Exit::TemporaryFailure);
        assert_eq!(worst([99].into_iter()), Exit::Unavailable);
    }
}
