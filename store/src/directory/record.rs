//! What the directory keeps of an account.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AccountName, InvalidName, MailboxName};

/// One account as the administrator sees it. Stored as JSON, so that fields can be added.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountRecord {
    pub id: u32,
    pub name: AccountName,
    /// Which shard has its mail.
    pub shard: u16,
    /// `{SCHEME}hash` as in a passwd-file, or PHC strings; verified and made in `common`, opaque here. Never shown.
    pub password: Option<String>,
    /// When an administrator set or took away the password, in seconds since 1970. What a login with the one before began
    /// ends then.
    #[serde(default)]
    pub password_set: Option<i64>,
    /// Passwords for single programs.
    #[serde(default)]
    pub app_passwords: Vec<AppPassword>,
    #[serde(default)]
    pub switches: Switches,
    /// Limits of this account; where 0 or absent the defaults of the configuration hold, and 0 there is unlimited.
    #[serde(default)]
    pub limits: Limits,
    /// May log in to the web page, and set limits (RFC 9208 section 4.1.3) over IMAP, for every account.
    #[serde(default)]
    pub administrator: bool,
    /// Seconds since 1970.
    pub created: i64,
    #[serde(default)]
    pub last_login: LastLogin,
    #[serde(default)]
    pub pop3_policy: Pop3Policy,
}

/// Without the hashes: records are logged.
impl fmt::Debug for AccountRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountRecord")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("shard", &self.shard)
            .field("password", &self.password.as_ref().map(|_| "..."))
            .field("app_passwords", &self.app_passwords)
            .field("switches", &self.switches)
            .field("limits", &self.limits)
            .field("administrator", &self.administrator)
            .field("created", &self.created)
            .field("last_login", &self.last_login)
            .field("pop3_policy", &self.pop3_policy)
            .finish()
    }
}

/// A password for one program of the account's owner. Moments are seconds since 1970.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppPassword {
    pub label: String,
    /// `{SCHEME}hash` or PHC.
    pub password: String,
    /// Empty: every mail protocol. Else of `imap`, `pop3`, `smtp`, `api`.
    pub protocols: Vec<String>,
    /// `None`: never.
    pub expires: Option<i64>,
    pub created: i64,
    pub last_used: Option<i64>,
}

/// Without the hash: records are logged.
impl fmt::Debug for AppPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppPassword")
            .field("label", &self.label)
            .field("protocols", &self.protocols)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// What the account may do. All true at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    pub imap: bool,
    pub pop3: bool,
    /// Submission: the MTA asks whether the password is right.
    pub smtp: bool,
    pub delivery: bool,
    /// "Account access disabled": false stops IMAP, POP3 and submission, mail still arrives, the password stays.
    pub login: bool,
}

impl Default for Switches {
    fn default() -> Switches {
        Switches { imap: true, pop3: true, smtp: true, delivery: true, login: true }
    }
}

/// What POP3 does with this account's mail. `None`: as the site has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pop3Policy {
    pub delete: Option<Pop3Delete>,
    /// RETR marks messages as read.
    pub retr_sets_seen: Option<bool>,
}

/// What becomes of a message that was deleted over POP3, as text `expunge` or `keep in NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pop3Delete {
    Expunge,
    /// It is moved there, so that it is found on the day of the first login by IMAP. Made when it is missing.
    KeepIn(MailboxName),
}

impl fmt::Display for Pop3Delete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pop3Delete::Expunge => f.write_str("expunge"),
            Pop3Delete::KeepIn(name) => write!(f, "keep in {name}"),
        }
    }
}

impl std::str::FromStr for Pop3Delete {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Pop3Delete, InvalidName> {
        if text == "expunge" {
            return Ok(Pop3Delete::Expunge);
        }
        let name = text.strip_prefix("keep in ").ok_or_else(|| {
            InvalidName(format!("{text:?} is neither \"expunge\" nor \"keep in\" and the name of a mailbox"))
        })?;
        let name = MailboxName::new(name)?;
        match name.is_inbox() {
            true => Err(InvalidName("mail cannot be kept in INBOX: POP3 would show it again".to_owned())),
            false => Ok(Pop3Delete::KeepIn(name)),
        }
    }
}

impl TryFrom<String> for Pop3Delete {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Pop3Delete, InvalidName> {
        text.parse()
    }
}

impl From<Pop3Delete> for String {
    fn from(delete: Pop3Delete) -> String {
        delete.to_string()
    }
}

/// Bytes, messages and mailboxes of the whole account. 0 means the next default, and in the last one unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    pub bytes: u64,
    pub messages: u64,
    /// INBOX counts too.
    pub mailboxes: u64,
}

impl Limits {
    /// These limits, and the default's where there are none.
    #[must_use]
    pub fn or(self, default: Limits) -> Limits {
        let or = |own, default| if own == 0 { default } else { own };
        Limits {
            bytes: or(self.bytes, default.bytes),
            messages: or(self.messages, default.messages),
            mailboxes: or(self.mailboxes, default.mailboxes),
        }
    }
}

/// Seconds since 1970 of the last good login by each protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastLogin {
    pub imap: Option<i64>,
    pub pop3: Option<i64>,
}

impl LastLogin {
    /// The later of both for each protocol.
    #[must_use]
    pub(super) fn latest(self, other: LastLogin) -> LastLogin {
        LastLogin { imap: self.imap.max(other.imap), pop3: self.pop3.max(other.pop3) }
    }
}
