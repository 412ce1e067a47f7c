//! OfflineIMAP: a second kind of two-way synchronization, with the folder names that it makes itself.

use std::fs;
use std::path::Path;

use crate::support::Outcome;

use super::site::{ALICE, Site, each_once, run};

pub fn test() -> Outcome {
    each_once("offlineimap", "mail/INBOX", configure, sync)
}

pub fn configure(site: &Site, home: &Path) -> Outcome {
    let text = format!(
        "[general]\naccounts = test\nmetadata = {home}/state\n\n[Account test]\nlocalrepository = local\nremoterepository = remote\n\n\
         [Repository local]\ntype = Maildir\nlocalfolders = {home}/mail\n\n\
         [Repository remote]\ntype = IMAP\nremotehost = localhost\nremoteport = {}\nremoteuser = {ALICE}\nremotepass = restante\n\
         ssl = yes\nsslcacertfile = {}\n",
        site.port("imaps")?,
        site.ca().display(),
        home = home.display()
    );
    Ok(fs::write(home.join("offlineimaprc"), text)?)
}

pub fn sync(site: &Site, home: &Path) -> Outcome {
    run(site.program("offlineimap", home).args(["-c", "offlineimaprc", "-o", "-u", "basic"]), b"").map(drop)
}
