//! Dovecot from Debian as the old server, with a configuration, mail and logs of its own in the test's directory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::clients::site::{ALICE, Site, run};
use crate::support::connection::{Connection, PATIENCE};
use crate::support::{Outcome, fail};

/// Ports of a server.
#[derive(Clone, Copy)]
pub struct Ports {
    pub imap: u16,
    pub imaps: u16,
    pub pop3: u16,
    pub pop3s: u16,
}

/// A running Dovecot; ends when it is dropped.
pub struct Dovecot {
    master: Child,
    directory: PathBuf,
    pub ports: Ports,
}

impl Dovecot {
    /// With the certificate of the site, so that clients do not notice the difference. `location` is where mail is, below
    /// the user's home.
    pub fn start(site: &Site, ports: Ports, location: &str) -> Outcome<Dovecot> {
        let directory = site.server.path().join("dovecot");
        fs::create_dir_all(directory.join("mail"))?;
        run(Command::new("chown").args(["mail:mail"]).arg(directory.join("mail")), b"")?;
        fs::write(directory.join("users"), format!("{ALICE}:{{PLAIN}}restante\n"))?;
        let file = directory.join("dovecot.conf");
        fs::write(&file, configuration(site, &directory, ports, location))?;
        let log = File::create(directory.join("output"))?;
        let mut command = Command::new("dovecot");
        command.arg("-F").arg("-c").arg(&file).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let dovecot = Dovecot { master: command.spawn()?, directory, ports };
        dovecot.await_start()?;
        Ok(dovecot)
    }

    fn await_start(&self) -> Outcome {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Connection::open(([127, 0, 0, 1], self.ports.pop3s).into()).is_err() {
            if Instant::now() > deadline {
                let read = |name: &str| fs::read_to_string(self.directory.join(name)).unwrap_or_default();
                return fail(format!("Dovecot does not start:\n{}{}", read("output"), read("log")));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The user's home.
    pub fn home(&self) -> PathBuf {
        self.directory.join("mail/alice")
    }

    /// Ends it as an administrator does.
    pub fn stop(mut self) -> Outcome {
        self.end()
    }

    fn end(&mut self) -> Outcome {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.master.id())?);
        if self.master.try_wait()?.is_none() {
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
            self.master.wait()?;
        }
        Ok(())
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("Dovecot does not stop: {error}");
        }
    }
}

fn configuration(site: &Site, directory: &Path, ports: Ports, location: &str) -> String {
    let key = site.server.path().join("key.pem");
    format!(
        "base_dir = {d}/run\nstate_dir = {d}/state\nlisten = 127.0.0.1\nprotocols = imap pop3\nlog_path = {d}/log\n\
         ssl = yes\nssl_cert = <{cert}\nssl_key = <{key}\ndisable_plaintext_auth = no\nauth_mechanisms = plain login\n\
         mail_location = {location}\nmail_uid = mail\nmail_gid = mail\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n\
         passdb {{\n driver = passwd-file\n args = {d}/users\n}}\n\
         userdb {{\n driver = static\n args = uid=mail gid=mail home={d}/mail/%n\n}}\n\
         namespace inbox {{\n inbox = yes\n separator = /\n}}\n\
         service imap-login {{\n inet_listener imap {{\n port = {imap}\n }}\n inet_listener imaps {{\n port = {imaps}\n ssl = yes\n }}\n}}\n\
         service pop3-login {{\n inet_listener pop3 {{\n port = {pop3}\n }}\n inet_listener pop3s {{\n port = {pop3s}\n ssl = yes\n }}\n}}\n",
        d = directory.display(),
        cert = site.ca().display(),
        key = key.display(),
        imap = ports.imap,
        imaps = ports.imaps,
        pop3 = ports.pop3,
        pop3s = ports.pop3s,
    )
}

/// A login over IMAP without TLS, on either server.
pub fn login(port: u16) -> Outcome<Connection> {
    let mut imap = Connection::open(([127, 0, 0, 1], port).into())?;
    imap.line(PATIENCE)?;
    command(&mut imap, &format!("LOGIN {ALICE} restante"))?;
    Ok(imap)
}

/// The untagged lines of the answer, which must be OK.
pub fn command(imap: &mut Connection, text: &str) -> Outcome<Vec<String>> {
    imap.send(format!("a {text}\r\n").as_bytes())?;
    let mut lines = Vec::new();
    loop {
        let line = imap.line(PATIENCE)?.ok_or("the server closed the connection")?;
        let line = String::from_utf8_lossy(&line).into_owned();
        match line.strip_prefix("a ") {
            Some(status) if status.starts_with("OK") => return Ok(lines),
            Some(status) => return fail(format!("{text}: {status}")),
            None => lines.push(line),
        }
    }
}

pub fn append(imap: &mut Connection, mailbox: &str, flags: &str, message: &[u8]) -> Outcome {
    let date = "12-Feb-2020 10:00:00 +0000";
    let head = format!("a APPEND {mailbox} ({flags}) \"{date}\" {{{}}}\r\n", message.len());
    imap.send(head.as_bytes())?;
    imap.line(PATIENCE)?;
    imap.send(message)?;
    imap.send(b"\r\n")?;
    loop {
        let line = imap.line(PATIENCE)?.ok_or("the server closed the connection")?;
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Some(status) = line.strip_prefix("a ") {
            return if status.starts_with("OK") { Ok(()) } else { fail(format!("APPEND: {status}")) };
        }
    }
}
