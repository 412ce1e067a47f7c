//! Outcomes on standard output: JSON for programs, tables for people.

pub mod monitor;
pub mod usage;

use std::io::{IsTerminal, Write};

use admin::{
    AccountView, AcmeStatus, AliasView, AppPasswordView, CheckView, Delivered, GroupView, ImportReport,
    Lockout, MailboxView, Outcome, PointView, Progress, RetainedView, SessionView, Status,
};
use anyhow::{Context, Result};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use indicatif::{ProgressBar, ProgressStyle};

use crate::bars::Style;
use crate::time;

/// Prints and flushes; a reader that went away is no error.
pub fn print(outcome: &Outcome, json: bool) -> Result<()> {
    if json {
        return line(&serde_json::to_string(outcome).context("the outcome cannot be written as JSON")?);
    }
    line(&clean(&human(outcome)))
}

/// Names of mailboxes and of clients come from outside and must not speak to the terminal.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// One line or table on standard output.
pub fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("standard output cannot be written"),
    }
}

pub fn ignore_progress(_: Progress) {}

/// A bar on standard error, if that is a terminal.
pub fn progress_bar(what: &str, json: bool) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:32} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(what.to_owned());
    bar
}

fn human(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { message } => message.clone(),
        Outcome::Account(account) => self::account(account),
        Outcome::Accounts { accounts } => self::accounts(accounts, Style::of_output()),
        Outcome::AppPasswords { app_passwords } => self::app_passwords(app_passwords),
        Outcome::Imported(report) => self::import(report),
        Outcome::Mailboxes { mailboxes } => self::mailboxes(mailboxes),
        Outcome::History { account, .. } => history(account),
        Outcome::Aliases { aliases } => self::aliases(aliases),
        Outcome::Groups { groups } => self::groups(groups),
        Outcome::Retained { messages } => self::retained(messages),
        Outcome::Checked(report) => self::checked(report),
        Outcome::Status(status) => self::status(status),
        Outcome::Activity(activity) => monitor::counts(activity),
        Outcome::Sessions { sessions } => self::sessions(sessions),
        Outcome::Lockouts { lockouts } => self::lockouts(lockouts),
        Outcome::Delivered { recipients } => self::delivered(recipients),
        Outcome::MailImported(report) => mail_imported(report),
        // Parts of an import, which the command answers with its report.
        Outcome::ImportOpened { .. } | Outcome::ImportPut { .. } => String::new(),
    }
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.to_vec());
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table
}

/// Facts of one thing, a line each.
fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = facts.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect();
    lines.join("\n")
}

fn account(account: &AccountView) -> String {
    let limit = |own: u64, in_force: u64, print: &dyn Fn(u64) -> String| match (own, in_force) {
        (_, 0) => "no limit".to_owned(),
        (0, _) => format!("{} (the default)", print(in_force)),
        _ => print(in_force),
    };
    let limits = account.limits_in_force;
    facts(&[
        ("account", account.name.clone()),
        ("password", account.password.clone().unwrap_or_else(|| "none".into())),
        ("app passwords", or_dash(account.app_passwords.join(", "))),
        ("switched off", or_dash(switched_off(&account.switches))),
        (
            "messages",
            format!(
                "{} of {}",
                account.messages,
                limit(account.limits.messages, limits.messages, &|n| n.to_string())
            ),
        ),
        ("size", format!("{} of {}", size(account.bytes), limit(account.limits.bytes, limits.bytes, &size))),
        (
            "mailboxes",
            format!(
                "{} of {}",
                account.mailboxes,
                limit(account.limits.mailboxes, limits.mailboxes, &|n| n.to_string())
            ),
        ),
        ("administrator", if account.administrator { "yes" } else { "no" }.to_owned()),
        ("deleted over POP3", own(account.pop3_policy.delete.as_ref())),
        ("read by RETR", own(account.pop3_policy.retr_sets_seen.map(|seen| if seen { "on" } else { "off" }))),
        ("last IMAP login", moment(account.last_login.imap)),
        ("last POP3 login", moment(account.last_login.pop3)),
        ("created", time::print(account.created)),
        ("id, shard", format!("{}, {}", account.id, account.shard)),
    ])
}

fn own(setting: Option<impl ToString>) -> String {
    setting.map_or_else(|| "the default".to_owned(), |own| own.to_string())
}

fn switched_off(switches: &store::Switches) -> String {
    let all = [
        ("login", switches.login),
        ("imap", switches.imap),
        ("pop3", switches.pop3),
        ("smtp", switches.smtp),
        ("delivery", switches.delivery),
    ];
    all.into_iter().filter(|(_, on)| !on).map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}

fn accounts(accounts: &[AccountView], style: Style) -> String {
    let mut table = table(["ACCOUNT", "MESSAGES", "SIZE", "OF LIMIT", "OFF", "LAST IMAP", "LAST POP3"]);
    for account in accounts {
        table.add_row([
            account.name.clone(),
            account.messages.to_string(),
            size(account.bytes),
            usage::of_limit(style, account.bytes, account.limits_in_force.bytes),
            or_dash(switched_off(&account.switches)),
            moment(account.last_login.imap),
            moment(account.last_login.pop3),
        ]);
    }
    if accounts.is_empty() {
        "There is no account; make one with `restante account add NAME`.".into()
    } else {
        table.to_string()
    }
}

fn app_passwords(app_passwords: &[AppPasswordView]) -> String {
    let mut table = table(["LABEL", "PROTOCOLS", "EXPIRES", "LAST USED", "CREATED"]);
    for password in app_passwords {
        let protocols =
            if password.protocols.is_empty() { "all".into() } else { password.protocols.join(", ") };
        table.add_row([
            password.label.clone(),
            protocols,
            moment(password.expires),
            moment(password.last_used),
            time::print(password.created),
        ]);
    }
    if app_passwords.is_empty() { "There is no app password.".into() } else { table.to_string() }
}

fn import(report: &ImportReport) -> String {
    let refused = report.refused.iter().map(|refused| format!("line {}: {}\n", refused.line, refused.reason));
    let lines: String = refused.collect();
    format!("{lines}{} added, {} updated, {} refused", report.added, report.updated, report.refused.len())
}

fn mail_imported(report: &migrate::Report) -> String {
    let header =
        ["MAILBOX", "MESSAGES", "IMPORTED", "SIZE", "HERE BEFORE", "EXPUNGED HERE", "VERIFIED", "UIDS"];
    let mut table = table(header);
    for one in &report.mailboxes {
        table.add_row([
            one.name.clone(),
            one.messages.to_string(),
            one.imported.to_string(),
            size(one.bytes),
            one.present.to_string(),
            one.gone.to_string(),
            one.verified.to_string(),
            if one.uids_kept { "kept" } else { "new" }.to_owned(),
        ]);
    }
    let refused = |prefix: &str, all: &[migrate::Refused]| -> String {
        all.iter().map(|one| format!("{prefix}{}: {}\n", one.what, one.reason)).collect()
    };
    let mut text = format!("{table}\n\n");
    text += &refused("", &report.refused);
    for one in &report.mailboxes {
        text += &refused(&format!("{}: ", one.name), &one.refused);
        for path in &one.wrong {
            text += &format!("{}: {path}: is not here as it was read; run the import again\n", one.name);
        }
        if one.altered > 0 {
            text += &format!("{}: {} messages had NUL, which became 0x80\n", one.name, one.altered);
        }
        if one.vanished > 0 {
            text += &format!("{}: {} messages went from the source meanwhile\n", one.name, one.vanished);
        }
    }
    text += match (report.dry_run, report.is_whole()) {
        (true, _) => "This is what would be done; nothing was changed.",
        (false, true) => "All messages of the source are here.",
        (false, false) => "Not all messages of the source are here: see the lines above.",
    };
    text
}

fn mailboxes(mailboxes: &[MailboxView]) -> String {
    let mut table = table(["MAILBOX", "MESSAGES", "UNSEEN", "SIZE", "SPECIAL USE", "SUBSCRIBED"]);
    for mailbox in mailboxes {
        table.add_row([
            mailbox.name.clone(),
            mailbox.messages.to_string(),
            mailbox.unseen.to_string(),
            size(mailbox.bytes),
            or_dash(mailbox.special_use.clone().unwrap_or_default()),
            if mailbox.subscribed { "yes".into() } else { "no".to_owned() },
        ]);
    }
    table.to_string()
}

fn history(points: &[PointView]) -> String {
    let mut table = table(["DAY", "MESSAGES", "SIZE"]);
    for point in points {
        let (year, month, day) = common::time::civil(point.day);
        table.add_row([
            format!("{year:04}-{month:02}-{day:02}"),
            point.messages.to_string(),
            size(point.bytes),
        ]);
    }
    table.to_string()
}

fn aliases(aliases: &[AliasView]) -> String {
    let mut table = table(["ALIAS", "ACCOUNTS", "CREATED"]);
    for alias in aliases {
        table.add_row([alias.name.clone(), alias.accounts.join(", "), time::print(alias.created)]);
    }
    if aliases.is_empty() {
        "There is no alias; make one with `restante alias add ADDRESS ACCOUNT`.".into()
    } else {
        table.to_string()
    }
}

fn groups(groups: &[GroupView]) -> String {
    let mut table = table(["GROUP", "MEMBERS", "CREATED"]);
    for group in groups {
        let members = or_dash(group.members.join(", "));
        table.add_row([group.name.clone(), members, time::print(group.created)]);
    }
    if groups.is_empty() {
        "There is no group; make one with `restante group create NAME`.".into()
    } else {
        table.to_string()
    }
}

fn retained(messages: &[RetainedView]) -> String {
    let mut table = table(["ID", "EXPUNGED", "MAILBOX", "UID", "SIZE", "DATE"]);
    for message in messages {
        table.add_row([
            message.id.clone(),
            time::print(message.expunged),
            message.mailbox.clone(),
            message.uid.to_string(),
            size(message.size),
            time::print(message.internal_date),
        ]);
    }
    if messages.is_empty() { "There is nothing to restore.".into() } else { table.to_string() }
}

fn checked(report: &CheckView) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let repaired = if finding.repaired { " (repaired)" } else { "" };
        text += &format!("{}: {}{repaired}\n", finding.place, finding.problem);
    }
    if report.omitted > 0 {
        text += &format!("and {} more\n", report.omitted);
    }
    let CheckView { accounts, mailboxes, messages, bodies, .. } = report;
    text += &format!("{accounts} accounts, {mailboxes} mailboxes, {messages} messages, {bodies} bodies: ");
    text + match (report.clean, report.repaired) {
        (true, _) => "all is well",
        (false, true) => "all that was wrong is repaired",
        (false, false) => "there is damage; `restante check --repair` repairs what can be derived",
    }
}

fn certificate(acme: &AcmeStatus) -> Vec<(&'static str, String)> {
    let names = acme.domains.join(", ");
    let next = time::print(acme.next_try);
    let state = match acme.valid_until {
        Some(until) => format!("by ACME for {names}, valid until {}, renewed {next}", time::print(until)),
        None => format!("self-signed until ACME has given one for {names}; next try {next}"),
    };
    let error = acme.error.as_ref().map(|error| ("ACME failed", error.clone()));
    [("certificate", state)].into_iter().chain(error).collect()
}

fn status(status: &Status) -> String {
    let mut all = vec![("version", status.version.clone())];
    if !status.running {
        all.push(("server", "not running".into()));
        return facts(&all);
    }
    let since = status.started.map(|started| format!(" since {}", time::print(started))).unwrap_or_default();
    all.push(("server", format!("running as process {}{since}", status.pid.unwrap_or_default())));
    all.push(("host name", or_dash(status.hostname.clone().unwrap_or_default())));
    let listeners = status.listeners.iter().map(|listener| format!("{} {}", listener.kind, listener.address));
    all.push(("listens on", listeners.collect::<Vec<_>>().join(", ")));
    let (imap, pop3, lmtp) = (status.imap_sessions, status.pop3_sessions, status.lmtp_sessions);
    all.push(("sessions", format!("{imap} IMAP, {pop3} POP3, {lmtp} LMTP")));
    all.push(("locked out", status.lockouts.to_string()));
    if let Some(acme) = &status.acme {
        all.extend(certificate(acme));
    }
    if let Some(store) = &status.store {
        all.push(("accounts", format!("{}, {} mailboxes", store.accounts, store.mailboxes)));
        all.push(("messages", format!("{}, {}", store.messages, size(store.bytes))));
        all.push(("restorable", store.retained.to_string()));
        let (bodies, live) = (size(store.body_bytes), size(store.live_body_bytes));
        all.push((
            "on the disk",
            format!("{bodies} bodies ({live} in use), {} indexes", size(store.index_bytes)),
        ));
    }
    facts(&all)
}

fn sessions(sessions: &[SessionView]) -> String {
    let mut table = table(["ID", "PROTOCOL", "PEER", "TLS", "ACCOUNT", "MAILBOX", "DOES", "SINCE", "CLIENT"]);
    for session in sessions {
        table.add_row([
            session.id.to_string(),
            session.protocol.clone(),
            session.peer.clone(),
            if session.tls { "yes".into() } else { "no".to_owned() },
            or_dash(session.account.clone().unwrap_or_default()),
            or_dash(session.mailbox.clone().unwrap_or_default()),
            session.activity.clone(),
            time::print(session.since),
            or_dash(session.client.clone().unwrap_or_default()),
        ]);
    }
    if sessions.is_empty() { "Nobody is connected.".into() } else { table.to_string() }
}

fn lockouts(lockouts: &[Lockout]) -> String {
    let mut table = table(["LOCKED OUT", "FOR"]);
    for lockout in lockouts {
        table.add_row([lockout.who.clone(), format!("{} s", lockout.seconds)]);
    }
    if lockouts.is_empty() { "Nobody is locked out.".into() } else { table.to_string() }
}

fn delivered(recipients: &[Delivered]) -> String {
    let reply = |one: &Delivered| format!("{}: {} {} {}", one.recipient, one.code, one.enhanced, one.text);
    recipients.iter().map(reply).collect::<Vec<_>>().join("\n")
}

/// Three digits and a unit are enough in a table.
pub fn size(octets: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut tenths = octets.saturating_mul(10);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    if unit == 0 || tenths >= 1000 {
        format!("{} {}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

fn moment(seconds: Option<i64>) -> String {
    seconds.map_or_else(|| "-".into(), time::print)
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(64 << 20), "64.0 MiB");
        assert_eq!(size(200 << 30), "200 GiB");
    }
}
