//! Certificates by ACME, from Pebble, the authority for tests of Let's Encrypt's authors, in Debian. It proves names
//! as a real authority does: it asks a DNS server (Pebble's own) and connects to the port with TLS.

mod authority;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use serde_json::Value;

use crate::support::connection::{Connection, PATIENCE};
use crate::support::server::Server;
use crate::support::{Outcome, fail, program, trial};

use authority::Authority;

const UNTIL: Duration = Duration::from_secs(90);
const NAMES: [&str; 2] = ["mail.example.test", "imap.example.test"];

pub fn trials() -> Vec<Trial> {
    vec![
        trial("acme::gets_and_renews", gets_and_renews),
        trial("acme::says_why_not", says_why_not),
        trial("acme::terms", terms),
    ]
}

/// Certificates that live for half a minute are renewed while a session goes on.
fn gets_and_renews() -> Outcome {
    let port = free_port()?;
    let authority = Authority::start(port, 30)?;
    let mut server = Server::prepare(&settings(&authority, port))?;
    server.launch()?;
    let mut early = greeted(&server)?;
    let first = until(&server, |served| served.issuer.contains("Pebble"))?;
    for name in NAMES {
        if !first.names.contains(name) {
            return fail(format!("{name} is missing in {first:?}"));
        }
    }
    private(&server.path().join("data/acme/certificate.pem"))?;
    private(&server.path().join("data/acme/account.json"))?;
    let status = status(&server)?;
    if status["valid_until"].as_i64().is_none() || !status["error"].is_null() {
        return fail(format!("the status is {status}"));
    }
    let mut later = greeted(&server)?;
    let second = until(&server, |served| served.serial != first.serial)?;
    if !second.issuer.contains("Pebble") {
        return fail(format!("renewed with {second:?}"));
    }
    // The sessions of both older certificates go on.
    for session in [&mut early, &mut later] {
        session.send(b"a NOOP\r\n")?;
        if session.line(PATIENCE)?.is_none() {
            return fail("a session was dropped by the renewal");
        }
    }
    // A challenge that nobody posed gets no certificate.
    let asked = s_client(&server, &["-alpn", "acme-tls/1"])?;
    if asked.contains("BEGIN CERTIFICATE") {
        return fail(format!("a certificate for no challenge:\n{asked}"));
    }
    server.stop()?;
    // After a start the certificate and the account are still there.
    let account = fs::read(server.path().join("data/acme/account.json"))?;
    server.launch()?;
    until(&server, |served| served.issuer.contains("Pebble"))?;
    if fs::read(server.path().join("data/acme/account.json"))? != account {
        return fail("another account was made");
    }
    drop((early, later));
    server.finish()
}

/// The authority cannot connect: the reason and the remedy stand in the status, and the server serves on.
fn says_why_not() -> Outcome {
    let (port, closed) = (free_port()?, free_port()?);
    let mut authority = Authority::start(closed, 3600)?;
    let server = Server::start(&settings(&authority, port))?;
    expect_error(&server, &["example.test could not be proved", "port 443"])?;
    served(&server)?;
    authority.stop();
    // Nobody there at all. A reload tries at once.
    let pid = server.pid().ok_or("no process")?;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid)?);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGHUP)?;
    expect_error(&server, &["directory", "tls.acme_directory"])?;
    let shown = server.cli(&["status"], b"")?.ok("status")?;
    if !shown.contains("self-signed until ACME has given one for mail.example.test") {
        return fail(format!("the status says\n{shown}"));
    }
    server.finish()
}

/// Nothing is asked for without consent, and both kinds of certificates do not go together.
fn terms() -> Outcome {
    let server = Server::prepare("")?;
    let said = server.cli(&["--set", "tls.acme_domains=mail.example.test", "config", "check"], b"")?;
    if said.code == Some(0) || !said.stderr.contains("acme_terms_agreed = true") {
        return fail(format!("config check says {:?}\n{}", said.code, said.stderr));
    }
    Ok(())
}

fn settings(authority: &Authority, port: u16) -> String {
    format!(
        "[imap]\ntls_listen = [\"127.0.0.1:{port}\"]\n[tls]\nacme_domains = {NAMES:?}\nacme_terms_agreed = true\n\
         acme_directory = {:?}\nacme_ca = {:?}\nacme_contact = \"mailto:postmaster@example.test\"\n",
        authority.directory(),
        authority.certificate()
    )
}

fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn private(file: &Path) -> Outcome {
    match fs::metadata(file)?.permissions().mode() & 0o777 {
        0o600 => Ok(()),
        mode => fail(format!("{} has mode {mode:o}", file.display())),
    }
}

/// A session over TLS that has begun.
fn greeted(server: &Server) -> Outcome<Connection> {
    let mut session = Connection::open(server.address("imaps")?)?;
    session.start_tls()?;
    session.line(PATIENCE)?.ok_or("no greeting")?;
    Ok(session)
}

/// What a client sees of the certificate.
#[derive(Debug)]
struct Served {
    issuer: String,
    serial: String,
    names: String,
}

fn served(server: &Server) -> Outcome<Served> {
    let pem = s_client(server, &[])?;
    let mut x509 = Command::new("openssl");
    x509.args(["x509", "-noout", "-issuer", "-serial", "-ext", "subjectAltName"]);
    let shown = program::run(&mut x509, pem.as_bytes(), PATIENCE)?.ok("openssl x509")?;
    let line = |begin: &str| {
        shown.lines().map(str::trim).find(|line| line.starts_with(begin)).unwrap_or_default().to_owned()
    };
    Ok(Served { issuer: line("issuer="), serial: line("serial="), names: line("DNS:") })
}

fn s_client(server: &Server, arguments: &[&str]) -> Outcome<String> {
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-connect", &server.address("imaps")?.to_string(), "-servername", NAMES[0]]);
    Ok(program::run(openssl.args(arguments), b"", PATIENCE)?.stdout)
}

fn until(server: &Server, is_so: impl Fn(&Served) -> bool) -> Outcome<Served> {
    let deadline = Instant::now() + UNTIL;
    loop {
        let served = served(server)?;
        if is_so(&served) {
            return Ok(served);
        }
        if Instant::now() > deadline {
            return fail(format!("{served:?}\n{:?}\n{}", status(server)?, server.log()));
        }
        thread::sleep(Duration::from_millis(200));
    }
}

fn status(server: &Server) -> Outcome<Value> {
    let status = server.cli(&["status", "--json"], b"")?.ok("status")?;
    Ok(serde_json::from_str::<Value>(&status)?["acme"].take())
}

fn expect_error(server: &Server, parts: &[&str]) -> Outcome {
    let deadline = Instant::now() + UNTIL;
    loop {
        let status = status(server)?;
        let error = status["error"].as_str().unwrap_or_default();
        if parts.iter().all(|part| error.contains(part)) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return fail(format!("not all of {parts:?} in {status}\n{}", server.log()));
        }
        thread::sleep(Duration::from_millis(200));
    }
}
