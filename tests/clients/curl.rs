//! curl: IMAP and POP3, implicit TLS and STARTTLS.

use crate::support::{Outcome, fail};

use super::site::{ALICE, Site, message, run, same_text};

pub fn test() -> Outcome {
    let site = Site::start()?;
    site.deliver(1..4)?;
    let (imap, imaps) = (site.port("imap")?, site.port("imaps")?);
    let (pop3, pop3s) = (site.port("pop3")?, site.port("pop3s")?);
    for url in [format!("imaps://localhost:{imaps}"), format!("imap://localhost:{imap}")] {
        let fetched = get(&site, &format!("{url}/INBOX;MAILINDEX=2"), None)?;
        same_text(2, fetched.as_bytes())?;
        let found = get(&site, &format!("{url}/INBOX"), Some("UID SEARCH SUBJECT \"message 3\""))?;
        if found.trim() != "* SEARCH 3" {
            return fail(format!("UID SEARCH: {found}"));
        }
    }
    for url in [format!("pop3s://localhost:{pop3s}"), format!("pop3://localhost:{pop3}")] {
        let fetched = get(&site, &format!("{url}/3"), None)?;
        same_text(3, fetched.as_bytes())?;
        let listed = get(&site, &format!("{url}/"), None)?;
        if listed.lines().count() != 3 {
            return fail(format!("LIST: {listed}"));
        }
    }
    upload(&site, &format!("imaps://localhost:{imaps}/Archive"))?;
    site.server.finish()
}

/// `--ssl-reqd` makes curl insist on STARTTLS where the URL begins without TLS.
fn get(site: &Site, url: &str, request: Option<&str>) -> Outcome<String> {
    let home = site.home("curl")?;
    let mut curl = site.program("curl", &home);
    curl.args(["--silent", "--show-error", "--ssl-reqd", "--cacert"]).arg(site.ca());
    curl.args(["--user", &format!("{ALICE}:restante")]);
    if let Some(request) = request {
        curl.args(["--request", request]);
    }
    run(curl.arg(url), b"")
}

fn upload(site: &Site, url: &str) -> Outcome {
    let home = site.home("curl")?;
    let mut curl = site.program("curl", &home);
    curl.args(["--silent", "--show-error", "--cacert"]).arg(site.ca());
    std::fs::write(home.join("message"), message(9))?;
    curl.args(["--user", &format!("{ALICE}:restante"), "--upload-file", "message", url]);
    run(&mut curl, b"")?;
    let fetched = get(site, &format!("{url};MAILINDEX=1"), None)?;
    same_text(9, fetched.as_bytes())
}
