//! mpop: pipelining POP3, unique-ids, mail left on the server and mail deleted from it.

use std::fs;
use std::path::Path;

use crate::support::{Outcome, fail};

use super::site::{ALICE, Site, numbers_below, run};

pub fn test() -> Outcome {
    let site = Site::start()?;
    site.deliver(1..31)?;
    let home = site.home("mpop")?;
    configure(&site, &home)?;
    fetch(&site, &home, "on")?;
    site.deliver(31..36)?;
    fetch(&site, &home, "on")?;
    fetch(&site, &home, "on")?;
    expect(&home, 1..36)?;

    // A second client takes everything and leaves nothing.
    let other = site.home("mpop-deleting")?;
    configure(&site, &other)?;
    fetch(&site, &other, "off")?;
    expect(&other, 1..36)?;
    let last = site.home("mpop-empty")?;
    configure(&site, &last)?;
    fetch(&site, &last, "on")?;
    expect(&last, 0..0)?;
    site.server.finish()
}

pub fn configure(site: &Site, home: &Path) -> Outcome {
    for folder in ["cur", "new", "tmp"] {
        fs::create_dir_all(home.join("mail").join(folder))?;
    }
    let text = format!(
        "account default\nhost localhost\nport {}\nuser {ALICE}\npasswordeval echo restante\ntls on\ntls_starttls off\ntls_trust_file {}\n\
         delivery maildir {home}/mail\nuidls_file {home}/uidls\nreceived_header off\n",
        site.port("pop3s")?,
        site.ca().display(),
        home = home.display()
    );
    Ok(fs::write(home.join("mpoprc"), text)?)
}

pub fn fetch(site: &Site, home: &Path, keep: &str) -> Outcome {
    let mut mpop = site.program("mpop", home);
    run(mpop.arg("-C").arg(home.join("mpoprc")).arg(format!("--keep={keep}")), b"").map(drop)
}

fn expect(home: &Path, want: std::ops::Range<usize>) -> Outcome {
    let got = numbers_below(&home.join("mail"))?;
    match got == want.clone().collect::<Vec<_>>() {
        true => Ok(()),
        false => fail(format!("mpop has {got:?} instead of {want:?}")),
    }
}
