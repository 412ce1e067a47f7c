//! SIGKILL at random moments under a load of deliveries, APPENDs, STOREs, MOVEs and EXPUNGEs.
//!
//! Every worker keeps a model of its own mailboxes: what was acknowledged, and the one operation whose answer had not
//! come when the server died, which may or may not have happened. After each restart `restante check` must be clean and
//! the mailboxes must be what the model says. A failure prints the seed; `RESTANTE_CRASH_SEED` plays it again (the
//! moments of the kills stay the machine's own).

mod client;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libtest_mimic::Trial;

use crate::support::server::Server;
use crate::support::{Outcome, trial};

use worker::Worker;

/// In each of the four trials; together hundreds.
const CRASHES: usize = 60;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("crash::first", || crashes(1)),
        trial("crash::second", || crashes(2)),
        trial("crash::third", || crashes(3)),
        trial("crash::fourth", || crashes(4)),
    ]
}

fn crashes(number: u64) -> Outcome {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let seed = std::env::var("RESTANTE_CRASH_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or((now as u64).wrapping_mul(31).wrapping_add(number) | 1);
    let mut random = Random(seed);
    let mut server = Server::start("")?;
    let mut workers: Vec<Worker> = (0..5).map(|index| Worker::new(index, random.next())).collect();
    for worker in &mut workers {
        worker.prepare(&server)?;
    }
    for crash in 0..CRASHES {
        cycle(&mut server, &mut workers, &mut random)
            .map_err(|error| format!("seed {seed}, crash {crash}: {error}\n{}", tail(&server.log())))?;
    }
    server.finish()
}

/// Load, SIGKILL, check, restart, compare.
fn cycle(server: &mut Server, workers: &mut [Worker], random: &mut Random) -> Outcome {
    let running = AtomicBool::new(true);
    let moment = Duration::from_micros(2_000 + random.below(120_000));
    let addresses = (server.address("imap")?, server.address("lmtp")?);
    let running = &running;
    let killed: Outcome = thread::scope(|scope| {
        let threads: Vec<_> =
            workers.iter_mut().map(|worker| scope.spawn(move || worker.load(addresses, running))).collect();
        thread::sleep(moment);
        let killed = server.kill();
        running.store(false, Ordering::SeqCst);
        for thread in threads {
            thread.join().map_err(|_| "a worker panicked")??;
        }
        killed
    });
    killed?;
    server.check()?;
    server.launch()?;
    for worker in workers.iter_mut() {
        worker.compare(server)?;
    }
    server.no_panic()
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// xorshift64*: the moments and choices of one run, repeatable by their seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) | 1
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }
}
