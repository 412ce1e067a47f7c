//! Aliases: addresses that are no accounts, and the accounts that get their mail.
//!
//! Rules:
//! - An alias leads to accounts and never to another alias, so there are no loops.
//! - No address is both an account and an alias: whoever makes the second is refused.
//! - Accounts stand in it by their ids, so it survives their renaming. An account that is deleted leaves its aliases, and
//!   an alias without accounts is deleted with the last.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::{Directory, logins, rows};
use crate::engine::{KeyRange, Read, Table, Write};
use crate::*;

/// Accounts of one alias: each costs a look-up and a copy at every message.
const ACCOUNTS_MAX: usize = 1000;

/// One alias as the administrator sees it. Stored as JSON, so that fields can be added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasRecord {
    pub name: AliasName,
    /// Ids of accounts; never empty in the directory.
    pub accounts: BTreeSet<u32>,
    /// Seconds since 1970.
    pub created: i64,
}

impl Directory {
    /// `None`: there is no such alias.
    pub fn alias(&self, name: &AliasName) -> Result<Option<AliasRecord>> {
        read(&*self.0.engine()?.read()?, name)
    }

    /// Every alias, sorted by name.
    pub fn aliases(&self) -> Result<Vec<AliasRecord>> {
        list(&*self.0.engine()?.read()?)
    }

    /// Those that lead to the account.
    pub fn aliases_of(&self, account: AccountId) -> Result<Vec<AliasRecord>> {
        let mut aliases = self.aliases()?;
        aliases.retain(|alias| alias.accounts.contains(&account.0));
        Ok(aliases)
    }

    /// Makes the alias or adds accounts to it: all of them or, if one does not exist, none.
    pub fn add_alias(&self, name: &AliasName, accounts: &[AccountName]) -> Result<AliasRecord> {
        let _changing = self.0.accounts();
        let record = self.0.transaction(&mut |writer| {
            refuse_shadow(writer, name)?;
            let mut record = read(writer, name)?.unwrap_or_else(|| AliasRecord {
                name: name.clone(),
                accounts: BTreeSet::new(),
                created: logins::now(),
            });
            for account in accounts {
                record.accounts.insert(target(writer, account)?.0);
            }
            if record.accounts.is_empty() {
                return Err(Error::InvalidName(format!("alias {name} needs an account that gets its mail")));
            }
            if record.accounts.len() > ACCOUNTS_MAX {
                return Err(Error::Limit(format!("an alias leads to at most {ACCOUNTS_MAX} accounts")));
            }
            put(writer, &record)?;
            Ok(record)
        })?;
        self.0.domains.forget();
        Ok(record)
    }

    /// Takes accounts out of the alias, or, without any, the alias away; the answer has those that are left. `None`: there
    /// is no such alias.
    pub fn remove_alias(&self, name: &AliasName, accounts: &[AccountName]) -> Result<Option<AliasRecord>> {
        let _changing = self.0.accounts();
        let left = self.0.transaction(&mut |writer| {
            let Some(mut record) = read(writer, name)? else { return Ok(None) };
            for account in accounts {
                record.accounts.remove(&target(writer, account)?.0);
            }
            if accounts.is_empty() {
                record.accounts.clear();
            }
            put_or_delete(writer, &record)?;
            Ok(Some(record))
        })?;
        self.0.domains.forget();
        Ok(left)
    }
}

/// Whether an alias has this name, which a new account wants.
pub(super) fn refuse_account(reader: &(impl Read + ?Sized), name: &AccountName) -> Result<()> {
    if reader.get(Table::Alias, name.as_str().as_bytes())?.is_none() {
        return Ok(());
    }
    Err(Error::InvalidName(format!(
        "{name} is an alias, and no account can have its name; `restante alias remove {name}` removes it"
    )))
}

/// An account that is deleted leaves its aliases.
pub(super) fn forget_account(writer: &mut dyn Write, account: AccountId) -> Result<()> {
    for mut record in list(writer)? {
        if record.accounts.remove(&account.0) {
            put_or_delete(writer, &record)?;
        }
    }
    Ok(())
}

/// A row of alias.
pub(super) fn decode(name: &[u8], json: &[u8]) -> Result<AliasRecord> {
    let shown = String::from_utf8_lossy(name).escape_debug().to_string();
    let record: AliasRecord = serde_json::from_slice(json)
        .map_err(|error| rows::damaged(&format!("the record of alias {shown} cannot be read: {error}")))?;
    if record.name.as_str().as_bytes() != name {
        return Err(rows::damaged(&format!(
            "the record of alias {shown} says that it is of {}",
            record.name
        )));
    }
    Ok(record)
}

/// An alias without accounts is none.
pub(super) fn put_or_delete(writer: &mut dyn Write, record: &AliasRecord) -> Result<()> {
    match record.accounts.is_empty() {
        true => writer.delete(Table::Alias, record.name.as_str().as_bytes()),
        false => put(writer, record),
    }
}

fn put(writer: &mut dyn Write, record: &AliasRecord) -> Result<()> {
    let json = serde_json::to_vec(record).map_err(|error| {
        rows::damaged(&format!("the record of alias {} cannot be written: {error}", record.name))
    })?;
    writer.put(Table::Alias, record.name.as_str().as_bytes(), &json)
}

fn read(reader: &(impl Read + ?Sized), name: &AliasName) -> Result<Option<AliasRecord>> {
    let key = name.as_str().as_bytes();
    reader.get(Table::Alias, key)?.map(|json| decode(key, &json)).transpose()
}

/// One that cannot be read is told in the log and left out: the others must not suffer.
fn list(reader: &(impl Read + ?Sized)) -> Result<Vec<AliasRecord>> {
    let mut aliases = Vec::new();
    reader.scan(Table::Alias, KeyRange::all(), &mut |name, json| {
        match decode(name, json) {
            Ok(alias) => aliases.push(alias),
            Err(error) => tracing::error!(%error, "an alias is not usable"),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(aliases)
}

/// Mail that an account gets must not go elsewhere, also where the account's name has no domain.
fn refuse_shadow(reader: &(impl Read + ?Sized), name: &AliasName) -> Result<()> {
    let Ok(account) = AccountName::new(name.as_str()) else { return Ok(()) };
    if rows::id_of(reader, &account)?.is_some() {
        return Err(Error::AccountExists(account.to_string()));
    }
    let local = account.as_str().split_once('@').and_then(|(local, _)| AccountName::new(local).ok());
    match local {
        Some(local) if rows::id_of(reader, &local)?.is_some() => Err(Error::InvalidName(format!(
            "mail to {name} goes to the account {local}, whose name has no domain, so it cannot be an alias"
        ))),
        _ => Ok(()),
    }
}

fn target(reader: &(impl Read + ?Sized), account: &AccountName) -> Result<AccountId> {
    if let Some(id) = rows::id_of(reader, account)? {
        return Ok(id);
    }
    match reader.get(Table::Alias, account.as_str().as_bytes())? {
        Some(_) => Err(Error::InvalidName(format!(
            "{account} is an alias itself, and aliases lead to accounts: name the accounts it leads to"
        ))),
        None => Err(Error::NoSuchAccount(account.to_string())),
    }
}
