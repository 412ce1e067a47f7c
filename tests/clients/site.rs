//! A server with a certificate that its clients can check, mail in it, and a home directory for a client.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::script::lmtp::stuffed;
use crate::support::connection::Connection;
use crate::support::server::Server;
use crate::support::{Outcome, fail, program};

pub const ALICE: &str = "alice@example.test";

pub struct Site {
    pub server: Server,
}

impl Site {
    pub fn start() -> Outcome<Site> {
        Site::with("")
    }

    /// With these settings beside the usual ones.
    pub fn with(settings: &str) -> Outcome<Site> {
        let server = Server::prepare(settings)?;
        // Postfix runs as a user of its own and must reach the LMTP socket.
        fs::set_permissions(server.path(), fs::Permissions::from_mode(0o755))?;
        let site = Site { server };
        site.certificate()?;
        let settings = format!(
            "\n[tls]\ncertificates = [{{ certificate = {:?}, key = {:?} }}]\n",
            site.ca(),
            site.server.path().join("key.pem")
        );
        let file = site.server.configuration();
        fs::write(&file, fs::read_to_string(&file)? + &settings)?;
        let mut site = site;
        site.server.launch()?;
        Ok(site)
    }

    /// A self-signed certificate for `localhost`, which is its own authority.
    fn certificate(&self) -> Outcome {
        let mut openssl = Command::new("openssl");
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ]);
        openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
        openssl.arg("-keyout").arg(self.server.path().join("key.pem")).arg("-out").arg(self.ca());
        run(&mut openssl, b"").map(drop)
    }

    pub fn ca(&self) -> PathBuf {
        self.server.path().join("ca.pem")
    }

    pub fn port(&self, kind: &str) -> Outcome<u16> {
        Ok(self.server.address(kind)?.port())
    }

    /// An empty directory for one client.
    pub fn home(&self, name: &str) -> Outcome<PathBuf> {
        let home = self.server.path().join(name);
        fs::create_dir_all(&home)?;
        Ok(home)
    }

    /// Delivers messages with the numbers of the range over LMTP.
    pub fn deliver(&self, numbers: std::ops::Range<usize>) -> Outcome {
        let mut lmtp = Connection::open(self.server.address("lmtp")?)?;
        expect(&mut lmtp, "220")?;
        say(&mut lmtp, b"LHLO mta.example.test\r\n", "250")?;
        for number in numbers {
            say(&mut lmtp, b"MAIL FROM:<sender@example.test>\r\n", "250")?;
            say(&mut lmtp, format!("RCPT TO:<{ALICE}>\r\n").as_bytes(), "250")?;
            say(&mut lmtp, b"DATA\r\n", "354")?;
            say(&mut lmtp, &stuffed(&message(number)), "250")?;
        }
        say(&mut lmtp, b"QUIT\r\n", "221")
    }

    /// A program with a home of its own and no settings of the machine.
    pub fn program(&self, name: &str, home: &Path) -> Command {
        let mut command = Command::new(name);
        command.current_dir(home).env("HOME", home).env("XDG_CONFIG_HOME", home).env("XDG_DATA_HOME", home);
        command.env("LC_ALL", "C.UTF-8").env_remove("XDG_CACHE_HOME").env_remove("MAIL");
        command
    }
}

/// The octets that are delivered for a number: several MIME shapes and sizes, dots, 8-bit.
pub fn message(number: usize) -> Vec<u8> {
    let head = format!(
        "From: Sender {number} <sender{number}@example.test>\r\nTo: {ALICE}\r\nSubject: message {number} =?UTF-8?Q?gr=C3=BC=C3=9Fe?=\r\n\
         Date: Sun, 01 Feb 2026 11:00:00 +0000\r\nMessage-ID: <m{number}@example.test>\r\nMIME-Version: 1.0\r\n"
    );
    let body = match number % 4 {
        0 => "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\u{fc}\u{df}e\r\n... dots\r\n".to_owned(),
        1 => "Content-Type: multipart/mixed; boundary=zz\r\n\r\n--zz\r\n\r\nhello\r\n--zz\r\nContent-Type: application/octet-stream\r\n\
              Content-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n--zz--\r\n"
            .to_owned(),
        2 => format!("Content-Type: text/plain\r\n\r\n{}", "a line of a longer message\r\n".repeat(500)),
        _ => "\r\nshort\r\n".to_owned(),
    };
    (head + &body).into_bytes()
}

/// Fails with the program's whole output unless it exits with 0.
pub fn run(command: &mut Command, input: &[u8]) -> Outcome<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    program::run(command, input, Duration::from_secs(240))?.ok(&name)
}

/// A program fetches what came, and again when more has come, and once more: it has each message once.
pub fn each_once(
    name: &str,
    folder: &str,
    configure: fn(&Site, &Path) -> Outcome,
    fetch: fn(&Site, &Path) -> Outcome,
) -> Outcome {
    let site = Site::start()?;
    site.deliver(1..11)?;
    let home = site.home(name)?;
    configure(&site, &home)?;
    fetch(&site, &home)?;
    site.deliver(11..16)?;
    fetch(&site, &home)?;
    fetch(&site, &home)?;
    let got = numbers_below(&home.join(folder))?;
    if got != (1..16).collect::<Vec<_>>() {
        return fail(format!("{name} has {got:?}"));
    }
    site.server.finish()
}

/// The `Message-ID` numbers of the files below a folder, sorted; each file's content must end like the message delivered.
pub fn numbers_below(folder: &Path) -> Outcome<Vec<usize>> {
    let mut numbers = Vec::new();
    visit(folder, &mut |file| {
        let octets = fs::read(file)?;
        if let Some(number) = number_of(&octets) {
            same_text(number, &octets).map_err(|error| format!("{}: {error}", file.display()))?;
            numbers.push(number);
        }
        Ok(())
    })?;
    numbers.sort_unstable();
    Ok(numbers)
}

pub fn number_of(octets: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(octets);
    let start = text.find("<m")? + 2;
    text[start..].split('@').next()?.parse().ok()
}

/// What a client stored holds the delivered message, line ends aside.
pub fn same_text(number: usize, stored: &[u8]) -> Outcome {
    let strip = |octets: &[u8]| octets.iter().copied().filter(|&octet| octet != b'\r').collect::<Vec<u8>>();
    let (want, got) = (strip(&message(number)), strip(stored));
    let body = want.windows(2).position(|pair| pair == b"\n\n").map_or(0, |at| at + 2);
    match got.windows(want.len() - body).any(|window| window == &want[body..]) {
        true => Ok(()),
        false => {
            fail(format!("message {number} is not as it was delivered: {}", String::from_utf8_lossy(stored)))
        }
    }
}

fn visit(folder: &Path, each: &mut dyn FnMut(&Path) -> Outcome) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            visit(&path, each)?;
        } else {
            each(&path)?;
        }
    }
    Ok(())
}

pub fn say(connection: &mut Connection, octets: &[u8], want: &str) -> Outcome {
    connection.send(octets)?;
    expect(connection, want)
}

pub fn expect(connection: &mut Connection, want: &str) -> Outcome {
    loop {
        let line = connection.line(crate::support::connection::PATIENCE)?.ok_or("closed")?;
        let line = String::from_utf8_lossy(&line).into_owned();
        if !line.starts_with(want) {
            return fail(format!("expected {want}, got {line}"));
        }
        if !line[want.len()..].starts_with('-') {
            return Ok(());
        }
    }
}
