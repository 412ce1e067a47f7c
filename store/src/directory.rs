//! The directory of accounts: names, credentials, switches, limits. Its own small redb file beside the shards.

use serde::{Deserialize, Serialize};

use crate::*;

/// The directory. Calls block and are durable when they return.
#[derive(Clone)]
pub struct Directory {}

/// One account as the administrator sees it. Stored as JSON, so that fields can be added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountRecord {
    pub id: u32,
    pub name: AccountName,
    /// Which shard has its mail.
    pub shard: u16,
    /// `{SCHEME}hash` as in a passwd-file, or PHC strings; verified and made in `common`, opaque here. Never shown.
    pub password: Option<String>,
    /// Passwords for single programs.
    #[serde(default)]
    pub app_passwords: Vec<AppPassword>,
    #[serde(default)]
    pub switches: Switches,
    /// Limits of this account; where 0 or absent the defaults of the configuration hold, and 0 there is unlimited.
    #[serde(default)]
    pub limits: Limits,
    /// Seconds since 1970.
    pub created: i64,
    #[serde(default)]
    pub last_login: LastLogin,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppPassword {
    pub label: String,
    pub password: String,
    /// Empty: every protocol. Else of `imap`, `pop3`.
    pub protocols: Vec<String>,
    pub expires: Option<i64>,
    pub created: i64,
    pub last_used: Option<i64>,
}

/// What the account may do. All true at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    pub imap: bool,
    pub pop3: bool,
    pub delivery: bool,
    /// "Account access disabled": false stops IMAP and POP3, mail still arrives, the password stays.
    pub login: bool,
}

impl Default for Switches {
    fn default() -> Switches {
        Switches { imap: true, pop3: true, delivery: true, login: true }
    }
}

/// Bytes and messages of the whole account. 0 means the next default, and in the last one unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    pub bytes: u64,
    pub messages: u64,
}

/// Seconds since 1970 of the last good login by each protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastLogin {
    pub imap: Option<i64>,
    pub pop3: Option<i64>,
}

impl Directory {
    pub fn find(&self, name: &AccountName) -> Result<Option<AccountRecord>> {
        let _ = name;
        unimplemented!()
    }
    /// Sorted by name, from `after` on, at most `limit`.
    pub fn list(&self, after: Option<&AccountName>, limit: usize) -> Result<Vec<AccountRecord>> {
        let _ = (after, limit);
        unimplemented!()
    }
    /// Makes accounts, all in one transaction; INBOX comes with the account. Names that exist are told, the others made.
    pub fn add(&self, accounts: Vec<(AccountName, Option<String>)>) -> Result<Vec<Result<AccountRecord>>> {
        let _ = accounts;
        unimplemented!()
    }
    /// Changes a record under the directory's lock. Id and name stay what they are.
    pub fn update(
        &self,
        name: &AccountName,
        change: &mut dyn FnMut(&mut AccountRecord),
    ) -> Result<AccountRecord> {
        let _ = (name, change);
        unimplemented!()
    }
    pub fn rename(&self, from: &AccountName, to: &AccountName) -> Result<AccountRecord> {
        let _ = (from, to);
        unimplemented!()
    }
    /// Deletes the account and its mail. Sessions that have it open get errors.
    pub fn delete(&self, name: &AccountName) -> Result<()> {
        let _ = name;
        unimplemented!()
    }
    /// Notes a login; written without waiting for the disk.
    pub fn record_login(&self, name: &AccountName, pop3: bool) {
        let _ = (name, pop3);
        unimplemented!()
    }
}
