//! Exim: a dovecot authenticator, and `readsocket` for recipients and room. Debian's Exim cannot be installed beside
//! Debian's Postfix, so `tests/all` only unpacks it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::clients::postfix::await_messages;
use crate::clients::site::{ALICE, Site, run, say};
use crate::support::program::fetched;
use crate::support::{Outcome, fail};

use super::smtp;

pub fn test() -> Outcome {
    let site = super::site()?;
    let exim = Exim::start(&site)?;
    exim.dialogue(&site).map_err(|error| format!("{error}\nExim's log:\n{}", exim.log()))?;
    drop(exim);
    site.server.finish()
}

struct Exim {
    directory: PathBuf,
    port: u16,
    child: Child,
}

impl Exim {
    fn start(site: &Site) -> Outcome<Exim> {
        let program = fetched("exim/usr/sbin/exim4")?;
        let directory = site.home("exim")?;
        // Exim cannot choose a free port itself; between here and its start nobody else should take this one.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let file = directory.join("exim.conf");
        fs::write(&file, configuration(site, &directory, (&program, port)))?;
        fs::create_dir_all(directory.join("spool"))?;
        if nix::unistd::geteuid().is_root() {
            run(site.program("chown", &directory).args(["-R", "nobody:nogroup", "spool"]), b"")?;
        }
        let log = fs::File::create(directory.join("stderr"))?;
        let mut command = Command::new(program);
        command.arg("-C").arg(file).arg("-bdf").current_dir(&directory).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        let exim = Exim { directory, port, child };
        exim.await_port()?;
        Ok(exim)
    }

    fn await_port(&self) -> Outcome {
        let deadline = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if Instant::now() > deadline {
                return fail(format!("Exim does not listen:\n{}", self.log()));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn log(&self) -> String {
        ["stderr", "spool/main.log", "spool/panic.log"]
            .map(|file| fs::read_to_string(self.directory.join(file)).unwrap_or_default())
            .concat()
    }

    fn dialogue(&self, site: &Site) -> Outcome {
        let port = self.port;
        let mut client = smtp::connect(port)?;
        smtp::recipients(
            &mut client,
            &[
                (ALICE, "250"),
                ("alice+lists@example.test", "250"),
                ("nobody@example.test", "550"),
                ("someone@elsewhere.test", "550 relay not permitted"),
            ],
        )?;
        drop(client);
        smtp::sized(port, 1500, "bob@example.test", "250")?;
        smtp::sized(port, 2500, "bob@example.test", "552 5.2.2")?;
        let home = site.home("logins")?;
        let relayed = "RCPT TO:<someone@elsewhere.test>\n<-  250";
        smtp::login(site, &home, port, (ALICE, "restante"), relayed)?;
        smtp::login(site, &home, port, (ALICE, "wrong"), "<** 535")?;
        smtp::login(site, &home, port, ("carol@example.test", "restante"), "<** 535")?;
        let mut client = smtp::connect(port)?;
        smtp::recipients(&mut client, &[("alice+lists@example.test", "250")])?;
        say(&mut client, b"DATA\r\n", "354")?;
        say(&mut client, b"Subject: asked before\r\n\r\nbody\r\n.\r\n", "250")?;
        await_messages(site, 1)
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        // There is nobody to tell of an error here.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Every process runs as one user that is not root, so that nothing needs the setuid bit that an unpacked Exim lacks.
fn configuration(site: &Site, directory: &Path, (program, port): (&str, u16)) -> String {
    let user = match nix::unistd::geteuid().is_root() {
        true => "exim_user = nobody\nexim_group = nogroup\n",
        false => "",
    };
    let values = [
        ("DIRECTORY", directory.display().to_string()),
        ("RUN", site.server.path().join("run").display().to_string()),
        ("PROGRAM", program.to_owned()),
        ("PORT", port.to_string()),
    ];
    let filled = include_str!("exim.conf").to_owned();
    values
        .iter()
        .fold(user.to_owned() + &filled, |text, (name, value)| text.replace(&format!("@{name}@"), value))
}
