//! The questions of real MTAs: Postfix and Exim from Debian ask the real binary who exists, whether there is room and
//! whether a password is right, before they take anything.

mod exim;
mod postfix;
mod smtp;

use libtest_mimic::Trial;

use crate::clients::site::Site;
use crate::support::{Outcome, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("mta::exim", exim::test),
        trial("mta::postfix", postfix::test),
        trial("mta::postfix_over_loopback", postfix::over_loopback),
        trial("mta::postfix_without_us", postfix::without_us),
    ]
}

/// A site whose sockets for the MTA are in its runtime directory. `bob` has room for 2,000 octets, `carol` may not hand
/// in mail.
fn site() -> Outcome<Site> {
    site_at(["unix:socketmap.sock", "unix:policy.sock", "unix:sasl.sock"])
}

fn site_at([socketmap, policy, sasl]: [&str; 3]) -> Outcome<Site> {
    let site = Site::with(&format!(
        "[mta]\nsocketmap_listen = [{socketmap:?}]\npolicy_listen = [{policy:?}]\nsasl_listen = [{sasl:?}]\n"
    ))?;
    let set = |account: &str, option: &str, value: &str| {
        site.server.cli(&["account", "set", account, option, value], b"")?.ok("account set").map(drop)
    };
    set("bob@example.test", "--limit-bytes", "2000")?;
    set("carol@example.test", "--smtp", "off")?;
    Ok(site)
}
