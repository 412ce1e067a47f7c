//! A full disk: mail is deferred, reading goes on, nothing that was acknowledged is lost, and all works again when there is
//! room.
//!
//! Twice: on a small file system, where one may be mounted (else the trial is shown as ignored), and with a limit on the
//! size of files, which works everywhere.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use tempfile::TempDir;

use super::client::{ALICE, BOB, Client};
use super::{survived, warm};
use crate::support::server::Server;
use crate::support::{Outcome, fail, program, trial};

const SETTINGS: &str = "limits.rate_per_address = 0\nstore.compression = 0";

pub fn trials() -> Vec<Trial> {
    let may_mount = SmallDisk::mount().is_ok();
    vec![
        trial("hostile::disk::full", || full(SmallDisk::mount()?)).with_ignored_flag(!may_mount),
        trial("hostile::disk::full_at_start", || full_at_start(SmallDisk::mount()?))
            .with_ignored_flag(!may_mount),
        trial("hostile::disk::file_size_limit", file_size_limit),
    ]
}

/// A file system of 32 MB; unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Outcome<SmallDisk> {
        let directory = TempDir::with_prefix("restante-disk-")?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=32m", "restante-test"]).arg(directory.path());
        program::run(&mut mount, b"", Duration::from_secs(20))?.ok("mount")?;
        Ok(SmallDisk(directory))
    }

    fn data(&self) -> String {
        self.0.path().join("data").display().to_string()
    }

    /// Takes all room but so many octets.
    fn fill(&self, left: u64) -> Outcome {
        let space = nix::sys::statvfs::statvfs(self.0.path())?;
        let free = space.blocks_available() as u64 * space.fragment_size() as u64;
        fs::write(self.filler(), vec![b'f'; free.saturating_sub(left) as usize])?;
        Ok(())
    }

    fn free(&self) -> Outcome {
        Ok(fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut unmount = Command::new("umount");
        unmount.arg("--lazy").arg(self.0.path());
        // At the end of a test there is nobody to tell; a mount that is left behind goes with the machine.
        drop(program::run(&mut unmount, b"", Duration::from_secs(20)));
    }
}

fn full(disk: SmallDisk) -> Outcome {
    let mut server = warm(&format!("{SETTINGS}\nserver.data = \"{}\"", disk.data()))?;
    let mut mail = Mail::default();
    mail.deliver(&server, 5, 2_000)?;
    disk.fill(400_000)?;
    mail.fill_up(&server)?;
    mail.changes_are_refused_or_done(&server)?;
    // A power cut now, and a start with no room at all.
    server.kill()?;
    server.launch()?;
    mail.is_all_there(&server)?;
    disk.free()?;
    mail.goes_on(&server)?;
    survived(server)
}

/// A server that is started on a disk that is already full reads, and takes mail in when there is room.
fn full_at_start(disk: SmallDisk) -> Outcome {
    let mut server = warm(&format!("{SETTINGS}\nserver.data = \"{}\"", disk.data()))?;
    let mut mail = Mail::default();
    mail.deliver(&server, 5, 2_000)?;
    server.stop()?;
    disk.fill(0)?;
    server.launch()?;
    mail.is_all_there(&server)?;
    mail.fill_up(&server)?;
    disk.free()?;
    mail.goes_on(&server)?;
    survived(server)
}

fn file_size_limit() -> Outcome {
    let server = warm(SETTINGS)?;
    let mut mail = Mail::default();
    mail.deliver(&server, 5, 2_000)?;
    let pid = server.pid().ok_or("the server does not run")?.to_string();
    let mut segments = files(&server.path().join("data"), "seg")?;
    let segment = segments.pop().ok_or("no segment")?;
    prlimit(&pid, &format!("--fsize={}:unlimited", fs::metadata(segment)?.len() + 100_000))?;
    mail.fill_up(&server)?;
    mail.changes_are_refused_or_done(&server)?;
    prlimit(&pid, "--fsize=unlimited:unlimited")?;
    mail.goes_on(&server)?;
    survived(server)
}

/// What was acknowledged.
#[derive(Default)]
struct Mail {
    subjects: Vec<String>,
    tried: usize,
}

impl Mail {
    fn deliver(&mut self, server: &Server, count: usize, octets: usize) -> Outcome {
        let mut lmtp = Client::lmtp(server)?;
        for _ in 0..count {
            let reply = self.one(&mut lmtp, octets)?;
            if !reply.starts_with("250") {
                return fail(reply);
            }
        }
        Ok(())
    }

    fn one(&mut self, lmtp: &mut Client, octets: usize) -> Outcome<String> {
        self.tried += 1;
        let subject = format!("number-{:05}", self.tried);
        let reply = lmtp.deliver(ALICE, &message(&subject, octets))?;
        if reply.starts_with("250") {
            self.subjects.push(subject);
        }
        Ok(reply)
    }

    /// Delivers and appends until there is no room for even a small message.
    fn fill_up(&mut self, server: &Server) -> Outcome {
        let (mut lmtp, mut imap) = (Client::lmtp(server)?, Client::imap(server, ALICE)?);
        for octets in [30_000, 5_000, 500] {
            for attempt in 0.. {
                let reply = self.one(&mut lmtp, octets)?;
                if !reply.starts_with("250") {
                    refused(&reply)?;
                    break;
                }
                if attempt > 2_000 {
                    return fail("the disk does not get full");
                }
            }
        }
        for octets in [100_000, 3 << 20] {
            let text = message("appended", octets);
            imap.send(format!("x APPEND INBOX {{{}+}}\r\n", text.len()))?;
            imap.send([&text[..], b"\r\n"].concat())?;
            imap.answer("x")?.must("NO [UNAVAILABLE] Disk full")?;
            refused(&self.one(&mut lmtp, octets)?)?;
        }
        if !server.log().contains("free some space") && !server.log().contains("disk full") {
            return fail("the log does not say that the disk is full");
        }
        self.is_all_there(server)
    }

    /// Nothing but OK and NO, and the sessions stay.
    fn changes_are_refused_or_done(&mut self, server: &Server) -> Outcome {
        let mut imap = Client::imap(server, BOB)?;
        imap.command("SELECT INBOX")?.must("OK")?;
        for command in [
            "STORE 1 +FLAGS (\\Flagged)",
            "CREATE Full",
            "COPY 1 INBOX",
            "SUBSCRIBE Full",
            "RENAME Full Fuller",
            "DELETE Fuller",
            "FETCH 1 BODY[]",
        ] {
            let answer = imap.command(command)?;
            if !answer.is("OK") && !answer.is("NO") {
                return fail(format!("{command}: {}", answer.tagged));
            }
        }
        let mut pop3 = Client::pop3(server, BOB)?;
        pop3.say_ok("DELE 1")?;
        let quit = pop3.status("QUIT")?;
        if !quit.starts_with("+OK") && !quit.starts_with("-ERR [SYS/TEMP]") {
            return fail(format!("QUIT: {quit}"));
        }
        self.is_all_there(server)
    }

    /// Everything that was acknowledged, and nothing else, by both protocols.
    fn is_all_there(&self, server: &Server) -> Outcome {
        let mut imap = Client::imap(server, ALICE)?;
        imap.command("EXAMINE INBOX")?.must("OK")?;
        let all = imap.command("FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]")?.must("OK")?;
        let found: Vec<String> = all.lines.iter().filter_map(|line| number_in(line)).collect();
        if found != self.subjects {
            return fail(format!("{} acknowledged, {} found by IMAP", self.subjects.len(), found.len()));
        }
        imap.command("STATUS Sent (MESSAGES UNSEEN)")?.must("OK")?;
        imap.command("SEARCH BODY xxxx")?.must("OK")?;
        let mut pop3 = Client::pop3(server, ALICE)?;
        let listed = pop3.retrieve("UIDL")??.split(|&octet| octet == b'\n').count() - 1;
        // The first one came before the counting.
        for number in 2..=listed.min(200) {
            let octets = pop3.retrieve(&format!("RETR {number}"))??;
            let subject = number_in(&octets).ok_or("a message without its number")?;
            if !octets.ends_with(&message(&subject, 0)) && !octets.ends_with(b"x\r\n") {
                return fail(format!("message {number} is not what was delivered"));
            }
        }
        pop3.say_ok("QUIT").map(drop)
    }

    /// There is room again: everything works, at once.
    fn goes_on(&mut self, server: &Server) -> Outcome {
        self.deliver(server, 3, 3_000)?;
        let mut imap = Client::imap(server, BOB)?;
        imap.command("SELECT INBOX")?.must("OK")?;
        let text = message("appended", 2 << 20);
        imap.send(format!("x APPEND INBOX {{{}+}}\r\n", text.len()))?;
        imap.send([&text[..], b"\r\n"].concat())?;
        imap.answer("x")?.must("OK")?;
        imap.command("CREATE Room")?.must("OK")?;
        imap.command("STORE * +FLAGS (\\Flagged)")?.must("OK")?;
        self.is_all_there(server)
    }
}

fn message(subject: &str, octets: usize) -> Vec<u8> {
    let line = "x".repeat(76) + "\r\n";
    format!("Subject: {subject}\r\n\r\n{}x\r\n", line.repeat(octets / line.len())).into_bytes()
}

/// RFC 3463 section 3.4, X.3.1: mail system full
fn refused(reply: &str) -> Outcome {
    if reply.starts_with("452 4.3.1 ") {
        return Ok(());
    }
    fail(format!("452 4.3.1 expected on a full disk, came {reply}"))
}

fn number_in(octets: &[u8]) -> Option<String> {
    let at = octets.windows(7).position(|window| window == b"number-")?;
    Some(String::from_utf8_lossy(octets.get(at..at + 12)?).into_owned())
}

/// All files with this extension below a directory, sorted.
pub fn files(directory: &Path, extension: &str) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|its| its == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Changes a limit of a running process (util-linux, which every Debian has).
pub fn prlimit(pid: &str, limit: &str) -> Outcome {
    let mut command = Command::new("prlimit");
    command.args(["--pid", pid, limit]);
    program::run(&mut command, b"", Duration::from_secs(20))?.ok("prlimit").map(drop)
}

/// For tests that damage files: a byte that is certainly another one.
pub fn flip(path: &Path, offset: u64, mask: u8) -> Outcome {
    use std::os::unix::fs::FileExt;

    let file = File::options().read(true).write(true).open(path)?;
    let mut octet = [0];
    file.read_exact_at(&mut octet, offset)?;
    file.write_all_at(&[octet[0] ^ mask], offset)?;
    Ok(())
}
