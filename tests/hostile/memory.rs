//! How much memory the server takes while it is attacked.
//!
//! The kernel keeps the peak of resident memory (VmHWM), which is set back when a watch begins; what stays afterwards is
//! the process's proportional share (Pss), since pages of the index's file cache are not the server's.

use std::fs;

use crate::support::server::Server;
use crate::support::{Outcome, fail};

pub struct Watch {
    pid: u32,
    before: u64,
}

impl Watch {
    pub fn start(server: &Server) -> Outcome<Watch> {
        let pid = server.pid().ok_or("the server does not run")?;
        // 5: set back the peak (proc(5)).
        fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
        Ok(Watch { pid, before: status(pid, "VmRSS")? })
    }

    /// Fails when the server took more than so many MiB beyond what it had at the start, at any moment.
    pub fn peak_within(&self, what: &str, mebibytes: u64) -> Outcome {
        let grown = status(self.pid, "VmHWM")?.saturating_sub(self.before) / 1024;
        eprintln!("memory {what}: peak +{grown} MiB, now {} KiB", self.pss()?);
        if grown <= mebibytes {
            return Ok(());
        }
        fail(format!("{what}: the server's memory grew by {grown} MiB, more than {mebibytes} MiB"))
    }

    fn pss(&self) -> Outcome<u64> {
        number(&fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid))?, "Pss:")
    }
}

fn status(pid: u32, name: &str) -> Outcome<u64> {
    number(&fs::read_to_string(format!("/proc/{pid}/status"))?, name)
}

/// KiB
fn number(text: &str, name: &str) -> Outcome<u64> {
    let line = text.lines().find(|line| line.starts_with(name)).ok_or(format!("no {name}"))?;
    let digits = line.split_ascii_whitespace().nth(1).ok_or(format!("no {name}"))?;
    Ok(digits.parse()?)
}
