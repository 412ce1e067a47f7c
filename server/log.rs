//! Logging to standard error: for the journal, for files, for programs, or as a live view for a person.

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
    let (filter, handle) = reload::Layer::new(filter(&log.level)?);
    let output: Box<dyn Layer<_> + Send + Sync> = match resolve(log.format) {
        Format::Live => live::layer().boxed(),
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

mod live {
    //! For a person who watches.

    use tracing_subscriber::fmt;
    use tracing_subscriber::fmt::format::Writer;
    use tracing_subscriber::fmt::time::FormatTime;
    use tracing_subscriber::registry::LookupSpan;

    use crate::time;

    pub fn layer<S>() -> impl tracing_subscriber::Layer<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        fmt::layer().with_writer(std::io::stderr).with_timer(Clock).with_target(false).compact()
    }

    struct Clock;

    impl FormatTime for Clock {
        fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
            writer.write_str(&time::clock(time::now()))
        }
    }
}

mod journal {
    //! For journald, which adds the time and takes the priority from a prefix (sd-daemon(3)).

    use std::fmt;

    use tracing::{Event, Level, Subscriber};
    use tracing_subscriber::fmt::format::{Format, Writer};
    use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
    use tracing_subscriber::registry::LookupSpan;

    pub fn layer<S>() -> impl tracing_subscriber::Layer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let inner = Format::default().without_time().with_level(false).with_ansi(false).compact();
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .event_format(Prefixed(inner))
    }

    struct Prefixed<F>(F);

    impl<S, N, F> FormatEvent<S, N> for Prefixed<F>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        N: for<'a> FormatFields<'a> + 'static,
        F: FormatEvent<S, N>,
    {
        fn format_event(
            &self,
            context: &FmtContext<'_, S, N>,
            mut writer: Writer<'_>,
            event: &Event<'_>,
        ) -> fmt::Result {
            let priority = match *event.metadata().level() {
                Level::ERROR => 3,
                Level::WARN => 4,
                Level::INFO => 6,
                Level::DEBUG | Level::TRACE => 7,
            };
            write!(writer, "<{priority}>")?;
            self.0.format_event(context, writer, event)
        }
    }
}
