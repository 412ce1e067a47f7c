//! Other programs: run to their end within a time limit, with their output, or say what was missing.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Outcome, fail};

/// What a program printed and how it ended.
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// The standard output of a program that exited with 0; else a failure with everything it said.
    pub fn ok(self, what: &str) -> Outcome<String> {
        if self.code == Some(0) {
            return Ok(self.stdout);
        }
        fail(format!("{what} ended with {:?}\nstdout: {}\nstderr: {}", self.code, self.stdout, self.stderr))
    }
}

/// Runs it to its end; kills it after `limit`.
pub fn run(command: &mut Command, input: &[u8], limit: Duration) -> Outcome<Finished> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(
            |error| format!("cannot start {name}: {error}; ./tests/all installs what the tests need"),
        )?;
    let mut stdin = child.stdin.take().ok_or("no stdin")?;
    let input = input.to_vec();
    // A program that does not read its input closes the pipe: that is its right.
    let feeder = thread::spawn(move || drop(stdin.write_all(&input)));
    let stdout = collect(child.stdout.take().ok_or("no stdout")?);
    let stderr = collect(child.stderr.take().ok_or("no stderr")?);
    let code = wait(&mut child, limit)?;
    drop(feeder.join());
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let stdout = text(stdout.join().map_err(|_| "reader failed")?);
    let stderr = text(stderr.join().map_err(|_| "reader failed")?);
    match code {
        Some(code) => Ok(Finished { code, stdout, stderr }),
        None => fail(format!("{name} did not end within {limit:?}\nstdout: {stdout}\nstderr: {stderr}")),
    }
}

fn collect(mut from: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is still worth showing.
        drop(from.read_to_end(&mut bytes));
        bytes
    })
}

/// `None` when it had to be killed.
fn wait(child: &mut Child, limit: Duration) -> Outcome<Option<Option<i32>>> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.code()));
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Where `tests/all` has put what is not installed.
pub fn clients() -> PathBuf {
    std::env::var_os("RESTANTE_TEST_CLIENTS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients"), PathBuf::from)
}

/// A file of what `tests/all` has put there.
pub fn fetched(path: &str) -> Outcome<String> {
    let path = clients().join(path);
    match path.exists() {
        true => Ok(path.display().to_string()),
        false => fail(format!("{} is not there; ./tests/all installs what the tests need", path.display())),
    }
}
