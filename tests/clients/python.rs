//! Python's imaplib and poplib; the scripts beside this file are the tests.

use crate::support::Outcome;

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

fn script(name: &str) -> Outcome {
    let site = Site::start()?;
    site.deliver(1..13)?;
    let home = site.home("python")?;
    let file = format!("{}/tests/clients/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut python = site.program("python3", &home);
    python.arg(file).env("PYTHONDONTWRITEBYTECODE", "1");
    python.env("ACCOUNT", ALICE).env("PASSWORD", "restante").env("CA", site.ca());
    for kind in ["imap", "imaps", "pop3", "pop3s", "lmtp"] {
        python.env(kind.to_uppercase(), site.port(kind)?.to_string());
    }
    run(&mut python, b"")?;
    site.server.finish()
}
