//! What the demo prints: how to connect, with lines to paste.

use std::path::{Path, PathBuf};

use anyhow::Result;
use conf::Config;
use serde_json::{Map, Value, json};

use super::{PASSWORD, fingerprint, sample};
use crate::sockets::{Bound, Speaks};

/// Where everything is.
pub struct Guide {
    directory: PathBuf,
    ports: Vec<(Speaks, u16)>,
    fingerprint: String,
}

impl Guide {
    pub fn new(directory: &Path, bound: &[Bound], config: &Config) -> Result<Guide> {
        let ports = bound.iter().filter_map(|bound| Some((bound.speaks, bound.port()?))).collect();
        Ok(Guide { directory: directory.to_owned(), ports, fingerprint: fingerprint(config)? })
    }

    fn port(&self, speaks: Speaks) -> u16 {
        self.ports.iter().find(|(other, _)| *other == speaks).map_or(0, |(_, port)| *port)
    }

    /// One line for programs.
    pub fn json(&self) -> String {
        let ports: Map<String, Value> =
            self.ports.iter().map(|(speaks, port)| (speaks.name().to_owned(), json!(port))).collect();
        let accounts: Vec<Value> =
            sample::ACCOUNTS.iter().map(|name| json!({ "name": name, "password": PASSWORD })).collect();
        json!({
            "host": "127.0.0.1",
            "ports": ports,
            "accounts": accounts,
            "fingerprint": self.fingerprint,
            "data": self.directory,
            "pid": std::process::id(),
        })
        .to_string()
    }

    /// A page for people. Every line after "Try it" can be pasted into a shell.
    pub fn text(&self) -> String {
        let [imap, imaps] = [Speaks::Imap, Speaks::Imaps].map(|speaks| self.port(speaks));
        let [pop3, pop3s] = [Speaks::Pop3, Speaks::Pop3s].map(|speaks| self.port(speaks));
        let [lmtp, http] = [Speaks::Lmtp, Speaks::Http].map(|speaks| self.port(speaks));
        let data = self.directory.display();
        let fingerprint = &self.fingerprint;
        let [alice, bob, public] = sample::ACCOUNTS;
        format!(
            "\
Restante demo. Everything is gone when it stops (Ctrl-C).

  Accounts  {alice}   {bob}   {public}        password: {PASSWORD}
  Server    127.0.0.1
  IMAP      {imap} (STARTTLS or plain)   {imaps} (TLS)
  POP3      {pop3} (STLS or plain)       {pop3s} (TLS)
  LMTP      {lmtp}                       recipients such as {alice}, alice+Archive@example.test
  TLS       self-signed, {fingerprint}
  Web page  http://127.0.0.1:{http}/       log in as {alice}

Try it:

  # the mailboxes; the newest message; the same mail over POP3
  curl -sSk -u {alice}:{PASSWORD} imaps://127.0.0.1:{imaps}/
  curl -sSk -u {alice}:{PASSWORD} 'imaps://127.0.0.1:{imaps}/INBOX;MAILINDEX=*'
  curl -sSk -u {alice}:{PASSWORD} pop3s://127.0.0.1:{pop3s}/
  curl -sSk -u {alice}:{PASSWORD} pop3s://127.0.0.1:{pop3s}/1

  # speak the protocols yourself: a login {alice} {PASSWORD}  |  user {alice}, pass {PASSWORD}
  openssl s_client -quiet -crlf -starttls imap -connect 127.0.0.1:{imap}
  openssl s_client -quiet -crlf -starttls pop3 -connect 127.0.0.1:{pop3}

  # what {public} has everybody can read and only {public} change; mail to public+Announcements@example.test comes in there
  curl -sSk -u {bob}:{PASSWORD} 'imaps://127.0.0.1:{imaps}/Public/Announcements;MAILINDEX=*'

  # deliver
  printf 'Subject: hello\\n\\nfrom the pipe\\n' | {program} --data {data} deliver -f me@example.org {alice}
  swaks --protocol LMTP --server 127.0.0.1:{lmtp} --from me@example.org --to {alice}

  # administer
  {program} --data {data} sessions
  {program} --data {data} mailbox list {alice}

Who connects and what they do:
",
            program = program()
        )
    }
}

/// The running program, so that the lines work whether or not it is installed.
fn program() -> String {
    let path = std::env::current_exe().map_or_else(|_| "restante".into(), |path| path.display().to_string());
    let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    if plain { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}
