//! `restante serve`

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use common::tls::{CertificateFiles, ensure_self_signed};
use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::{PATIENCE, PROGRAM, Process, Talk, eventually, installed, program, run, stderr, stdout};

const PORTS: [&str; 6] =
    ["imap.listen", "imap.tls_listen", "pop3.listen", "pop3.tls_listen", "lmtp.listen", "http.listen"];

/// A server on free ports, and what it told the service manager.
struct Server {
    directory: TempDir,
    process: Process,
    notices: UnixDatagram,
}

impl Server {
    fn start(settings: &[&str]) -> Server {
        Server::start_in(tempfile::tempdir().unwrap(), settings)
    }

    fn start_in(directory: TempDir, settings: &[&str]) -> Server {
        let socket = directory.path().join("notify");
        let notices = UnixDatagram::bind(&socket).unwrap();
        fs::set_permissions(&socket, PermissionsExt::from_mode(0o666)).unwrap();
        notices.set_read_timeout(Some(PATIENCE)).unwrap();
        let process = Process::spawn(serve(directory.path(), settings).env("NOTIFY_SOCKET", &socket));
        let server = Server { directory, process, notices };
        assert_eq!(server.notice(), "READY=1\n");
        server
    }

    fn notice(&self) -> String {
        let mut octets = [0; 1000];
        let length = self.notices.recv(&mut octets).unwrap();
        String::from_utf8_lossy(&octets[..length]).into_owned()
    }

    fn command(&self, arguments: &[&str], input: &str) -> std::process::Output {
        run(program().arg("--data").arg(self.directory.path().join("data")).args(arguments), input)
    }

    fn port(&self, kind: &str) -> u64 {
        let status: Value = serde_json::from_str(&stdout(&self.command(&["status", "--json"], ""))).unwrap();
        let listeners = status["listeners"].as_array().unwrap();
        let listener = listeners.iter().find(|listener| listener["kind"] == kind).unwrap();
        listener["address"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
    }

    fn stop(&mut self) -> String {
        self.process.signal(Signal::SIGTERM);
        assert_eq!(self.notice(), "STOPPING=1\n");
        assert_eq!(self.process.end(), Some(0));
        self.process.errors()
    }
}

fn serve(directory: &Path, settings: &[&str]) -> Command {
    let mut command = program();
    command.arg("--data").arg(directory.join("data"));
    for port in PORTS {
        command.args(["--set", &format!("{port}=127.0.0.1:0")]);
    }
    for setting in settings {
        command.args(["--set", setting]);
    }
    command.arg("serve");
    command
}

#[test]
fn it_tells_the_service_manager_and_removes_its_sockets() {
    let mut server = Server::start(&["lmtp.listen=unix:lmtp.sock mode=0660"]);
    let run = server.directory.path().join("data/run");
    assert!(run.join("lmtp.sock").exists() && run.join("admin.sock").exists());
    server.process.signal(Signal::SIGHUP);
    assert!(server.notice().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(server.notice(), "READY=1\n");
    let log = server.stop();
    assert!(log.contains("SIGHUP") && log.contains("stopped"), "{log}");
    assert_eq!(fs::read_dir(run).unwrap().count(), 0);
}

#[test]
fn idle_clients_are_told_that_it_stops() {
    let mut server = Server::start(&[]);
    let mut talks = ["imap", "pop3", "lmtp"].map(|kind| Talk::to(server.port(kind)));
    talks.iter_mut().for_each(|talk| assert!(!talk.hear().is_empty()));
    server.process.signal(Signal::SIGTERM);
    // RFC 9051 section 7.1.5, RFC 3206 section 4, RFC 5321 section 3.8.
    let farewells = ["* BYE", "-ERR [SYS/TEMP]", "421 "];
    for (talk, farewell) in talks.iter_mut().zip(farewells) {
        let line = talk.hear();
        assert!(line.starts_with(farewell), "{line}");
    }
    drop(talks);
    assert_eq!(server.process.end(), Some(0));
}

#[test]
fn who_is_too_much_is_told_so() {
    let server = Server::start(&["limits.connections=1"]);
    let ports = ["imap", "pop3", "lmtp", "imaps"].map(|kind| server.port(kind));
    let mut first = Talk::to(ports[0]);
    assert!(first.hear().starts_with("* OK"));
    for (port, refusal) in ports.into_iter().zip(["* BYE", "-ERR [SYS/TEMP]", "421 "]) {
        let line = Talk::to(port).hear();
        assert!(line.starts_with(refusal), "{line}");
    }
    assert_eq!(Talk::to(ports[3]).hear(), "");
    // The place is free again when the first has left.
    drop(first);
    eventually("there is room again", || Talk::to(ports[0]).hear().starts_with("* OK"));
}

#[test]
fn a_second_server_is_refused() {
    let server = Server::start(&[]);
    let output = run(&mut serve(server.directory.path(), &[]), "");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("has the store in") || stderr(&output).contains("another server"),
        "{}",
        stderr(&output)
    );
    // And the first has not noticed.
    assert!(Talk::to(server.port("imap")).hear().starts_with("* OK"));
}

#[test]
fn a_wrong_configuration_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(&mut serve(directory.path(), &["imap.listn=x"]), "");
    assert_eq!(output.status.code(), Some(78));
    assert!(stderr(&output).contains("Did you mean imap.listen?"), "{}", stderr(&output));
    let certificates = "tls.certificates=/nonexistent/chain.pem:/nonexistent/key.pem";
    let output = run(&mut serve(directory.path(), &[certificates]), "");
    assert_eq!(output.status.code(), Some(78));
    assert!(stderr(&output).contains("/nonexistent/chain.pem cannot be read"), "{}", stderr(&output));
    assert!(!directory.path().join("data").exists());
}

fn make_certificate(directory: &Path) -> CertificateFiles {
    let files = CertificateFiles { certificate: directory.join("cert.pem"), key: directory.join("key.pem") };
    for file in [&files.certificate, &files.key] {
        let _ = fs::remove_file(file);
    }
    assert!(ensure_self_signed(&files, &["localhost".to_owned()]).unwrap());
    files
}

/// The certificate that the server shows.
fn shown(port: u64) -> String {
    let output =
        run(Command::new("openssl").args(["s_client", "-connect", &format!("127.0.0.1:{port}")]), "Q\n");
    let text = stdout(&output);
    let start = text.find("-----BEGIN CERTIFICATE").unwrap_or_else(|| panic!("{text}{}", stderr(&output)));
    text[start..].split("-----END").next().unwrap().to_owned()
}

#[test]
fn certificates_are_reloaded_without_dropping_a_connection() {
    if !installed("openssl") {
        panic!("openssl is missing; ./tests/all installs what the tests need");
    }
    let directory = tempfile::tempdir().unwrap();
    let files = make_certificate(directory.path());
    let pair = format!("tls.certificates={}:{}", files.certificate.display(), files.key.display());
    let server = Server::start_in(directory, &[&pair]);
    let mut talk = Talk::to(server.port("imap"));
    talk.hear();
    let before = shown(server.port("imaps"));
    make_certificate(server.directory.path());
    server.process.signal(Signal::SIGHUP);
    server.notice();
    assert_eq!(server.notice(), "READY=1\n");
    assert_ne!(shown(server.port("imaps")), before);

    // Certificates that are broken leave those that are in use.
    let before = shown(server.port("imaps"));
    fs::write(server.directory.path().join("cert.pem"), "nonsense").unwrap();
    server.process.signal(Signal::SIGHUP);
    server.notice();
    assert_eq!(server.notice(), "READY=1\n");
    assert_eq!(shown(server.port("imaps")), before);
    talk.say("a NOOP");
    assert!(talk.hear().starts_with("a OK"));
}

#[test]
fn root_becomes_the_servers_user() {
    if !nix::unistd::geteuid().is_root() {
        // There is nothing to drop, and nobody to become.
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(directory.path(), Some(65534), Some(65534)).unwrap();
    let server = Server::start_in(directory, &["server.user=nobody"]);
    let status = fs::read_to_string(format!("/proc/{}/status", server.process.0.id())).unwrap();
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    let ids: Vec<String> = line("Uid:").split_whitespace().skip(1).map(str::to_owned).collect();
    assert!(ids.iter().all(|id| *id == ids[0]) && ids[0] != "0", "{ids:?}");
    assert_eq!(line("CapEff:").split_whitespace().nth(1), Some("0000000000000000"));
    // Commands of root work and leave nothing of root's in the store, with the server and without it.
    let add = |server: &Server, name: &str| {
        let arguments = ["--set", "server.user=nobody", "account", "add", name, "--password-stdin"];
        let output = server.command(&arguments, "secret\n");
        assert!(output.status.success(), "{}", stderr(&output));
    };
    add(&server, "alice");
    let mut server = server;
    server.stop();
    add(&server, "bob");
    assert_eq!(owned_by_root(&server.directory.path().join("data")), Vec::<String>::new());
}

fn owned_by_root(path: &Path) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::symlink_metadata(path).unwrap();
    let mut found = vec![];
    if metadata.uid() == 0 {
        found.push(path.display().to_string());
    }
    if metadata.is_dir() {
        found.extend(fs::read_dir(path).unwrap().flat_map(|entry| owned_by_root(&entry.unwrap().path())));
    }
    found
}

#[test]
fn sockets_of_systemd_are_used() {
    if !installed("python3") {
        panic!("python3 is missing; ./tests/all installs what the tests need");
    }
    let directory = tempfile::tempdir().unwrap();
    // A service manager in a few lines: it binds, then becomes the server.
    let script = r#"
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
os.dup2(os.dup(listener.fileno()), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_FDNAMES=sys.argv[1], LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], sys.argv[2:])
"#;
    let start = |name: &str| {
        let mut command = Command::new("python3");
        command.args(["-c", script, name, PROGRAM, "--data"]).arg(directory.path().join("data"));
        for port in &PORTS[1..] {
            command.args(["--set", &format!("{port}=")]);
        }
        Process::spawn(command.arg("serve"))
    };
    let mut process = start("imap");
    let port = process.line().trim().parse().unwrap();
    assert!(Talk::to(port).hear().starts_with("* OK"));
    process.signal(Signal::SIGTERM);
    assert_eq!(process.end(), Some(0));
    let mut process = start("nonsense");
    assert_eq!(process.end(), Some(1));
    assert!(process.errors().contains("FileDescriptorName="));
}

#[test]
fn quiet_is_quiet() {
    let mut command = serve(tempfile::tempdir().unwrap().path(), &[]);
    let directory = tempfile::tempdir().unwrap();
    let mut process =
        Process::spawn(command.arg("--quiet").arg("--data").arg(directory.path().join("other")));
    let ready = directory.path().join("other/run/admin.sock");
    eventually("the server is up", || ready.exists());
    process.signal(Signal::SIGTERM);
    assert_eq!(process.end(), Some(0));
    let mut text = String::new();
    process.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    text += &process.errors();
    let said: Vec<&str> = text.lines().filter(|line| !line.contains("runs as root")).collect();
    assert_eq!(said, Vec::<&str>::new());
}
