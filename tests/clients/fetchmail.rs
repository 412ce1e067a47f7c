//! fetchmail: POP3 with UIDL and mail left on the server, then IMAP; each message once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::support::{Outcome, fail, program};

use super::site::{ALICE, Site, number_of};

pub fn test() -> Outcome {
    let site = Site::start()?;
    site.deliver(1..11)?;
    let home = site.home("fetchmail-pop3")?;
    configure(&site, &home, "pop3")?;
    fetch(&site, &home)?;
    site.deliver(11..16)?;
    fetch(&site, &home)?;
    fetch(&site, &home)?;
    expect(&home, 1..16)?;

    let home = site.home("fetchmail-imap")?;
    configure(&site, &home, "imap")?;
    fetch(&site, &home)?;
    expect(&home, 1..16)?;
    site.server.finish()
}

/// POP3 keeps the mail and remembers unique-ids; IMAP takes what is unseen.
pub fn configure(site: &Site, home: &Path, protocol: &str) -> Outcome {
    let port = site.port(if protocol == "pop3" { "pop3s" } else { "imaps" })?;
    let uidl = if protocol == "pop3" { "uidl" } else { "" };
    let text = format!(
        "poll localhost protocol {protocol} port {port} {uidl}\n  user \"{ALICE}\" password \"restante\" ssl sslcertck sslcertfile \"{}\"\n  \
         keep no rewrite mda \"{}/collect\"\n",
        site.ca().display(),
        home.display()
    );
    let file = home.join("fetchmailrc");
    fs::write(&file, text)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    collector(home)
}

/// `collect`, a delivery agent that makes one file of each message.
pub fn collector(home: &Path) -> Outcome {
    fs::create_dir_all(home.join("mail"))?;
    let script = home.join("collect");
    fs::write(&script, format!("#!/bin/sh\nexec cat > \"$(mktemp {}/mail/XXXXXXXXXX)\"\n", home.display()))?;
    Ok(fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?)
}

pub fn fetch(site: &Site, home: &Path) -> Outcome {
    let mut fetchmail = site.program("fetchmail", home);
    fetchmail.env("FETCHMAILHOME", home).args(["-f", "fetchmailrc", "--idfile"]).arg(home.join("ids"));
    // As root all would share one lock file, and tests run side by side.
    fetchmail.arg("--pidfile").arg(home.join("pid"));
    let finished = program::run(&mut fetchmail, b"", Duration::from_secs(240))?;
    // Exit code 1: no new mail.
    match finished.code {
        Some(0 | 1) => Ok(()),
        code => fail(format!("fetchmail ended with {code:?}\n{}\n{}", finished.stdout, finished.stderr)),
    }
}

pub fn expect(home: &Path, want: std::ops::Range<usize>) -> Outcome {
    let mut got = Vec::new();
    for entry in fs::read_dir(home.join("mail"))? {
        got.extend(number_of(&fs::read(entry?.path())?));
    }
    got.sort_unstable();
    match got == want.clone().collect::<Vec<_>>() {
        true => Ok(()),
        false => fail(format!("fetchmail has {got:?} instead of {want:?}")),
    }
}
