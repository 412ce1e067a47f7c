//! What operations answer. Programs get it as JSON (`--json`), people as tables.

use serde::{Deserialize, Serialize};

use crate::Failure;

/// The answer of an [`crate::Operation`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    Done {
        message: String,
    },
    Account(Box<AccountView>),
    Accounts {
        accounts: Vec<AccountView>,
    },
    AppPasswords {
        app_passwords: Vec<AppPasswordView>,
    },
    Imported(ImportReport),
    Mailboxes {
        mailboxes: Vec<MailboxView>,
    },
    /// By rising days; the last is today.
    History {
        account: Vec<PointView>,
        mailboxes: Vec<MailboxHistory>,
    },
    Aliases {
        aliases: Vec<AliasView>,
    },
    Groups {
        groups: Vec<GroupView>,
    },
    Retained {
        messages: Vec<RetainedView>,
    },
    Checked(CheckView),
    Status(Box<Status>),
    Activity(Box<ActivityView>),
    Sessions {
        sessions: Vec<SessionView>,
    },
    Lockouts {
        lockouts: Vec<Lockout>,
    },
    /// `None`: the mailbox is missing, and only a look was asked for.
    ImportOpened {
        opened: Option<migrate::Opened>,
    },
    /// One a message, in the order in which they were sent.
    ImportPut {
        puts: Vec<migrate::Put>,
    },
    MailImported(migrate::Report),
    /// One a recipient, in the order asked for.
    Delivered {
        recipients: Vec<Delivered>,
    },
}

impl Outcome {
    pub(crate) fn done(message: impl Into<String>) -> Outcome {
        Outcome::Done { message: message.into() }
    }
}

/// An account without anything secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountView {
    pub id: u32,
    pub name: String,
    pub shard: u16,
    /// The scheme of the stored hash; `None`: no login by password.
    pub password: Option<String>,
    pub app_passwords: Vec<String>,
    pub switches: store::Switches,
    /// Set for this account; 0: the default.
    pub limits: store::Limits,
    /// In force; 0: none.
    pub limits_in_force: store::Limits,
    pub bytes: u64,
    pub messages: u64,
    /// INBOX included.
    #[serde(default)]
    pub mailboxes: u32,
    /// May set limits over IMAP.
    #[serde(default)]
    pub administrator: bool,
    /// Seconds since 1970, as all times here.
    pub created: i64,
    pub last_login: store::LastLogin,
    #[serde(default)]
    pub pop3_policy: store::Pop3Policy,
}

/// An app password without its hash. Moments are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppPasswordView {
    pub label: String,
    /// Empty: every protocol.
    pub protocols: Vec<String>,
    pub expires: Option<i64>,
    pub created: i64,
    pub last_used: Option<i64>,
}

/// What became of the lines of a passwd-file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    pub added: u64,
    pub updated: u64,
    pub refused: Vec<RefusedLine>,
}

impl ImportReport {
    pub fn merge(&mut self, other: ImportReport) {
        self.added += other.added;
        self.updated += other.updated;
        self.refused.extend(other.refused);
    }
}

/// A line of a passwd-file that made no account, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedLine {
    /// From 1.
    pub line: u64,
    pub reason: String,
}

/// A mailbox as LIST and STATUS would tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxView {
    pub id: u64,
    pub name: String,
    pub messages: u32,
    pub unseen: u32,
    pub bytes: u64,
    pub uid_validity: u32,
    pub uid_next: u32,
    pub highest_modseq: u64,
    pub special_use: Option<String>,
    pub subscribed: bool,
}

/// What was held at the end of a day. Between two points nothing changed until the day of the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointView {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    pub bytes: u64,
    pub messages: u64,
}

/// How a mailbox grew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxHistory {
    pub name: String,
    pub points: Vec<PointView>,
}

/// An alias with the names of its accounts, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasView {
    /// An address, or `@domain`.
    pub name: String,
    pub accounts: Vec<String>,
    pub created: i64,
}

/// A group with its members' names, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    pub id: u32,
    pub name: String,
    pub members: Vec<String>,
    pub created: i64,
}

/// An expunged message that can be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetainedView {
    pub id: String,
    pub expunged: i64,
    /// By the name it had then.
    pub mailbox: String,
    pub uid: u32,
    pub size: u64,
    pub internal_date: i64,
}

/// What a check of the store found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckView {
    /// Nothing is wrong, and nothing was.
    pub clean: bool,
    /// Nothing is wrong any more.
    pub repaired: bool,
    pub findings: Vec<FindingView>,
    /// Findings that are not in the list.
    pub omitted: u64,
    pub accounts: u64,
    pub mailboxes: u64,
    pub messages: u64,
    pub bodies: u64,
}

/// One thing that is wrong, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingView {
    /// Which row, message or file.
    pub place: String,
    pub problem: String,
    pub repaired: bool,
}

/// The server and its store. Without a running server only the version is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub running: bool,
    pub pid: Option<u32>,
    pub started: Option<i64>,
    pub hostname: Option<String>,
    pub listeners: Vec<ListenerView>,
    pub imap_sessions: u64,
    pub pop3_sessions: u64,
    pub lmtp_sessions: u64,
    pub lockouts: u64,
    /// Where a certificate is got by ACME.
    #[serde(default)]
    pub acme: Option<AcmeStatus>,
    pub store: Option<StoreStatus>,
}

/// How the certificate by ACME stands. Moments are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcmeStatus {
    pub domains: Vec<String>,
    /// The end of the certificate in use; absent: still the self-signed one of the beginning.
    pub valid_until: Option<i64>,
    /// When the next is asked for.
    pub next_try: i64,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// What the store holds and what it takes on the disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    pub shards: u16,
    pub accounts: u64,
    pub mailboxes: u64,
    pub messages: u64,
    /// Octets of all messages, each copy counted.
    pub bytes: u64,
    /// Expunged messages that can be restored.
    pub retained: u64,
    /// Octets on the disk.
    pub index_bytes: u64,
    pub body_bytes: u64,
    /// Octets of the bodies that some message still needs.
    pub live_body_bytes: u64,
}

impl Status {
    /// When no server answers.
    pub fn not_running() -> Status {
        Status { version: env!("CARGO_PKG_VERSION").into(), ..Status::default() }
    }
}

/// What the server does now. Counts are since its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityView {
    pub time: i64,
    pub started: i64,
    pub hostname: String,
    pub sessions: Vec<SessionCount>,
    pub commands: Vec<CommandView>,
    pub logins_good: u64,
    pub logins_refused: u64,
    /// Recipients of messages.
    pub delivered: u64,
    pub deferred: u64,
    pub refused: u64,
    pub delivered_octets: u64,
    /// Changes that wait for the disk.
    pub write_queue: u64,
    /// Octets; absent where the file system does not tell.
    pub disk_free: Option<u64>,
    pub disk_total: Option<u64>,
}

/// Sessions of a protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCount {
    pub protocol: String,
    pub count: u64,
}

/// A kind of command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandView {
    pub protocol: String,
    pub name: String,
    pub count: u64,
    /// Of all of them together.
    pub microseconds: u64,
}

/// One place where the server listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerView {
    /// `imap`, `imaps`, `pop3`, `pop3s`, `lmtp`
    pub kind: String,
    /// `127.0.0.1:143` or `unix:/path`
    pub address: String,
}

/// A running session; [`common::session::SessionInfo`] says what each field means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    pub id: u64,
    pub protocol: String,
    pub peer: String,
    pub tls: bool,
    pub account: Option<String>,
    pub mailbox: Option<String>,
    pub activity: String,
    pub client: Option<String>,
    pub since: i64,
    pub commands: u64,
}

impl From<common::session::SessionInfo> for SessionView {
    fn from(info: common::session::SessionInfo) -> SessionView {
        SessionView {
            id: info.id,
            protocol: info.protocol.to_owned(),
            peer: info.peer,
            tls: info.tls,
            account: info.account,
            mailbox: info.mailbox,
            activity: info.activity,
            client: info.client,
            since: info.since,
            commands: info.commands,
        }
    }
}

/// Who must wait before logging in again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockout {
    /// An address or an account.
    pub who: String,
    pub seconds: u64,
}

/// What became of a message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    pub recipient: String,
    /// As LMTP would reply (RFC 5321, RFC 3463).
    pub code: u16,
    pub enhanced: String,
    pub text: String,
    /// For the MTA (sysexits.h).
    pub exit_status: u8,
}

/// How far a long operation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub done: u64,
    /// 0: not known.
    pub total: u64,
    pub what: String,
}

/// One line of the answer on the wire: any number of the first, then one of the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Line {
    Progress(Progress),
    Outcome(Outcome),
    Failure(Failure),
}
