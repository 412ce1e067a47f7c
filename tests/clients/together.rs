//! All clients on one account at the same time, while mail keeps arriving: each gets every message exactly once.

use std::path::PathBuf;
use std::thread;

use crate::support::{Outcome, fail};

use super::site::{Site, numbers_below};
use super::{fetchmail, getmail, mbsync, mpop, offlineimap};

const ROUNDS: usize = 4;
const EACH: usize = 10;

pub fn test() -> Outcome {
    let site = Site::start()?;
    site.deliver(1..1 + EACH)?;
    let homes = homes(&site)?;
    thread::scope(|scope| -> Outcome {
        let arriving = scope.spawn(|| site.deliver(1 + EACH..1 + EACH * 10));
        let clients: Vec<_> = (0..homes.len())
            .map(|client| {
                scope.spawn({
                    let (site, homes) = (&site, &homes);
                    move || (0..ROUNDS).try_for_each(|_| fetch(site, client, &homes[client]))
                })
            })
            .collect();
        for client in clients {
            client.join().map_err(|_| "a client's thread failed")??;
        }
        arriving.join().map_err(|_| "the delivering thread failed")?
    })?;
    for (client, home) in homes.iter().enumerate() {
        fetch(&site, client, home)?;
        let mail = if client < 2 { home.join("mail/INBOX") } else { home.join("mail") };
        let got = numbers_below(&mail)?;
        if got != (1..1 + EACH * 10).collect::<Vec<_>>() {
            return fail(format!("{} has {got:?}", home.display()));
        }
    }
    site.server.finish()
}

fn homes(site: &Site) -> Outcome<Vec<PathBuf>> {
    let names = ["mbsync", "offlineimap", "fetchmail", "getmail", "mpop"];
    let homes: Vec<PathBuf> = names.iter().map(|name| site.home(name)).collect::<Outcome<_>>()?;
    mbsync::configure(site, &homes[0])?;
    offlineimap::configure(site, &homes[1])?;
    fetchmail::configure(site, &homes[2], "pop3")?;
    getmail::configure(site, &homes[3])?;
    mpop::configure(site, &homes[4])?;
    Ok(homes)
}

fn fetch(site: &Site, client: usize, home: &std::path::Path) -> Outcome {
    match client {
        0 => mbsync::sync(site, home),
        1 => offlineimap::sync(site, home),
        2 => fetchmail::fetch(site, home),
        3 => getmail::fetch(site, home),
        _ => mpop::fetch(site, home, "on"),
    }
}
