//! mutt and neomutt in a terminal: a day's work on INBOX while mail arrives (IDLE), with header cache and another mailbox.

use std::fs;
use std::path::Path;

use crate::support::Outcome;

use super::inside;
use super::site::{ALICE, Site};
use super::terminal::Terminal;

pub fn mutt() -> Outcome {
    session("mutt")
}

pub fn neomutt() -> Outcome {
    session("neomutt")
}

fn session(name: &str) -> Outcome {
    let site = Site::start()?;
    site.deliver(1..11)?;
    let home = site.home(name)?;
    configure(&site, &home)?;
    let mutt = Terminal::start(&home, &format!("{name} -n -F muttrc"))?;
    mutt.see("message 10 gr\u{fc}\u{df}e")?;
    // While it idles.
    site.deliver(11..12)?;
    mutt.see("message 11 gr\u{fc}\u{df}e")?;
    read(&mutt, 7)?;
    // mutt tells the server when it synchronizes.
    mutt.text("F$")?;
    inside::expect_flag(&site, "INBOX", 7, "\\Seen")?;
    inside::expect_flag(&site, "INBOX", 7, "\\Flagged")?;
    save(&mutt, 3)?;
    delete_found(&mutt)?;
    inside::expect(&site, "INBOX", &[1, 2, 4, 6, 7, 8, 9, 10, 11])?;
    inside::expect(&site, "Keep", &[3])?;
    mutt.text("c")?;
    mutt.see("Open mailbox")?;
    mutt.keys(&["C-u"])?;
    mutt.text("=Keep\n")?;
    mutt.see_no("message 11 ")?;
    mutt.see("message 3 ")?;
    mutt.text("q")?;
    mutt.end()?;
    again(&site, name, &home)?;
    site.server.finish()
}

/// The second time from the cache of headers, by CONDSTORE or QRESYNC.
fn again(site: &Site, name: &str, home: &Path) -> Outcome {
    site.deliver(12..13)?;
    let mutt = Terminal::start(home, &format!("{name} -n -F muttrc"))?;
    mutt.see("message 12 gr\u{fc}\u{df}e")?;
    mutt.see("message 11 ")?;
    mutt.see_no("message 5 ")?;
    mutt.see_no("message 3 ")?;
    mutt.text("q")?;
    mutt.end()
}

fn read(mutt: &Terminal, number: usize) -> Outcome {
    search(mutt, &format!("~s \"message {number} \""))?;
    mutt.keys(&["Enter"])?;
    mutt.see("short")?;
    mutt.text("i")?;
    mutt.see("message 1 ")
}

/// Into a mailbox that does not exist yet.
fn save(mutt: &Terminal, number: usize) -> Outcome {
    search(mutt, &format!("~s \"message {number} \""))?;
    mutt.text("s")?;
    mutt.see("Save to mailbox")?;
    mutt.keys(&["C-u"])?;
    mutt.text("=Keep\n")?;
    mutt.see("Create ")?;
    mutt.text("y")?;
    mutt.see_no("Create ")?;
    mutt.text("$")?;
    mutt.see_no(&format!("message {number} "))
}

/// By the server's SEARCH HEADER (`=h`), which looks at nothing here.
fn delete_found(mutt: &Terminal) -> Outcome {
    mutt.text("D")?;
    mutt.see("Delete messages matching")?;
    mutt.keys(&["C-u"])?;
    mutt.text("=h \"message-id: m5@example\"\n")?;
    mutt.see_no("Delete messages matching")?;
    mutt.text("$")?;
    mutt.see_no("message 5 ")
}

fn search(mutt: &Terminal, pattern: &str) -> Outcome {
    mutt.text("/")?;
    mutt.see("Search for")?;
    mutt.keys(&["C-u"])?;
    mutt.text(&format!("{pattern}\n"))?;
    mutt.see_no("Search for")
}

fn configure(site: &Site, home: &Path) -> Outcome {
    fs::create_dir_all(home.join("cache"))?;
    let text = format!(
        "set spoolfile=\"imaps://localhost:{port}/INBOX\"\nset folder=\"imaps://localhost:{port}/\"\n\
         set imap_user=\"{ALICE}\"\nset imap_pass=restante\nset certificate_file=\"{ca}\"\n\n\
         set imap_idle=yes\nset imap_keepalive=60\nset timeout=1\nset mail_check=1\nset imap_condstore=yes\nset imap_qresync=yes\n\
         set header_cache=\"{home}/cache\"\nset sort=date-received\nset delete=yes\nset confirmappend=no\nset confirmcreate=yes\n\
         set wait_key=no\nset move=no\nset mark_old=no\nset index_format=\"%Z %s\"\nset wrap_search=yes\nset quit=yes\n",
        port = site.port("imaps")?,
        ca = site.ca().display(),
        home = home.display()
    );
    Ok(fs::write(home.join("muttrc"), text)?)
}
