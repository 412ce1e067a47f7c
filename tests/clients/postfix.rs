//! Postfix delivers to the LMTP socket; mail goes in by swaks and by sendmail.
//!
//! A Postfix instance of its own: configuration, queue, data and log in the test's directory, started and stopped here.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Outcome, fail};

use super::site::{ALICE, Site, run};

pub fn test() -> Outcome {
    let site = Site::start()?;
    let postfix = Postfix::start(&site, "")?;
    let home = site.home("swaks")?;
    for (number, recipient) in
        [ALICE, "alice+lists@example.test", "bob@example.test,alice@example.test"].iter().enumerate()
    {
        let mut swaks = site.program("swaks", &home);
        swaks.args(["--server", &format!("127.0.0.1:{}", postfix.port), "--helo", "client.example.test"]);
        swaks.args([
            "--from",
            "sender@example.test",
            "--to",
            recipient,
            "--header",
            &format!("Subject: by swaks {number}"),
        ]);
        run(swaks.args(["--body", "one\n.two\nthree"]), b"")?;
    }
    let mut sendmail = site.program("sendmail", &home);
    sendmail.arg("-C").arg(&postfix.directory).args(["-i", "-f", "sender@example.test", ALICE]);
    run(&mut sendmail, b"Subject: by sendmail\n\nbody\n.\nafter the dot\n")?;
    await_messages(&site, 4)?;
    postfix.await_log("status=sent")?;
    bounce(&site, &postfix, &home)?;
    drop(postfix);
    site.server.finish()
}

/// An unknown recipient is refused by us with 5.1.1, and Postfix tells the sender.
fn bounce(site: &Site, postfix: &Postfix, home: &Path) -> Outcome {
    let mut swaks = site.program("swaks", home);
    swaks.args(["--server", &format!("127.0.0.1:{}", postfix.port), "--helo", "client.example.test"]);
    swaks.args(["--from", ALICE, "--to", "nobody@example.test", "--header", "Subject: lost"]);
    run(&mut swaks, b"")?;
    postfix.await_log("5.1.1")?;
    // The bounce comes back to alice, with the null reverse-path.
    await_messages(site, 5)
}

pub fn await_messages(site: &Site, want: usize) -> Outcome {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let listed = site.server.cli(&["mailbox", "list", ALICE, "--json"], b"")?.ok("mailbox list")?;
        let mailboxes: serde_json::Value = serde_json::from_str(&listed)?;
        let rows = mailboxes
            .as_array()
            .or_else(|| mailboxes["mailboxes"].as_array())
            .ok_or("no list of mailboxes")?;
        let count: u64 = rows.iter().filter_map(|row| row["messages"].as_u64()).sum();
        if count == want as u64 {
            return Ok(());
        }
        if Instant::now() > deadline {
            return fail(format!("{count} messages arrived instead of {want}"));
        }
        thread::sleep(Duration::from_millis(100));
    }
}

pub struct Postfix {
    directory: PathBuf,
    pub port: u16,
}

impl Postfix {
    /// With further settings, which go before the usual ones.
    pub fn start(site: &Site, settings: &str) -> Outcome<Postfix> {
        let directory = site.home("postfix")?;
        // Postfix cannot choose a free port itself; between here and its start nobody else should take this one.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        fs::write(directory.join("main.cf"), main_cf(site, &directory) + settings)?;
        fs::write(directory.join("master.cf"), master_cf(port))?;
        for folder in ["spool", "data"] {
            fs::create_dir_all(directory.join(folder))?;
        }
        run(site.program("chown", &directory).args(["postfix", "data"]), b"")?;
        let postfix = Postfix { directory, port };
        postfix.command("start")?;
        Ok(postfix)
    }

    fn command(&self, word: &str) -> Outcome {
        let mut postfix = std::process::Command::new("/usr/sbin/postfix");
        postfix
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .arg("-c")
            .arg(&self.directory)
            .arg(word);
        run(&mut postfix, b"").map(drop)
    }

    pub fn await_log(&self, text: &str) -> Outcome {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let log = fs::read_to_string(self.directory.join("postfix.log")).unwrap_or_default();
            if log.contains(text) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return fail(format!("Postfix's log has no `{text}`:\n{log}"));
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // When it cannot be stopped, its next start in this directory says so; the directory goes anyway.
        drop(self.command("stop"));
    }
}

fn main_cf(site: &Site, directory: &Path) -> String {
    format!(
        "compatibility_level = 3.6\nqueue_directory = {0}/spool\ndata_directory = {0}/data\n\
         command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\nmail_owner = postfix\nsetgid_group = postdrop\n\
         maillog_file = {0}/postfix.log\nmaillog_file_prefixes = /var, {0}\n\
         myhostname = mta.example.test\nmydestination =\nalias_maps =\ninet_interfaces = loopback-only\ninet_protocols = ipv4\n\
         mynetworks = 127.0.0.0/8\nrelay_domains = example.test\nrelay_transport = lmtp:unix:{1}/run/lmtp.sock\n\
         smtputf8_enable = yes\nlmtp_tls_security_level = none\n",
        directory.display(),
        site.server.path().display()
    )
}

/// The services that taking, queueing and delivering mail needs, none in a chroot.
fn master_cf(port: u16) -> String {
    format!("127.0.0.1:{port} inet n - n - - smtpd\n")
        + "pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n\
           rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
           trace unix - - n - 0 bounce\nflush unix n - n 1000? 0 flush\nproxymap unix - - n - - proxymap\n\
           smtp unix - - n - - smtp\nrelay unix - - n - - smtp\nerror unix - - n - - error\nretry unix - - n - - error\n\
           discard unix - - n - - discard\nlocal unix - n n - - local\nlmtp unix - - n - - lmtp\nanvil unix - - n - 1 anvil\n\
           scache unix - - n - 1 scache\ntlsmgr unix - - n 1000? 1 tlsmgr\npostlog unix-dgram n - n - 1 postlogd\n\
           showq unix n - n - - showq\n"
}
