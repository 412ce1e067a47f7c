//! mbsync (isync): two-way synchronization, flags and deletions both ways, nothing twice.

use std::fs;
use std::path::Path;

use crate::support::{Outcome, fail};

use super::site::{ALICE, Site, numbers_below, run};

pub fn test() -> Outcome {
    let site = Site::start()?;
    site.deliver(1..21)?;
    let home = site.home("mbsync")?;
    configure(&site, &home)?;
    sync(&site, &home)?;
    expect(&home, (1..21).collect())?;

    site.deliver(21..31)?;
    sync(&site, &home)?;
    sync(&site, &home)?;
    expect(&home, (1..31).collect())?;

    // A message deleted here is deleted there.
    let victim = find(&home.join("mail/INBOX"), 7)?;
    fs::remove_file(victim)?;
    sync(&site, &home)?;
    expect(&home, (1..31).filter(|number| *number != 7).collect())?;
    let fresh = site.home("mbsync-fresh")?;
    configure(&site, &fresh)?;
    sync(&site, &fresh)?;
    expect(&fresh, (1..31).filter(|number| *number != 7).collect())?;
    site.server.finish()
}

pub fn configure(site: &Site, home: &Path) -> Outcome {
    fs::create_dir_all(home.join("mail"))?;
    let text = format!(
        "IMAPAccount test\nHost localhost\nPort {}\nUser {ALICE}\nPass restante\nSSLType IMAPS\nCertificateFile {}\n\n\
         IMAPStore remote\nAccount test\n\n\
         MaildirStore local\nPath {home}/mail/\nInbox {home}/mail/INBOX\nSubFolders Verbatim\n\n\
         Channel all\nFar :remote:\nNear :local:\nPatterns *\nCreate Near\nExpunge Both\nSyncState *\n",
        site.port("imaps")?,
        site.ca().display(),
        home = home.display()
    );
    Ok(fs::write(home.join("mbsyncrc"), text)?)
}

pub fn sync(site: &Site, home: &Path) -> Outcome {
    run(site.program("mbsync", home).args(["-c", "mbsyncrc", "-a"]), b"").map(drop)
}

fn expect(home: &Path, want: Vec<usize>) -> Outcome {
    let got = numbers_below(&home.join("mail/INBOX"))?;
    match got == want {
        true => Ok(()),
        false => fail(format!("mbsync has {got:?} instead of {want:?}")),
    }
}

fn find(folder: &Path, number: usize) -> Outcome<std::path::PathBuf> {
    for sub in ["cur", "new"] {
        for entry in fs::read_dir(folder.join(sub))? {
            let path = entry?.path();
            if super::site::number_of(&fs::read(&path)?) == Some(number) {
                return Ok(path);
            }
        }
    }
    fail(format!("message {number} is not there"))
}
