//! What accounts and their mailboxes take, largest mailbox first.

use admin::{AccountView, MailboxView};
use serde::Serialize;

use super::{clean, line, size, table};
use crate::bars::{Style, share};

/// An account with its mailboxes, the largest first.
#[derive(Debug, Serialize)]
pub struct AccountUsage {
    pub account: String,
    pub bytes: u64,
    pub messages: u64,
    /// In force; 0: none.
    pub limits: store::Limits,
    pub mailboxes: Vec<MailboxUsage>,
}

#[derive(Debug, Serialize)]
pub struct MailboxUsage {
    pub name: String,
    pub bytes: u64,
    pub messages: u32,
}

impl AccountUsage {
    pub fn new(account: AccountView, mailboxes: Vec<MailboxView>) -> AccountUsage {
        let mut mailboxes: Vec<MailboxUsage> = mailboxes
            .into_iter()
            .map(|MailboxView { name, bytes, messages, .. }| MailboxUsage { name, bytes, messages })
            .collect();
        mailboxes.sort_by(|one, two| two.bytes.cmp(&one.bytes).then_with(|| one.name.cmp(&two.name)));
        AccountUsage {
            account: account.name,
            bytes: account.bytes,
            messages: account.messages,
            limits: account.limits_in_force,
            mailboxes,
        }
    }
}

/// A table, or `{"outcome": "usage", "accounts": [...]}`.
pub fn print(accounts: &[AccountUsage], json: bool) -> anyhow::Result<()> {
    if json {
        return line(&serde_json::json!({ "outcome": "usage", "accounts": accounts }).to_string());
    }
    line(&clean(&human(accounts, Style::of_output())))
}

/// Bars of accounts are against their limit, those of mailboxes against what their account takes.
fn human(accounts: &[AccountUsage], style: Style) -> String {
    if accounts.is_empty() {
        return "There is no account; make one with `restante account add NAME`.".into();
    }
    let mut table = table(["ACCOUNT / MAILBOX", "MESSAGES", "SIZE", "SHARE"]);
    for account in accounts {
        let limit = account.limits.bytes;
        table.add_row([
            account.account.clone(),
            account.messages.to_string(),
            size(account.bytes),
            of_limit(style, account.bytes, limit),
        ]);
        for mailbox in &account.mailboxes {
            table.add_row([
                format!("  {}", mailbox.name),
                mailbox.messages.to_string(),
                size(mailbox.bytes),
                share(style, mailbox.bytes, account.bytes),
            ]);
        }
    }
    table.to_string()
}

/// `############....  75 % of 2.0 GiB`
pub(super) fn of_limit(style: Style, bytes: u64, limit: u64) -> String {
    match limit {
        0 => "no limit".into(),
        _ => format!("{} of {}", share(style, bytes, limit), size(limit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(limit: u64) -> AccountUsage {
        let mailbox = |name: &str, bytes| MailboxUsage { name: name.into(), bytes, messages: 1 };
        AccountUsage {
            account: "alice".into(),
            bytes: 4096,
            messages: 2,
            limits: store::Limits { bytes: limit, ..store::Limits::default() },
            mailboxes: vec![mailbox("Archive", 3072), mailbox("INBOX", 1024)],
        }
    }

    #[test]
    fn bars_are_against_the_limit_and_against_the_account() {
        let text = human(&[usage(8192)], Style::Ascii);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert!(
            lines[1].starts_with("alice") && lines[1].ends_with("########........  50 % of 8.0 KiB"),
            "{text}"
        );
        assert!(lines[2].starts_with("  Archive") && lines[2].ends_with("############....  75 %"), "{text}");
        assert!(lines[3].ends_with("####............  25 %"), "{text}");
        assert!(human(&[usage(0)], Style::Ascii).contains("no limit"));
        assert!(human(&[], Style::Ascii).contains("restante account add"));
    }
}
