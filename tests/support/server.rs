//! The server under test: the built binary with a store of its own in a temporary directory, on free ports.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{Outcome, fail, program};

/// The accounts of every test server; their password is `restante`.
pub const ACCOUNTS: [&str; 4] = ["alice@example.test", "bob@example.test", "carol@example.test", "public"];
pub const PASSWORD: &str = "restante";

/// A running (or killed) server and its directory, which goes with it.
pub struct Server {
    directory: TempDir,
    child: Option<Child>,
    /// SIGTERM has been sent.
    terminating: bool,
    listeners: Vec<(String, SocketAddr)>,
}

impl Server {
    /// A fresh store with [`ACCOUNTS`]; `settings` is TOML that is added to the test configuration.
    pub fn start(settings: &str) -> Outcome<Server> {
        let mut server = Server::prepare(settings)?;
        server.launch()?;
        Ok(server)
    }

    /// Like [`Server::start`] without starting it.
    pub fn prepare(settings: &str) -> Outcome<Server> {
        let directory = TempDir::with_prefix("restante-test-")?;
        let server = Server { directory, child: None, terminating: false, listeners: Vec::new() };
        fs::write(server.configuration(), configuration(server.path(), settings)?)?;
        let lines: String = ACCOUNTS.iter().map(|name| format!("{name}:{{PLAIN}}{PASSWORD}\n")).collect();
        server.cli(&["account", "import", "-"], lines.as_bytes())?.ok("account import")?;
        Ok(server)
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn configuration(&self) -> PathBuf {
        self.path().join("restante.toml")
    }

    /// Starts the binary and waits until it answers.
    pub fn launch(&mut self) -> Outcome {
        let log = File::options().append(true).create(true).open(self.log_path())?;
        let child = Command::new(env!("CARGO_BIN_EXE_restante"))
            .arg("--config")
            .arg(self.configuration())
            .args(["serve", "--quiet"])
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.child = Some(child);
        self.terminating = false;
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                return fail(format!("the server ended at its start with {status}:\n{}", self.log()));
            }
            if let Ok(listeners) = self.ask_listeners() {
                self.listeners = listeners;
                return Ok(());
            }
            if Instant::now() > deadline {
                return fail(format!("the server did not start within 30 s:\n{}", self.log()));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The address of the first listener of a kind: `imap`, `imaps`, `pop3`, `pop3s`, `lmtp`.
    pub fn address(&self, kind: &str) -> Outcome<SocketAddr> {
        let found = self.listeners.iter().find(|(name, _)| name == kind);
        found.map(|(_, address)| *address).ok_or_else(|| format!("no listener {kind}").into())
    }

    /// Runs a command of the same binary with this server's configuration.
    pub fn cli(&self, arguments: &[&str], input: &[u8]) -> Outcome<program::Finished> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_restante"));
        command.arg("--config").arg(self.configuration()).args(arguments);
        program::run(&mut command, input, Duration::from_secs(120))
    }

    /// SIGKILL, as a power cut for the process.
    pub fn kill(&mut self) -> Outcome {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Sends SIGTERM, once: a second one would stop the server at once.
    pub fn terminate(&mut self) -> Outcome {
        let Some(child) = &self.child else { return Ok(()) };
        if std::mem::replace(&mut self.terminating, true) {
            return Ok(());
        }
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id())?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
        Ok(())
    }

    /// SIGTERM; waits for the end.
    pub fn stop(&mut self) -> Outcome {
        self.terminate()?;
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait()? {
                return match status.success() {
                    true => Ok(()),
                    false => fail(format!("the server stopped with {status}:\n{}", self.log())),
                };
            }
            thread::sleep(Duration::from_millis(10));
        }
        child.kill()?;
        child.wait()?;
        fail(format!("the server did not stop within 30 s of SIGTERM:\n{}", self.log()))
    }

    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Stops it, then proves that the store is in order and that nothing panicked.
    pub fn finish(mut self) -> Outcome {
        self.stop()?;
        self.check()?;
        self.no_panic()
    }

    /// `restante check` finds nothing.
    pub fn check(&self) -> Outcome {
        self.cli(&["check"], b"")?.ok("restante check").map(drop)
    }

    pub fn no_panic(&self) -> Outcome {
        let log = self.log();
        match log.contains("panicked at") {
            true => fail(format!("something panicked:\n{log}")),
            false => Ok(()),
        }
    }

    pub fn log_path(&self) -> PathBuf {
        self.path().join("server.log")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn ask_listeners(&self) -> Outcome<Vec<(String, SocketAddr)>> {
        let status = self.cli(&["status", "--json"], b"")?.ok("status")?;
        let status: Value = serde_json::from_str(&status)?;
        let listeners =
            status["listeners"].as_array().filter(|list| !list.is_empty()).ok_or("not listening yet")?;
        let mut found = Vec::new();
        for listener in listeners {
            let kind = listener["kind"].as_str().ok_or("no kind")?;
            if let Ok(address) = listener["address"].as_str().ok_or("no address")?.parse() {
                found.push((kind.to_owned(), address));
            }
        }
        Ok(found)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A failed test must not leave its server behind; there is nobody to tell of an error here.
        drop(self.kill());
    }
}

/// The base configuration with a test's own settings laid over it, table by table.
fn configuration(directory: &Path, settings: &str) -> Outcome<String> {
    let base = format!(
        r#"
[server]
data = "{0}/data"
runtime_dir = "{0}/run"
hostname = "mail.example.test"
[imap]
listen = ["127.0.0.1:0"]
tls_listen = ["127.0.0.1:0"]
[pop3]
listen = ["127.0.0.1:0"]
tls_listen = ["127.0.0.1:0"]
[lmtp]
listen = ["127.0.0.1:0", "unix:{0}/run/lmtp.sock mode=0666"]
[http]
listen = ["127.0.0.1:0", "unix:{0}/run/http.sock mode=0600"]
"#,
        directory.display()
    );
    let mut merged: toml::Table = toml::from_str(&base)?;
    for (section, values) in toml::from_str::<toml::Table>(settings)? {
        match (merged.get_mut(&section).and_then(toml::Value::as_table_mut), values) {
            (Some(table), toml::Value::Table(values)) => table.extend(values),
            (_, values) => drop(merged.insert(section, values)),
        }
    }
    Ok(toml::to_string(&merged)?)
}
