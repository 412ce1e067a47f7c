//! Moving people from other servers: what clients have noted of the old server is true of Restante.

mod dovecot;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::clients::site::{ALICE, Site, message, numbers_below, run};
use crate::clients::{fetchmail, getmail, mbsync, mpop, offlineimap};
use crate::support::connection::{Connection, PATIENCE};
use crate::support::{Outcome, fail, trial};
use dovecot::{Dovecot, Ports, append, command, login};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("moving::maildir_of_dovecot", maildir_of_dovecot),
        trial("moving::maildir_again_and_again", again_and_again),
        trial("moving::mbox_of_dovecot", mbox_of_dovecot),
        trial("moving::what_cannot_be_brought", what_cannot_be_brought),
    ]
}

const MAILDIR: &str = "maildir:~/Maildir";

/// Clients that ran against Dovecot run against Restante, at the same address, and download only what is new.
fn maildir_of_dovecot() -> Outcome {
    let (mut site, ports) = old_site()?;
    let dovecot = Dovecot::start(&site, ports, MAILDIR)?;
    fill(ports, 1..31)?;
    let clients = Clients::configure(&site)?;
    clients.run(&site)?;
    clients.expect(1..31)?;
    let before = Facts::read(ports)?;
    // Mail that no client and no list of UIDs has seen.
    for number in 31..34 {
        fs::write(
            dovecot.home().join("Maildir").join(format!("new/{}.M{number}.old", 2_000_000_000 + number)),
            message(number),
        )?;
    }
    let maildir = dovecot.home().join("Maildir");
    dovecot.stop()?;

    site.server.launch()?;
    let arguments = ["import", "maildir", ALICE, path(&maildir)?, "--json"];
    let dry = report(&site, &[&arguments[..], &["--dry-run"]].concat())?;
    let empty = site.server.cli(&["mailbox", "list", ALICE, "--json"], b"")?.ok("mailbox list")?;
    if numbers(&dry, "imported") != 43 || empty.contains("2020") {
        return fail(format!("a dry run: {dry}\n{empty}"));
    }
    let done = report(&site, &arguments)?;
    if numbers(&done, "imported") != 43 || numbers(&done, "verified") != 43 {
        return fail(format!("{done}"));
    }
    before.same(&Facts::read(ports)?)?;
    clients.run(&site)?;
    clients.expect(1..34)?;
    clients.run(&site)?;
    clients.expect(1..34)?;
    site.server.finish()
}

/// The same with mbox files.
fn mbox_of_dovecot() -> Outcome {
    let (mut site, ports) = old_site()?;
    let dovecot = Dovecot::start(&site, ports, "mbox:~/mail:INBOX=~/inbox")?;
    fs::create_dir_all(dovecot.home().join("mail"))?;
    let owned = ["-R", "mail:mail"].map(std::ffi::OsString::from);
    run(std::process::Command::new("chown").args(owned).arg(dovecot.home()), b"")?;
    fill(ports, 1..31)?;
    let clients = Clients::configure(&site)?;
    clients.run(&site)?;
    let before = Facts::read(ports)?;
    let home = dovecot.home();
    dovecot.stop()?;
    site.server.launch()?;
    let (folders, inbox) = (home.join("mail"), home.join("inbox"));
    let arguments = ["import", "mbox", ALICE, path(&folders)?, "--inbox", path(&inbox)?, "--json"];
    let done = report(&site, &arguments)?;
    if (numbers(&done, "imported"), numbers(&done, "verified")) != (40, 40) {
        return fail(format!("{done}"));
    }
    before.same(&Facts::read(ports)?)?;
    site.deliver(31..34)?;
    clients.run(&site)?;
    clients.expect(1..34)?;
    let again = report(&site, &arguments)?;
    if (numbers(&again, "imported"), numbers(&again, "present")) != (0, 40) {
        return fail(format!("{again}"));
    }
    site.server.finish()
}

/// Without a server, cut off and repeated: each message comes once, and what the user expunged here stays expunged.
fn again_and_again() -> Outcome {
    let (mut site, ports) = old_site()?;
    let dovecot = Dovecot::start(&site, ports, MAILDIR)?;
    fill(ports, 1..21)?;
    let before = Facts::read(ports)?;
    let maildir = dovecot.home().join("Maildir");
    dovecot.stop()?;
    let arguments = ["import", "maildir", ALICE, path(&maildir)?, "--json"];
    let inbox = report(&site, &[&arguments[..], &["--mailbox", "INBOX"]].concat())?;
    let rest = report(&site, &arguments)?;
    if (numbers(&inbox, "imported"), numbers(&rest, "imported"), numbers(&rest, "present")) != (20, 10, 20) {
        return fail(format!("{inbox}\n{rest}"));
    }
    site.server.launch()?;
    before.same(&Facts::read(ports)?)?;
    let mut imap = login(ports.imap)?;
    for text in ["SELECT INBOX", "UID STORE 3:4 +FLAGS.SILENT (\\Deleted)", "EXPUNGE"] {
        command(&mut imap, text)?;
    }
    let third = report(&site, &arguments)?;
    let fourth = report(&site, &[&arguments[..], &["--again"]].concat())?;
    if (numbers(&third, "imported"), numbers(&third, "gone"), numbers(&fourth, "imported")) != (0, 2, 2) {
        return fail(format!("{third}\n{fourth}"));
    }
    site.server.finish()
}

/// Each error names the thing, the reason and the remedy, and nothing is left out silently.
fn what_cannot_be_brought() -> Outcome {
    let (mut site, _) = old_site()?;
    let maildir = site.home("Maildir")?;
    for sub in ["cur", "new", "tmp", ".a%b/cur", ".a*b/cur"] {
        fs::create_dir_all(maildir.join(sub))?;
    }
    fs::write(maildir.join("new/1.a"), message(1))?;
    fs::write(maildir.join("new/2.b"), b"Subject: nul\n\na\0b\n")?;
    fs::write(maildir.join("new/3.c"), b"BZh91AY&SY")?;
    site.server.launch()?;
    let import = |directory: &Path| -> Outcome<(Option<i32>, String)> {
        let finished = site.server.cli(&["import", "maildir", ALICE, path(directory)?], b"")?;
        Ok((finished.code, finished.stdout + &finished.stderr))
    };
    let (code, text) = import(&maildir)?;
    if code != Some(1) || !["new/3.c", "bzip2", "IMAP"].iter().all(|part| text.contains(part)) {
        return fail(format!("{code:?} {text}"));
    }
    fs::remove_file(maildir.join("new/3.c"))?;
    let (code, text) = import(&maildir)?;
    if code != Some(5) || !["a_b", "NUL", "1 messages"].iter().all(|part| text.contains(part)) {
        return fail(format!("{code:?} {text}"));
    }
    let (code, text) = import(&maildir.join("nowhere"))?;
    if code != Some(1) || !["nowhere/cur", "Remedy", "cur/ and new/"].iter().all(|part| text.contains(part)) {
        return fail(format!("{code:?} {text}"));
    }
    site.server.cli(&["account", "set", ALICE, "--limit-messages", "2"], b"")?.ok("account set")?;
    fs::write(maildir.join("new/4.d"), message(4))?;
    fs::remove_dir(maildir.join(".a*b/cur"))?;
    let (code, text) = import(&maildir)?;
    if code != Some(1) || !text.contains("over quota") {
        return fail(format!("{code:?} {text}"));
    }
    site.server.finish()
}

/// A site whose server is stopped and has fixed ports, for an old server to be there first.
fn old_site() -> Outcome<(Site, Ports)> {
    let free = || -> Outcome<TcpListener> { Ok(TcpListener::bind("127.0.0.1:0")?) };
    let held = [free()?, free()?, free()?, free()?];
    let mut four = held.iter().map(|listener| listener.local_addr().map(|address| address.port()));
    let mut port = || four.next().ok_or("four ports")?.map_err(crate::support::Failure::from);
    let ports = Ports { imap: port()?, imaps: port()?, pop3: port()?, pop3s: port()? };
    drop(held);
    let listen = |plain: u16, tls: u16| {
        format!("listen = [\"127.0.0.1:{plain}\"]\ntls_listen = [\"127.0.0.1:{tls}\"]\n")
    };
    let settings =
        format!("[imap]\n{}[pop3]\n{}", listen(ports.imap, ports.imaps), listen(ports.pop3, ports.pop3s));
    let mut site = Site::with(&settings)?;
    site.server.stop()?;
    Ok((site, ports))
}

/// Messages in INBOX with flags, keywords and gaps between UIDs; two more mailboxes with ten.
fn fill(ports: Ports, numbers: std::ops::Range<usize>) -> Outcome {
    let mut imap = login(ports.imap)?;
    append(&mut imap, "INBOX", "", b"Subject: first\r\n\r\nx\r\n")?;
    for number in numbers {
        let flags = ["", "\\Seen", "\\Seen \\Answered $Label1", "\\Flagged NonJunk"][number % 4];
        append(&mut imap, "INBOX", flags, &message(number))?;
    }
    for text in
        ["SELECT INBOX", "STORE 1 +FLAGS (\\Deleted)", "EXPUNGE", "CREATE Sent", "CREATE \"Arch &AOQ-/2020\""]
    {
        command(&mut imap, text)?;
    }
    command(&mut imap, "SUBSCRIBE \"Arch &AOQ-/2020\"")?;
    for number in 0..5 {
        append(&mut imap, "Sent", "\\Seen", format!("Subject: sent {number}\r\n\r\nx\r\n").as_bytes())?;
        append(
            &mut imap,
            "\"Arch &AOQ-/2020\"",
            "",
            format!("Subject: old {number}\r\n\r\nx\r\n").as_bytes(),
        )?;
    }
    Ok(())
}

/// Clients with their state, each in a directory of its own.
struct Clients {
    homes: [PathBuf; 5],
}

impl Clients {
    fn configure(site: &Site) -> Outcome<Clients> {
        let homes = [
            site.home("c-mbsync")?,
            site.home("c-offlineimap")?,
            site.home("c-getmail")?,
            site.home("c-mpop")?,
            site.home("c-fetchmail")?,
        ];
        mbsync::configure(site, &homes[0])?;
        offlineimap::configure(site, &homes[1])?;
        getmail::configure(site, &homes[2])?;
        mpop::configure(site, &homes[3])?;
        fetchmail::configure(site, &homes[4], "pop3")?;
        Ok(Clients { homes })
    }

    fn run(&self, site: &Site) -> Outcome {
        mbsync::sync(site, &self.homes[0])?;
        offlineimap::sync(site, &self.homes[1])?;
        getmail::fetch(site, &self.homes[2])?;
        mpop::fetch(site, &self.homes[3], "on")?;
        fetchmail::fetch(site, &self.homes[4])
    }

    /// Each message once.
    fn expect(&self, want: std::ops::Range<usize>) -> Outcome {
        let folders = ["mail/INBOX", "mail/INBOX", "mail", "mail", "mail"];
        for (home, folder) in self.homes.iter().zip(folders) {
            let got = numbers_below(&home.join(folder))?;
            if got != want.clone().collect::<Vec<_>>() {
                return fail(format!("{}: {got:?} instead of {want:?}", home.display()));
            }
        }
        Ok(())
    }
}

/// What clients can note of an account.
#[derive(Debug, PartialEq)]
struct Facts {
    /// UIDVALIDITY and of each UID flags, date and size, by mailbox.
    mailboxes: BTreeMap<String, (String, Vec<String>)>,
    subscribed: Vec<String>,
    unique_ids: Vec<String>,
}

impl Facts {
    fn read(ports: Ports) -> Outcome<Facts> {
        let mut imap = login(ports.imap)?;
        let mut mailboxes = BTreeMap::new();
        for name in ["INBOX", "Sent", "\"Arch &AOQ-/2020\""] {
            let selected = command(&mut imap, &format!("EXAMINE {name}"))?;
            let validity =
                selected.iter().find(|line| line.contains("UIDVALIDITY")).ok_or("no UIDVALIDITY")?;
            let validity: String = validity.chars().filter(char::is_ascii_digit).collect();
            let mut messages = Vec::new();
            for item in ["FLAGS", "INTERNALDATE", "RFC822.SIZE"] {
                messages.extend(
                    command(&mut imap, &format!("UID FETCH 1:* {item}"))?.iter().map(|line| fact(line)),
                );
            }
            mailboxes.insert(name.to_owned(), (validity, messages));
        }
        let mut subscribed: Vec<String> = command(&mut imap, "LSUB \"\" \"Arch*\"")?;
        subscribed.retain(|line| line.contains("2020"));
        Ok(Facts {
            mailboxes,
            subscribed: vec![subscribed.len().to_string()],
            unique_ids: unique_ids(ports.pop3)?,
        })
    }

    fn same(&self, other: &Facts) -> Outcome {
        // What came since is behind what was there.
        let known = |ids: &[String]| ids.iter().take(self.unique_ids.len()).cloned().collect::<Vec<_>>();
        for (name, (validity, facts)) in &self.mailboxes {
            let Some((new_validity, new)) = other.mailboxes.get(name) else {
                return fail(format!("no {name}"));
            };
            let missing: Vec<&String> = facts.iter().filter(|fact| !new.contains(fact)).collect();
            if validity != new_validity || !missing.is_empty() {
                return fail(format!(
                    "{name}: UIDVALIDITY {validity} and {new_validity}; {missing:?}\n{new:?}"
                ));
            }
        }
        if self.subscribed != other.subscribed {
            return fail(format!("subscribed: {:?} and {:?}", self.subscribed, other.subscribed));
        }
        if self.unique_ids != known(&other.unique_ids) {
            return fail(format!("unique-ids: {:?} and {:?}", self.unique_ids, other.unique_ids));
        }
        Ok(())
    }
}

/// `* 1 FETCH (UID 2 FLAGS (\Seen))` as sorted words; \Recent is the session's.
fn fact(line: &str) -> String {
    let inner = line.split_once("FETCH ").map_or(line, |(_, inner)| inner);
    let mut words: Vec<&str> =
        inner.split([' ', '(', ')']).filter(|word| !word.is_empty() && *word != "\\Recent").collect();
    words.sort_unstable();
    words.join(" ")
}

fn unique_ids(port: u16) -> Outcome<Vec<String>> {
    let mut pop3 = Connection::open(([127, 0, 0, 1], port).into())?;
    let mut line = move |text: Option<&str>| -> Outcome<String> {
        if let Some(text) = text {
            pop3.send(format!("{text}\r\n").as_bytes())?;
        }
        let line = pop3.line(PATIENCE)?.ok_or("the server closed the connection")?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    };
    line(None)?;
    for text in [format!("USER {ALICE}"), "PASS restante".to_owned(), "UIDL".to_owned()] {
        let answer = line(Some(&text))?;
        if !answer.starts_with("+OK") {
            return fail(format!("{text}: {answer}"));
        }
    }
    let mut unique_ids = Vec::new();
    loop {
        match line(None)? {
            end if end == "." => return Ok(unique_ids),
            one => unique_ids.push(one),
        }
    }
}

fn report(site: &Site, arguments: &[&str]) -> Outcome<serde_json::Value> {
    Ok(serde_json::from_str(&site.server.cli(arguments, b"")?.ok("import")?)?)
}

/// Of all mailboxes together.
fn numbers(report: &serde_json::Value, field: &str) -> u64 {
    let mailboxes = report["mailboxes"].as_array().into_iter().flatten();
    mailboxes.map(|mailbox| mailbox[field].as_u64().unwrap_or(0)).sum()
}

fn path(path: &Path) -> Outcome<&str> {
    path.to_str().ok_or_else(|| "a path that is not UTF-8".into())
}
