//! `[log]`

use crate::reader::Reader;

/// What is told, and how it looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// A level or a filter with targets.
    pub level: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// By where it goes.
    #[default]
    Auto,
    Text,
    Journal,
    Json,
}

const FORMATS: [(&str, LogFormat); 4] = [
    ("auto", LogFormat::Auto),
    ("text", LogFormat::Text),
    ("journal", LogFormat::Journal),
    ("json", LogFormat::Json),
];

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

impl Log {
    pub(super) fn read(reader: &mut Reader) -> Log {
        let key = "log.level";
        let level = reader.text(key).trim().to_owned();
        if let Some(wrong) = level.split(',').find(|part| !is_directive(part)) {
            let known = LEVELS.join(", ");
            reader.problem(
                key,
                format!(
                    "{wrong:?} is no level; write one of {known}, or a filter such as \"info,imap=debug\""
                ),
            );
        }
        Log { level, format: reader.word("log.format", &FORMATS) }
    }
}

/// `info` or `target=debug`.
fn is_directive(part: &str) -> bool {
    let (target, level) = part.split_once('=').unwrap_or(("restante", part));
    let name = |c: char| c.is_ascii_alphanumeric() || "_:".contains(c);
    !target.trim().is_empty() && target.trim().chars().all(name) && LEVELS.contains(&level.trim())
}
