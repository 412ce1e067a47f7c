//! Every administrative operation as a value, and the one way to run it.

mod account;
mod activity;
mod alias;
mod app_password;
mod check;
mod group;
mod history;
mod import;
mod index;
mod mailbox;
mod retained;
mod session;
mod status;

use std::fmt;
use std::path::PathBuf;

use common::auth::Authenticator;
use common::session::Sessions;
use common::tls::Renewal;
use serde::{Deserialize, Serialize};
use store::{AccountName, AliasName, GroupName, Store};

use crate::audit::{self, Who};
use crate::outcome::{ListenerView, Outcome, Progress};
use crate::{Failure, Kind};

/// What an administrator can ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub enum Operation {
    AccountAdd {
        account: AccountName,
        password: Option<PasswordHash>,
        changes: AccountChanges,
    },
    /// At most `limit`, by name from after `after` on.
    AccountList {
        after: Option<AccountName>,
        limit: usize,
    },
    AccountShow {
        account: AccountName,
    },
    AccountSet {
        account: AccountName,
        changes: AccountChanges,
    },
    /// `None` takes the password away.
    AccountPassword {
        account: AccountName,
        password: Option<PasswordHash>,
    },
    AccountDelete {
        account: AccountName,
    },
    AccountRename {
        from: AccountName,
        to: AccountName,
    },
    /// Lines of a passwd-file. With `update` accounts that exist get the password of their line.
    AccountImport {
        lines: Vec<ImportLine>,
        dry_run: bool,
        update: bool,
    },
    /// A mailbox to put messages of another server into; the messages go another way.
    ImportOpen {
        account: AccountName,
        opening: migrate::Opening,
    },
    AppPasswordAdd {
        account: AccountName,
        label: String,
        password: PasswordHash,
        /// Empty: every protocol.
        protocols: Vec<String>,
        expires: Option<i64>,
    },
    AppPasswordList {
        account: AccountName,
    },
    AppPasswordRemove {
        account: AccountName,
        label: String,
    },
    MailboxList {
        account: AccountName,
    },
    /// What the account and its mailboxes held on past days.
    History {
        account: AccountName,
    },
    MailboxCreate {
        account: AccountName,
        mailbox: String,
        special_use: Option<String>,
    },
    MailboxRename {
        account: AccountName,
        from: String,
        to: String,
    },
    MailboxDelete {
        account: AccountName,
        mailbox: String,
    },
    MailboxSubscribe {
        account: AccountName,
        mailbox: String,
        subscribed: bool,
    },
    /// Makes it, or adds accounts to it.
    AliasAdd {
        alias: AliasName,
        accounts: Vec<AccountName>,
    },
    /// No accounts: all of it.
    AliasRemove {
        alias: AliasName,
        accounts: Vec<AccountName>,
    },
    /// `None`: all.
    AliasList {
        alias: Option<AliasName>,
    },
    GroupCreate {
        group: GroupName,
    },
    GroupDelete {
        group: GroupName,
    },
    GroupAdd {
        group: GroupName,
        accounts: Vec<AccountName>,
    },
    GroupRemove {
        group: GroupName,
        accounts: Vec<AccountName>,
    },
    /// `None`: all.
    GroupList {
        group: Option<GroupName>,
    },
    /// Expunged messages that can still be restored.
    RetainedList {
        account: AccountName,
    },
    /// Puts them back; no ids: all of them.
    RetainedRestore {
        account: AccountName,
        ids: Vec<String>,
        mailbox: String,
    },
    /// Lets go for ever what was expunged at least so long ago.
    RetainedPurge {
        seconds: u64,
    },
    /// Verifies every invariant of the store.
    Check {
        repair: bool,
    },
    /// Gives the room of what is gone back to the disk.
    Compact,
    /// Makes the search index anew, of one account's mail or of all.
    IndexRebuild {
        account: Option<AccountName>,
    },
    Status,
    /// What the server does now: small enough to be asked for every second.
    Activity,
    Sessions,
    Kick {
        session: u64,
    },
    KickAccount {
        account: AccountName,
    },
    Lockouts,
    Unlock {
        who: String,
    },
}

/// What to change of an account; `None` leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountChanges {
    /// 0: the default of the configuration.
    pub bytes: Option<u64>,
    pub messages: Option<u64>,
    pub mailboxes: Option<u64>,
    /// May set limits over IMAP.
    pub administrator: Option<bool>,
    pub imap: Option<bool>,
    pub pop3: Option<bool>,
    pub smtp: Option<bool>,
    pub delivery: Option<bool>,
    pub login: Option<bool>,
    pub pop3_delete: Option<Setting<store::Pop3Delete>>,
    pub pop3_retr_sets_seen: Option<Setting<bool>>,
}

/// A setting that an account may leave to the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setting<T> {
    Default,
    Own(T),
}

impl<T: Clone> Setting<T> {
    pub(crate) fn own(&self) -> Option<T> {
        match self {
            Setting::Default => None,
            Setting::Own(value) => Some(value.clone()),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Default => f.write_str("default"),
            Setting::Own(value) => value.fmt(f),
        }
    }
}

/// A password's hash; never shown, not even by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// A line of a passwd-file with its number in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportLine {
    /// From 1.
    pub number: u64,
    pub text: String,
}

impl fmt::Debug for ImportLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportLine({}, ..)", self.number)
    }
}

/// What only a running server has.
#[derive(Clone)]
pub struct Running {
    pub hostname: String,
    pub sessions: Sessions,
    pub authenticator: Authenticator,
    pub listeners: Vec<ListenerView>,
    /// The data directory.
    pub data: PathBuf,
    /// Seconds since 1970.
    pub started: i64,
    /// Where a certificate is got by ACME.
    pub acme: Option<Renewal>,
}

/// What an operation works on.
pub struct Context<'a> {
    pub store: &'a Store,
    /// `None`: the command line opened the store itself.
    pub running: Option<&'a Running>,
    pub who: Who,
    /// Told now and then by long operations.
    pub progress: &'a dyn Fn(Progress),
}

impl Context<'_> {
    pub(crate) fn running(&self, what: &str) -> Result<&Running, Failure> {
        self.running.ok_or_else(|| Failure::not_running(what))
    }

    /// Ends the account's sessions, if there can be any.
    pub(crate) fn kick_account(&self, account: &AccountName) -> usize {
        self.running.map_or(0, |running| running.sessions.kick_account(account.as_str()))
    }
}

impl Operation {
    /// Does it and logs it. Blocks.
    pub fn run(&self, context: &Context<'_>) -> Result<Outcome, Failure> {
        let result = self.dispatch(context);
        audit::log(self, &context.who, &result);
        result
    }

    /// Whether it asks for what only a running server has.
    pub fn needs_server(&self) -> bool {
        use Operation as O;
        matches!(
            self,
            O::Activity
                | O::Sessions
                | O::Kick { .. }
                | O::KickAccount { .. }
                | O::Lockouts
                | O::Unlock { .. }
        )
    }

    fn dispatch(&self, context: &Context<'_>) -> Result<Outcome, Failure> {
        use Operation as O;
        match self {
            O::AccountAdd { account, password, changes } => account::add(context, account, password, changes),
            O::AccountList { after, limit } => account::list(context, after.as_ref(), *limit),
            O::AccountShow { account } => account::show(context, account),
            O::AccountSet { account, changes } => account::set(context, account, changes),
            O::AccountPassword { account, password } => {
                account::password(context, account, password.as_ref())
            }
            O::AccountDelete { account } => account::delete(context, account),
            O::AccountRename { from, to } => account::rename(context, from, to),
            O::AccountImport { lines, dry_run, update } => import::run(context, lines, *dry_run, *update),
            O::ImportOpen { account, opening } => {
                let opened = migrate::receive::open(context.store, account, opening)?;
                Ok(Outcome::ImportOpened { opened })
            }
            O::AppPasswordAdd { account, label, password, protocols, expires } => {
                let added = app_password::New { label, password, protocols, expires: *expires };
                app_password::add(context, account, &added)
            }
            O::AppPasswordList { account } => app_password::list(context, account),
            O::AppPasswordRemove { account, label } => app_password::remove(context, account, label),
            O::History { account } => history::show(context, account),
            O::MailboxList { account } => mailbox::list(context, account),
            O::MailboxCreate { account, mailbox, special_use } => {
                mailbox::create(context, account, mailbox, special_use.as_deref())
            }
            O::MailboxRename { account, from, to } => mailbox::rename(context, account, from, to),
            O::MailboxDelete { account, mailbox } => mailbox::delete(context, account, mailbox),
            O::MailboxSubscribe { account, mailbox, subscribed } => {
                mailbox::subscribe(context, account, mailbox, *subscribed)
            }
            O::AliasAdd { alias, accounts } => alias::add(context, alias, accounts),
            O::AliasRemove { alias, accounts } => alias::remove(context, alias, accounts),
            O::AliasList { alias } => alias::list(context, alias.as_ref()),
            O::GroupCreate { group } => group::create(context, group),
            O::GroupDelete { group } => group::delete(context, group),
            O::GroupAdd { group, accounts } => group::add(context, group, accounts),
            O::GroupRemove { group, accounts } => group::remove(context, group, accounts),
            O::GroupList { group } => group::list(context, group.as_ref()),
            O::RetainedList { account } => retained::list(context, account),
            O::RetainedRestore { account, ids, mailbox } => retained::restore(context, account, ids, mailbox),
            O::RetainedPurge { seconds } => retained::purge(context, *seconds),
            O::Check { repair } => check::run(context, *repair),
            O::Compact => check::compact(context),
            O::IndexRebuild { account } => index::rebuild(context, account.as_ref()),
            O::Status => status::run(context),
            O::Activity => activity::show(context),
            O::Sessions => session::list(context),
            O::Kick { session } => session::kick(context, *session),
            O::KickAccount { account } => session::kick_account(context, account),
            O::Lockouts => session::lockouts(context),
            O::Unlock { who } => session::unlock(context, who),
        }
    }

    /// What it changes, for the log. `None`: nothing.
    pub(crate) fn describe_change(&self) -> Option<String> {
        use Operation as O;
        Some(match self {
            O::AccountAdd { account, .. } => format!("account {account} added"),
            O::AccountSet { account, changes } => format!("account {account} set: {changes}"),
            O::AccountPassword { account, password: Some(_) } => format!("password of {account} changed"),
            O::AccountPassword { account, password: None } => format!("password of {account} taken away"),
            O::AccountDelete { account } => format!("account {account} deleted"),
            O::AccountRename { from, to } => format!("account {from} renamed to {to}"),
            O::AccountImport { dry_run: true, .. } => return None,
            O::AccountImport { lines, .. } => format!("{} lines of accounts imported", lines.len()),
            O::AppPasswordAdd { account, label, .. } => format!("app password {label:?} of {account} added"),
            O::AppPasswordRemove { account, label } => format!("app password {label:?} of {account} removed"),
            O::MailboxCreate { account, mailbox, .. } => format!("mailbox {mailbox:?} of {account} created"),
            O::MailboxRename { account, from, to } => {
                format!("mailbox {from:?} of {account} renamed to {to:?}")
            }
            O::MailboxDelete { account, mailbox } => format!("mailbox {mailbox:?} of {account} deleted"),
            O::MailboxSubscribe { account, mailbox, subscribed: true } => {
                format!("{account} subscribed to {mailbox:?}")
            }
            O::MailboxSubscribe { account, mailbox, subscribed: false } => {
                format!("{account} unsubscribed from {mailbox:?}")
            }
            O::ImportOpen { opening, .. } if opening.look => return None,
            O::ImportOpen { account, opening } => {
                format!("mail from another server for {:?} of {account}", opening.mailbox)
            }
            O::AliasAdd { alias, accounts } => format!("alias {alias} leads to {}", names(accounts)),
            O::AliasRemove { alias, accounts } if accounts.is_empty() => format!("alias {alias} removed"),
            O::AliasRemove { alias, accounts } => format!("{} removed from alias {alias}", names(accounts)),
            O::GroupCreate { group } => format!("group {group} created"),
            O::GroupDelete { group } => format!("group {group} deleted"),
            O::GroupAdd { group, accounts } => format!("{} added to group {group}", names(accounts)),
            O::GroupRemove { group, accounts } => format!("{} removed from group {group}", names(accounts)),
            O::RetainedRestore { account, mailbox, .. } => {
                format!("messages of {account} restored to {mailbox:?}")
            }
            O::RetainedPurge { seconds } => format!("messages expunged {seconds} s ago and earlier let go"),
            O::Check { repair: true } => "store checked and repaired".into(),
            O::Compact => "store compacted".into(),
            O::IndexRebuild { account: Some(account) } => format!("search index of {account} made anew"),
            O::IndexRebuild { account: None } => "search index made anew".into(),
            O::Kick { session } => format!("session {session} ended"),
            O::KickAccount { account } => format!("sessions of {account} ended"),
            O::Unlock { who } => format!("lockout of {who} undone"),
            O::AccountList { .. }
            | O::AccountShow { .. }
            | O::AppPasswordList { .. }
            | O::MailboxList { .. }
            | O::History { .. }
            | O::AliasList { .. }
            | O::GroupList { .. }
            | O::RetainedList { .. }
            | O::Check { repair: false }
            | O::Status
            | O::Activity
            | O::Sessions
            | O::Lockouts => return None,
        })
    }
}

impl AccountChanges {
    pub fn is_empty(&self) -> bool {
        *self == AccountChanges::default()
    }
}

/// `bytes=1000 imap=false`
impl fmt::Display for AccountChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |name: &str, value: Option<u64>| value.map(|value| format!("{name}={value}"));
        let switch = |name: &str, value: Option<bool>| value.map(|value| format!("{name}={value}"));
        let parts = [
            number("bytes", self.bytes),
            number("messages", self.messages),
            number("mailboxes", self.mailboxes),
            switch("administrator", self.administrator),
            switch("imap", self.imap),
            switch("pop3", self.pop3),
            switch("smtp", self.smtp),
            switch("delivery", self.delivery),
            switch("login", self.login),
            self.pop3_delete.as_ref().map(|delete| format!("pop3_delete={:?}", delete.to_string())),
            self.pop3_retr_sets_seen.as_ref().map(|seen| format!("pop3_retr_sets_seen={seen}")),
        ];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}

fn names(accounts: &[AccountName]) -> String {
    accounts.iter().map(AccountName::as_str).collect::<Vec<_>>().join(", ")
}

fn no_account(account: &AccountName) -> Failure {
    Failure::from(store::Error::NoSuchAccount(account.to_string()))
}

/// A hash from outside must be one that a login can be checked against.
fn acceptable(password: &PasswordHash) -> Result<(), Failure> {
    common::password::acceptable(&password.0).map_err(|reason| {
        Failure::new(
            Kind::Invalid,
            format!("the password's hash cannot be used: {reason}"),
            "Set the password anew.",
        )
    })
}
