//! OfflineIMAP: a second kind of two-way synchronization, with the folder names that it makes itself.

use std::fs;
use std::path::Path;

use crate::support::{Outcome, fail};

use super::site::{ALICE, Site, numbers_below, run};

pub fn test() -> Outcome {
    let site = Site::start()?;
    site.deliver(1..16)?;
    let home = site.home("offlineimap")?;
    configure(&site, &home)?;
    sync(&site, &home)?;
    site.deliver(16..21)?;
    sync(&site, &home)?;
    sync(&site, &home)?;
    let got = numbers_below(&home.join("mail/INBOX"))?;
    if got != (1..21).collect::<Vec<_>>() {
        return fail(format!("offlineimap has {got:?}"));
    }
    site.server.finish()
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
