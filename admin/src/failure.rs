//! Why an operation failed: the thing, the reason, the remedy, and a kind that programs can act on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// For a person and for a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: Kind,
    pub reason: String,
    /// Empty when nothing can be done but what the reason says.
    #[serde(default)]
    pub remedy: String,
}

/// What a program can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// What was named does not exist.
    Missing,
    /// What was to be made exists.
    Exists,
    /// A name or value that cannot be.
    Invalid,
    /// A limit stands against it.
    Limit,
    /// Disk or database: try again later.
    Unavailable,
    /// Stored data is damaged.
    Damaged,
    /// Needs a running server, or must not have one.
    State,
}

impl Failure {
    pub fn new(kind: Kind, reason: impl Into<String>, remedy: impl Into<String>) -> Failure {
        Failure { kind, reason: reason.into(), remedy: remedy.into() }
    }

    pub(crate) fn not_running(what: &str) -> Failure {
        let reason = format!("{what} exists only in a running server, and none is running");
        Failure::new(Kind::State, reason, "Start it with `restante serve` or `systemctl start restante`.")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "\n  {}", self.remedy) }
    }
}

impl std::error::Error for Failure {}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        use store::Error as E;
        let reason = error.to_string();
        let (kind, remedy) = match error {
            E::NoSuchAccount(_) => (Kind::Missing, "`restante account list` shows the accounts."),
            E::NoSuchMailbox(_) => (Kind::Missing, "`restante mailbox list ACCOUNT` shows the mailboxes."),
            E::AccountExists(_) => {
                (Kind::Exists, "Choose another name, or change it with `restante account set`.")
            }
            E::MailboxExists(_) => (Kind::Exists, "Choose another name."),
            E::InvalidName(_) => (Kind::Invalid, "Choose another name."),
            E::OverQuota(_) => (
                Kind::Limit,
                "Raise the limit with `restante account set --limit-bytes` or `--limit-messages`.",
            ),
            E::TooLarge { .. } => (Kind::Limit, "Raise limits.message in the configuration."),
            E::InvalidMessage(_) => (Kind::Invalid, ""),
            E::Limit(_) => (Kind::Limit, ""),
            E::Expunged => (Kind::Missing, ""),
            E::DiskFull(_) => (Kind::Unavailable, "Make room on the device and try again."),
            E::NewerFormat(_) => (Kind::State, "Use the version that wrote it, or a newer one."),
            E::Damaged(_) => (
                Kind::Damaged,
                "`restante check` tells what is damaged, `restante check --repair` repairs what can be.",
            ),
            E::Unavailable(_) => (Kind::Unavailable, "Correct the reason and try again."),
            E::ShuttingDown => (Kind::Unavailable, "Try again when the server has started again."),
        };
        Failure::new(kind, reason, remedy)
    }
}

impl From<store::InvalidName> for Failure {
    fn from(error: store::InvalidName) -> Failure {
        Failure::new(Kind::Invalid, error.to_string(), "Choose another name.")
    }
}
