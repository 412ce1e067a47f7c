//! HTTP: the API as schemathesis (PyPI) attacks it by its own document, and the pages in Debian's Chromium, driven by
//! Playwright and looked at by axe-core (npm).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::clients::site::{ALICE, Site};
use crate::support::connection::PATIENCE;
use crate::support::program::{self, clients, fetched};
use crate::support::server::{PASSWORD, Server};
use crate::support::{Outcome, fail, trial};

/// The administrator; nobody has mail to lose in him.
const ADMINISTRATOR: &str = "carol@example.test";

pub fn trials() -> Vec<Trial> {
    vec![
        trial("web::api_keeps_to_its_document", api),
        trial("web::pages_in_a_browser", pages),
        trial("web::who_may", who_may),
        trial("web::monitors", monitors),
    ]
}

fn appoint(server: &Server) -> Outcome {
    server.cli(&["account", "set", ADMINISTRATOR, "--administrator", "on"], b"")?.ok("account set")?;
    Ok(())
}

/// An app password of the administrator for the API.
fn key(server: &Server) -> Outcome<String> {
    let arguments = ["account", "app-password", "add", ADMINISTRATOR, "tests", "--protocol", "api"];
    Ok(server.cli(&arguments, b"")?.ok("app-password add")?.trim().to_owned())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web")
}

fn api() -> Outcome {
    let server = Server::start("")?;
    appoint(&server)?;
    let key = key(&server)?;
    let mut schemathesis = Command::new(fetched("python/bin/schemathesis")?);
    schemathesis.arg("--config-file").arg(folder().join("schemathesis.toml")).arg("run");
    schemathesis.arg(format!("http://{}/api/v1/openapi.json", server.address("http")?));
    // The stream has no end, and a wrong password takes its time on purpose (there are tests of both of their own).
    schemathesis.args(["--exclude-operation-id", "watchEvents", "--exclude-checks", "ignored_auth"]);
    schemathesis.args(["--auth", &format!("{ADMINISTRATOR}:{key}"), "--phases", "coverage,fuzzing"]);
    schemathesis.args(["--checks", "all", "-n", "20", "--seed", "1", "--continue-on-failure", "--no-shrink"]);
    // Names of mailboxes are rare among random text.
    schemathesis.args(["--suppress-health-check", "all"]);
    schemathesis.env("SCHEMATHESIS_HOOKS", "schemathesis_hooks").env("PYTHONPATH", folder());
    schemathesis.env("ACCOUNT", ADMINISTRATOR).env("PYTHONDONTWRITEBYTECODE", "1");
    // What it keeps goes with the server.
    schemathesis.current_dir(server.path()).env("HOME", server.path());
    program::run(&mut schemathesis, b"", Duration::from_secs(600))?.ok("schemathesis")?;
    server.finish()
}

fn pages() -> Outcome {
    let site = Site::start()?;
    site.deliver(1..13)?;
    let server = &site.server;
    appoint(server)?;
    server.cli(&["account", "set", ALICE, "--limit-bytes", "1 MiB"], b"")?.ok("account set")?;
    let shots = site.home("shots")?;
    let mut node = Command::new("node");
    node.arg(folder().join("pages.mjs"));
    node.env("URL", format!("http://{}", server.address("http")?));
    node.env("ACCOUNT", ADMINISTRATOR).env("PASSWORD", PASSWORD).env("OTHER", ALICE);
    node.env("MODULES", clients().join("npm")).env("CHROMIUM", chromium()?);
    node.env("SHOTS", std::env::var_os("RESTANTE_TEST_SHOTS").map_or(shots, PathBuf::from));
    let told = program::run(&mut node, b"", Duration::from_secs(300))?.ok("pages.mjs")?;
    if !told.contains("pages: all good") {
        return fail(told);
    }
    site.server.finish()
}

fn chromium() -> Outcome<&'static str> {
    let places = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];
    let found = places.into_iter().find(|path| Path::new(path).exists());
    found.ok_or_else(|| "Chromium is not there; ./tests/all installs what the tests need".into())
}

/// The unix socket is the owner's, TCP is for who can prove it.
fn who_may() -> Outcome {
    let server = Server::start("")?;
    appoint(&server)?;
    let login = |password: &str| {
        use base64::Engine;
        let text = format!("{ADMINISTRATOR}:{password}");
        format!("Authorization: Basic {}\r\n", base64::engine::general_purpose::STANDARD.encode(text))
    };
    let key = key(&server)?;
    for (headers, status) in
        [(String::new(), "401"), (login("wrong"), "401"), (login(PASSWORD), "403"), (login(&key), "200")]
    {
        let answer = over_tcp(&server, "GET /api/v1/accounts", &headers)?;
        if !answer.starts_with(&format!("HTTP/1.1 {status}")) {
            return fail(format!("wanted {status}: {answer}"));
        }
    }
    let answer = over_unix(&server, "GET /api/v1/session")?;
    if !answer.starts_with("HTTP/1.1 200") || !answer.contains("uid ") {
        return fail(answer);
    }
    // An app password for mail opens nothing here.
    let arguments = ["account", "app-password", "add", ADMINISTRATOR, "phone"];
    let phone = server.cli(&arguments, b"")?.ok("app-password add")?;
    let answer = over_tcp(&server, "GET /api/v1/accounts", &login(phone.trim()))?;
    if !answer.starts_with("HTTP/1.1 403") {
        return fail(answer);
    }
    server.finish()
}

fn monitors() -> Outcome {
    let server = Server::start("")?;
    for (line, wanted) in [
        ("GET /health", "\"status\":\"ok\""),
        ("GET /ready", "\"status\":\"ready\""),
        ("GET /metrics", "restante_accounts 4"),
        ("GET /", "location: /login"),
        ("GET /api/v1/openapi.json", "\"openapi\":\"3.1.0\""),
        ("GET /../../etc/passwd", "HTTP/1.1 404"),
    ] {
        let answer = over_tcp(&server, line, "")?;
        if !answer.contains(wanted) {
            return fail(format!("{line}: no {wanted:?} in {answer}"));
        }
    }
    server.finish()
}

fn over_tcp(server: &Server, line: &str, headers: &str) -> Outcome<String> {
    let socket = TcpStream::connect_timeout(&server.address("http")?, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    ask(socket, line, headers)
}

fn over_unix(server: &Server, line: &str) -> Outcome<String> {
    let socket = UnixStream::connect(server.path().join("run/http.sock"))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    ask(socket, line, "")
}

fn ask(mut socket: impl Read + Write, line: &str, headers: &str) -> Outcome<String> {
    write!(socket, "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n")?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
