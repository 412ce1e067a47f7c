//! alpine in a terminal: opens, reads, flags, saves into a new mailbox, searches on the server, expunges.

use std::fs;
use std::path::Path;

use crate::support::Outcome;

use super::inside;
use super::site::{ALICE, Site};
use super::terminal::Terminal;

pub fn test() -> Outcome {
    let site = Site::start()?;
    site.deliver(1..11)?;
    let home = site.home("alpine")?;
    configure(&site, &home)?;
    let line = format!("TERM=xterm alpine -p {}/pinerc -i", home.display());
    let alpine = Terminal::start(&home, &line)?;
    alpine.see("ENTER PASSWORD")?;
    alpine.text("restante\n")?;
    alpine.see("Preserve password")?;
    alpine.text("n")?;
    alpine.see("message 10 gr\u{fc}\u{df}e")?;
    site.deliver(11..12)?;
    alpine.keys(&["C-l"])?;
    alpine.see("message 11 gr\u{fc}\u{df}e")?;
    read(&alpine)?;
    inside::expect_flag(&site, "INBOX", 7, "\\Seen")?;
    save(&alpine)?;
    inside::expect(&site, "Keep", &[7])?;
    alpine.text("x")?;
    inside::expect(&site, "INBOX", &[1, 2, 3, 4, 5, 6, 8, 9, 10, 11])?;
    alpine.text("q")?;
    alpine.end()?;
    site.server.finish()
}

fn read(alpine: &Terminal) -> Outcome {
    // J jumps to a message by its number.
    alpine.text("j")?;
    alpine.see("Message number")?;
    alpine.text("7\n")?;
    alpine.see("Message  7 of 11")?;
    alpine.keys(&["Enter"])?;
    alpine.see("short")?;
    alpine.text("<")?;
    alpine.see("MESSAGE INDEX")
}

fn save(alpine: &Terminal) -> Outcome {
    alpine.text("s")?;
    alpine.see("SAVE")?;
    alpine.text("Keep\n")?;
    alpine.see("doesn't exist")?;
    alpine.text("y")
}

fn configure(site: &Site, home: &Path) -> Outcome {
    let place = format!("{{localhost:{}/imap/ssl/novalidate-cert/user={ALICE}}}", site.port("imaps")?);
    let text = format!(
        "inbox-path={place}INBOX\nfolder-collections=\"Restante\" {place}[]\n\
         feature-list=quit-without-confirm,expunge-without-confirm,no-enable-mouse-in-xterm\n\
         default-composer-word-wrap=no\nuser-domain=example.test\nmail-check-interval=1\nlast-version-used=6.26\n\
         personal-name=Alice\nuse-only-domain-name=no\nsort-key=Arrival\n"
    );
    Ok(fs::write(home.join("pinerc"), text)?)
}
