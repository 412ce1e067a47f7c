//! Libraries of Python and of Node.js; the scripts beside this file are the tests.

use crate::support::Outcome;
use crate::support::program::{clients, fetched};

use super::site::{ALICE, Site, run};

pub fn test() -> Outcome {
    script("read_both.py")
}

pub fn switching() -> Outcome {
    script("switch_protocols.py")
}

pub fn authentication() -> Outcome {
    script("authentication.py")
}

/// IMAPClient from PyPI.
pub fn imapclient() -> Outcome {
    session(&fetched("python/bin/python3")?, "imapclient_session.py")
}

/// imapflow from npm.
pub fn imapflow() -> Outcome {
    fetched("npm/node_modules/imapflow")?;
    session("node", "imapflow.mjs")
}

pub fn utf8() -> Outcome {
    script("utf8.py")
}

fn script(name: &str) -> Outcome {
    session("python3", name)
}

/// Runs a script of this folder with all that it needs to know in its environment.
fn session(interpreter: &str, script: &str) -> Outcome {
    let site = Site::start()?;
    site.deliver(1..13)?;
    let home = site.home("script")?;
    let file = format!("{}/tests/clients/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut program = site.program(interpreter, &home);
    program.arg(file).env("PYTHONDONTWRITEBYTECODE", "1");
    program
        .env("ACCOUNT", ALICE)
        .env("PASSWORD", "restante")
        .env("CA", site.ca())
        .env("MODULES", clients().join("npm"));
    for kind in ["imap", "imaps", "pop3", "pop3s", "lmtp"] {
        program.env(kind.to_uppercase(), site.port(kind)?.to_string());
    }
    run(&mut program, b"")?;
    site.server.finish()
}
