//! `restante demo`: a server with sample mail on loopback ports, gone when it stops.

mod guide;
mod sample;
mod thread;

use std::path::Path;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use conf::{Config, Request, Surroundings};

use crate::cli::Global;
use crate::commands::serve;
use crate::exit::Exit;
use crate::{log, output, service};

/// Everybody's.
pub const PASSWORD: &str = "restante";

#[derive(Debug, Args)]
pub struct Demo {
    /// "auto" takes free ports instead of 1143, 1993, 1110, 1995 and 2424
    #[arg(long, value_enum, default_value_t = Ports::Usual)]
    ports: Ports,
    /// Do not show who connects and what they do
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ports {
    Usual,
    Auto,
}

/// The settings that listen, with the demo's ports.
const LISTEN: [(&str, u16); 6] = [
    ("imap.listen", 1143),
    ("imap.tls_listen", 1993),
    ("pop3.listen", 1110),
    ("pop3.tls_listen", 1995),
    ("lmtp.listen", 2424),
    ("http.listen", 8025),
];

impl Demo {
    pub fn run(self, global: &Global) -> Result<Exit> {
        // Removed when it goes out of scope, which every way out of here leads to.
        let directory = tempfile::Builder::new().prefix("restante-demo-").tempdir();
        let directory =
            directory.context("no temporary directory can be made; set TMPDIR to a place that has room")?;
        let conf::Loaded { config, in_force, .. } = self.load(directory.path(), global)?;
        log::start_live(&config.log.level)?;
        let prepared =
            serve::prepare(&config, None, " Or let the demo take free ports: restante demo --ports auto.")?;
        let runtime = serve::runtime()?;
        let json = global.json;
        let guide = guide::Guide::new(directory.path(), &prepared.bound, &config)?;
        let stopped = runtime.block_on(runtime.spawn(async move {
            let started = prepared.start(&config, &in_force).await?;
            common::block(|| sample::fill(&started.store))?;
            output::line(&if json { guide.json() } else { guide.text() })?;
            started.until_stopped(None).await
        }));
        let exit = stopped.context("the demo was cut short")?.map(|stopped| stopped.exit(runtime));
        directory.close().context("the temporary directory cannot be removed; remove it by hand")?;
        exit
    }

    /// Nothing of the machine's own configuration counts here, only the command line.
    fn load(&self, directory: &Path, global: &Global) -> Result<conf::Loaded> {
        let mut overrides = vec![
            ("server.data".to_owned(), directory.display().to_string()),
            ("server.hostname".into(), "mail.example.test".into()),
            ("server.shutdown_timeout".into(), "1s".into()),
            ("log.level".into(), self.level(global).into()),
        ];
        for (setting, port) in LISTEN {
            let port = if self.ports == Ports::Auto { 0 } else { port };
            overrides.push((setting.into(), format!("127.0.0.1:{port}")));
        }
        overrides.extend(global.set.iter().cloned());
        Ok(Request { file: None, overrides, surroundings: Surroundings::nothing() }.load()?)
    }

    fn level(&self, global: &Global) -> &'static str {
        if self.quiet || global.json {
            "warn"
        } else {
            "warn,imap=debug,pop3=debug,lmtp=debug,common=info,admin=info"
        }
    }
}

/// The certificate to compare with what a client shows.
fn fingerprint(config: &Config) -> Result<String> {
    Ok(common::tls::fingerprint(&service::self_signed_files(config).certificate)?)
}
