//! Logging to standard error: for the journal, for files, for programs, or as a live view for a person.

mod journal;
mod live;

use std::io::IsTerminal;

use anyhow::{Context, Result, anyhow};
use conf::{Log, LogFormat};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// Changes what is logged while the server runs.
#[derive(Clone)]
pub struct Handle(reload::Handle<EnvFilter, Registry>);

impl Handle {
    pub fn set_level(&self, level: &str) -> Result<()> {
        self.0.reload(filter(level)?).context("the log level cannot be changed")
    }
}

/// The server's logging.
pub fn start(log: &Log) -> Result<Handle> {
    start_as(&log.level, resolve(log.format))
}

/// The demo's: always for a person.
pub fn start_live(level: &str) -> Result<Handle> {
    start_as(level, Format::Live)
}

fn start_as(level: &str, format: Format) -> Result<Handle> {
    let (filter, handle) = reload::Layer::new(filter(level)?);
    let output: Box<dyn Layer<_> + Send + Sync> = match format {
        Format::Live => live::Live::new().boxed(),
        Format::Text => fmt::layer().with_writer(std::io::stderr).with_ansi(false).boxed(),
        Format::Journal => journal::layer().boxed(),
        Format::Json => fmt::layer().json().with_writer(std::io::stderr).boxed(),
    };
    let started = tracing_subscriber::registry().with(filter).with(output).try_init();
    started.context("logging cannot be started")?;
    Ok(Handle(handle))
}

/// Commands that are not the server: only what a person must know.
pub fn quiet() {
    let layer = fmt::layer().with_writer(std::io::stderr).without_time().with_target(false).compact();
    // A second start is a mistake of the program that costs nothing but log lines.
    let _ = tracing_subscriber::registry().with(EnvFilter::new("warn")).with(layer).try_init();
}

fn filter(level: &str) -> Result<EnvFilter> {
    EnvFilter::try_new(level).map_err(|error| anyhow!("log.level: {level:?} is no filter: {error}"))
}

enum Format {
    Live,
    Text,
    Journal,
    Json,
}

fn resolve(format: LogFormat) -> Format {
    match format {
        LogFormat::Text => Format::Text,
        LogFormat::Journal => Format::Journal,
        LogFormat::Json => Format::Json,
        LogFormat::Auto if std::io::stderr().is_terminal() => Format::Live,
        LogFormat::Auto if std::env::var_os("JOURNAL_STREAM").is_some() => Format::Journal,
        LogFormat::Auto => Format::Text,
    }
}
