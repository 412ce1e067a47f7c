//! An SMTP client that looks at every reply.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use crate::clients::site::{Site, expect, say};
use crate::support::connection::Connection;
use crate::support::{Outcome, fail, program};

/// A greeted connection to an MTA on loopback.
pub fn connect(port: u16) -> Outcome<Connection> {
    let mut smtp = Connection::open(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    expect(&mut smtp, "220")?;
    say(&mut smtp, b"EHLO client.example.test\r\n", "250")?;
    say(&mut smtp, b"MAIL FROM:<sender@example.test>\r\n", "250")?;
    Ok(smtp)
}

/// The reply to each recipient.
pub fn recipients(smtp: &mut Connection, replies: &[(&str, &str)]) -> Outcome {
    for (recipient, reply) in replies {
        say(smtp, format!("RCPT TO:<{recipient}>\r\n").as_bytes(), reply)
            .map_err(|error| format!("{recipient}: {error}"))?;
    }
    Ok(())
}

/// A message of this declared size is refused, or not.
pub fn sized(port: u16, size: usize, recipient: &str, reply: &str) -> Outcome {
    let mut smtp = connect(port)?;
    say(&mut smtp, b"RSET\r\n", "250")?;
    say(&mut smtp, format!("MAIL FROM:<sender@example.test> SIZE={size}\r\n").as_bytes(), "250")?;
    recipients(&mut smtp, &[(recipient, reply)])
}

/// What an MTA says to a login with swaks: `user` and `password`, by PLAIN and by LOGIN.
pub fn login(site: &Site, home: &Path, port: u16, (user, password): (&str, &str), reply: &str) -> Outcome {
    for mechanism in ["PLAIN", "LOGIN"] {
        let mut swaks = site.program("swaks", home);
        swaks.args(["--server", &format!("127.0.0.1:{port}"), "--helo", "client.example.test"]);
        swaks.args(["--auth", mechanism, "--auth-user", user, "--auth-password", password]);
        // Another domain's recipient, which only those may name who have logged in.
        swaks.args([
            "--from",
            "alice@example.test",
            "--to",
            "someone@elsewhere.test",
            "--quit-after",
            "RCPT",
        ]);
        let said = program::run(&mut swaks, b"", std::time::Duration::from_secs(60))?;
        if !said.stdout.contains(reply) {
            return fail(format!("{mechanism} as {user}: no {reply:?} in\n{}{}", said.stdout, said.stderr));
        }
    }
    Ok(())
}
