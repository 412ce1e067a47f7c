//! getmail: POP3 over TLS, mail left on the server, each message once.

use std::fs;
use std::path::Path;

use crate::support::Outcome;

use super::site::{ALICE, Site, each_once, run};

pub fn test() -> Outcome {
    each_once("getmail", "mail", configure, fetch)
}

pub fn configure(site: &Site, home: &Path) -> Outcome {
    // As root getmail writes no Maildir, but lets a program deliver.
    super::fetchmail::collector(home)?;
    let text = format!(
        "[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {}\nusername = {ALICE}\npassword = restante\nca_certs = {}\n\n\
         [destination]\ntype = MDA_external\npath = {home}/collect\nallow_root_commands = true\n\n[options]\nread_all = false\ndelete = false\ndelivered_to = false\nreceived = false\n",
        site.port("pop3s")?,
        site.ca().display(),
        home = home.display()
    );
    Ok(fs::write(home.join("getmailrc"), text)?)
}

pub fn fetch(site: &Site, home: &Path) -> Outcome {
    let mut getmail = site.program("getmail", home);
    run(getmail.arg("--getmaildir").arg(home).args(["--rcfile", "getmailrc"]), b"").map(drop)
}
