//! `restante monitor` in a terminal, as a person uses it, and as text for pipes and programs.

use libtest_mimic::Trial;

use crate::clients::site::{ALICE, Site};
use crate::clients::terminal::Terminal;
use crate::support::connection::{Connection, PATIENCE};
use crate::support::server::{PASSWORD, Server};
use crate::support::{Outcome, fail, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("monitor::in_a_terminal", in_a_terminal),
        trial("monitor::ends_with_a_signal", ends_with_a_signal),
        trial("monitor::as_text", as_text),
        trial("monitor::without_a_server", without_a_server),
    ]
}

fn line(server: &Server) -> String {
    format!("{} --config {} monitor", env!("CARGO_BIN_EXE_restante"), server.configuration().display())
}

fn login(server: &Server) -> Outcome<Connection> {
    let mut imap = Connection::open(server.address("imap")?)?;
    imap.send(format!("a LOGIN {ALICE} {PASSWORD}\r\nb SELECT INBOX\r\n").as_bytes())?;
    hear(&mut imap, "b OK")?;
    Ok(imap)
}

fn hear(imap: &mut Connection, start: &str) -> Outcome {
    loop {
        let line = imap.line(PATIENCE)?.ok_or("the server closed the connection")?;
        if String::from_utf8_lossy(&line).starts_with(start) {
            return Ok(());
        }
    }
}

fn in_a_terminal() -> Outcome {
    let site = Site::start()?;
    let home = site.home("monitor")?;
    let monitor = Terminal::start(&home, &line(&site.server))?;
    monitor.see("Sessions: 0 imap, 0 pop3, 0 lmtp")?;
    site.deliver(1..4)?;
    monitor.see("3 delivered")?;
    monitor.see("lmtp RCPT")?;
    let mut imap = login(&site.server)?;
    monitor.see("Sessions: 1 imap")?;
    monitor.see("SELECT OK")?;
    // The size of old terminals has it all, too.
    monitor.resize(80, 24)?;
    monitor.see("┌ Log ")?;
    for text in ["Commands/s", "Slowest commands", ALICE, "q quit"] {
        monitor.see(text)?;
    }
    if let Some(path) = std::env::var_os("RESTANTE_TEST_SHOTS") {
        std::fs::write(std::path::Path::new(&path).join("monitor.txt"), monitor.screen()?)?;
    }
    // Paused, nothing moves.
    monitor.text("p")?;
    monitor.see("PAUSED")?;
    imap.send(b"c UNSELECT\r\n")?;
    hear(&mut imap, "c OK")?;
    if monitor.screen()?.contains("UNSELECT OK") {
        return fail("it showed what happened while it was paused");
    }
    monitor.text("p")?;
    monitor.see_no("PAUSED")?;
    // A kick is asked for, and not done unless it is meant.
    monitor.text("k")?;
    monitor.see(&format!("of {ALICE}? y/n"))?;
    monitor.text("n")?;
    monitor.see_no("y/n")?;
    imap.send(b"d NOOP\r\n")?;
    hear(&mut imap, "d OK")?;
    monitor.text("k")?;
    monitor.see("y/n")?;
    monitor.text("y")?;
    hear(&mut imap, "* BYE")?;
    monitor.see("is told to end")?;
    monitor.see("Sessions: 0 imap")?;
    // Far too small is no reason to fail.
    monitor.resize(20, 4)?;
    monitor.resize(100, 30)?;
    monitor.keys(&["Tab", "Tab", "Up", "Up"])?;
    monitor.see("Log, 2 newer")?;
    monitor.text("q")?;
    monitor.end()?;
    site.server.finish()
}

/// The terminal is as before: what was on it is there again, and it echoes.
fn ends_with_a_signal() -> Outcome {
    let site = Site::start()?;
    let home = site.home("monitor")?;
    let before = "echo before the monitor; ";
    let monitor = Terminal::start(&home, &format!("{before}{}", line(&site.server)))?;
    monitor.see("Slowest commands")?;
    monitor.keys(&["C-c"])?;
    monitor.end()?;
    monitor.see("before the monitor")?;
    drop(monitor);
    let home = site.home("again")?;
    let monitor = Terminal::start(
        &home,
        &format!("sh -c 'echo $$ > pid; exec {}'; stty -a; echo restored", line(&site.server)),
    )?;
    monitor.see("Slowest commands")?;
    let pid = std::fs::read_to_string(home.join("pid"))?.trim().parse()?;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM)?;
    monitor.see("restored")?;
    monitor.see(" icanon ")?;
    monitor.see(" echo ")?;
    site.server.finish()
}

fn as_text() -> Outcome {
    let site = Site::start()?;
    site.deliver(1..3)?;
    let _imap = login(&site.server)?;
    let text = site.server.cli(&["monitor", "--once"], b"")?.ok("monitor --once")?;
    for part in ["1 imap, 0 pop3, 0 lmtp", "delivered    2 (", "SLOWEST", "SELECT", ALICE, "free of"] {
        if !text.contains(part) {
            return fail(format!("no {part:?}:\n{text}"));
        }
    }
    let json = site.server.cli(&["monitor", "--once", "--json"], b"")?.ok("monitor --json")?;
    let json: serde_json::Value = serde_json::from_str(&json)?;
    if json["outcome"] != "activity" || json["delivered"] != 2 || json["sessions"][0]["count"] != 1 {
        return fail(json.to_string());
    }
    let refused = site.server.cli(&["monitor"], b"")?;
    if refused.code != Some(1)
        || !refused.stderr.contains("no terminal")
        || !refused.stderr.contains("--once")
    {
        return fail(format!("{:?}: {}", refused.code, refused.stderr));
    }
    site.server.finish()
}

fn without_a_server() -> Outcome {
    let server = Server::prepare("")?;
    for arguments in [&["monitor"][..], &["monitor", "--once"], &["monitor", "--json"]] {
        let refused = server.cli(arguments, b"")?;
        let said = refused.stderr + &refused.stdout;
        if refused.code != Some(1) || !said.contains("no server is running") {
            return fail(format!("{arguments:?}: {:?}: {said}", refused.code));
        }
    }
    Ok(())
}
