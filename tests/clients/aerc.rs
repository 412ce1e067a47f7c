//! aerc in a terminal: opens, reads, searches on the server, moves, deletes, sees new mail and other mailboxes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::Outcome;

use super::inside;
use super::site::Site;
use super::terminal::Terminal;

pub fn test() -> Outcome {
    let site = Site::start()?;
    site.deliver(1..11)?;
    let home = site.home("aerc")?;
    configure(&site, &home)?;
    let aerc = Terminal::start(&home, &format!("SSL_CERT_FILE={} aerc", site.ca().display()))?;
    aerc.see("message 10 gr\u{fc}\u{df}e")?;
    site.deliver(11..12)?;
    aerc.see("message 11 gr\u{fc}\u{df}e")?;
    command(&aerc, "filter \"message 7\"")?;
    aerc.see_no("message 11 ")?;
    aerc.see("message 7 ")?;
    command(&aerc, "select 0")?;
    command(&aerc, "view")?;
    aerc.see("short")?;
    inside::expect_flag(&site, "INBOX", 7, "\\Seen")?;
    command(&aerc, "close")?;
    command(&aerc, "flag -a")?;
    command(&aerc, "mv -p Keep")?;
    inside::expect(&site, "Keep", &[7])?;
    command(&aerc, "clear")?;
    aerc.see("message 11 ")?;
    command(&aerc, "select 0")?;
    command(&aerc, "delete")?;
    inside::expect(&site, "INBOX", &[1, 2, 3, 4, 5, 6, 8, 9, 10])?;
    command(&aerc, "cf Keep")?;
    aerc.see_no("message 10 ")?;
    aerc.see("message 7 ")?;
    command(&aerc, "quit -f")?;
    aerc.end()?;
    site.server.finish()
}

fn command(aerc: &Terminal, command: &str) -> Outcome {
    aerc.text(&format!(":{command}\n"))?;
    // Its command line closes before the command is over; the next one would be lost in between.
    aerc.see_no(&format!(":{command}"))
}

fn configure(site: &Site, home: &Path) -> Outcome {
    let folder = home.join("aerc");
    fs::create_dir_all(&folder)?;
    let text = format!(
        "[Alice]\nsource = imaps://alice%40example.test:restante@localhost:{}\ndefault = INBOX\n\
         from = Alice <alice@example.test>\ncheck-mail = 2s\nidle-timeout = 1s\n",
        site.port("imaps")?
    );
    let accounts = folder.join("accounts.conf");
    fs::write(&accounts, text)?;
    Ok(fs::set_permissions(accounts, fs::Permissions::from_mode(0o600))?)
}
