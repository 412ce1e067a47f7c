//! Tests of the binary as a service and as a command: `cargo test --test service`.
//!
//! Each starts its own processes with a directory of its own on free loopback ports, and ends none but those.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod commands;
mod demo;
mod serve;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const PROGRAM: &str = env!("CARGO_BIN_EXE_restante");

/// Long enough for the slowest machine; nothing is measured.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program without settings of the machine.
fn program() -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RESTANTE_")) {
        command.env_remove(name);
    }
    command.env_remove("NOTIFY_SOCKET").env_remove("STATE_DIRECTORY").env_remove("RUNTIME_DIRECTORY");
    command
}

/// Runs it to its end with this input.
fn run(command: &mut Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that does not read its input closes the pipe: that is its right.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A process that ends with its test.
struct Process(Child);

impl Process {
    fn spawn(command: &mut Command) -> Process {
        Process(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// The first line on standard output.
    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut line);
        if read.unwrap() == 0 {
            panic!("it ended: {}", self.errors());
        }
        line
    }

    /// All of standard error; waits for its end.
    fn errors(&mut self) -> String {
        let mut text = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), signal).unwrap();
    }

    /// Its exit code.
    fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already. A demo that is asked to end takes its directory away; one that does not within a
        // few seconds is killed.
        if let Ok(None) = self.0.try_wait() {
            self.signal(Signal::SIGTERM);
        }
        for _ in 0..300 {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A line-based conversation.
struct Talk<S>(BufReader<S>);

impl Talk<TcpStream> {
    fn to(port: u64) -> Talk<TcpStream> {
        let socket = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Talk(BufReader::new(socket))
    }

    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }
}

impl<S: Read> Talk<S> {
    /// The next line; empty at the end.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    /// Reads on to a line that begins so.
    fn hear_until(&mut self, start: &str) -> String {
        loop {
            let line = self.hear();
            assert!(!line.is_empty(), "the conversation ended before {start:?}");
            if line.starts_with(start) {
                return line;
            }
        }
    }
}

/// Waits until something is so.
fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a program of that name is installed; `./tests/all` installs them.
fn installed(name: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|path| Path::new(&path).join(name).exists())
}
