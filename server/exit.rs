//! Exit codes, and how errors are told.

use std::process::ExitCode;

use admin::{ClientError, Failure, Kind};

/// What the shell and the MTA see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    /// It did not work; standard error says why.
    Failed = 1,
    // 2 is clap's, for a command line that makes no sense.
    /// What was named does not exist.
    Missing = 3,
    /// What was to be made exists.
    Exists = 4,
    /// `check` found damage; `account import` refused lines.
    Found = 5,
    /// The configuration cannot be used (sysexits EX_CONFIG).
    Config = 78,
    // For `deliver`, as MTAs read them (sysexits.h).
    DataError = 65,
    NoUser = 67,
    Unavailable = 69,
    CannotCreate = 73,
    TemporaryFailure = 75,
}

/// For `--help`.
pub const HELP: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong command line, 3 no such account (or other thing), 4 it exists already,
5 damage found or lines refused, 78 wrong configuration. `deliver` uses those of sysexits.h.";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Tells the error to the person, or to the program as JSON, and gives its exit code.
pub fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    let exit = exit_of(error);
    if json {
        let failure = failure_of(error);
        output_json(&failure);
    } else {
        eprintln!("restante: {error:#}");
    }
    exit.into()
}

fn output_json(failure: &Failure) {
    println!("{}", serde_json::json!({ "outcome": "failure", "failure": failure }));
}

fn exit_of(error: &anyhow::Error) -> Exit {
    if error.downcast_ref::<conf::Problems>().is_some() {
        return Exit::Config;
    }
    match failure_of(error).kind {
        Kind::Missing => Exit::Missing,
        Kind::Exists => Exit::Exists,
        Kind::Invalid | Kind::Limit | Kind::Unavailable | Kind::Damaged | Kind::State => Exit::Failed,
    }
}

/// Whether what was named is not there.
pub fn is_missing(error: &anyhow::Error) -> bool {
    failure_of(error).kind == Kind::Missing
}

fn failure_of(error: &anyhow::Error) -> Failure {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.clone();
    }
    if let Some(ClientError::Failure(failure)) = error.downcast_ref::<ClientError>() {
        return failure.clone();
    }
    if let Some(error) = error.downcast_ref::<store::Error>() {
        return error.clone().into();
    }
    Failure::new(Kind::Unavailable, format!("{error:#}"), "")
}
