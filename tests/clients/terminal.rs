//! A program in a terminal of its own, driven as a person does: keys go in, the screen is read.
//!
//! The terminal is tmux with a server of its own, which ends with the test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Outcome, fail, program};

use super::site::run;

/// How long a screen may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(40);

/// What stands on the screen when the program has ended by itself.
const ENDED: &str = "The program has ended.";

pub struct Terminal {
    socket: PathBuf,
}

impl Terminal {
    /// Runs the shell line in a terminal of 120 columns and 40 lines, and says there when it has ended.
    pub fn start(home: &Path, line: &str) -> Outcome<Terminal> {
        let terminal = Terminal { socket: home.join("tmux") };
        let mut tmux = terminal.tmux();
        tmux.args(["new-session", "-d", "-x", "120", "-y", "40", "-c"])
            .arg(home)
            .arg(format!("{line}; printf '\\n{ENDED}\\n'; exec sleep 600"));
        tmux.env("HOME", home).env("XDG_CONFIG_HOME", home).env("XDG_DATA_HOME", home);
        tmux.env("LC_ALL", "C.UTF-8").env_remove("XDG_CACHE_HOME").env_remove("MAIL").env_remove("TMUX");
        run(&mut tmux, b"")?;
        Ok(terminal)
    }

    /// Types text as it is.
    pub fn text(&self, text: &str) -> Outcome {
        run(self.tmux().args(["send-keys", "-l", text]), b"").map(drop)
    }

    /// Presses keys by tmux's names: `Enter`, `Escape`, `C-c`.
    pub fn keys(&self, keys: &[&str]) -> Outcome {
        run(self.tmux().arg("send-keys").args(keys), b"").map(drop)
    }

    /// Makes the terminal another size.
    pub fn resize(&self, columns: u16, lines: u16) -> Outcome {
        let (columns, lines) = (columns.to_string(), lines.to_string());
        run(self.tmux().args(["resize-window", "-x", &columns, "-y", &lines]), b"").map(drop)
    }

    pub fn screen(&self) -> Outcome<String> {
        run(self.tmux().args(["capture-pane", "-p"]), b"")
    }

    /// Waits until the screen shows this text.
    pub fn see(&self, text: &str) -> Outcome {
        self.wait(text, |screen| screen.contains(text))
    }

    /// Waits until the screen shows it no more.
    pub fn see_no(&self, text: &str) -> Outcome {
        self.wait(&format!("no {text}"), |screen| !screen.contains(text))
    }

    /// Waits for the end of the program.
    pub fn end(&self) -> Outcome {
        self.see(ENDED)
    }

    fn wait(&self, what: &str, is_there: impl Fn(&str) -> bool) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen()?;
            if is_there(&screen) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return fail(format!("waited for: {what}\nthe screen:\n{}", screen.trim_end()));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(&self.socket).args(["-f", "/dev/null"]);
        tmux
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended with its program.
        drop(program::run(self.tmux().arg("kill-server"), b"", Duration::from_secs(20)));
    }
}
